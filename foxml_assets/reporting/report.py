"""The training report: what was planned, what is trained, and how well pairs are served."""

from typing import Literal

import msgspec

from foxml_assets.auditing.routing_audit import Interval, RoutingAudit
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import ModelFamily, Route
from foxml_assets.training.models.manifest import ModelState


class ModelLine(msgspec.Struct, frozen=True):
    """A trained model and its hold-out score: the mean within symbols, for a pooled one.

    `evidence_score` is the out-of-fold score, in the same unit, that the job was planned on.
    """

    job_id: str
    target: str
    symbol: str | None
    family: ModelFamily
    route: Route
    metric: ScoreMetric
    score: float
    skill: float
    n: int
    evidence_score: float | None


class RouteLine(msgspec.Struct, frozen=True):
    """The pairs of one route. `mean_skill` is of what is served, `pooled_skill` and `local_skill` of either
    model alone, over the scored pairs that the plan has it for. None where there are none.

    `above_chance` and `below_chance` count the scored pairs whose whole 95 % interval lies on that side of 0,
    `unknown_error` those that have no interval.
    """

    route: Route
    pairs: int
    scored: int
    above_chance: int
    below_chance: int
    unknown_error: int
    mean_skill: Interval | None
    pooled_skill: float | None
    local_skill: float | None


class TargetLine(msgspec.Struct, frozen=True):
    """One target. Scores are means over its scored pairs; `pooled_skill` is the pooled model's alone.

    `above_chance` and `unknown_error` count as those of RouteLine.
    """

    target: str
    pairs: int
    routed: int
    jobs: int
    trained: int
    scored: int
    above_chance: int
    unknown_error: int
    metric: ScoreMetric | None
    score: float | None
    skill: Interval | None
    pooled_skill: float | None
    best: ModelLine | None


class UnroutedLine(msgspec.Struct, frozen=True):
    """A target none of whose pairs gets a model: its pooled evidence and why.

    `blocked_by` counts its pairs by the rule that blocks them.
    """

    target: str
    pairs: int
    metric: ScoreMetric | None
    evidence_score: float | None
    reason: str
    blocked_by: dict[str, int]


class UnfinishedLine(msgspec.Struct, frozen=True):
    """A planned job without its models, and why."""

    job_id: str
    target: str
    symbol: str | None
    state: ModelState
    reason: str


class FamilyTime(msgspec.Struct, frozen=True):
    """What the trained models of a family took: `seconds` are those of the `timed` ones, on one thread."""

    family: ModelFamily
    models: int
    timed: int
    seconds: float


class TrainingReport(msgspec.Struct, frozen=True):
    """Planned against executed, promised against realised. Equal for equal plans and models but for `times`.

    `audit` is the plan's against training everything, None where there is none of this plan and as many
    models. `models` are all trained ones that have a score, the most skilled first. `orphans` are folders of
    models, below the root, that the plan does not ask for; `retired` those that were put aside, each with its
    spec. `basis` is the hash of all that it is made from.
    """

    schema_version: Literal[3]
    basis: str
    plan_hash: str
    audit: RoutingAudit | None
    jobs_planned: int
    jobs_by_state: dict[ModelState, int]
    pairs: int
    pairs_by_route: dict[Route, int]
    routes: tuple[RouteLine, ...]
    targets: tuple[TargetLine, ...]
    unrouted: tuple[UnroutedLine, ...]
    models: tuple[ModelLine, ...]
    times: tuple[FamilyTime, ...]
    unfinished: tuple[UnfinishedLine, ...]
    orphans: tuple[str, ...]
    retired: tuple[str, ...]
