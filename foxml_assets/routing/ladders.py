"""From tests to signal states: an ordered ladder per method, of which the first rung that holds decides."""

from dataclasses import dataclass

import numpy as np

from foxml_assets.routing.coding import Bools, Floats, code
from foxml_assets.routing.policy import RoutingPolicy
from foxml_assets.routing.quarantine import Faults
from foxml_assets.routing.row_tests import Check, RowTests
from foxml_assets.routing.side_rows import SideRows
from foxml_assets.routing.words import Method, StateRule
from foxml_assets.vocabulary import LeakageStatus, SignalState

_NONE, _TRIAL = SignalState.DISALLOWED, SignalState.EXPERIMENTAL
_WEAK, _STRONG = SignalState.WEAK_BUT_OK, SignalState.STRONG


@dataclass(frozen=True)
class Rung:
    """Rows for which `holds` get `state`; `bar` is what decided, in the unit of the rule."""

    holds: Bools
    state: SignalState
    rule: StateRule
    bar: Floats | float = np.nan


def ladder(rows: SideRows, faults: Faults, tests: RowTests, policy: RoutingPolicy) -> list[Rung]:
    """The ladder of the policy's method; some rung holds for every row."""
    admission = _admission(rows, faults, tests, policy)
    if policy.method is Method.SHRINKAGE:
        return [*admission, *_by_discovery(rows, tests, policy)]
    return [*admission, *_by_bars(rows, tests)]


def _admission(rows: SideRows, faults: Faults, tests: RowTests, policy: RoutingPolicy) -> list[Rung]:
    """What both methods ask first: enough sound, clean evidence that is not chance."""
    passed = tests.passed
    minimum, families = policy.sample_minimum(rows.side), policy.require_min_successful_families
    return [
        Rung(~rows.present, _NONE, StateRule.NO_METRICS),
        Rung(faults.any, _NONE, StateRule.QUARANTINED),
        Rung(~passed[Check.SAMPLE_SIZE], _NONE, StateRule.SAMPLE_SIZE, float(minimum)),
        Rung(~passed[Check.LEAKAGE_NOT_BLOCKED], _NONE, StateRule.LEAKAGE_BLOCKED),
        Rung(~passed[Check.FAMILIES], _NONE, StateRule.FAMILIES, float(families)),
        Rung(~passed[Check.FEATURES], _NONE, StateRule.FEATURES, float(policy.min_features)),
        Rung(~passed[Check.GATE_KNOWN], _NONE, StateRule.NO_GATE),
        Rung(~passed[Check.FDR], _NONE, StateRule.FDR, tests.fdr_bar),
    ]


def _by_bars(rows: SideRows, tests: RowTests) -> list[Rung]:
    """Method thresholds: score bars and stability."""
    passed, bars = tests.passed, tests.bars
    clear, steady = passed[Check.LEAKAGE_CLEAR], passed[Check.STABILITY]
    suspect = rows.leakage == code(LeakageStatus.SUSPECT)
    on_trial = passed[Check.EXPERIMENTAL_SCORE] & passed[Check.EXPERIMENTAL_STABILITY]
    unsteady = (passed[Check.MIN_SCORE] & ~steady & clear) | passed[Check.EXPERIMENTAL_SCORE]
    held_back = ~clear & passed[Check.MIN_SCORE]
    lowest = np.where(np.isnan(bars.experimental), bars.min, bars.experimental)
    return [
        Rung(clear & steady & passed[Check.STRONG_SCORE], _STRONG, StateRule.STRONG_SCORE, bars.strong),
        Rung(clear & steady & passed[Check.MIN_SCORE], _WEAK, StateRule.MIN_SCORE, bars.min),
        Rung(on_trial & clear, _TRIAL, StateRule.EXPERIMENTAL_SCORE, bars.experimental),
        Rung(on_trial & suspect, _TRIAL, StateRule.SUSPECT_LEAKAGE, bars.experimental),
        Rung(on_trial, _TRIAL, StateRule.UNKNOWN_LEAKAGE, bars.experimental),
        Rung(unsteady, _NONE, StateRule.STABILITY, lowest),
        Rung(held_back & suspect, _NONE, StateRule.SUSPECT_LEAKAGE, bars.min),
        Rung(held_back, _NONE, StateRule.UNKNOWN_LEAKAGE, bars.min),
        Rung(np.ones_like(clear), _NONE, StateRule.BELOW_BARS, lowest),
    ]


def _by_discovery(rows: SideRows, tests: RowTests, policy: RoutingPolicy) -> list[Rung]:
    """Method shrinkage: a discovery may be routed; its bars only tell a strong one from a weak one.

    Agreement of importances says little about skill and is not asked for; skill that faded is.
    """
    passed, bar = tests.passed, tests.fdr_bar
    clear = passed[Check.LEAKAGE_CLEAR]
    suspect = rows.leakage == code(LeakageStatus.SUSPECT)
    capped = _TRIAL if policy.enable_experimental_lane else _NONE
    return [
        Rung(~tests.fdr.tested, _NONE, StateRule.NO_GATE),
        Rung(rows.over_time.known & ~passed[Check.STABILITY], _NONE, StateRule.STABILITY),
        Rung(clear & passed[Check.STRONG_SCORE], _STRONG, StateRule.STRONG_SCORE, tests.bars.strong),
        Rung(clear, _WEAK, StateRule.DISCOVERED, bar),
        Rung(suspect, capped, StateRule.SUSPECT_LEAKAGE, bar),
        Rung(~clear, capped, StateRule.UNKNOWN_LEAKAGE, bar),
    ]
