"""CatBoost: its binary format, one thread, bit-exact. The library is an extra of this package."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
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

if TYPE_CHECKING:
    from catboost import CatBoost, Pool

_LOSSES = {TaskType.CLASSIFICATION: "Logloss", TaskType.REGRESSION: "RMSE"}
# How the model gives what `predict` returns.
_KINDS = {TaskType.CLASSIFICATION: "Probability", TaskType.REGRESSION: "RawFormulaVal"}
# What the file says of the run and not of the model.
_OF_THE_RUN = ("model_guid", "train_finish_time")


class CatBoostParams(FamilyParams):
    """Gradient-boosted trees that split all nodes of a level alike."""

    rounds: int = Field(default=120, ge=1, le=100_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    depth: int = Field(default=6, ge=1, le=16)
    l2_leaf_reg: float = Field(default=3.0, ge=0)
    rsm: float = Field(default=0.8, gt=0, le=1)
    subsample: float = Field(default=0.8, gt=0, le=1)
    border_count: int = Field(default=63, ge=1, le=65_535)
    # Beyond so many categories CatBoost encodes them by the labels of other rows.
    one_hot_max_size: int = Field(default=255, ge=2, le=255)


@dataclass(frozen=True)
class CatBoostModel:
    """A CatBoost ensemble of trees."""

    booster: "CatBoost"
    features: tuple[str, ...]
    task: TaskType
    family: ModelFamily = "catboost"

    def predict(self, X: Matrix) -> Vector:
        """See FittedModel."""
        if not len(X):
            return np.empty(0)
        pool = _pool(X, self.features, self.booster.get_cat_feature_indices())
        predicted = self.booster.predict(pool, prediction_type=_KINDS[self.task], thread_count=1)
        # Probabilities have a column per class, the second that of class 1.
        return np.asarray(predicted[:, 1] if predicted.ndim == 2 else predicted, dtype=np.float64)

    def save(self, path: Path) -> str:
        """See FittedModel. The file is CatBoost's binary format."""
        with TemporaryDirectory() as folder:
            written = Path(folder, "model")
            self.booster.save_model(str(written), format="cbm")
            return write_model(path, written.read_bytes())


def fit_catboost(
    task: TaskType,
    X: Matrix,
    y: pd.Series | Vector,
    *,
    params: CatBoostParams,
    seed: int,
    categorical: Sequence[str] = (),
) -> CatBoostModel:
    """Fit on X, shape (n, n_features), and y, shape (n,). Raises TrainingError."""
    catboost = _library()
    features, labels = column_names(X), label_vector(y, task)
    settings = {
        **params.model_dump(exclude={"rounds"}),
        "iterations": params.rounds,
        "loss_function": _LOSSES[task],
        # Named, because CatBoost's own choice depends on other settings.
        "bootstrap_type": "Bernoulli",
        "random_seed": seed,
        "thread_count": 1,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }
    try:
        pool = _pool(X, features, categorical_positions(features, categorical), labels)
        booster = catboost.CatBoost(settings).fit(pool)
    except catboost.CatBoostError as error:
        raise TrainingError(f"CatBoost: {error}") from error
    metadata = booster.get_metadata()
    for key in _OF_THE_RUN:
        metadata[key] = ""
    return CatBoostModel(booster, features, task)


def load_catboost(path: Path, sha256: str) -> CatBoostModel:
    """Read the model file whose content has that hash. Raises TrainingError."""
    content = read_model(path, sha256)
    catboost = _library()
    try:
        booster = catboost.CatBoost().load_model(blob=content)
        loss = booster.get_all_params()["loss_function"]
    except (catboost.CatBoostError, KeyError) as error:
        raise TrainingError(f"the model cannot be read: {error}", file=path, fix="train it again") from error
    task = next((task for task, name in _LOSSES.items() if name == loss), TaskType.REGRESSION)
    return CatBoostModel(booster, original_names(booster.feature_names_), task)


def _pool(X: Matrix, features: Sequence[str], codes: Sequence[int], labels: Vector | None = None) -> "Pool":
    """The rows as CatBoost takes them: codes of categories as integers, a missing one as -1."""
    frame = pd.DataFrame(feature_matrix(X, features), columns=native_names(features))
    for name in frame.columns[list(codes)]:
        frame[name] = frame[name].fillna(-1).astype(np.int64)
    return _library().Pool(frame, label=labels, cat_features=list(codes), thread_count=1)


def _library() -> ModuleType:
    try:
        return import_module("catboost")
    except ImportError as error:
        fix = "pip install 'foxml-assets[catboost]'"
        raise TrainingError("the library of CatBoost is not installed", fix=fix) from error


CATBOOST = Family(
    name="catboost",
    fit=fit_catboost,
    load=load_catboost,
    params=CatBoostParams,
    probe=CatBoostParams(rounds=3),
    model_file="model.cbm",
    distribution="catboost",
    screened_as="lightgbm",
    colour="#F0E442",
)
