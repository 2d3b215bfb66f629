"""What makes a model family: its parameters, how it is fitted, saved and read again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import pandas as pd

from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.model import FittedModel, Matrix, Vector
from foxml_assets.families.params import FamilyParams

Params = TypeVar("Params", bound=FamilyParams)
ParamsIn = TypeVar("ParamsIn", bound=FamilyParams, contravariant=True)
Prepared = TypeVar("Prepared")


class Fit(Protocol[ParamsIn]):
    """Fits one model; see `registry.fit`."""

    def __call__(
        self,
        task: TaskType,
        X: Matrix,
        y: pd.Series | Vector,
        *,
        params: ParamsIn,
        seed: int,
        categorical: Sequence[str] = (),
    ) -> FittedModel: ...


@dataclass(frozen=True)
class TwoSteps(Generic[Params, Prepared]):
    """A fit in two steps, to the same model: what does not depend on labels, and the rest.

    `prepare` takes features, parameters, seed and the categorical columns. `fit` takes the task, what was
    prepared, which it leaves as it is for other fits beside it, labels, parameters and seed.
    """

    prepare: Callable[[pd.DataFrame, Params, int, Sequence[str]], Prepared]
    fit: Callable[[TaskType, Prepared, pd.Series | Vector, Params, int], FittedModel]


@dataclass(frozen=True)
class Family(Generic[Params]):
    """One family. `load` reads the file whose content has the hash; see `registry.load_model`.

    It is found by its entry point, whose name is `name`; see `names`.
    """

    name: ModelFamily
    fit: Fit[Params]
    load: Callable[[Path, str], FittedModel]
    params: type[Params]
    # Settings of a quick fit that only shows whether the family can learn from the data.
    probe: Params
    model_file: str
    # The installed package whose version is recorded with a model.
    distribution: str
    tasks: frozenset[TaskType] = frozenset(TaskType)
    # The family whose out-of-fold predictions in the evidence speak for this one: lightgbm, ridge or none.
    screened_as: ModelFamily | None = None
    # For a family whose work on the features is worth sharing among targets.
    two_steps: TwoSteps[Params, Any] | None = None
    # In pictures.
    colour: str = "#CC79A7"
