"""The closed vocabularies shared by every layer."""

from enum import StrEnum
from typing import TypeAlias


class TaskType(StrEnum):
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class ScoreMetric(StrEnum):
    """`auc`: 0.5 is chance. `ic` (rank correlation): 0 is chance. `r2`: 0 is the mean; imported only."""

    AUC = "auc"
    IC = "ic"
    R2 = "r2"


class Stability(StrEnum):
    STABLE = "STABLE"
    DRIFTING = "DRIFTING"
    DIVERGED = "DIVERGED"
    UNKNOWN = "UNKNOWN"


class LeakageStatus(StrEnum):
    SAFE = "SAFE"
    SUSPECT = "SUSPECT"
    BLOCKED = "BLOCKED"
    UNKNOWN = "UNKNOWN"


class AssuredBy(StrEnum):
    """Who stands for a feature: the user with a reason or by calling it a calendar, or replay."""

    USER = "user"
    CALENDAR = "calendar"
    REPLAY = "replay"


class SignalState(StrEnum):
    STRONG = "STRONG"
    WEAK_BUT_OK = "WEAK_BUT_OK"
    EXPERIMENTAL = "EXPERIMENTAL"
    DISALLOWED = "DISALLOWED"


class Route(StrEnum):
    CROSS_SECTIONAL = "ROUTE_CROSS_SECTIONAL"
    SYMBOL_SPECIFIC = "ROUTE_SYMBOL_SPECIFIC"
    BOTH = "ROUTE_BOTH"
    EXPERIMENTAL_ONLY = "ROUTE_EXPERIMENTAL_ONLY"
    BLOCKED = "ROUTE_BLOCKED"


class OutOfSample(StrEnum):
    """Rows that models have not seen: the hold-out, or, of the models that screen, the folds before it."""

    HOLDOUT = "holdout"
    OUT_OF_FOLD = "oof"


class TrainingType(StrEnum):
    CROSS_SECTIONAL = "cross_sectional"
    SYMBOL_SPECIFIC = "symbol_specific"


# The name of a model family. These are open: which there are, `families.names` says.
ModelFamily: TypeAlias = str


class OnStalePlan(StrEnum):
    REFUSE = "refuse"
    WARN = "warn"


class OnMissingPlan(StrEnum):
    TRAIN_ALL = "train_all"
    REFUSE = "refuse"
