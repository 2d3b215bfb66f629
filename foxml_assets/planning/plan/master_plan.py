"""The master training plan as a frozen value. Field names are those of the plan file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Final, Literal

import msgspec

from foxml_assets.core.assurances import Assurances
from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import ModelFamily, Route, SignalState, TaskType, TrainingType

SCHEMA_VERSION: Final = 4

# Stands where a hash would, for an input that does not exist.
ABSENT = "absent"

_HEX = "^[0-9a-f]{64}$"
Sha256 = Annotated[str, msgspec.Meta(pattern=_HEX)]
# The hash of a job's spec is recomputed where it matters; to match half a million costs a second.
SpecHash = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": _HEX})]
Fingerprint = Annotated[str, msgspec.Meta(pattern=f"{_HEX}|^{ABSENT}$")]
# Which names there are is asked once for a whole plan, where it is read.
PlannedFamily = Annotated[
    ModelFamily,
    msgspec.Meta(extra_json_schema={"pattern": "^[a-z][a-z0-9_]*$"}, extra={"known": FAMILIES.check}),
]
Count = Annotated[int, msgspec.Meta(ge=0)]


# gc=False: such values hold no cycles, and the garbage collector need not visit half a million of them.
class ExcludedSymbol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A symbol whose rows must not enter a pooled training set, and why."""

    symbol: str
    reason: str


class JobMetadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The evidence behind a job. For people and diffs; nothing is trained from it.

    `score` and `gate` are in the metric's unit: of the pooled model on a cross-sectional job, of the
    symbol's own model on a symbol job. `gate` is the number that was held against the thresholds.
    """

    cs_state: SignalState | None = None
    local_state: SignalState | None = None
    sample_size: Count | None = None
    score: float | None = None
    gate: float | None = None
    score_metric: ScoreMetric | None = None

    def score_in(self, metric: ScoreMetric) -> float | None:
        """The score, if it is in that metric: evidence that was imported may be in another one."""
        return self.score if self.score_metric is metric else None


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One model partition to train, once per model family.

    `symbol` is None for the pooled model of all symbols but `excluded_symbols`. `features` None means
    all features of the panel. `data_hash` is of the rows that the job learns from, `spec_hash` of all that
    changes a trained model, and of nothing else.
    """

    job_id: str
    target: str
    symbol: str | None
    route: Route
    training_type: TrainingType
    model_families: tuple[PlannedFamily, ...]
    priority: int
    reason: str
    metadata: JobMetadata
    task_type: TaskType
    horizon_minutes: float | None
    features: tuple[str, ...] | None
    excluded_symbols: tuple[ExcludedSymbol, ...]
    data_hash: str
    spec_hash: SpecHash


class TrainingHashes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hashes of what models depend on beside their jobs and rows.

    `settings` is of what all families share, `families` of the parameters of each.
    """

    settings: str
    families: dict[PlannedFamily, str]

    def of(self, family: ModelFamily) -> str:
        """The hash of the parameters of `family`; ABSENT for one without a section in the settings."""
        return self.families.get(family, ABSENT)

    def only(self, families: Iterable[ModelFamily]) -> "TrainingHashes":
        """Those that models of `families` depend on."""
        return TrainingHashes(self.settings, {family: self.of(family) for family in sorted(set(families))})


class PlanMetadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the plan comes from. The first three fields, the parent and the paths are outside `plan_hash`.

    A hash is `absent` where the input did not exist when the plan was made. `training_hashes` has the
    families that its jobs name, and no others. `assured` has, by target, the
    features of its jobs whose leakage is not doubted, each with who stands for it and why.
    """

    generated_at: str
    run_id: str
    git_commit: str | None
    schema_version: Literal[4]
    plan_hash: Sha256
    parent_plan_hash: Sha256 | None
    routing_plan_hash: Fingerprint
    candidates_hash: Fingerprint
    config_hash: Fingerprint
    training_hashes: TrainingHashes
    routing_plan_path: str
    metrics_snapshot: str
    total_jobs: Count
    model_families: tuple[PlannedFamily, ...]
    assured: dict[str, Assurances]


class SymbolUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What becomes of a symbol beside its own jobs.

    `served_by`: targets whose pooled model serves it. `rows_in`: targets whose pooled model learns from its
    rows without serving it. `blocked`: its blocked pairs, counted by the rule that blocks them.
    """

    served_by: tuple[str, ...]
    rows_in: tuple[str, ...]
    blocked: dict[str, Count]


class PlanSummary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Counts of jobs, of pairs that became none (`total_blocked`), and every symbol of the routing plan.

    Priorities are string keys.
    """

    by_route: dict[Route, Count]
    by_type: dict[TrainingType, Count]
    by_priority: dict[str, Count]
    total_cs_jobs: Count
    total_symbol_jobs: Count
    total_blocked: Count
    symbols: dict[str, SymbolUse]


# dict=True: a cached property keeps its value in the object's dictionary, which structs do without.
class MasterPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """All jobs, by priority descending and then by id. The lookups are built on first use and kept."""

    metadata: PlanMetadata
    jobs: tuple[Job, ...]
    summary: PlanSummary

    @cached_property
    def jobs_by_pair(self) -> Mapping[tuple[str, str | None], Job]:
        """The job of each (target, symbol); symbol None for the pooled job."""
        return {(job.target, job.symbol): job for job in self.jobs}

    @cached_property
    def jobs_by_target(self) -> Mapping[str, tuple[Job, ...]]:
        """The jobs of each target that has any."""
        found: defaultdict[str, list[Job]] = defaultdict(list)
        for job in self.jobs:
            found[job.target].append(job)
        return {target: tuple(jobs) for target, jobs in found.items()}

    @cached_property
    def positions_by_symbol(self) -> Mapping[str, tuple[int, ...]]:
        """Where in `jobs` those stand that touch a symbol: its own, and the pooled jobs of its SymbolUse.

        In plan order; empty for a symbol that no job touches.
        """
        found: defaultdict[str, list[int]] = defaultdict(list)
        pooled: dict[str, int] = {}
        for at, job in enumerate(self.jobs):
            if job.symbol is None:
                pooled[job.target] = at
            else:
                found[job.symbol].append(at)
        for symbol, use in self.summary.symbols.items():
            found[symbol] += [pooled[name] for name in (*use.served_by, *use.rows_in) if name in pooled]
        return {symbol: tuple(sorted(found[symbol])) for symbol in sorted(found)}

    @cached_property
    def symbols_by_target(self) -> Mapping[str, tuple[str, ...]]:
        """The symbols with a model of their own, for each target that has any, in plan order."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for job in self.jobs:
            if job.symbol is not None:
                found[job.target].append(job.symbol)
        return {target: tuple(symbols) for target, symbols in found.items()}
