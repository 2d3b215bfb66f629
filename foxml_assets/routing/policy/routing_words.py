"""The closed vocabularies of routing. The order of members is the order of their column codes."""

from enum import StrEnum
from typing import TypeVar

_T = TypeVar("_T")


class Side(StrEnum):
    """Which model a row of evidence is about: the pooled one, or one symbol's own."""

    CROSS_SECTIONAL = "cross_sectional"
    SYMBOL = "symbol"

    def of(self, cross_sectional: _T, symbol: _T) -> _T:
        """Which of the two is this side's."""
        return cross_sectional if self is Side.CROSS_SECTIONAL else symbol

    @property
    def prefix(self) -> str:
        """What the side's columns of a plan begin with."""
        return self.of("cs", "local")


class Profile(StrEnum):
    PRODUCTION = "production"
    DEVELOPMENT = "development"


class GateOn(StrEnum):
    SCORE = "score"
    CI_LOW = "ci_low"


class FdrOver(StrEnum):
    """What the false-discovery rate holds over: each plan for itself, or all plans of a history together."""

    PLAN = "plan"
    HISTORY = "history"


class UnknownLeakage(StrEnum):
    EXPERIMENTAL = "experimental"
    ALLOW = "allow"
    BLOCK = "block"


class BothStrongBehavior(StrEnum):
    ROUTE_BOTH = "ROUTE_BOTH"
    PREFER_CS = "PREFER_CS"
    PREFER_SYMBOL = "PREFER_SYMBOL"
    PREFER_BETTER = "PREFER_BETTER"


class BothWeakBehavior(StrEnum):
    PREFER_CS = "PREFER_CS"
    ROUTE_BOTH = "ROUTE_BOTH"
    PREFER_SYMBOL = "PREFER_SYMBOL"


class HorizonTier(StrEnum):
    """Label horizon: short < 60 min, medium < 240, long <= 1440, very_long above; `any` if unknown."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"
    VERY_LONG = "very_long"
    ANY = "any"


class RouteRule(StrEnum):
    """The rule that decided a pair's route."""

    TARGET_LEAKAGE = "target_leakage"
    SYMBOL_LEAKAGE = "symbol_leakage"
    BOTH_STRONG = "both_strong"
    BOTH_WEAK = "both_weak"
    CS_STRONGER = "cs_stronger"
    LOCAL_STRONGER = "local_stronger"
    CS_ONLY = "cs_only"
    LOCAL_ONLY = "local_only"
    LOCAL_ON_SYMBOL = "local_on_symbol"
    POOLED_TOO_SMALL = "pooled_too_small"
    EXPERIMENTAL = "experimental"
    EXPERIMENTAL_LANE_FULL = "experimental_lane_full"
    NOTHING_ALLOWED = "nothing_allowed"
    SHRUNK_CS = "shrunk_cs"
    SHRUNK_LOCAL = "shrunk_local"
    SHRUNK_BOTH = "shrunk_both"


class ErrorControl(StrEnum):
    """What false-discovery control said about a row."""

    OFF = "off"
    DISCOVERED = "discovered"
    REJECTED = "rejected"
    NOT_CONTROLLED = "not_controlled"
    KEPT = "kept"
    TOGETHER = "together"
