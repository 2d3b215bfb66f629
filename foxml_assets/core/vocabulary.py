"""The closed vocabularies shared by every layer."""

from enum import StrEnum
from typing import TypeAlias


class TaskType(StrEnum):
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


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


# Ascending, so that a higher code is a better state.
class SignalState(StrEnum):
    DISALLOWED = "DISALLOWED"
    EXPERIMENTAL = "EXPERIMENTAL"
    WEAK_BUT_OK = "WEAK_BUT_OK"
    STRONG = "STRONG"


# States in which a side may serve by itself.
USABLE = frozenset({SignalState.STRONG, SignalState.WEAK_BUT_OK})


class Route(StrEnum):
    CROSS_SECTIONAL = "ROUTE_CROSS_SECTIONAL"
    SYMBOL_SPECIFIC = "ROUTE_SYMBOL_SPECIFIC"
    BOTH = "ROUTE_BOTH"
    EXPERIMENTAL_ONLY = "ROUTE_EXPERIMENTAL_ONLY"
    BLOCKED = "ROUTE_BLOCKED"


# What a route trains, and what serves its pairs.
USES_POOLED = frozenset({Route.CROSS_SECTIONAL, Route.BOTH})
USES_OWN = frozenset({Route.SYMBOL_SPECIFIC, Route.BOTH, Route.EXPERIMENTAL_ONLY})


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
