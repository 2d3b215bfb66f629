"""What a plan serves: for each pair the choice, the families and the columns its models learn from."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.worlds.choices import Choice
from benchmarks.worlds.skills import MEAN, TREES, SkillTable
from benchmarks.worlds.world import World
from foxml_assets.core.vocabulary import ModelFamily, Route
from foxml_assets.planning.plan.master_plan import Job, MasterPlan
from foxml_assets.routing.plan.routing_plan import RoutingPlan

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

_CHOICE = {
    Route.BLOCKED.value: Choice.NONE,
    Route.CROSS_SECTIONAL.value: Choice.POOLED,
    Route.SYMBOL_SPECIFIC.value: Choice.OWN,
    Route.EXPERIMENTAL_ONLY.value: Choice.OWN,
    Route.BOTH.value: Choice.BOTH,
}


@dataclass(frozen=True)
class Served:
    """Targets x symbols. A leaking pair is served by a model that learns from its target's leak; its
    skill counts as 0. `seconds` is the fit time of all models, one LightGBM counted once whatever trees
    a job asks for."""

    choice: Codes
    skill: Floats
    leaking: Flags
    seconds: float


def served_by_plan(world: World, table: SkillTable, routing: RoutingPlan, plan: MasterPlan) -> Served:
    """What the jobs of `plan` serve. A missing job serves nothing."""
    choice = route_choices(world, routing)
    variant = {(job.target, job.symbol): job_variant(table, job.model_families) for job in plan.jobs}
    leaking = np.zeros(choice.shape, bool)
    skill = np.zeros(choice.shape)
    for t, target in enumerate(world.targets):
        pooled_job = plan.jobs_by_pair.get((target.name, None))
        for s, symbol in enumerate(world.symbols):
            used = choice[t, s]
            own_job = plan.jobs_by_pair.get((target.name, symbol))
            pooled = variant.get((target.name, None)) if used in (Choice.POOLED, Choice.BOTH) else None
            own = variant.get((target.name, symbol)) if used in (Choice.OWN, Choice.BOTH) else None
            if pooled is None and own is None:
                choice[t, s] = Choice.NONE
                continue
            leaking[t, s] = (pooled is not None and _learns_leak(world, pooled_job, None)) or (
                own is not None and _learns_leak(world, own_job, s)
            )
            skill[t, s] = 0.0 if leaking[t, s] else table.skill[t, s, table.place(pooled, own)]
    return Served(choice, skill, leaking, _seconds(world, table, plan.jobs))


def served_as(world: World, table: SkillTable, choice: Codes) -> Served:
    """What LightGBM on the honest features serves under these choices."""
    skill = np.zeros(choice.shape)
    for word, column in (
        (Choice.POOLED, table.place(TREES, None)),
        (Choice.OWN, table.place(None, TREES)),
        (Choice.BOTH, table.place(TREES, TREES)),
    ):
        skill = np.where(choice == word, table.skill[:, :, column], skill)
    trees = table.names.index(TREES)
    with_pooled = np.isin(choice, (Choice.POOLED, Choice.BOTH)).any(axis=1)
    with_own = np.isin(choice, (Choice.OWN, Choice.BOTH))
    seconds = table.pooled_seconds[trees][with_pooled].sum() + table.own_seconds[trees][with_own].sum()
    return Served(choice, skill, np.zeros(choice.shape, bool), float(seconds))


def all_seconds(table: SkillTable) -> float:
    """Fit time of both LightGBM models for every pair."""
    trees = table.names.index(TREES)
    return float(table.pooled_seconds[trees].sum() + table.own_seconds[trees].sum())


def route_choices(world: World, routing: RoutingPlan) -> Codes:
    """The choice that each pair's route stands for; NONE for a pair the plan does not name."""
    pairs = routing.pairs
    targets = {plan.name: at for at, plan in enumerate(world.targets)}
    symbols = {name: at for at, name in enumerate(world.symbols)}
    choice = np.zeros((len(targets), len(symbols)), np.int8)
    rows, columns = pairs["target"].map(targets).astype(int), pairs["symbol"].map(symbols).astype(int)
    choice[rows, columns] = [_CHOICE[route] for route in pairs["route"]]
    return choice


def job_variant(table: SkillTable, families: Iterable[ModelFamily]) -> str:
    """The column name of what the mean of `families` predicts; other trees count as LightGBM."""
    words = {family if family in table.names else TREES for family in families}
    return MEAN if len(words) > 1 else words.pop()


def _learns_leak(world: World, job: Job | None, symbol: int | None) -> bool:
    leak = world.leak_of.get(job.target) if job else None
    if job is None or leak is None:
        return False
    sees = job.features is None or leak.column in job.features
    return sees and (symbol is None or symbol in leak.symbols)


def _seconds(world: World, table: SkillTable, jobs: Iterable[Job]) -> float:
    targets = {plan.name: at for at, plan in enumerate(world.targets)}
    symbols = {name: at for at, name in enumerate(world.symbols)}
    total = 0.0
    for job in jobs:
        variant, target = table.names.index(job_variant(table, job.model_families)), targets[job.target]
        if job.symbol is None:
            total += table.pooled_seconds[variant, target]
        else:
            total += table.own_seconds[variant, target, symbols[job.symbol]]
    return total
