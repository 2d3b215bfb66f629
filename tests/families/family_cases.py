"""Every installed family with the tasks that it learns, small settings, and data to learn from."""

from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from foxml_assets.core.entry_points import FAMILIES as GROUP
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.catboost_family import CatBoostParams
from foxml_assets.families.lightgbm_family import LightGBMParams
from foxml_assets.families.registry import find_family
from foxml_assets.families.scikit.boosting import HistGradientBoostingParams
from foxml_assets.families.scikit.forests import ExtraTreesParams, RandomForestParams
from foxml_assets.families.scikit.linear import ElasticNetParams, LogisticParams
from foxml_assets.families.sections import FamiliesConfig
from foxml_assets.families.xgboost_family import XGBoostParams

PARAMS = FamiliesConfig(
    lightgbm=LightGBMParams(rounds=20, min_data_in_leaf=10),
    xgboost=XGBoostParams(rounds=20, min_child_weight=2),
    hist_gradient_boosting=HistGradientBoostingParams(rounds=20, min_samples_leaf=10),
    catboost=CatBoostParams(rounds=20),
    random_forest=RandomForestParams(trees=10, min_samples_leaf=10, max_features=0.6),
    extra_trees=ExtraTreesParams(trees=10, min_samples_leaf=10, max_features=0.6),
    logistic=LogisticParams(l2=10.0),
    elastic_net=ElasticNetParams(),
)


def is_installed(family: ModelFamily) -> bool:
    """Whether the library is there; that of a family may be an extra of this package."""
    try:
        return bool(version(find_family(family).distribution))
    except PackageNotFoundError:
        return False


FAMILIES = tuple(filter(is_installed, GROUP.points()))
EVERY = [(family, task) for family in FAMILIES for task in sorted(find_family(family).tasks)]
CLASSIFIERS = [family for family, task in EVERY if task is TaskType.CLASSIFICATION]
REGRESSORS = [family for family, task in EVERY if task is TaskType.REGRESSION]
# Each family once, with a task that it learns.
ONE_EACH = list(dict(reversed(EVERY)).items())


def make_data(task: TaskType, n: int = 600) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(5)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=["a", "b", "c", "d"])
    X["symbol"] = rng.integers(0, 12, n)
    signal = X["a"] - X["b"] - X["b"] ** 2 + np.where(X["symbol"] % 3 == 0, 2.0, -1.0) + rng.normal(size=n)
    X.loc[rng.random(n) < 0.1, "c"] = np.nan
    y = (signal > 0).astype(float) if task is TaskType.CLASSIFICATION else signal
    return X, pd.Series(y)
