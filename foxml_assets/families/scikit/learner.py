"""What the families of scikit-learn have in common: a fitted pipeline, seeded, one thread, bit-exact.

The first step of the pipeline encodes the symbol and puts it before the features. It leaves out those without
a value, which not every estimator takes. All else that is done to the features is a step too.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
import pandas as pd

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.family import Family, Params
from foxml_assets.families.matrices import column_names, feature_matrix, label_vector, symbol_position
from foxml_assets.families.model import Matrix, Vector
from foxml_assets.families.model_files import read_model, write_model
from foxml_assets.families.scikit.skops_file import UNREADABLE, from_bytes, to_bytes

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

# Of the parts that every pipeline has.
_TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.slice",
        "builtins.str",
        "builtins.tuple",
        "numpy.float64",
        "numpy.ndarray",
        "sklearn.compose._column_transformer.ColumnTransformer",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._function_transformer.FunctionTransformer",
    }
)


@dataclass(frozen=True)
class Learner(Generic[Params]):
    """What a family of scikit-learn has of its own.

    `symbol` makes what encodes the codes of the symbol. `estimator` makes what is fitted, to the columns of
    the symbol, if it is told that there are any, and to the features. `check` raises ValueError if a
    prediction of what was fitted could read what is not the model's. `types` are all that encoder and
    estimator are made of.
    """

    family: ModelFamily
    symbol: Callable[[Params, int], "BaseEstimator"]
    estimator: Callable[[TaskType, Params, int, bool], "BaseEstimator"]
    types: frozenset[str]
    check: Callable[[Any], None] = lambda _: None
    one_thread: Callable[[], AbstractContextManager[None]] = nullcontext

    def fit(
        self,
        task: TaskType,
        X: Matrix,
        y: pd.Series | Vector,
        *,
        params: Params,
        seed: int,
        categorical: Sequence[str] = (),
    ) -> "ScikitModel":
        """Fit on X, shape (n, n_features), and y, shape (n,).

        Raises TrainingError, also for more than one categorical column.
        """
        from sklearn.pipeline import Pipeline

        features, labels = column_names(X), label_vector(y, task)
        at = symbol_position(features, categorical, family=self.family)
        matrix = _matrix(X, features)
        steps = [
            ("columns", _columns(matrix, at, self.symbol(params, seed))),
            ("model", self.estimator(task, params, seed, at is not None)),
        ]
        try:
            with self.one_thread():
                pipeline = Pipeline(steps).fit(matrix, labels)
        except ValueError as error:
            raise TrainingError(f"scikit-learn: {error}") from error
        return ScikitModel(pipeline, features, self)

    def load(self, path: Path, sha256: str) -> "ScikitModel":
        """Read the model file whose content has that hash. Raises TrainingError."""
        content = read_model(path, sha256)
        try:
            model = ScikitModel(*_parts(from_bytes(content, _TYPES | self.types)), self)
            self.check(model.pipeline["model"])
            # One row shows whether the parts of the file fit together.
            model.predict(np.zeros((1, len(model.features))))
        except (TrainingError, *UNREADABLE) as error:
            what = f"the model cannot be read: {error}"
            raise TrainingError(what, file=path, fix="train it again") from error
        return model


@dataclass(frozen=True)
class ScikitModel:
    """A fitted pipeline. Its file holds it and the names of the features."""

    pipeline: "Pipeline"
    features: tuple[str, ...]
    learner: Learner[Any]

    @property
    def family(self) -> ModelFamily:
        """See FittedModel."""
        return self.learner.family

    def predict(self, X: Matrix) -> Vector:
        """See FittedModel. Raises TrainingError for infinite values too."""
        from sklearn.base import is_classifier

        matrix = _matrix(X, self.features)
        if not len(matrix):
            return np.empty(0)
        try:
            with self.learner.one_thread():
                if is_classifier(self.pipeline):
                    return np.asarray(self.pipeline.predict_proba(matrix)[:, 1], dtype=np.float64)
                return np.asarray(self.pipeline.predict(matrix), dtype=np.float64)
        except ValueError as error:
            raise TrainingError(f"scikit-learn: {error}") from error

    def save(self, path: Path) -> str:
        """See FittedModel. The file is one of skops."""
        return write_model(path, to_bytes({"features": list(self.features), "pipeline": self.pipeline}))


def scikit_family(
    learner: Learner[Params],
    *,
    probe: Params,
    screened_as: ModelFamily,
    colour: str,
    tasks: frozenset[TaskType] = frozenset(TaskType),
) -> Family[Params]:
    """The family of that learner, with the parameters of which `probe` are some."""
    return Family(
        name=learner.family,
        fit=learner.fit,
        load=learner.load,
        params=type(probe),
        probe=probe,
        model_file="model.skops",
        distribution="scikit-learn",
        tasks=tasks,
        screened_as=screened_as,
        colour=colour,
    )


def _matrix(X: Matrix, features: Sequence[str]) -> Vector:
    return feature_matrix(X, features).astype(np.float64, copy=False)


def _columns(matrix: Vector, symbol: int | None, encoder: "BaseEstimator") -> "ColumnTransformer":
    from sklearn.compose import ColumnTransformer

    codes = [] if symbol is None else [symbol]
    used = np.flatnonzero(~np.isnan(matrix).all(axis=0)).tolist()
    others = [at for at in used if at not in codes]
    return ColumnTransformer([("symbol", encoder, codes), ("others", "passthrough", others)])


def _parts(content: object) -> tuple["Pipeline", tuple[str, ...]]:
    from sklearn.pipeline import Pipeline

    match content:
        case {"features": [*features], "pipeline": Pipeline() as pipeline}:
            return pipeline, tuple(map(str, features))
    raise ValueError("it holds no features and pipeline")
