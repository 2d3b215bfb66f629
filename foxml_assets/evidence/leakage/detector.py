"""A leakage detector that a package brings: what it is given, what it answers, and what follows from that.

The detectors of this package are not made so: each asks about what the one before it left (`find.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from foxml_assets.core.entry_points import DETECTORS
from foxml_assets.core.errors import DetectorError, Problem
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.arrays import Flags, Floats, PanelArrays
from foxml_assets.evidence.leakage.copies import mean_skill
from foxml_assets.evidence.leakage.findings import Finding
from foxml_assets.evidence.leakage.known import Known
from foxml_assets.evidence.leakage.ranks import LabelView


@dataclass(frozen=True)
class Suspicion:
    """An answer about one feature: on one symbol, or (`symbol` None) on all.

    BLOCKED and SUSPECT features are left out; on a symbol they hold back its rows instead. `numbers` are the
    detector's own, for people.
    """

    feature: str
    status: LeakageStatus
    reason: str
    symbol: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class LeakageDetector:
    """One detector, found by its entry point, whose name is `name`.

    `find` is given the rows before the hold-out and a label on them (NaN where missing), and must answer the
    same for the same. Raise `version` when its answers change: evidence of another version is stale.
    """

    name: str
    version: str
    find: Callable[[PanelArrays, LabelView], Iterable[Suspicion]]


@dataclass(frozen=True)
class Suspected:
    """What they found: marks by feature for all symbols, and by (symbol, feature), and the findings."""

    blocked: Flags
    suspect: Flags
    blocked_on: Flags
    suspect_on: Flags
    findings: tuple[Finding, ...]


@cache
def find_detector(name: str) -> LeakageDetector:
    """The detector of that name. Raises DetectorError."""
    return DETECTORS.load(name, LeakageDetector)


def detector_versions(names: Sequence[str]) -> list[tuple[str, str]]:
    """What the evidence of these detectors goes by."""
    return [(name, find_detector(name).version) for name in names]


def ask_detectors(
    names: Sequence[str], panel: PanelArrays, label: LabelView, known: Known, skill: Floats
) -> Suspected:
    """The answers of the detectors `names` about every feature that the user does not vouch for."""
    shape = (len(panel.symbols), len(panel.features))
    marks = {status: np.zeros(shape, dtype=bool) for status in (LeakageStatus.BLOCKED, LeakageStatus.SUSPECT)}
    overall = {status: np.zeros(shape[1], dtype=bool) for status in marks}
    findings = []
    for name in names:
        for one in _answers(find_detector(name), panel, label):
            at = panel.features.index(one.feature)
            if not known.may_copy[at]:
                continue
            if one.symbol is None:
                overall[one.status][at] = True
            else:
                marks[one.status][panel.symbols.index(one.symbol), at] = True
            own = mean_skill(skill) if one.symbol is None else skill[panel.symbols.index(one.symbol)]
            findings.append(_finding(name, one, float(np.nan_to_num(own[at]))))
    blocked, suspect = LeakageStatus.BLOCKED, LeakageStatus.SUSPECT
    return Suspected(overall[blocked], overall[suspect], marks[blocked], marks[suspect], tuple(findings))


def _answers(detector: LeakageDetector, panel: PanelArrays, label: LabelView) -> Iterator[Suspicion]:
    for one in detector.find(panel, label):
        problems = []
        if one.feature not in panel.features:
            problems.append(Problem("feature", "is none of the panel", one.feature))
        if one.symbol is not None and one.symbol not in panel.symbols:
            problems.append(Problem("symbol", "is none of the panel", one.symbol))
        if one.status not in (LeakageStatus.BLOCKED, LeakageStatus.SUSPECT):
            problems.append(Problem("status", "must be BLOCKED or SUSPECT", one.status))
        if problems:
            raise DetectorError(
                f"an answer of the leakage detector {detector.name} is wrong", problems=problems
            )
        yield one


def _finding(name: str, one: Suspicion, skill: float) -> Finding:
    return Finding(
        symbol=one.symbol,
        feature=one.feature,
        detector=name,
        status=one.status,
        skill=skill,
        lagged_skill=None,
        past_r2=None,
        future_share=None,
        skill_left=None,
        reason=one.reason,
        numbers=dict(sorted(one.numbers.items())),
    )
