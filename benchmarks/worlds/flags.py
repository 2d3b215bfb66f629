"""Leakage findings of a run against what was planted."""

from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from benchmarks.worlds.scoring import blocks_of, skill_by_block
from benchmarks.worlds.world import World
from foxml_assets.core.vocabulary import LeakageStatus

_FLAGGED = {LeakageStatus.SUSPECT.value, LeakageStatus.BLOCKED.value}


@dataclass(frozen=True)
class FlaggedFeature:
    """An honest feature that was called SUSPECT or BLOCKED for a target."""

    target: str
    feature: str
    status: str
    recipe: str


@dataclass(frozen=True)
class LeakOutcome:
    """`auc` is what the column alone reaches within the symbols it leaks on, in the evidence."""

    target: str
    column: str
    kind: str
    auc: float
    status: str
    served: bool


def flagged_features(world: World, candidates: pd.DataFrame) -> tuple[list[FlaggedFeature], int]:
    """Honest features that the evidence flags for any target, and how many there are to flag.

    A column that leaks a label is not honest for other targets either: it holds the future.
    """
    recipe = {world.features[at]: world.recipes[at] for at in world.honest}
    found = [
        FlaggedFeature(target, name, status, recipe[name])
        for target, statuses in feature_statuses(candidates).items()
        for name, status in statuses.items()
        if status in _FLAGGED and name in recipe
    ]
    return found, len(world.targets) * len(recipe)


def feature_statuses(candidates: pd.DataFrame) -> dict[str, dict[str, str]]:
    """The statuses of each target's pooled row; those of its symbol rows count where they are worse."""
    found: dict[str, dict[str, str]] = {}
    rows = candidates[candidates["features"].notna()]
    for target, text in zip(rows["target"], rows["features"], strict=True):
        known = found.setdefault(str(target), {})
        for name, status in msgspec.json.decode(text, type=dict[str, str]).items():
            if status in _FLAGGED or name not in known:
                known[name] = status
    return found


def leak_outcomes(
    world: World, candidates: pd.DataFrame, served_targets: npt.NDArray[np.bool_]
) -> list[LeakOutcome]:
    """What became of each planted leak. `served_targets` flags the targets whose leak a job learns from."""
    statuses = feature_statuses(candidates)
    number = {plan.name: at for at, plan in enumerate(world.targets)}
    out = []
    for leak in world.leaks:
        plan = world.targets[number[leak.target]]
        assert plan.leak is not None
        kind = plan.leak.kind.value + (f" {plan.leak.shift}" if plan.leak.shift else "")
        status = statuses.get(leak.target, {}).get(leak.column, "not listed")
        out.append(
            LeakOutcome(
                leak.target,
                leak.column,
                kind,
                single_auc(world, number[leak.target], leak.column, leak.symbols),
                status,
                bool(served_targets[number[leak.target]]),
            )
        )
    return out


def single_auc(world: World, target: int, column: str, symbols: tuple[int, ...]) -> float:
    """Mean AUC of one column within `symbols` over the evidence bars; of a regression (1 + IC) / 2."""
    plan, at = world.targets[target], world.features.index(column)
    skills = []
    for symbol in symbols:
        rows = slice(world.starts[symbol], world.spec.evidence_bars - plan.horizon)
        y = world.labels[target, symbol, rows].astype(np.float64)
        x = np.asarray(rankdata(world.X[symbol, rows, at]))
        skills.append(skill_by_block(plan.task, y, x, blocks_of(len(y), 1), 1)[0])
    return float(0.5 + abs(np.mean(skills)) / 2.0)
