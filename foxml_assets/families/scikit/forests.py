"""Forests of scikit-learn: trees grown apart from each other, whose mean predicts."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from foxml_assets.core.vocabulary import TaskType
from foxml_assets.families.params import FamilyParams
from foxml_assets.families.scikit.learner import Learner, scikit_family
from foxml_assets.families.scikit.tree_nodes import Nodes, check_trees

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.ensemble._forest import BaseForest


# Each costs every tree a column.
_MOST_SYMBOLS = 64
_TYPES = frozenset(
    {"numpy.int64", "sklearn.preprocessing._encoders.OneHotEncoder", "sklearn.tree._tree.Tree"}
)


class ExtraTreesParams(FamilyParams):
    """Trees on all rows, each split the best of one drawn cut per drawn feature."""

    trees: int = Field(default=100, ge=1, le=100_000)
    min_samples_leaf: int = Field(default=100, ge=1)
    max_features: float = Field(default=0.3, gt=0, le=1)


class RandomForestParams(ExtraTreesParams):
    """Trees on drawn rows, each split the best of all cuts of drawn features."""

    max_samples: float = Field(default=0.5, gt=0, le=1)


def _as_columns(params: ExtraTreesParams, seed: int) -> "BaseEstimator":
    """A column for each symbol; of many the rarest share one."""
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(
        max_categories=_MOST_SYMBOLS, handle_unknown="infrequent_if_exist", sparse_output=False
    )


def _random_forest(task: TaskType, params: RandomForestParams, seed: int, _: bool) -> "BaseEstimator":
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kinds = {TaskType.CLASSIFICATION: RandomForestClassifier, TaskType.REGRESSION: RandomForestRegressor}
    return kinds[task](**_settings(params, seed))


def _extra_trees(task: TaskType, params: ExtraTreesParams, seed: int, _: bool) -> "BaseEstimator":
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    kinds = {TaskType.CLASSIFICATION: ExtraTreesClassifier, TaskType.REGRESSION: ExtraTreesRegressor}
    return kinds[task](**_settings(params, seed))


def _settings(params: ExtraTreesParams, seed: int) -> dict[str, Any]:
    named = params.model_dump(exclude={"trees"})
    return {"n_estimators": params.trees, "n_jobs": 1, "random_state": seed, **named}


def _check(model: "BaseForest") -> None:
    trees = (one.tree_ for one in model.estimators_)
    nodes = (
        # scikit-learn marks a leaf by children of -1.
        Nodes(tree.children_left != -1, tree.children_left, tree.children_right, tree.feature)
        for tree in trees
    )
    check_trees(nodes, model.n_features_in_)


_RANDOM_FOREST = Learner(
    family="random_forest",
    symbol=_as_columns,
    estimator=_random_forest,
    types=_TYPES
    | {
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.ensemble._forest.RandomForestRegressor",
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.tree._classes.DecisionTreeRegressor",
    },
    check=_check,
)
_EXTRA_TREES = Learner(
    family="extra_trees",
    symbol=_as_columns,
    estimator=_extra_trees,
    types=_TYPES
    | {
        "sklearn.ensemble._forest.ExtraTreesClassifier",
        "sklearn.ensemble._forest.ExtraTreesRegressor",
        "sklearn.tree._classes.ExtraTreeClassifier",
        "sklearn.tree._classes.ExtraTreeRegressor",
    },
    check=_check,
)

RANDOM_FOREST = scikit_family(
    _RANDOM_FOREST,
    probe=RandomForestParams(trees=3),
    screened_as="lightgbm",
    colour="#D55E00",
)
EXTRA_TREES = scikit_family(
    _EXTRA_TREES,
    probe=ExtraTreesParams(trees=3),
    screened_as="lightgbm",
    colour="#882255",
)
