"""The single tests of every row of evidence: each passed or failed, before any rule combines them."""

from dataclasses import dataclass
from enum import IntFlag, auto

import numpy as np
import numpy.typing as npt

from foxml_assets.core.vocabulary import LeakageStatus, SignalState
from foxml_assets.routing.frames import Bools, Codes, Floats, Index, code
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import ErrorControl, GateOn, UnknownLeakage
from foxml_assets.routing.sides.fdr import Discoveries, Earlier, discoveries
from foxml_assets.routing.sides.quarantine import SideEvidence
from foxml_assets.routing.sides.shrunk_skill import ShrunkSkill
from foxml_assets.routing.sides.side_rows import RowThresholds, SideRows


class Check(IntFlag):
    """A test of one row; the plan keeps the passed ones as a bit set, for explanations."""

    # The plan holds these bits by position: a new test comes last.
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


# Of a test whose outcome is not kept.
UNRECORDED = Check(0)
ELIGIBLE = Check.SAMPLE_SIZE | Check.LEAKAGE_NOT_BLOCKED | Check.FAMILIES | Check.FEATURES
SCORE_CHECKS = {
    SignalState.STRONG: Check.STRONG_SCORE,
    SignalState.WEAK_BUT_OK: Check.MIN_SCORE,
    SignalState.EXPERIMENTAL: Check.EXPERIMENTAL_SCORE,
}


@dataclass(frozen=True)
class Memory:
    """What hysteresis needs: each row's earlier state code (-1 for none) and the margin."""

    before: Index
    margin: float

    def applied(self, threshold: Floats, reached: SignalState) -> Floats:
        """What is in force: lower by the margin for a row that had `reached`, higher for one that had not."""
        if self.margin == 0.0:
            return threshold
        stays = self.before >= code(reached)
        # A row without an earlier state (-1) has the plain threshold.
        shift = np.select([self.before < 0, stays], [0.0, -self.margin], self.margin)
        return np.asarray(threshold + shift)

    def passes(self, score: Floats, threshold: Floats, reached: SignalState) -> Bools:
        """Whether scores meet the threshold in force; a newcomer must exceed it."""
        applied = self.applied(threshold, reached)
        rises = (self.before >= 0) & (self.before < code(reached))
        return np.where(rises, score > applied, score >= applied)


@dataclass(frozen=True)
class Together:
    """Rows of targets whose own models are `found` by their mean, and the skill of all rows, shrunk."""

    found: Bools
    skill: ShrunkSkill


@dataclass(frozen=True)
class RowTests:
    """The tests of one side. `bits` are those that sound rows passed, `control` codes of ErrorControl.

    `eligible` rows could be routed at all; false-discovery control is over them. `thresholds` and
    `fdr_threshold` are those in force, hysteresis included. `probability` is that of a skill above
    `skill_on_symbol.min_skill`, NaN but for rows that were found together.
    """

    gate: Floats
    passed: dict[Check, Bools]
    bits: npt.NDArray[np.uint16]
    control: Codes
    eligible: Bools
    fdr: Discoveries
    fdr_threshold: Floats
    thresholds: RowThresholds
    probability: Floats


