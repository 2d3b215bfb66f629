"""What made a row's stability, in numbers beside the keys of the policy that they were held against."""

from dataclasses import dataclass
from math import hypot, isnan

import pandas as pd

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.routing.plan.routing_plan import StabilityThresholds
from foxml_assets.routing.policy.routing_config import RoutingPolicy


@dataclass(frozen=True)
class StabilityNumbers:
    """Skill over the folds, or agreement of importance snapshots; NaN where there is none."""

    earlier: float
    earlier_se: float
    recent: float
    recent_se: float
    snapshots: float
    overlap: float
    overlap_std: float
    tau: float
    tau_std: float

    @property
    def followed(self) -> bool:
        """Whether skill was followed over the folds."""
        return not isnan(self.earlier - self.recent) and hypot(self.earlier_se, self.recent_se) > 0


def stability_thresholds(policy: RoutingPolicy) -> StabilityThresholds:
    """What the numbers are held against under `policy`."""
    return StabilityThresholds(**policy.stability_classification.model_dump())


def stability_numbers(row: pd.Series, prefix: str) -> StabilityNumbers:
    """The numbers of one side (`cs` or `local`) in a row of the plan."""
    # Its fields are named as the columns behind the prefix, and in their order.
    values = (row[f"{prefix}_{name}"] for name in StabilityNumbers.__dataclass_fields__)
    return StabilityNumbers(*(float("nan") if pd.isna(value) else float(value) for value in values))


def stability_words(
    numbers: StabilityNumbers, metric: ScoreMetric | None, thresholds: StabilityThresholds
) -> str:
    """Such as "earlier 0.620, recent 0.510, fade 2.4 >= fade_z 2 and recent z 0.3 < gone_z 2".

    Empty if nothing was measured.
    """
    if numbers.followed and metric is not None:
        return _over_time(numbers, metric.chance, thresholds)
    return _by_snapshots(numbers, thresholds)


def _over_time(numbers: StabilityNumbers, chance: float, thresholds: StabilityThresholds) -> str:
    fade = (numbers.earlier - numbers.recent) / hypot(numbers.earlier_se, numbers.recent_se)
    scores = f"earlier {numbers.earlier:.3f}, recent {numbers.recent:.3f}"
    fades = _against("fade", fade, "fade_z", thresholds.fade_z)
    if numbers.recent_se <= 0:
        return f"{scores}, {fades}"
    recent = (numbers.recent - chance) / numbers.recent_se
    if fade >= thresholds.fade_z:
        return f"{scores}, {fades} and {_against('recent z', recent, 'gone_z', thresholds.gone_z)}"
    if recent <= -thresholds.fade_z:
        return f"{scores}, recent z {recent:.1f} <= -fade_z {-thresholds.fade_z:g}"
    return f"{scores}, {fades}"


def _by_snapshots(numbers: StabilityNumbers, thresholds: StabilityThresholds) -> str:
    if isnan(numbers.overlap) and isnan(numbers.tau):
        return ""
    least = thresholds.min_snapshots_for_stability
    # Not `<`: an unknown number (NaN) is not enough either.
    if not numbers.snapshots >= least:
        known = "an unknown number of" if isnan(numbers.snapshots) else f"{numbers.snapshots:.0f}"
        return f"{known} snapshots, below min_snapshots_for_stability {least}"
    for name, value, threshold in (
        ("overlap", numbers.overlap_std, thresholds.max_std_overlap),
        ("tau", numbers.tau_std, thresholds.max_std_tau),
    ):
        if value > threshold:
            return f"std of {name} {value:.3f} above max_std_{name} {threshold:g}"
    return ", ".join(
        text
        for text in (
            _agreement(
                "overlap", numbers.overlap, thresholds.stable_overlap_min, thresholds.drifting_overlap_min
            ),
            _agreement("tau", numbers.tau, thresholds.stable_tau_min, thresholds.drifting_tau_min),
        )
        if text
    )


def _agreement(name: str, value: float, stable: float, drifting: float) -> str:
    if isnan(value):
        return f"{name} unknown"
    if value >= stable:
        return f"{name} {value:.3f} >= stable_{name}_min {stable:g}"
    if value >= drifting:
        return f"{name} {value:.3f} below stable_{name}_min {stable:g}"
    return f"{name} {value:.3f} below drifting_{name}_min {drifting:g}"


def _against(name: str, value: float, key: str, threshold: float) -> str:
    return f"{name} {value:.1f} {'>=' if value >= threshold else '<'} {key} {threshold:g}"
