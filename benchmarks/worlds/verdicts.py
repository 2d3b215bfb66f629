"""How good a plan or a baseline is on one world, as numbers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.worlds.choices import SAME_SKILL, Choice, Truth
from benchmarks.worlds.served import Served, all_seconds, served_as
from benchmarks.worlds.skills import SkillTable
from benchmarks.worlds.spec import Kind
from benchmarks.worlds.world import World

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Verdict:
    """`kept` is over the best choice per pair on the hold-out, `kept_planted` over routing by the planted
    kind. The shares of pairs trained are of pairs without any relation: of noise targets, of leaking
    targets without one (`leaky_noise`), of drifted targets, of symbols that a local target leaves out
    (`unrelated`). `flipped` is the share of served pairs that re-plans serve otherwise."""

    decidable: float
    kept: float
    kept_planted: float
    cost: float
    noise_trained: float
    leaky_noise_trained: float
    drift_trained: float
    unrelated_trained: float
    leaks_served: int
    n_leaks: int
    flipped: float


def verdict(
    world: World, table: SkillTable, truth: Truth, served: Served, flipped: float = float("nan")
) -> Verdict:
    """Compare what is served with the truth."""
    right = right_pairs(world, truth, served)
    planted = served_as(world, table, truth.planted).skill.sum()
    is_served = served.choice != Choice.NONE
    kind = kind_rows(world)

    def trained(of: Kind) -> float:
        among = truth.hollow & (kind == of.value)[:, None]
        return float(is_served[among].mean()) if among.any() else float("nan")

    leaking_targets = served.leaking.any(axis=1)
    return Verdict(
        decidable=float(right[truth.decidable].mean()),
        kept=float(served.skill.sum() / truth.skill.max(axis=-1).sum()),
        kept_planted=float(served.skill.sum() / planted),
        cost=served.seconds / all_seconds(table),
        noise_trained=trained(Kind.NOISE),
        leaky_noise_trained=trained(Kind.LEAK),
        drift_trained=trained(Kind.DRIFT),
        unrelated_trained=trained(Kind.LOCAL),
        leaks_served=int(leaking_targets.sum()),
        n_leaks=len(world.leaks),
        flipped=flipped,
    )


def right_pairs(world: World, truth: Truth, served: Served) -> Flags:
    """Which pairs are served acceptably: by an acceptable choice, or, where there is a relation, as well as
    the best choice of LightGBM, whatever the choice and family. Nothing that leaks is right, and the pair of
    a leaking target may always be blocked."""
    right = np.take_along_axis(truth.acceptable, served.choice[..., None].astype(int), axis=-1)[..., 0]
    right |= ~truth.hollow & (served.skill >= truth.skill.max(axis=-1) - SAME_SKILL)
    may_block = (kind_rows(world) == Kind.LEAK.value)[:, None] & (served.choice == Choice.NONE)
    return np.asarray((right | may_block) & ~served.leaking)


def kind_rows(world: World) -> npt.NDArray[np.str_]:
    """The kind of each target."""
    return np.array([plan.kind.value for plan in world.targets])
