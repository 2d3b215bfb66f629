"""Frames and labels as the arrays the libraries take."""

from collections.abc import Sequence
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd

from foxml_assets.core.errors import Problem, TrainingError
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.model import Matrix, Vector

Floats = np.ndarray[tuple[int, ...], np.dtype[np.floating]]


def column_names(X: Matrix) -> tuple[str, ...]:
    """The columns of a frame; `f0`, `f1`, ... for an array."""
    if isinstance(X, pd.DataFrame):
        return tuple(str(name) for name in X.columns)
    return tuple(f"f{index}" for index in range(X.shape[1]))


def native_names(features: Sequence[str]) -> list[str]:
    """Percent-encoded names: both libraries reject brackets, quotes, commas or blanks in them."""
    return [quote(name, safe="") for name in features]


def original_names(native: Sequence[str]) -> tuple[str, ...]:
    """The inverse of `native_names`."""
    return tuple(unquote(name) for name in native)


def feature_matrix(X: Matrix, features: Sequence[str]) -> Floats:
    """Shape (n, n_features), float32 where all columns are, else float64.

    Raises TrainingError if a column is missing or is not numeric.
    """
    if not isinstance(X, pd.DataFrame):
        if X.ndim != 2 or X.shape[1] != len(features):
            raise TrainingError(
                "the features do not fit the model",
                problems=[Problem("X", f"must have the shape (n, {len(features)})", X.shape)],
            )
        return np.ascontiguousarray(X, dtype=np.float32 if X.dtype == np.float32 else np.float64)
    missing = [name for name in features if name not in X.columns]
    if missing:
        raise TrainingError(
            f"{len(missing)} feature(s) of the model are not in the data",
            problems=[Problem("features", "is missing", name) for name in missing],
        )
    chosen = X[list(features)]
    words = [
        str(name)
        for name, kind in chosen.dtypes.items()
        if not pd.api.types.is_any_real_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
    ]
    if words:
        raise TrainingError(
            "features must be numbers",
            problems=[Problem("features", "is not numeric", name) for name in words],
        )
    single = all(kind == np.float32 for kind in chosen.dtypes)
    return np.ascontiguousarray(chosen.to_numpy(dtype=np.float32 if single else np.float64, na_value=np.nan))


def label_vector(y: pd.Series | Vector, task: TaskType) -> Vector:
    """Shape (n,), float64. Raises TrainingError for missing labels, or labels the task cannot have."""
    labels = np.asarray(y, dtype=np.float64)
    if labels.size == 0:
        raise TrainingError("there are no rows to train on")
    if not np.isfinite(labels).all():
        raise TrainingError("labels are missing or infinite", fix="drop rows without a label")
    values = np.unique(labels)
    if task is TaskType.CLASSIFICATION and not np.isin(values, (0.0, 1.0)).all():
        wrong = [float(value) for value in values if value not in {0.0, 1.0}][:5]
        raise TrainingError("classes must be 0 and 1", problems=[Problem("y", "holds other values", wrong)])
    if values.size == 1:
        what = "one class only" if task is TaskType.CLASSIFICATION else "a constant label"
        raise TrainingError(f"{what} in the training rows: {values[0]:g}")
    return labels


def categorical_positions(features: Sequence[str], categorical: Sequence[str]) -> list[int]:
    """Where the categorical columns stand. Raises TrainingError for a name that is not a feature."""
    unknown = [name for name in categorical if name not in features]
    if unknown:
        raise TrainingError(
            "categorical columns must be features",
            problems=[Problem("categorical", "is not a feature", name) for name in unknown],
        )
    return [index for index, name in enumerate(features) if name in categorical]


def symbol_position(
    features: Sequence[str], categorical: Sequence[str], *, family: ModelFamily
) -> int | None:
    """Where the one categorical column stands, if there is one. Raises TrainingError for several."""
    positions = categorical_positions(features, categorical)
    if len(positions) > 1:
        names = [features[position] for position in positions]
        raise TrainingError(
            f"{family} takes one categorical column, the symbol",
            problems=[Problem("categorical", "names several", names)],
        )
    return positions[0] if positions else None
