"""XGBoost: UBJSON format, one thread, bit-exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pydantic import Field

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.family import Family
from foxml_assets.families.matrices import (
    categorical_positions,
    column_names,
    feature_matrix,
    label_vector,
    native_names,
    original_names,
)
from foxml_assets.families.model import Matrix, Vector
from foxml_assets.families.model_files import read_model, write_model
from foxml_assets.families.params import FamilyParams
from foxml_assets.families.threads import wait_passively

if TYPE_CHECKING:
    from xgboost import Booster, DMatrix

_OBJECTIVES = {TaskType.CLASSIFICATION: "binary:logistic", TaskType.REGRESSION: "reg:squarederror"}


class XGBoostParams(FamilyParams):
    """Gradient-boosted trees on histograms, grown leaf by leaf."""

    rounds: int = Field(default=120, ge=1, le=100_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    max_leaves: int = Field(default=15, ge=2, le=131_072)
    min_child_weight: float = Field(default=25.0, ge=0)
    colsample_bytree: float = Field(default=0.8, gt=0, le=1)
    subsample: float = Field(default=0.8, gt=0, le=1)
    reg_lambda: float = Field(default=1.0, ge=0)
    max_bin: int = Field(default=63, ge=2, le=65_535)


@dataclass(frozen=True)
class XGBoostModel:
    """An XGBoost booster."""

    booster: "Booster"
    features: tuple[str, ...]
    family: ModelFamily = "xgboost"

    def predict(self, X: Matrix) -> Vector:
        """See FittedModel."""
        types = list(self.booster.feature_types or [])
        data = _dmatrix(feature_matrix(X, self.features), self.features, types)
        return np.asarray(self.booster.predict(data), dtype=np.float64)

    def save(self, path: Path) -> str:
        """See FittedModel. The file is UBJSON."""
        return write_model(path, bytes(self.booster.save_raw(raw_format="ubj")))


def fit_xgboost(
    task: TaskType,
    X: Matrix,
    y: pd.Series | Vector,
    *,
    params: XGBoostParams,
    seed: int,
    categorical: Sequence[str] = (),
) -> XGBoostModel:
    """Fit on X, shape (n, n_features), and y, shape (n,). Raises TrainingError."""
    wait_passively()
    import xgboost

    features = column_names(X)
    positions = categorical_positions(features, categorical)
    # XGBoost's words for a category and for a number.
    types = ["c" if index in positions else "q" for index in range(len(features))]
    settings = {
        **params.model_dump(exclude={"rounds"}),
        "objective": _OBJECTIVES[task],
        "tree_method": "hist",
        "grow_policy": "lossguide",
        # No limit: trees are bounded by their leaves.
        "max_depth": 0,
        "seed": seed,
        "nthread": 1,
        "verbosity": 0,
    }
    try:
        data = _dmatrix(feature_matrix(X, features), features, types, label_vector(y, task))
        booster = xgboost.train(settings, data, num_boost_round=params.rounds)
    except xgboost.core.XGBoostError as error:
        raise TrainingError(f"XGBoost: {error}") from error
    return XGBoostModel(booster, features)


def load_xgboost(path: Path, sha256: str) -> XGBoostModel:
    """Read the model file whose content has that hash. Raises TrainingError."""
    content = read_model(path, sha256)
    wait_passively()
    import xgboost

    try:
        booster = xgboost.Booster(params={"nthread": 1, "verbosity": 0})
        booster.load_model(bytearray(content))
    except xgboost.core.XGBoostError as error:
        raise TrainingError(f"the model cannot be read: {error}", file=path, fix="train it again") from error
    return XGBoostModel(booster, original_names(booster.feature_names or []))


def _dmatrix(
    matrix: np.ndarray[tuple[int, ...], np.dtype[np.floating]],
    features: Sequence[str],
    types: list[str],
    label: Vector | None = None,
) -> "DMatrix":
    import xgboost

    return xgboost.DMatrix(
        matrix,
        label=label,
        feature_names=native_names(features),
        feature_types=types,
        enable_categorical=True,
        nthread=1,
    )


XGBOOST = Family(
    name="xgboost",
    fit=fit_xgboost,
    load=load_xgboost,
    params=XGBoostParams,
    probe=XGBoostParams(rounds=3),
    model_file="model.ubj",
    distribution="xgboost-cpu",
    screened_as="lightgbm",
    colour="#E69F00",
)
