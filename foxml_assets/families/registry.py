"""The model families behind one interface."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from foxml_assets.errors import Problem, TrainingError
from foxml_assets.families.family import Family
from foxml_assets.families.lightgbm_family import LIGHTGBM
from foxml_assets.families.model import FittedModel, Matrix, Vector
from foxml_assets.families.params import FamilyParams
from foxml_assets.families.ridge_family import RIDGE
from foxml_assets.families.xgboost_family import XGBOOST
from foxml_assets.vocabulary import ModelFamily, TaskType

FAMILIES: Mapping[ModelFamily, Family[Any]] = {each.name: each for each in (LIGHTGBM, XGBOOST, RIDGE)}
MODEL_FILES = {name: family.model_file for name, family in FAMILIES.items()}


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
    chosen = _family(family)
    if type(params) is not chosen.params:
        raise ValueError(f"{type(params).__name__} are not the parameters of {family}")
    return chosen.fit(task, X, y, params=params, seed=seed, categorical=categorical)


def load_model(family: ModelFamily, path: Path, *, sha256: str) -> FittedModel:
    """Read the model that `FittedModel.save` wrote; it predicts identically.

    `sha256` is what `save` returned: a damaged file can make the libraries end the whole process, so no
    file is handed to them before its content is verified. Raises TrainingError, for an unknown family too.
    """
    return _family(family).load(path, sha256)


def probe_params(family: ModelFamily) -> FamilyParams:
    """Parameters of a quick fit that only shows whether the family can learn from the data."""
    params: FamilyParams = _family(family).probe
    return params


def library_version(family: ModelFamily) -> str:
    """The installed version of the family's library (of ridge: NumPy), without importing it."""
    return version(_family(family).distribution)


def _family(name: ModelFamily) -> Family[Any]:
    if name not in FAMILIES:
        problem = Problem("family", f"is none of {', '.join(FAMILIES)}", str(name))
        raise TrainingError("the model family is not known", problems=[problem], fix="register it")
    return FAMILIES[name]
