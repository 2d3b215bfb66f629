"""Which candidate row belongs to which target and pair of the universe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.routing.frames import Bools, Index, plain

_KEY = ["target", "symbol"]


@dataclass(frozen=True)
class Alignment:
    """Targets, pairs (in order of target, symbol), the first row of each (-1 where there is none), and how
    many rows it has.

    `pair_target` and `pair_symbol` are positions in `targets` and `symbols`. `owner` gives for every
    candidate row the position of its target or pair, -1 for a row without a target.
    """

    targets: list[str]
    symbols: list[str]
    pairs: pd.MultiIndex
    cs_rows: Index
    cs_counts: Index
    pair_target: Index
    pair_symbol: Index
    pair_rows: Index
    pair_counts: Index
    is_pooled: Bools
    owner: Index


def align(candidates: pd.DataFrame, universe: Mapping[str, Sequence[str]] | None) -> Alignment:
    """Align typed, sorted candidates to all targets and pairs of the candidates and the universe."""
    world = {target: list(symbols) for target, symbols in (universe or {}).items()}
    # A row per (target, symbol) of the universe; a target without symbols becomes NaN and falls out.
    listed = pd.Series(world, dtype=object).explode().dropna()
    targets = sorted({*candidates["target"].cat.categories, *world})
    symbols = sorted({*candidates["symbol"].cat.categories, *listed.unique()})
    # Both on the same categories, so that the codes of candidates and universe can be compared.
    rows, wanted = (
        pd.DataFrame(
            {
                "target": pd.Categorical(target, categories=plain(targets)),
                "symbol": pd.Categorical(symbol, categories=plain(symbols)),
            }
        )
        for target, symbol in ((candidates["target"], candidates["symbol"]), (listed.index, listed))
    )
    keys = pd.concat([rows.dropna(), wanted]).drop_duplicates().sort_values(_KEY)
    pairs = pd.MultiIndex.from_frame(keys)
    is_pooled = rows["symbol"].isna().to_numpy()
    # A row without a target has code -1 and so belongs to none.
    cs_owner = np.where(is_pooled, rows["target"].cat.codes, -1).astype(np.int64)
    # -1 for pooled rows too, as no pair has a null symbol.
    pair_owner = pairs.get_indexer(pd.MultiIndex.from_frame(rows))
    cs_rows, cs_counts = _first_rows(cs_owner, len(targets))
    pair_rows, pair_counts = _first_rows(pair_owner, len(pairs))
    return Alignment(
        targets=targets,
        symbols=symbols,
        pairs=pairs,
        cs_rows=cs_rows,
        cs_counts=cs_counts,
        # The levels of the index are the categories, so its codes are positions in `targets` and `symbols`.
        pair_target=np.asarray(pairs.codes[0], dtype=np.int64),
        pair_symbol=np.asarray(pairs.codes[1], dtype=np.int64),
        pair_rows=pair_rows,
        pair_counts=pair_counts,
        is_pooled=is_pooled,
        owner=np.where(is_pooled, cs_owner, pair_owner),
    )


def owners_of(flagged: Bools, owner: Index, n: int) -> Bools:
    """Which of `n` owners have at least one flagged row."""
    return np.bincount(owner[flagged & (owner >= 0)], minlength=n) > 0


def _first_rows(owner: Index, n: int) -> tuple[Index, Index]:
    """The first row of each of `n` owners, -1 without one, and how many rows it has."""
    owned = np.flatnonzero(owner >= 0)
    rows = np.full(n, -1, dtype=np.int64)
    # Backwards, so that of an owner's rows the first is written last and stays.
    rows[owner[owned[::-1]]] = owned[::-1]
    return rows, np.bincount(owner[owned], minlength=n)
