"""A world that is made and measured in seconds."""

from dataclasses import replace
from functools import cache

from benchmarks.worlds.spec import KindCounts, WorldSpec
from benchmarks.worlds.world import World, make_world

SMALL = WorldSpec(
    name="small",
    kinds=KindCounts(global_=4, local=2, mixed=1, noise=2, leak=16, drift=1),
    n_symbols=6,
    evidence_bars=1_500,
    holdout_bars=3_000,
    global_auc=(0.58, 0.68),
    mixed_auc=(0.58, 0.62),
    local_auc=(0.62, 0.68),
)


@cache
def small_world() -> World:
    """With every kind of target and all the leaks of the cycle."""
    return make_world(SMALL, 0)


@cache
def world_without_leaks() -> World:
    """Fewer targets, for what has to be fitted."""
    return make_world(replace(SMALL, kinds=KindCounts(2, 2, 1, 1, 0, 1)), 3)
