"""Linear models of scikit-learn on z-scores; a missing value counts as the median."""

from typing import TYPE_CHECKING

from pydantic import Field

from foxml_assets.core.vocabulary import TaskType
from foxml_assets.families.params import FamilyParams
from foxml_assets.families.scikit.learner import Learner, scikit_family
from foxml_assets.families.threads import one_blas_thread

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

# Far more than either solver needs on z-scores.
_MOST_STEPS = 10_000
_TYPES = frozenset(
    {
        "numpy.dtype",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.model_selection._split.KFold",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._target_encoder.TargetEncoder",
    }
)


class LogisticParams(FamilyParams):
    """Logistic regression, whose predictions are probabilities."""

    l2: float = Field(default=100.0, gt=0)


class ElasticNetParams(FamilyParams):
    """Least squares on the label's z-score, which drops features that hardly help."""

    alpha: float = Field(default=0.01, gt=0)
    l1_ratio: float = Field(default=0.5, gt=0, le=1)


def _as_level(params: FamilyParams, seed: int) -> "BaseEstimator":
    """The symbol's mean label: of other rows while fitting, and shrunk towards that of all symbols."""
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import TargetEncoder

    return TargetEncoder(target_type="continuous", cv=KFold(5, shuffle=True, random_state=seed))


def _logistic(task: TaskType, params: LogisticParams, seed: int, _: bool) -> "BaseEstimator":
    from sklearn.linear_model import LogisticRegression

    # C is the inverse of the penalty on the summed loss.
    return _on_z_scores(LogisticRegression(C=1 / params.l2, max_iter=_MOST_STEPS))


def _elastic_net(task: TaskType, params: ElasticNetParams, seed: int, _: bool) -> "BaseEstimator":
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import ElasticNet
    from sklearn.preprocessing import StandardScaler

    model = ElasticNet(alpha=params.alpha, l1_ratio=params.l1_ratio, max_iter=_MOST_STEPS)
    return _on_z_scores(TransformedTargetRegressor(model, transformer=StandardScaler()))


def _on_z_scores(model: "BaseEstimator") -> "Pipeline":
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    gaps = SimpleImputer(strategy="median")
    return Pipeline([("gaps", gaps), ("z", StandardScaler()), ("weights", model)])


_LOGISTIC = Learner(
    family="logistic",
    symbol=_as_level,
    estimator=_logistic,
    types=_TYPES | {"sklearn.linear_model._logistic.LogisticRegression"},
    one_thread=one_blas_thread,
)
_ELASTIC_NET = Learner(
    family="elastic_net",
    symbol=_as_level,
    estimator=_elastic_net,
    types=_TYPES
    | {
        "sklearn.compose._target.TransformedTargetRegressor",
        "sklearn.linear_model._coordinate_descent.ElasticNet",
    },
    one_thread=one_blas_thread,
)

LOGISTIC = scikit_family(
    _LOGISTIC,
    probe=LogisticParams(),
    tasks=frozenset({TaskType.CLASSIFICATION}),
    screened_as="ridge",
    colour="#44AA99",
)
ELASTIC_NET = scikit_family(
    _ELASTIC_NET,
    probe=ElasticNetParams(),
    tasks=frozenset({TaskType.REGRESSION}),
    screened_as="ridge",
    colour="#999933",
)
