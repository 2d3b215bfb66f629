"""One world with its truth and the pipeline's evidence, and any policy or baseline judged on it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.worlds.choices import Choice, Truth
from benchmarks.worlds.flags import LeakOutcome, leak_outcomes
from benchmarks.worlds.runs import Run
from benchmarks.worlds.served import Served, route_choices, served_as, served_by_plan
from benchmarks.worlds.skills import SkillTable
from benchmarks.worlds.verdicts import Verdict, kind_rows, right_pairs, verdict
from benchmarks.worlds.world import World
from foxml_assets.core.stamp import RunStamp
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.master_plan import MasterPlan, TrainingHashes
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy

STAMP = RunStamp("2026-01-01T00:00:00Z", "benchmark", None)
_TRACE = ["rule", "cs_rule", "local_rule", "local_stability", "local_leakage_status"]


@dataclass(frozen=True)
class Bench:
    """`replans` are runs on evidence shifted in time."""

    world: World
    table: SkillTable
    truth: Truth
    run: Run
    candidates: pd.DataFrame
    replans: tuple[pd.DataFrame, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """One policy on one world. `wrong` has a row per decidable pair that is served wrongly."""

    verdict: Verdict
    leaks: list[LeakOutcome]
    wrong: pd.DataFrame


def judge_policy(bench: Bench, policy: RoutingPolicy) -> Outcome:
    """Route the run's candidates under `policy` and judge what the jobs of its plan would serve."""
    routing = routed(bench, bench.candidates, policy)
    served = served_by_plan(bench.world, bench.table, routing, plan_of(routing, policy))
    again = [route_choices(bench.world, routed(bench, table, policy)) for table in bench.replans]
    found = verdict(bench.world, bench.table, bench.truth, served, flipped_share(served.choice, again))
    leaks = leak_outcomes(bench.world, bench.candidates, np.asarray(served.leaking.any(axis=1)))
    return Outcome(found, leaks, wrong_pairs(bench, routing, served))


def flipped_share(choice: npt.NDArray[np.int8], again: list[npt.NDArray[np.int8]]) -> float:
    """Share of pairs, among those served in either plan, that a re-plan serves otherwise. NaN without."""
    shares = [(choice != other)[(choice != 0) | (other != 0)] for other in again]
    return float(np.mean([share.mean() if share.size else 0.0 for share in shares])) if shares else np.nan


def baselines(bench: Bench) -> dict[str, Verdict]:
    """What one has without routing, and what routing could not know better."""
    shape = bench.truth.planted.shape
    choices = {
        "all pooled": np.full(shape, Choice.POOLED, np.int8),
        "all own": np.full(shape, Choice.OWN, np.int8),
        "all both": np.full(shape, Choice.BOTH, np.int8),
        "planted kind": bench.truth.planted,
        "oracle on hold-out": bench.truth.oracle,
    }
    world, table, truth = bench.world, bench.table, bench.truth
    return {
        name: verdict(world, table, truth, served_as(world, table, choice))
        for name, choice in choices.items()
    }


def wrong_pairs(bench: Bench, routing: RoutingPlan, served: Served) -> pd.DataFrame:
    """The decidable pairs that are served wrongly, with what to tune by."""
    t, s = np.nonzero(bench.truth.decidable & ~right_pairs(bench.world, bench.truth, served))
    found = pd.DataFrame(
        {
            "target": np.array([plan.name for plan in bench.world.targets])[t],
            "symbol": np.array(bench.world.symbols)[s],
            "kind": kind_rows(bench.world)[t],
            "planted": _words(bench.truth.planted[t, s]),
            "best": _words(bench.truth.oracle[t, s]),
            "served": _words(served.choice[t, s]),
            "leaking": served.leaking[t, s],
            "lost": bench.truth.skill.max(axis=-1)[t, s] - served.skill[t, s],
        }
    )
    trace = routing.pairs[["target", "symbol", *(name for name in _TRACE if name in routing.pairs)]]
    return found.merge(trace.astype(object), on=["target", "symbol"], how="left")


def plan_of(routing: RoutingPlan, policy: RoutingPolicy) -> MasterPlan:
    """The jobs of `routing`, by no data and settings in particular."""
    return build_plan(
        routing,
        policy,
        data_hashes={},
        training_hashes=TrainingHashes("benchmark", {}),
        parent_plan_hash=None,
        stamp=STAMP,
    )


def routed(bench: Bench, candidates: pd.DataFrame, policy: RoutingPolicy) -> RoutingPlan:
    """The routes of `candidates`, of the bench or of another run on its world."""
    universe = {plan.name: bench.world.symbols for plan in bench.world.targets}
    return route(candidates, policy, universe=universe, stamp=STAMP)


def _words(choices: npt.NDArray[np.int8]) -> list[str]:
    return [Choice(value).name.lower() for value in choices]
