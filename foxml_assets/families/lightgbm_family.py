"""LightGBM: text format, one thread, bit-exact."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pydantic import Field

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.family import Family, TwoSteps
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
    from lightgbm import Booster, Dataset

_OBJECTIVES = {TaskType.CLASSIFICATION: "binary", TaskType.REGRESSION: "regression"}


class LightGBMParams(FamilyParams):
    """Gradient-boosted trees, grown leaf by leaf."""

    rounds: int = Field(default=120, ge=1, le=100_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    num_leaves: int = Field(default=15, ge=2, le=131_072)
    min_data_in_leaf: int = Field(default=100, ge=1)
    feature_fraction: float = Field(default=0.8, gt=0, le=1)
    bagging_fraction: float = Field(default=0.8, gt=0, le=1)
    lambda_l2: float = Field(default=1.0, ge=0)
    max_bin: int = Field(default=63, ge=2, le=65_535)


@dataclass(frozen=True)
class LightGBMModel:
    """A LightGBM booster."""

    booster: "Booster"
    features: tuple[str, ...]
    family: ModelFamily = "lightgbm"

    def predict(self, X: Matrix) -> Vector:
        """See FittedModel."""
        matrix = feature_matrix(X, self.features)
        return np.asarray(self.booster.predict(matrix, num_threads=1), dtype=np.float64)

    def save(self, path: Path) -> str:
        """See FittedModel. The file is LightGBM's text format."""
        return write_model(path, self.booster.model_to_string().encode())


@dataclass(frozen=True)
class BinnedFeatures:
    """Features as LightGBM learns from them: a fifth of a fit of 6,000 rows, and more of a larger one."""

    dataset: "Dataset"
    features: tuple[str, ...]


def fit_lightgbm(
    task: TaskType,
    X: Matrix,
    y: pd.Series | Vector,
    *,
    params: LightGBMParams,
    seed: int,
    categorical: Sequence[str] = (),
) -> LightGBMModel:
    """Fit on X, shape (n, n_features), and y, shape (n,). Raises TrainingError."""
    labels = label_vector(y, task)
    binned = bin_features(X, params, seed, categorical)
    return _grow(task, binned.dataset, binned.features, labels, params, seed)


def bin_features(
    X: Matrix, params: LightGBMParams, seed: int, categorical: Sequence[str] = ()
) -> BinnedFeatures:
    """Bin X, shape (n, n_features). Raises TrainingError."""
    wait_passively()
    import lightgbm

    features = column_names(X)
    dataset = lightgbm.Dataset(
        feature_matrix(X, features),
        feature_name=native_names(features),
        categorical_feature=categorical_positions(features, categorical),
        params=_settings(params, seed),
    )
    with _told_as_ours():
        return BinnedFeatures(dataset.construct(), features)


def fit_binned(
    task: TaskType, binned: BinnedFeatures, y: pd.Series | Vector, params: LightGBMParams, seed: int
) -> LightGBMModel:
    """As `fit_lightgbm`, on features that were binned with the same parameters and seed."""
    labels = label_vector(y, task)
    # Labels stand in the data set itself, so each fit has a copy of its own: of bins, some bytes a row.
    rows = np.arange(len(labels), dtype=np.int32)
    with _told_as_ours():
        own = binned.dataset.subset(rows, params=_settings(params, seed)).construct()
    return _grow(task, own, binned.features, labels, params, seed)


def _settings(params: LightGBMParams, seed: int) -> dict[str, object]:
    return {
        **params.model_dump(exclude={"rounds"}),
        # At 0, LightGBM's default, the bagging fraction would be ignored.
        "bagging_freq": 1,
        "seed": seed,
        "num_threads": 1,
        "deterministic": True,
        # LightGBM would time both layouts and take the faster one, which need not be the same twice.
        "force_row_wise": True,
        "verbosity": -1,
    }


def _grow(
    task: TaskType,
    dataset: "Dataset",
    features: tuple[str, ...],
    labels: Vector,
    params: LightGBMParams,
    seed: int,
) -> LightGBMModel:
    import lightgbm

    settings = {**_settings(params, seed), "objective": _OBJECTIVES[task]}
    with _told_as_ours():
        dataset.set_label(labels)
        # Otherwise the trees are written as text and read again, which takes a tenth of a small fit.
        booster = lightgbm.train(settings, dataset, num_boost_round=params.rounds, keep_training_booster=True)
    return LightGBMModel(booster, features)


@contextmanager
def _told_as_ours() -> Iterator[None]:
    import lightgbm

    try:
        yield
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(f"LightGBM: {error}") from error


def load_lightgbm(path: Path, sha256: str) -> LightGBMModel:
    """Read the model file whose content has that hash. Raises TrainingError."""
    content = read_model(path, sha256)
    wait_passively()
    import lightgbm

    try:
        booster = lightgbm.Booster(model_str=content.decode())
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(f"the model cannot be read: {error}", file=path, fix="train it again") from error
    return LightGBMModel(booster, original_names(booster.feature_name()))


LIGHTGBM = Family(
    name="lightgbm",
    fit=fit_lightgbm,
    load=load_lightgbm,
    params=LightGBMParams,
    probe=LightGBMParams(rounds=3),
    model_file="model.txt",
    distribution="lightgbm",
    screened_as="lightgbm",
    two_steps=TwoSteps(prepare=bin_features, fit=fit_binned),
    colour="#0072B2",
)
