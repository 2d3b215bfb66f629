"""What every family's fitted model can do."""

from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from foxml_assets.core.vocabulary import ModelFamily

Matrix = pd.DataFrame | np.ndarray[tuple[int, ...], np.dtype[np.generic]]
Vector = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class FittedModel(Protocol):
    """A trained model. It is immutable, and safe to use from several threads."""

    @property
    def family(self) -> ModelFamily: ...

    @property
    def features(self) -> tuple[str, ...]:
        """The columns the model was fitted on, in order."""
        ...

    def predict(self, X: Matrix) -> Vector:
        """Shape (n,): the probability of class 1, or the value of a regression.

        A frame is read by column name, an array by position. Raises TrainingError if columns are missing.
        """
        ...

    def save(self, path: Path) -> str:
        """Write the library's native format to `path`, durably, and return the file's SHA-256 (hex).

        Raises OSError.
        """
        ...
