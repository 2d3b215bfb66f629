"""The routing audit: what the plan earns on the hold-out against training everything."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from foxml_assets.core.vocabulary import Route

Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Scheme(StrEnum):
    """A way to serve every pair.

    `best_choice` is no way to train, but the best of nothing and the three baselines for each pair, chosen
    on the hold-out itself, which flatters it.
    """

    PLAN = "plan"
    ALL_POOLED = "all_pooled"
    ALL_SYMBOL = "all_symbol"
    BOTH_AVERAGED = "both_averaged"
    BEST_CHOICE = "best_choice"


BASELINES = (Scheme.ALL_POOLED, Scheme.ALL_SYMBOL, Scheme.BOTH_AVERAGED)


class LeftOut(StrEnum):
    """Why a pair takes no part in the comparison; it earns nothing under any scheme."""

    LEAKS = "leaks"
    NOT_IN_PANEL = "not_in_panel"
    NO_TASK = "no_task"
    NOT_SCORED = "not_scored"


class Interval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value with its standard error and 95 % interval, which are None where the hold-out is too short."""

    value: float
    se: float | None
    low: float | None
    high: float | None


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a scheme trains. `models` are files of trained jobs, `seconds` those of their fits on one thread.

    A `failed` job could not be trained and serves nobody; a `missing` one is not trained yet.
    """

    jobs: Count
    trained: Count
    failed: Count
    missing: Count
    models: Count
    seconds: Seconds


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a scheme earns on the compared pairs. A pair that it does not serve earns 0.

    `mean_skill` is over all of them. `without_skill` and `unproven` count the served pairs whose skill, and
    whose lower 95 % bound, is not above 0 or not known; `unproven` is None where no bound is. `plan_ahead` is
    the plan's mean skill minus this one's, paired in pairs and time. Shares are None where there is nothing
    to share.
    """

    served: Count
    without_skill: Count
    unproven: Count | None
    mean_skill: Interval
    of_best_baseline: Interval | None
    of_best_choice: Interval | None
    plan_ahead: Interval | None


class SchemeLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One scheme. `result` is None until every job of it was tried; `cost` is None for the best choice.

    `pays_after` is the number of trainings whose savings against this baseline are the cost of screening;
    None where nothing is saved, or where either is not known.
    """

    scheme: Scheme
    cost: Cost | None
    result: Result | None
    pays_after: Count | None


class RouteLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The compared pairs of one route: mean skill under each scheme whose result is known."""

    route: Route
    pairs: Count
    mean_skill: dict[Scheme, Interval]


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hold-out: `bars` from `start` to `end`, cut into `blocks` of two of the longest horizon or more.

    The errors of single pairs are by blocks of their own target's horizon.
    """

    start: str
    end: str
    bars: Count
    blocks: Count
    longest_horizon_bars: Count


class Screening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the evidence behind the plan cost, summed over the `timed` of its `targets`."""

    targets: Count
    timed: Count
    seconds: Seconds
    cpu_seconds: Seconds


class RoutingAudit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole audit of the plan of hash `plan_hash`. Equal for equal models, timings and panel.

    `best_baseline` has the highest mean skill of the baselines whose result is known.
    """

    schema_version: Literal[1]
    plan_hash: str
    symbol_as_feature: bool
    holdout: Window
    pairs: Count
    compared: Count
    left_out: dict[LeftOut, Count]
    schemes: tuple[SchemeLine, ...]
    best_baseline: Scheme | None
    routes: tuple[RouteLine, ...]
    screening: Screening

    def line(self, scheme: Scheme) -> SchemeLine:
        """The line of one scheme."""
        return next(line for line in self.schemes if line.scheme is scheme)
