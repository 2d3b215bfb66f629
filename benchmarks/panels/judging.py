"""What a run says of a panel: false alarms, routes, and the share of skill that the plan keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.panels.leaks import Planted, skill_alone
from benchmarks.panels.panel import RealPanel
from benchmarks.panels.running import PanelRun
from benchmarks.worlds.flags import feature_statuses
from foxml_assets.auditing.pages.audit_files import read_audit
from foxml_assets.auditing.routing_audit import Interval, RoutingAudit, Scheme
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.evidence_files import read_findings
from foxml_assets.routing.candidates.candidates_file import read_candidates

FLAGGED = (LeakageStatus.SUSPECT.value, LeakageStatus.BLOCKED.value)
JUDGED = (Scheme.PLAN, Scheme.ALL_POOLED, Scheme.BOTH_AVERAGED)
_TRUSTED = 2.0


@dataclass(frozen=True)
class FalseAlarm:
    """An honest feature under suspicion for a target; `symbols` is 0 where that holds for all of them."""

    target: str
    feature: str
    status: str
    detector: str
    symbols: int
    skill: float
    reason: str


@dataclass(frozen=True)
class PanelVerdict:
    """One panel. `skill` maps the schemes of JUDGED to mean and standard error on the hold-out.

    `kept` is the plan's skill over that of the better of all pooled and both averaged, `kept_se` the error
    of the paired difference over that skill. Both are None where the better one is not `_TRUSTED` errors
    above 0: of nothing nothing can be kept.
    """

    panel: str
    rows: int
    symbols: int
    features: int
    targets: int
    profile: str
    alarms: tuple[FalseAlarm, ...]
    routes: Mapping[str, int]
    left_out: Mapping[str, int]
    skill: Mapping[str, tuple[float, float]]
    better: str
    kept: float | None
    kept_se: float | None
    seconds: float
    audit_seconds: float


@dataclass(frozen=True)
class LeakVerdict:
    """A planted column and one target: its skill alone, and the status it was given."""

    panel: str
    kind: str
    target: str
    skill: float
    status: str
    alarms: int

    @property
    def is_caught(self) -> bool:
        return self.status in FLAGGED


def false_alarms(panel: RealPanel, run: PanelRun, honest: Sequence[str]) -> tuple[FalseAlarm, ...]:
    """The findings about honest features, one a target and feature: of the whole target, or the worst."""
    worst: dict[tuple[str, str], FalseAlarm] = {}
    for target in panel.targets:
        found = [one for one in read_findings(run.layout, target) if one.feature in honest]
        for one in sorted(found, key=lambda finding: (finding.symbol is not None, -abs(finding.skill))):
            alarms = [other for other in found if other.feature == one.feature and other.symbol is not None]
            worst.setdefault(
                (target, one.feature),
                FalseAlarm(
                    target=target,
                    feature=one.feature,
                    status=one.status.value,
                    detector=one.detector,
                    symbols=0 if one.symbol is None else len(alarms),
                    skill=one.skill,
                    reason=one.reason,
                ),
            )
    return tuple(worst.values())


def judge(panel: RealPanel, run: PanelRun) -> PanelVerdict:
    """The verdict on a finished run with its audit."""
    audit = read_audit(run.layout)
    skill = {scheme.value: _skill(audit, scheme) for scheme in JUDGED}
    better = max((Scheme.ALL_POOLED, Scheme.BOTH_AVERAGED), key=lambda one: skill[one.value][0])
    value, error = skill[better.value]
    result = audit.line(better).result
    ahead = None if result is None else result.plan_ahead
    # Of a hold-out of one block no error is known.
    counts = value > _TRUSTED * np.nan_to_num(error) and ahead is not None
    return PanelVerdict(
        panel=panel.name,
        rows=len(panel.frame),
        symbols=len(panel.symbols),
        features=len(panel.features),
        targets=len(panel.targets),
        profile="development" if panel.is_short else "production",
        alarms=false_alarms(panel, run, panel.features),
        routes={line.route.value: line.pairs for line in audit.routes},
        left_out={why.value: count for why, count in audit.left_out.items() if count},
        skill=skill,
        better=better.value,
        kept=skill[Scheme.PLAN.value][0] / value if counts else None,
        kept_se=ahead.se / value if counts and ahead is not None and ahead.se is not None else None,
        seconds=run.seconds["training"],
        audit_seconds=run.seconds["audit"],
    )


def judge_leak(planted: Planted, run: PanelRun, honest: Sequence[str]) -> list[LeakVerdict]:
    """What became of each planted column, target by target."""
    statuses = feature_statuses(read_candidates(run.layout.routing_candidates))
    alarms = false_alarms(planted.panel, run, honest)
    return [
        LeakVerdict(
            panel=planted.panel.name,
            kind=planted.leak.value,
            target=target,
            skill=skill_alone(planted.panel, target, column),
            status=statuses.get(target, {}).get(column, "not listed"),
            alarms=sum(alarm.target == target for alarm in alarms),
        )
        for target, column in planted.columns.items()
    ]


def _skill(audit: RoutingAudit, scheme: Scheme) -> tuple[float, float]:
    result = audit.line(scheme).result
    mean: Interval = Interval(0.0, None, None, None) if result is None else result.mean_skill
    return mean.value, float("nan") if mean.se is None else mean.se
