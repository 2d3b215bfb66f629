"""Each hyperparameter of each family reaches its fits."""

import numpy as np
import pytest
from family_cases import FAMILIES, ONE_EACH, PARAMS, REGRESSORS, make_data

from foxml_assets.core.entry_points import FAMILIES as GROUP
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.params import FamilyParams
from foxml_assets.families.registry import fit

OTHER_VALUES: list[tuple[ModelFamily, dict[str, float]]] = [
    ("lightgbm", {"rounds": 5}),
    ("lightgbm", {"learning_rate": 0.3}),
    ("lightgbm", {"num_leaves": 4}),
    ("lightgbm", {"min_data_in_leaf": 80}),
    ("lightgbm", {"feature_fraction": 0.3}),
    ("lightgbm", {"bagging_fraction": 0.5}),
    ("lightgbm", {"lambda_l2": 50}),
    ("lightgbm", {"max_bin": 8}),
    ("xgboost", {"rounds": 5}),
    ("xgboost", {"learning_rate": 0.3}),
    ("xgboost", {"max_leaves": 4}),
    ("xgboost", {"min_child_weight": 80}),
    ("xgboost", {"colsample_bytree": 0.3}),
    ("xgboost", {"subsample": 0.5}),
    ("xgboost", {"reg_lambda": 50}),
    ("xgboost", {"max_bin": 8}),
    ("ridge", {"prior_r2": 0.001}),
    ("ridge", {"clip": 1.0}),
    ("ridge", {"intercept_prior_rows": 5.0}),
    ("hist_gradient_boosting", {"rounds": 5}),
    ("hist_gradient_boosting", {"learning_rate": 0.3}),
    ("hist_gradient_boosting", {"max_leaf_nodes": 4}),
    ("hist_gradient_boosting", {"min_samples_leaf": 80}),
    ("hist_gradient_boosting", {"l2_regularization": 50}),
    ("hist_gradient_boosting", {"max_features": 0.3}),
    ("hist_gradient_boosting", {"max_bins": 8}),
    ("catboost", {"rounds": 5}),
    ("catboost", {"learning_rate": 0.3}),
    ("catboost", {"depth": 2}),
    ("catboost", {"l2_leaf_reg": 50}),
    ("catboost", {"rsm": 0.3}),
    ("catboost", {"subsample": 0.5}),
    ("catboost", {"border_count": 8}),
    ("catboost", {"one_hot_max_size": 2}),
    ("random_forest", {"trees": 5}),
    ("random_forest", {"min_samples_leaf": 80}),
    ("random_forest", {"max_features": 0.2}),
    ("random_forest", {"max_samples": 0.2}),
    ("extra_trees", {"trees": 5}),
    ("extra_trees", {"min_samples_leaf": 80}),
    ("extra_trees", {"max_features": 0.2}),
    ("logistic", {"l2": 1.0}),
    ("elastic_net", {"alpha": 0.1}),
    ("elastic_net", {"l1_ratio": 0.9}),
]


@pytest.mark.parametrize(("family", "change"), OTHER_VALUES)
def test_every_hyperparameter_changes_the_model(family: ModelFamily, change: dict[str, float]) -> None:
    if family not in FAMILIES:
        pytest.skip(f"the library of {family} is not installed")
    task = dict(ONE_EACH)[family]
    X, y = make_data(task)
    params: FamilyParams = PARAMS.of(family).model_copy(update=change)
    usual, other = (
        fit(family, task, X, y, params=each, seed=1, categorical=["symbol"])
        for each in (PARAMS.of(family), params)
    )
    assert not np.array_equal(usual.predict(X), other.predict(X))


def test_the_table_of_hyperparameters_is_complete() -> None:
    tested = {(family, key) for family, change in OTHER_VALUES for key in change}
    assert tested == {(family, key) for family in GROUP.points() for key in PARAMS.of(family).model_dump()}


@pytest.mark.parametrize("family", sorted(set(REGRESSORS) - {"ridge", "elastic_net"}))
def test_the_seed_changes_a_model_of_drawn_rows(family: ModelFamily) -> None:
    X, y = make_data(TaskType.REGRESSION)
    one, two = (fit(family, TaskType.REGRESSION, X, y, params=PARAMS.of(family), seed=s) for s in (1, 2))
    assert not np.array_equal(one.predict(X), two.predict(X))
