"""The state ladder: each row of evidence becomes a signal state, with the rule that decided it."""

from dataclasses import dataclass
from enum import IntFlag, auto

import numpy as np
import numpy.typing as npt

from foxml_assets.routing.coding import Bools, Codes, Floats, code, level
from foxml_assets.routing.fdr import Discoveries, discoveries
from foxml_assets.routing.policy import RoutingPolicy
from foxml_assets.routing.quarantine import Faults
from foxml_assets.routing.side_rows import SideRows
from foxml_assets.routing.words import ErrorControl, GateOn, Side, StateRule, UnknownLeakage
from foxml_assets.vocabulary import LeakageStatus, SignalState, Stability


class Check(IntFlag):
    """The single tests of a row, kept as a bit set so that an explanation can show them."""

    SAMPLE_SIZE = auto()
    LEAKAGE_NOT_BLOCKED = auto()
    FAMILIES = auto()
    FEATURES = auto()
    GATE_KNOWN = auto()
    FDR = auto()
    LEAKAGE_CLEAR = auto()
    STABILITY = auto()
    STRONG_SCORE = auto()
    MIN_SCORE = auto()
    EXPERIMENTAL_SCORE = auto()
    EXPERIMENTAL_STABILITY = auto()


_ELIGIBLE = Check.SAMPLE_SIZE | Check.LEAKAGE_NOT_BLOCKED | Check.FAMILIES | Check.FEATURES


@dataclass(frozen=True)
class SideStates:
    """The decision about every row of one side, with its trace."""

    state: Codes
    rule: Codes
    gate: Floats
    threshold: Floats
    control: Codes
    fdr: Discoveries
    held: Bools
    checks: npt.NDArray[np.uint16]

    @property
    def eligible(self) -> Bools:
        """Whether the row could be routed at all, whatever its score."""
        wanted = np.uint16(_ELIGIBLE)
        return np.asarray((self.checks & wanted) == wanted)


_Rung = tuple[Bools, SignalState, StateRule, Floats | float]


def judge(rows: SideRows, faults: Faults, policy: RoutingPolicy, previous: Codes | None) -> SideStates:
    """Signal states of all rows of one side; `previous` holds each row's earlier state, -1 for none."""
    margin = policy.hysteresis if previous is not None else 0.0
    before = np.full(len(rows.rows), -1, dtype=np.int8) if previous is None else previous
    states = _climb(rows, faults, policy, before, margin)
    if margin == 0.0:
        return states
    plain = _climb(rows, faults, policy, before, 0.0)
    return SideStates(**{**vars(states), "held": states.state != plain.state})


def _climb(rows: SideRows, faults: Faults, policy: RoutingPolicy, before: Codes, margin: float) -> SideStates:
    sound = rows.present & ~faults.any
    gate = np.where(sound, rows.score.low if policy.gate_on is GateOn.CI_LOW else rows.score.value, np.nan)
    tests = _row_tests(rows, gate, policy)
    eligible = sound & tests[Check.SAMPLE_SIZE] & tests[Check.LEAKAGE_NOT_BLOCKED]
    eligible &= tests[Check.FAMILIES] & tests[Check.FEATURES]
    fdr = _control(rows, eligible, policy)
    for check, score, bar, state in (
        (Check.FDR, rows.score.value, fdr.bar, SignalState.EXPERIMENTAL),
        (Check.STRONG_SCORE, gate, rows.bars.strong, SignalState.STRONG),
        (Check.MIN_SCORE, gate, rows.bars.min, SignalState.WEAK_BUT_OK),
        (Check.EXPERIMENTAL_SCORE, gate, rows.bars.experimental, SignalState.EXPERIMENTAL),
    ):
        tests[check] = _passes(score, bar, before, level(state), margin)
    tests[Check.FDR] |= ~fdr.tested
    rungs = _rungs(rows, faults, tests, fdr, policy)
    conditions = [rung[0] for rung in rungs]
    checks = np.zeros(len(gate), dtype=np.uint16)
    for check, passed in tests.items():
        checks[passed & sound] |= np.uint16(check)
    return SideStates(
        state=np.select(conditions, [level(rung[1]) for rung in rungs]).astype(np.int8),
        rule=np.select(conditions, [code(rung[2]) for rung in rungs]).astype(np.int8),
        gate=gate,
        threshold=np.select(conditions, [rung[3] for rung in rungs], np.nan),
        control=_control_codes(fdr, eligible, tests[Check.FDR], policy),
        fdr=fdr,
        held=np.zeros(len(gate), dtype=np.bool_),
        checks=checks,
    )


