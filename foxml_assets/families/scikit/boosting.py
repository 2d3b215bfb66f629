"""Histogram gradient boosting of scikit-learn."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field
from threadpoolctl import ThreadpoolController

from foxml_assets.core.vocabulary import TaskType
from foxml_assets.families.params import FamilyParams
from foxml_assets.families.scikit.learner import Learner, scikit_family
from foxml_assets.families.scikit.tree_nodes import Nodes, check_trees
from foxml_assets.families.threads import wait_passively

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor


class HistGradientBoostingParams(FamilyParams):
    """Gradient-boosted trees on histograms, grown leaf by leaf; a missing value goes to the better side."""

    rounds: int = Field(default=120, ge=1, le=100_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    max_leaf_nodes: int = Field(default=15, ge=2, le=131_072)
    min_samples_leaf: int = Field(default=100, ge=1)
    l2_regularization: float = Field(default=1.0, ge=0)
    max_features: float = Field(default=0.8, gt=0, le=1)
    max_bins: int = Field(default=255, ge=2, le=255)


def _as_category(params: HistGradientBoostingParams, seed: int) -> "BaseEstimator":
    """Of more symbols than bins the rarest share one; a symbol that was not trained on is missing."""
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(
        max_categories=params.max_bins, handle_unknown="use_encoded_value", unknown_value=np.nan
    )


def _estimator(
    task: TaskType, params: HistGradientBoostingParams, seed: int, with_symbol: bool
) -> "BaseEstimator":
    wait_passively()
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kinds = {
        TaskType.CLASSIFICATION: HistGradientBoostingClassifier,
        TaskType.REGRESSION: HistGradientBoostingRegressor,
    }
    return kinds[task](
        max_iter=params.rounds,
        # The pipeline's first step puts the symbol first.
        categorical_features=[0] if with_symbol else None,
        early_stopping=False,
        random_state=seed,
        **params.model_dump(exclude={"rounds"}),
    )


def _check(model: "BaseHistGradientBoosting") -> None:
    tables = (tree.nodes for tree in _trees(model))
    nodes = (
        Nodes(table["is_leaf"] == 0, table["left"], table["right"], table["feature_idx"]) for table in tables
    )
    check_trees(nodes, model.n_features_in_)
    categories = np.flatnonzero(model._bin_mapper.is_categorical_)
    for tree in _trees(model):
        by_set = tree.nodes[tree.nodes["is_categorical"] != 0]
        sets, width = tree.raw_left_cat_bitsets.shape
        known = np.isin(by_set["feature_idx"], categories) & (by_set["bitset_idx"] < sets)
        # A set of up to 256 categories is 8 words of 32 bits.
        if not known.all() or width != 8:
            raise ValueError("a tree splits by a set that there is none of")


def _trees(model: "BaseHistGradientBoosting") -> Iterator["TreePredictor"]:
    """For which scikit-learn has no public name."""
    return (tree for iteration in model._predictors for tree in iteration)


@contextmanager
def _one_openmp_thread() -> Iterator[None]:
    """A context in which OpenMP runs on one thread, for the Python thread inside alone."""
    with _openmp().limit(limits=1, user_api="openmp"):
        yield


@cache
def _openmp() -> ThreadpoolController:
    import sklearn.ensemble  # noqa: F401 - its OpenMP must be loaded before the controller looks for libraries

    return ThreadpoolController()


_LEARNER = Learner(
    family="hist_gradient_boosting",
    symbol=_as_category,
    estimator=_estimator,
    types=frozenset(
        {
            "functools.partial",
            "numpy.random._generator.Generator",
            "numpy.uint64",
            "sklearn._loss._loss.CyHalfBinomialLoss",
            "sklearn._loss._loss.CyHalfSquaredError",
            "sklearn._loss.link.IdentityLink",
            "sklearn._loss.link.Interval",
            "sklearn._loss.link.LogitLink",
            "sklearn._loss.loss.HalfBinomialLoss",
            "sklearn._loss.loss.HalfSquaredError",
            "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
            "sklearn.preprocessing._encoders.OrdinalEncoder",
            "sklearn.preprocessing._label.LabelEncoder",
            "sklearn.utils.validation.check_array",
        }
    ),
    check=_check,
    one_thread=_one_openmp_thread,
)

HIST_GRADIENT_BOOSTING = scikit_family(
    _LEARNER,
    probe=HistGradientBoostingParams(rounds=3),
    screened_as="lightgbm",
    colour="#56B4E9",
)
