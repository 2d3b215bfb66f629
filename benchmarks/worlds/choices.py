"""What a pair can be served with, what the hold-out says is best, and which pairs it decides."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from benchmarks.worlds.skills import TREES, SkillTable
from benchmarks.worlds.spec import Kind
from benchmarks.worlds.world import World

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

_Z_EQUAL = 2.0
_Z_SKILL = 3.0
SAME_SKILL = 0.01


class Choice(IntEnum):
    NONE = 0
    POOLED = 1
    OWN = 2
    BOTH = 3


@dataclass(frozen=True)
class Truth:
    """What the hold-out and the planting know of every pair; arrays are targets x symbols (x choices).

    `planted` routes by the planted kind: a common relation to the pooled model, one of a symbol's own to
    its model, one on top of the other to their average. `hollow` pairs have no relation in the hold-out
    by construction. `acceptable` marks the choices that the hold-out cannot tell from the best one: less
    than 2 standard errors (paired, clustered by time) or .01 of skill below it. `decidable` pairs are the
    hollow ones, for which only NONE is acceptable, and those whose best model beats nothing by 3 errors.
    """

    skill: Floats
    planted: Codes
    hollow: Flags
    acceptable: Flags
    decidable: Flags
    oracle: Codes


def truth_of(world: World, table: SkillTable) -> Truth:
    """The truth by the LightGBM columns of `table`, whatever other families it has."""
    places = [table.place(TREES, None), table.place(None, TREES), table.place(TREES, TREES)]
    skill = np.concatenate(
        [np.zeros((*table.skill.shape[:2], 1)), table.skill[:, :, places].astype(np.float64)], axis=-1
    )
    errors = _error_below_best(table, places, skill)
    best = skill.argmax(axis=-1)
    gap = skill.max(axis=-1)[..., None] - skill
    acceptable = (gap <= _Z_EQUAL * errors) | (gap <= SAME_SKILL)
    planted = planted_choices(world)
    hollow = planted == Choice.NONE
    acceptable[hollow] = np.arange(len(Choice)) == Choice.NONE
    clear = (best != Choice.NONE) & (skill.max(axis=-1) > _Z_SKILL * errors[..., Choice.NONE])
    acceptable[..., Choice.NONE] &= hollow | ~clear
    return Truth(skill, planted, hollow, acceptable, hollow | clear, best.astype(np.int8))


def planted_choices(world: World) -> Codes:
    """Targets x symbols: what someone who knew the planted kinds, and nothing else, would serve."""
    choice = np.zeros((len(world.targets), len(world.symbols)), np.int8)
    for at, plan in enumerate(world.targets):
        own = np.asarray(plan.own)
        if plan.shared and plan.kind is not Kind.DRIFT:
            choice[at] = np.where(own, Choice.BOTH, Choice.POOLED)
        else:
            choice[at, own] = Choice.OWN
    return choice


def _error_below_best(table: SkillTable, places: list[int], skill: Floats) -> Floats:
    """Standard error of the best choice's skill less that of each choice, targets x symbols x choices."""
    shape = (*table.influence.shape[:2], 1, table.influence.shape[3])
    sums = np.concatenate([np.zeros(shape), table.influence[:, :, places]], axis=2)
    best = np.take_along_axis(sums, skill.argmax(axis=-1)[..., None, None], axis=2)
    return np.asarray(np.sqrt(((best - sums) ** 2).sum(axis=-1)))