def _row_tests(rows: SideRows, gate: Floats, policy: RoutingPolicy) -> dict[Check, Bools]:
    allowlist = policy.stability_allowlist
    stabilities = allowlist.cross_sectional if rows.side is Side.CROSS_SECTIONAL else allowlist.symbol
    unknown = rows.leakage == code(LeakageStatus.UNKNOWN)
    blocked = rows.leakage == code(LeakageStatus.BLOCKED)
    capped = rows.leakage == code(LeakageStatus.SUSPECT)
    if policy.unknown_leakage is UnknownLeakage.BLOCK:
        blocked = blocked | unknown
    elif policy.unknown_leakage is UnknownLeakage.EXPERIMENTAL:
        capped = capped | unknown
    few_features = np.array([features.too_few for features in rows.feature_lists])
    return {
        Check.SAMPLE_SIZE: rows.sample_size >= policy.sample_minimum(rows.side),
        Check.LEAKAGE_NOT_BLOCKED: ~blocked,
        Check.FAMILIES: ~(rows.n_families < policy.require_min_successful_families),
        Check.FEATURES: ~few_features[rows.features.codes],
        Check.GATE_KNOWN: ~np.isnan(gate),
        Check.LEAKAGE_CLEAR: ~capped,
        Check.STABILITY: _is_one_of(rows.stability, stabilities),
        Check.EXPERIMENTAL_STABILITY: _is_one_of(rows.stability, policy.experimental.allowed_stabilities),
    }


def _control(rows: SideRows, eligible: Bools, policy: RoutingPolicy) -> Discoveries:
    tested = eligible if policy.fdr.enabled else np.zeros_like(eligible)
    inflated = rows.score.se * policy.fdr.inflate_se
    return discoveries(rows.score.value, inflated, rows.chance, tested, policy.fdr.q)


def _control_codes(fdr: Discoveries, eligible: Bools, passed: Bools, policy: RoutingPolicy) -> Codes:
    if not policy.fdr.enabled:
        return np.full(len(eligible), code(ErrorControl.OFF), dtype=np.int8)
    discovered = np.where(passed, code(ErrorControl.DISCOVERED), code(ErrorControl.REJECTED))
    controlled = np.where(fdr.tested, discovered, code(ErrorControl.NOT_CONTROLLED))
    return np.where(eligible, controlled, code(ErrorControl.OFF)).astype(np.int8)


def _passes(score: Floats, bar: Floats, before: Codes, reached: int, margin: float) -> Bools:
    """score >= bar; with a margin, a row that was there stays until it is below bar - margin, and one
    that was not must exceed bar + margin."""
    if margin == 0.0:
        return score >= bar
    return np.select(
        [before < 0, before >= reached], [score >= bar, score >= bar - margin], score > bar + margin
    )


def _rungs(
    rows: SideRows, faults: Faults, tests: dict[Check, Bools], fdr: Discoveries, policy: RoutingPolicy
) -> list[_Rung]:
    """The ladder: the first rung whose condition holds decides."""
    none, trial = SignalState.DISALLOWED, SignalState.EXPERIMENTAL
    clear, steady = tests[Check.LEAKAGE_CLEAR], tests[Check.STABILITY]
    suspect = rows.leakage == code(LeakageStatus.SUSPECT)
    on_trial = tests[Check.EXPERIMENTAL_SCORE] & tests[Check.EXPERIMENTAL_STABILITY]
    unsteady = (tests[Check.MIN_SCORE] & ~steady & clear) | tests[Check.EXPERIMENTAL_SCORE]
    held_back = ~clear & tests[Check.MIN_SCORE]
    bars = rows.bars
    lowest = np.where(np.isnan(bars.experimental), bars.min, bars.experimental)
    minimum, families = policy.sample_minimum(rows.side), policy.require_min_successful_families
    return [
        (~rows.present, none, StateRule.NO_METRICS, np.nan),
        (faults.any, none, StateRule.QUARANTINED, np.nan),
        (~tests[Check.SAMPLE_SIZE], none, StateRule.SAMPLE_SIZE, float(minimum)),
        (~tests[Check.LEAKAGE_NOT_BLOCKED], none, StateRule.LEAKAGE_BLOCKED, np.nan),
        (~tests[Check.FAMILIES], none, StateRule.FAMILIES, float(families)),
        (~tests[Check.FEATURES], none, StateRule.FEATURES, float(policy.min_features)),
        (~tests[Check.GATE_KNOWN], none, StateRule.NO_GATE, np.nan),
        (~tests[Check.FDR], none, StateRule.FDR, fdr.bar),
        (clear & steady & tests[Check.STRONG_SCORE], SignalState.STRONG, StateRule.STRONG_SCORE, bars.strong),
        (clear & steady & tests[Check.MIN_SCORE], SignalState.WEAK_BUT_OK, StateRule.MIN_SCORE, bars.min),
        (on_trial & clear, trial, StateRule.EXPERIMENTAL_SCORE, bars.experimental),
        (on_trial & suspect, trial, StateRule.SUSPECT_LEAKAGE, bars.experimental),
        (on_trial, trial, StateRule.UNKNOWN_LEAKAGE, bars.experimental),
        (unsteady, none, StateRule.STABILITY, lowest),
        (held_back & suspect, none, StateRule.SUSPECT_LEAKAGE, bars.min),
        (held_back, none, StateRule.UNKNOWN_LEAKAGE, bars.min),
        (np.ones_like(clear), none, StateRule.BELOW_BARS, lowest),
    ]


def _is_one_of(stability: Codes, allowed: tuple[Stability, ...]) -> Bools:
    return np.isin(stability, [code(word) for word in allowed])
