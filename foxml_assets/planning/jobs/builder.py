"""From the routing plan to the master training plan."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from foxml_assets.core.assurances import Assurances, read_assurances
from foxml_assets.core.stamp import RunStamp
from foxml_assets.core.vocabulary import Route
from foxml_assets.planning.jobs.from_table import make_jobs
from foxml_assets.planning.jobs.job_table import job_table
from foxml_assets.planning.jobs.symbols import symbol_uses
from foxml_assets.planning.plan.data_hashes import DataHashes
from foxml_assets.planning.plan.encoding import plan_hash
from foxml_assets.planning.plan.master_plan import (
    SCHEMA_VERSION,
    Job,
    MasterPlan,
    PlanMetadata,
    SymbolUse,
    TrainingHashes,
)
from foxml_assets.planning.plan.structure import plan_order, planned_families, summarize
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

ROUTING_PLAN_PATH = Layout(Path()).routing_plan.as_posix()
METRICS_SNAPSHOT = Layout(Path()).routing_candidates.as_posix()


def build_plan(
    routing: RoutingPlan,
    policy: RoutingPolicy,
    *,
    data_hashes: DataHashes,
    training_hashes: TrainingHashes,
    parent_plan_hash: str | None,
    stamp: RunStamp,
) -> MasterPlan:
    """The master training plan of `routing`: its jobs, with priorities and families by `policy`.

    A job whose target or symbol `data_hashes` lacks gets `absent`. Raises
    RoutingPlanError for a routing plan made under another policy than `policy`, and UnsafeNameError for a
    name that cannot become a path.
    """
    jobs = make_jobs(job_table(routing, policy), routing, policy, data_hashes, training_hashes)
    metadata = PlanMetadata(
        generated_at=stamp.generated_at,
        run_id=stamp.run_id,
        git_commit=stamp.git_commit,
        schema_version=SCHEMA_VERSION,
        plan_hash="",
        parent_plan_hash=parent_plan_hash,
        routing_plan_hash=routing.metadata.routing_plan_hash,
        candidates_hash=routing.metadata.candidates_hash,
        config_hash=routing.metadata.config_hash,
        training_hashes=training_hashes.only(planned_families(jobs)),
        routing_plan_path=ROUTING_PLAN_PATH,
        metrics_snapshot=METRICS_SNAPSHOT,
        total_jobs=0,
        model_families=policy.families[-1].use,
        assured=assured_features(routing, jobs),
    )
    blocked = int((routing.pairs["route"] == Route.BLOCKED.value).sum())
    symbols = symbol_uses(routing, {job.target for job in jobs if job.symbol is None})
    return assemble_plan(jobs, metadata, total_blocked=blocked, symbols=symbols)


def assured_features(routing: RoutingPlan, jobs: Sequence[Job]) -> dict[str, Assurances]:
    """The features of each target's `jobs` that somebody stands for; targets without any are left out."""
    # None stands for all features: a job without a list of its own uses every one.
    planned: defaultdict[str, set[str] | None] = defaultdict(set)
    for job in jobs:
        before = planned[job.target]
        planned[job.target] = None if job.features is None or before is None else before | {*job.features}
    found = {}
    for target, text in zip(routing.targets["target"], routing.targets["assured"], strict=True):
        if target in planned and isinstance(text, str):
            names = planned[target]
            assured = read_assurances(text) or {}
            found[target] = {name: it for name, it in assured.items() if names is None or name in names}
    return {target: assured for target, assured in found.items() if assured}


def assemble_plan(
    jobs: Iterable[Job],
    metadata: PlanMetadata,
    *,
    total_blocked: int,
    symbols: Mapping[str, SymbolUse],
) -> MasterPlan:
    """A plan of `jobs` in plan order, with its job count, summary and hash filled in."""
    ordered = tuple(sorted(jobs, key=plan_order))
    summary = summarize(ordered, total_blocked, symbols)
    counted = replace(metadata, total_jobs=len(ordered))
    # The hash counts the jobs too, so it comes last.
    hashed = replace(counted, plan_hash=plan_hash(counted, ordered, summary))
    return MasterPlan(hashed, ordered, summary)
