"""What an import gives: a candidates table, and what its reader should know about it."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Imported:
    """`candidates` has the columns of CANDIDATE_COLUMNS; `notes` say what was inferred or is missing."""

    candidates: pd.DataFrame
    notes: tuple[str, ...]
