"""The model families behind one interface."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from foxml_assets.families.lightgbm_family import fit_lightgbm, load_lightgbm
from foxml_assets.families.model import FittedModel, Matrix, Vector
from foxml_assets.families.params import FamilyParams, LightGBMParams
from foxml_assets.families.xgboost_family import fit_xgboost, load_xgboost
from foxml_assets.vocabulary import ModelFamily, TaskType

MODEL_FILES = {ModelFamily.LIGHTGBM: "model.txt", ModelFamily.XGBOOST: "model.ubj"}
_DISTRIBUTIONS = {ModelFamily.LIGHTGBM: "lightgbm", ModelFamily.XGBOOST: "xgboost-cpu"}


def fit(
    family: ModelFamily,
    task: TaskType,
    X: Matrix,
    y: pd.Series | Vector,
    *,
    params: FamilyParams,
    seed: int,
    categorical: Sequence[str] = (),
) -> FittedModel:
    """Fit one model on one thread; the same input gives the same model, bit for bit.

    X has the shape (n, n_features) and may hold NaN. y has the shape (n,): 0 and 1 for classification.
    `categorical` names columns of X that hold codes 0, 1, 2, ... Raises TrainingError for labels that
    cannot be learned from and for whatever the library refuses, ValueError for another family's `params`.
    """
    if isinstance(params, LightGBMParams):
        if family is not ModelFamily.LIGHTGBM:
            raise ValueError(f"these are LightGBM's parameters, not those of {family}")
        return fit_lightgbm(task, X, y, params=params, seed=seed, categorical=categorical)
    if family is not ModelFamily.XGBOOST:
        raise ValueError(f"these are XGBoost's parameters, not those of {family}")
    return fit_xgboost(task, X, y, params=params, seed=seed, categorical=categorical)


def load_model(family: ModelFamily, path: Path, *, sha256: str) -> FittedModel:
    """Read the model that `FittedModel.save` wrote; it predicts identically.

    `sha256` is what `save` returned: a damaged file can make the libraries end the whole process, so no
    file is handed to them before its content is verified. Raises TrainingError.
    """
    if family is ModelFamily.LIGHTGBM:
        return load_lightgbm(path, sha256=sha256)
    return load_xgboost(path, sha256=sha256)


def library_version(family: ModelFamily) -> str:
    """The installed version of the family's library, without importing it."""
    return version(_DISTRIBUTIONS[family])
