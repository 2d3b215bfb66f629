"""The model families behind one interface."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.errors import FamilyError, Problem, TrainingError
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.family import Family
from foxml_assets.families.model import FittedModel, Matrix, Vector
from foxml_assets.families.params import FamilyParams
from foxml_assets.families.sharing import SharedFeatures

# What else stands in a model's folder.
_TAKEN = frozenset({"", "manifest.json", "timing.json", "failure.json", "stored.json"})


@cache
def find_family(name: ModelFamily) -> Family[Any]:
    """The family of that name; its module is imported now. Raises FamilyError."""
    found: Family[Any] = FAMILIES.load(name, Family)
    if PurePath(found.model_file).name != found.model_file or found.model_file in _TAKEN:
        problem = Problem("model_file", "must be a file name of its own", found.model_file)
        raise FamilyError(f"the model family {name} is wrong", problems=[problem])
    return found


def fit(
    family: ModelFamily,
    task: TaskType,
    X: Matrix | SharedFeatures,
    y: pd.Series | Vector,
    *,
    params: FamilyParams,
    seed: int,
    categorical: Sequence[str] = (),
) -> FittedModel:
    """Fit one model on one thread; the same input gives the same model, bit for bit, shared or not.

    X has the shape (n, n_features) and may hold NaN. y has the shape (n,): 0 and 1 for classification.
    `categorical` names columns of X that hold codes 0, 1, 2, ... Raises TrainingError for a task that is none
    of the family's, for labels that cannot be learned from and for whatever the library refuses, ValueError
    for another family's `params`.
    """
    chosen = find_family(family)
    if type(params) is not chosen.params:
        raise ValueError(f"{type(params).__name__} are not the parameters of {family}")
    if task not in chosen.tasks:
        raise TrainingError(f"{family} learns no {task}")
    if not isinstance(X, SharedFeatures):
        return chosen.fit(task, X, y, params=params, seed=seed, categorical=categorical)
    steps, features = chosen.two_steps, X.X
    if steps is None:
        return chosen.fit(task, features, y, params=params, seed=seed, categorical=categorical)
    key = family, params, seed, tuple(categorical)
    return steps.fit(
        task, X.made(key, lambda: steps.prepare(features, params, seed, categorical)), y, params, seed
    )


def load_model(family: ModelFamily, path: Path, *, sha256: str) -> FittedModel:
    """Read the model that `FittedModel.save` wrote; it predicts identically.

    `sha256` is what `save` returned: a damaged file can make the libraries end the whole process, so no
    file is handed to them before its content is verified. Raises TrainingError, for an unknown family too.
    """
    return find_family(family).load(path, sha256)


def probe_params(family: ModelFamily) -> FamilyParams:
    """Parameters of a quick fit that only shows whether the family can learn from the data."""
    params: FamilyParams = find_family(family).probe
    return params


def library_version(family: ModelFamily) -> str:
    """The installed version of the family's library (of ridge: NumPy), without importing it."""
    return installed_version(find_family(family).distribution)


@cache
def installed_version(distribution: str) -> str:
    """The version of an installed package, whose files are searched for it once."""
    return version(distribution)
