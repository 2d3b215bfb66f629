"""Both sides of the evidence, judged: what each row holds, what is wrong with it, and its state."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from foxml_assets.core.names import check_symbol_name, check_target_name
from foxml_assets.core.vocabulary import LeakageStatus, SignalState, Stability
from foxml_assets.routing.candidates.alignment import Alignment, owners_of
from foxml_assets.routing.candidates.table_columns import (
    NULL,
    UNREADABLE,
    Bools,
    Codes,
    Floats,
    Index,
    code,
    encode,
    level,
)
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import Side, UnknownLeakage
from foxml_assets.routing.rules.rules import Cases, Rule
from foxml_assets.routing.sides.fdr import Earlier
from foxml_assets.routing.sides.quarantine import Fault, Faults, bad_pair_scores, find_faults, unusable_names
from foxml_assets.routing.sides.row_tests import Memory, RowTests, run_tests
from foxml_assets.routing.sides.side_rows import PairScores, SideRows, side_rows


@dataclass(frozen=True)
class JudgedSide:
    """One side, an entry per target or pair: `rule`, a position in `ladder`, gave each its `state`.

    `held` marks states that only hysteresis kept, `leaks` hard blocks, quarantined rows included.
    """

    rows: SideRows
    faults: Faults
    tests: RowTests
    ladder: tuple[Rule, ...]
    rule: Codes
    state: Codes
    threshold: Floats
    held: Bools
    leaks: Bools


@dataclass(frozen=True)
class EarlierStates:
    """State and route codes in the previous plan, -1 where there was none."""

    cs: Index
    local: Index
    route: Index


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
    gone = cs_rows.followed & (cs_rows.stability == code(Stability.DIVERGED))
    inherited = (column[alignment.pair_target] for column in (cs_rows.few_features, gone))
    local_rows = side_rows(table, alignment.pair_rows, Side.SYMBOL, policy, *inherited)
    cs_faults, local_faults = _faults(cs_rows, local_rows, scores, alignment, policy)
    leaking = _leaking_rows(table, policy)
    # By row, not by pair: a leaking row that repeats its pair is quarantined, and blocks all the same.
    cs_leaks = owners_of(leaking & alignment.is_pooled, alignment.owner, len(alignment.targets))
    local_leaks = owners_of(leaking & ~alignment.is_pooled, alignment.owner, len(alignment.pair_rows))
    # A word nobody can read may mean BLOCKED, so that symbol must not enter the pooled model either.
    local_leaks |= local_rows.present & (local_rows.leakage == UNREADABLE)
    alone = np.zeros(len(alignment.pair_rows), dtype=np.bool_)
    local = _judge(local_rows, local_faults, local_leaks, policy, earlier.local, discoveries[1], alone)
    # Something can be forecast of a target of which one symbol's own model is usable.
    usable = local.state >= level(SignalState.WEAK_BUT_OK)
    confirmed = owners_of(usable, alignment.pair_target, len(alignment.targets))
    cs = _judge(cs_rows, cs_faults, cs_leaks, policy, earlier.cs, discoveries[0], confirmed)
    return cs, local


def target_tasks(cs: SideRows, local: SideRows, alignment: Alignment) -> Codes:
    """Each target's task code: its pooled row's, else the first that a symbol row states, else negative."""
    own, stated = (pd.Series(rows.task).where(rows.task >= 0) for rows in (cs, local))
    first = stated.groupby(alignment.pair_target).min()
    # Both are indexed by the target's position, by which the one fills the gaps of the other.
    return own.fillna(first).fillna(NULL).to_numpy(np.int8)


def _judge(
    rows: SideRows,
    faults: Faults,
    leaks: Bools,
    policy: RoutingPolicy,
    before: Index,
    earlier: Earlier,
    confirmed: Bools,
) -> JudgedSide:
    """The state of every row; `before` holds each row's earlier state code, -1 where it had none."""
    ladder = find_method(policy.method).ladder

    def climbed(memory: Memory) -> JudgedSide:
        tests = run_tests(rows, faults, policy, memory, earlier, confirmed)
        cases = Cases(rows, faults, tests, policy)
        # The position of the first rule that holds; the last one takes what is left.
        decided = np.select([rule.rows(cases) for rule in ladder], range(len(ladder)), len(ladder) - 1)
        threshold = np.full(len(decided), np.nan)
        for at, rule in enumerate(ladder):
            here, against = decided == at, rule.threshold(cases)
            threshold[here] = against[here] if isinstance(against, np.ndarray) else against
        state = np.array([level(rule.state) for rule in ladder], dtype=np.int8)[decided]
        held = np.zeros(len(decided), dtype=np.bool_)
        return JudgedSide(rows, faults, tests, ladder, decided.astype(np.int8), state, threshold, held, leaks)

    plain = climbed(Memory(np.full_like(before, NULL), 0.0))
    if policy.hysteresis == 0.0 or (before < 0).all():
        return plain
    # Judged without memory too: the states that differ are those that only hysteresis kept.
    judged = climbed(Memory(before, policy.hysteresis))
    return replace(judged, held=judged.state != plain.state)


def _faults(
    cs: SideRows, local: SideRows, scores: PairScores, alignment: Alignment, policy: RoutingPolicy
) -> tuple[Faults, Faults]:
    at = alignment.pair_target
    task = target_tasks(cs, local, alignment)
    bad_target = unusable_names(alignment.targets, check_target_name)
    bad_symbol = unusable_names(alignment.symbols, check_symbol_name)
    cs_given = [(Fault.DUPLICATE, alignment.cs_counts > 1), (Fault.TARGET_NAME, bad_target)]
    local_given = [
        (Fault.DUPLICATE, alignment.pair_counts > 1),
        (Fault.NO_POOLED_ROW, alignment.cs_rows[at] < 0),
        (Fault.TARGET_NAME, bad_target[at]),
        (Fault.SYMBOL_NAME, bad_symbol[alignment.pair_symbol]),
        (Fault.PAIR_SCORES, bad_pair_scores(local, scores)),
        (Fault.TASK_CONFLICT, (local.task >= 0) & (local.task != task[at])),
    ]
    return find_faults(cs, policy, cs_given), find_faults(local, policy, local_given)


def _leaking_rows(table: pd.DataFrame, policy: RoutingPolicy) -> Bools:
    status = encode(table["leakage_status"], LeakageStatus)
    leaking: Bools = np.asarray(status == code(LeakageStatus.BLOCKED))
    if policy.unknown_leakage is UnknownLeakage.BLOCK:
        leaking |= (status == code(LeakageStatus.UNKNOWN)) | (status == NULL)
    return leaking