def run_tests(
    side: SideEvidence,
    policy: RoutingPolicy,
    memory: Memory,
    earlier: Earlier,
    confirmed: Bools,
    together: Together | None,
) -> RowTests:
    """Every test of every row.

    `confirmed` rows are a family of their own to false-discovery control too, and those found `together` pass
    it where their own skill is likely enough.
    """
    rows, sound = side.rows, side.sound
    gate = np.where(sound, rows.score.low if policy.gate_on is GateOn.CI_LOW else rows.score.value, np.nan)
    passed = _plain_tests(rows, gate, policy)
    eligible = sound & np.logical_and.reduce([passed[check] for check in ELIGIBLE])
    q = policy.fdr_q(rows.side)
    asked = eligible if q is not None else np.zeros_like(eligible)
    se = rows.score.se * policy.fdr.inflate_se
    # Without a rate no row is asked about, and the 1.0 stands for nothing.
    scores = rows.score.value, se, rows.chance
    fdr = discoveries(*scores, asked, q or 1.0, earlier)
    if policy.fdr_q_confirmed is not None and confirmed.any():
        fdr = fdr.or_by(discoveries(*scores, asked & confirmed, policy.fdr_q_confirmed, earlier))
    found = memory.passes(rows.score.value, fdr.threshold, SignalState.EXPERIMENTAL)
    probability = _probability(rows, fdr.tested, policy, memory, together)
    likely = probability >= policy.skill_on_symbol.min_probability
    # What could not be tested is not rejected here; a method that asks for a test has a rule of its own.
    passed[Check.FDR] = found | likely | ~fdr.tested
    for state, threshold in rows.thresholds.items():
        passed[SCORE_CHECKS[state]] = memory.passes(gate, threshold, state)
    return RowTests(
        gate=gate,
        passed=passed,
        bits=_bits(passed, sound),
        control=_control(asked, fdr, found, likely),
        eligible=eligible,
        fdr=fdr,
        fdr_threshold=memory.applied(fdr.threshold, SignalState.EXPERIMENTAL),
        thresholds={state: memory.applied(held, state) for state, held in rows.thresholds.items()},
        probability=probability,
    )


def _probability(
    rows: SideRows, tested: Bools, policy: RoutingPolicy, memory: Memory, together: Together | None
) -> Floats:
    if together is None:
        return np.full(len(tested), np.nan)
    least = np.full(len(tested), policy.skill_on_symbol.min_skill)
    # The margin of hysteresis is in units of the score.
    asked = least + rows.skill_scale * (memory.applied(least, SignalState.EXPERIMENTAL) - least)
    return np.where(tested & together.found, together.skill.probability_above(asked), np.nan)


def _bits(passed: dict[Check, Bools], sound: Bools) -> npt.NDArray[np.uint16]:
    # One bit per test, so that a million pairs keep all outcomes in two bytes each.
    bits = np.zeros(len(sound), dtype=np.uint16)
    for check, rows in passed.items():
        bits |= np.where(rows & sound, np.uint16(check), np.uint16(0))
    return bits


def _control(asked: Bools, fdr: Discoveries, found: Bools, likely: Bools) -> Codes:
    # The first that holds counts: `found` holds for kept rows too.
    said = {
        ErrorControl.OFF: ~asked,
        ErrorControl.NOT_CONTROLLED: ~fdr.tested,
        ErrorControl.KEPT: found & fdr.kept,
        ErrorControl.DISCOVERED: found,
        ErrorControl.TOGETHER: likely,
    }
    codes = np.select(list(said.values()), [code(word) for word in said], code(ErrorControl.REJECTED))
    return codes.astype(np.int8)


def _plain_tests(rows: SideRows, gate: Floats, policy: RoutingPolicy) -> dict[Check, Bools]:
    unknown = rows.leakage == code(LeakageStatus.UNKNOWN)
    blocked = rows.leakage == code(LeakageStatus.BLOCKED)
    capped = rows.leakage == code(LeakageStatus.SUSPECT)
    if policy.unknown_leakage is UnknownLeakage.BLOCK:
        blocked |= unknown
    elif policy.unknown_leakage is UnknownLeakage.EXPERIMENTAL:
        capped |= unknown
    allowed, on_trial = policy.stability_allowlist.of(rows.side), policy.experimental.allowed_stabilities
    return {
        Check.SAMPLE_SIZE: rows.sample_size >= policy.sample_minimum(rows.side),
        Check.LEAKAGE_NOT_BLOCKED: ~blocked,
        # Not `>=`: an unknown number of families (NaN) is held against no row.
        Check.FAMILIES: ~(rows.n_families < policy.require_min_successful_families),
        Check.FEATURES: ~rows.few_features,
        Check.GATE_KNOWN: ~np.isnan(gate),
        Check.LEAKAGE_CLEAR: ~(blocked | capped),
        Check.STABILITY: np.isin(rows.stability, [*map(code, allowed)]),
        Check.EXPERIMENTAL_STABILITY: np.isin(rows.stability, [*map(code, on_trial)]),
    }
