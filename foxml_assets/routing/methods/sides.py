"""Both sides of the evidence, judged: what each row holds, what is wrong with it, and its state."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.routing.candidates.alignment import Alignment, owners_of
from foxml_assets.routing.candidates.coding import NULL, UNREADABLE, Bools, Codes, Index, code, encode
from foxml_assets.routing.methods.states import SideStates, judge
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import Side, UnknownLeakage
from foxml_assets.routing.sides.fdr import Earlier
from foxml_assets.routing.sides.quarantine import (
    Fault,
    Faults,
    bad_pair_scores,
    find_faults,
    unusable_symbols,
    unusable_targets,
)
from foxml_assets.routing.sides.side_rows import PairScores, SideRows, side_rows


@dataclass(frozen=True)
class JudgedSide:
    """One side, an entry per target or pair. `leaks` marks hard blocks, quarantined rows included."""

    rows: SideRows
    faults: Faults
    states: SideStates
    leaks: Bools


@dataclass(frozen=True)
class EarlierStates:
    """State and route codes in the previous plan, -1 where there was none; None without such a plan."""

    cs: Index | None = None
    local: Index | None = None
    route: Index | None = None


def judge_sides(
    table: pd.DataFrame,
    alignment: Alignment,
    scores: PairScores,
    policy: RoutingPolicy,
    earlier: EarlierStates,
    discoveries: tuple[Earlier, Earlier],
) -> tuple[JudgedSide, JudgedSide]:
    """The pooled side (by target) and the symbol side (by pair) of typed candidates.

    `discoveries` is what false-discovery control knows of earlier plans, for each.
    """
    cs_rows = side_rows(table, alignment.cs_rows, Side.CROSS_SECTIONAL, policy)
    inherited = cs_rows.few_features[alignment.pair_target]
    local_rows = side_rows(table, alignment.pair_rows, Side.SYMBOL, policy, inherited)
    cs_faults, local_faults = _faults(cs_rows, local_rows, scores, alignment, policy)
    leaking = _leaking_rows(table, policy)
    # By row, not by pair: a leaking row that repeats its pair is quarantined, and blocks all the same.
    pooled = np.where(alignment.is_pooled, alignment.owner, -1)
    paired = np.where(alignment.is_pooled, -1, alignment.owner)
    # A word nobody can read may mean BLOCKED, so that symbol must not enter the pooled model either.
    unreadable = local_rows.present & (local_rows.leakage == UNREADABLE)
    cs = JudgedSide(
        rows=cs_rows,
        faults=cs_faults,
        states=judge(cs_rows, cs_faults, policy, earlier.cs, discoveries[0]),
        leaks=owners_of(leaking, pooled, len(alignment.targets)),
    )
    local = JudgedSide(
        rows=local_rows,
        faults=local_faults,
        states=judge(local_rows, local_faults, policy, earlier.local, discoveries[1]),
        leaks=owners_of(leaking, paired, len(alignment.pair_rows)) | unreadable,
    )
    return cs, local


def target_tasks(cs: SideRows, local: SideRows, alignment: Alignment) -> Codes:
    """Each target's task code: its pooled row's, else the first that a symbol row states, else negative."""
    own, stated = (pd.Series(rows.task).where(rows.task >= 0) for rows in (cs, local))
    first = stated.groupby(alignment.pair_target).min()
    # Both are indexed by the target's position, by which the one fills the gaps of the other.
    return own.fillna(first).fillna(NULL).to_numpy(np.int8)


def _faults(
    cs: SideRows, local: SideRows, scores: PairScores, alignment: Alignment, policy: RoutingPolicy
) -> tuple[Faults, Faults]:
    at = alignment.pair_target
    task = target_tasks(cs, local, alignment)
    bad_target, bad_symbol = unusable_targets(alignment.targets), unusable_symbols(alignment.symbols)
    cs_given = [(Fault.DUPLICATE, alignment.cs_counts > 1), (Fault.TARGET_NAME, bad_target)]
    local_given = [
        (Fault.DUPLICATE, alignment.pair_counts > 1),
        (Fault.NO_POOLED_ROW, alignment.cs_rows[at] < 0),
        (Fault.TARGET_NAME, bad_target[at]),
        (Fault.SYMBOL_NAME, bad_symbol[alignment.pair_symbol]),
        (Fault.PAIR_SCORES, bad_pair_scores(local, scores)),
        (Fault.TASK_CONFLICT, (local.task >= 0) & (local.task != task[at])),
    ]
    return (
        find_faults(cs, policy.sample_minimum(Side.CROSS_SECTIONAL), cs_given),
        find_faults(local, policy.sample_minimum(Side.SYMBOL), local_given),
    )


def _leaking_rows(table: pd.DataFrame, policy: RoutingPolicy) -> Bools:
    status = encode(table["leakage_status"], LeakageStatus)
    leaking: Bools = np.asarray(status == code(LeakageStatus.BLOCKED))
    if policy.unknown_leakage is UnknownLeakage.BLOCK:
        leaking |= (status == code(LeakageStatus.UNKNOWN)) | (status == NULL)
    return leaking
