"""Ridge on clipped z-scores, the symbol as a fixed effect: a JSON file, one thread, bit-exact.

Method and shapes are in `moments.py`. Classification is ridge on the 0/1 label (the linear probability
model), its prediction clipped to [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.errors import Problem, TrainingError
from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.family import Family
from foxml_assets.families.matrices import column_names, feature_matrix, label_vector, symbol_position
from foxml_assets.families.model import Matrix, Vector
from foxml_assets.families.model_files import read_model, write_model
from foxml_assets.families.params import RidgeParams
from foxml_assets.families.ridge.moments import (
    Floats,
    LinearFit,
    Scales,
    column_scales,
    fit_moments,
    linear_sum,
    row_moments,
    standardise,
)
from foxml_assets.families.ridge.ridge_file import RidgeFile, SymbolIntercepts
from foxml_assets.storage.exact_json import decode_json


@dataclass(frozen=True)
class RidgeModel:
    """A linear model: what its file holds, and nothing else."""

    content: RidgeFile
    family: ModelFamily = "ridge"

    @property
    def features(self) -> tuple[str, ...]:
        """See FittedModel."""
        return self.content.features

    def predict(self, X: Matrix) -> Vector:
        """See FittedModel. A row's prediction does not depend on the rows beside it."""
        content = self.content
        matrix = feature_matrix(X, content.features)
        scales = Scales(np.asarray(content.means), np.asarray(content.scales))
        slopes = linear_sum(matrix, scales, content.clip, np.asarray(content.coefficients))
        value = self._intercepts(matrix) + slopes
        return np.clip(value, 0.0, 1.0) if content.task is TaskType.CLASSIFICATION else value

    def save(self, path: Path) -> str:
        """See FittedModel. The file is canonical JSON."""
        return write_model(path, canonical_json(self.content))

    def _intercepts(self, matrix: Floats) -> Vector:
        overall = np.full(len(matrix), self.content.intercept)
        symbol = self.content.symbol
        if symbol is None:
            return overall
        codes, column = np.asarray(symbol.codes), matrix[:, self.features.index(symbol.column)]
        # A code that was not trained on finds a neighbour, or the last one, and is not equal to it.
        at = np.minimum(np.searchsorted(codes, column), len(codes) - 1)
        return np.where(codes[at] == column, np.asarray(symbol.intercepts)[at], overall)


def fit_ridge(
    task: TaskType,
    X: Matrix,
    y: pd.Series | Vector,
    *,
    params: RidgeParams,
    seed: int,
    categorical: Sequence[str] = (),
) -> RidgeModel:
    """Fit on X, shape (n, n_features), and y, shape (n,). There is nothing random for `seed` to decide.

    Raises TrainingError, also for more than one categorical column.
    """
    features, labels = column_names(X), label_vector(y, task)
    matrix = feature_matrix(X, features)
    if len(matrix) != len(labels):
        raise TrainingError(f"{len(matrix)} rows of features, {len(labels)} labels")
    at = symbol_position(features, categorical, family="ridge")
    codes, group = _groups(matrix, at, features)
    scales = _usable_scales(matrix, at, features)
    # Labels too large for their sums are found by the check of the file's content.
    with np.errstate(over="ignore", invalid="ignore"):
        centre = float(labels.mean())
        Z = standardise(matrix, scales, params.clip)
        fitted = fit_moments(
            row_moments(Z, labels - centre, group, len(codes)),
            n_features=scales.n_used,
            prior_r2=params.prior_r2,
            intercept_prior_rows=params.intercept_prior_rows,
        )
    fitted = replace(fitted, intercept=fitted.intercept + centre, intercepts=fitted.intercepts + centre)
    symbol = None if at is None else (features[at], codes)
    try:
        return RidgeModel(_ridge_file(task, features, scales, params.clip, fitted, symbol))
    except ValueError as error:
        raise TrainingError(f"ridge: {error}") from error


def load_ridge(path: Path, sha256: str) -> RidgeModel:
    """Read the model file whose content has that hash. Raises TrainingError."""
    content = read_model(path, sha256)
    try:
        return RidgeModel(decode_json(content, RidgeFile))
    except msgspec.DecodeError as error:
        raise TrainingError(f"the model cannot be read: {error}", file=path, fix="train it again") from error


def _groups(matrix: Floats, at: int | None, features: Sequence[str]) -> tuple[Vector, npt.NDArray[np.intp]]:
    """The codes there are, ascending, and each row's position in them: one group without a symbol column."""
    if at is None:
        return np.zeros(1), np.zeros(len(matrix), dtype=np.intp)
    codes, group = np.unique(matrix[:, at].astype(np.float64), return_inverse=True)
    # A float holds every whole number below 2**53.
    wrong = codes[~((codes >= 0) & (codes == np.floor(codes)) & (codes < 2**53))]
    if len(wrong):
        raise TrainingError(
            "symbol codes must be 0, 1, 2, ...",
            problems=[Problem(features[at], "is not a code", float(wrong[0]))],
        )
    return codes, group


def _usable_scales(matrix: Floats, at: int | None, features: Sequence[str]) -> Scales:
    """The scales of the columns; the symbol's column is none that has a scale."""
    found = column_scales(matrix)
    # All True where `at` is None.
    is_feature = np.arange(len(features)) != at
    scales = Scales(np.where(is_feature, found.means, 0.0), np.where(is_feature, found.scales, 0.0))
    huge = np.flatnonzero(~(np.isfinite(scales.means) & np.isfinite(scales.scales)))
    if len(huge):
        raise TrainingError(
            "features are too large to be scaled",
            problems=[
                Problem("features", "has no finite standard deviation", features[int(j)]) for j in huge
            ],
        )
    return scales


def _ridge_file(
    task: TaskType,
    features: tuple[str, ...],
    scales: Scales,
    clip: float,
    fitted: LinearFit,
    symbol: tuple[str, Vector] | None,
) -> RidgeFile:
    listed = None
    if symbol is not None:
        column, codes = symbol
        listed = SymbolIntercepts(column, tuple(map(int, codes)), _floats(fitted.intercepts))
    return RidgeFile(
        format_version=1,
        task=task,
        features=features,
        clip=clip,
        means=_floats(scales.means),
        scales=_floats(scales.scales),
        coefficients=_floats(fitted.coefficients),
        intercept=fitted.intercept,
        symbol=listed,
    )


def _floats(values: Vector) -> tuple[float, ...]:
    return tuple(map(float, values))


RIDGE = Family(
    name="ridge",
    fit=fit_ridge,
    load=load_ridge,
    params=RidgeParams,
    probe=RidgeParams(),
    model_file="model.json",
    distribution="numpy",
    screened_as="ridge",
    colour="#009E73",
)
