"""What made a row's stability, in numbers beside the keys of the policy that they were held against."""

from math import hypot, isnan

from foxml_assets.core.metrics import NORMAL_95
from foxml_assets.core.vocabulary import Stability
from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.rules.side_trace import SideTrace, number


def side_numbers(trace: SideTrace, policy: PolicyInForce) -> str:
    """The score with its error and 95 % interval, then what made its stability."""
    if isnan(trace.score):
        return "no score"
    error = "no standard error"
    if trace.se >= 0:
        low, high = trace.score - NORMAL_95 * trace.se, trace.score + NORMAL_95 * trace.se
        error = f"standard error {number(trace.se)}, 95 % {number(low)} to {number(high)}"
    unit = "" if trace.metric is None else f" {trace.metric}"
    words = stability_words(trace, policy)
    return f"{number(trace.score)}{unit}, {error}; {trace.stability}" + (f": {words}" if words else "")


def stability_words(trace: SideTrace, policy: PolicyInForce) -> str:
    """Such as "earlier 0.620, recent 0.510, fade 2.4 >= fade_z 2 and recent z 0.3 < gone_z 2".

    Empty if nothing was measured.
    """
    if trace.followed and trace.metric is not None:
        return _over_time(trace, trace.metric.chance, policy)
    return _by_snapshots(trace, policy)


def _over_time(trace: SideTrace, chance: float, policy: PolicyInForce) -> str:
    fade_z, gone_z = policy.stability.fade_z, policy.stability.gone_z
    fade = (trace.earlier - trace.recent) / hypot(trace.earlier_se, trace.recent_se)
    scores = f"earlier {trace.earlier:.3f}, recent {trace.recent:.3f}"
    fades = _against("fade", fade, "fade_z", fade_z)
    if trace.recent_se > 0:
        recent = (trace.recent - chance) / trace.recent_se
        left = _against("recent z", recent, "gone_z", gone_z)
        if fade >= fade_z:
            return f"{scores}, {fades} and {left}"
        if recent <= -fade_z:
            return f"{scores}, recent z {recent:.1f} <= -fade_z {-fade_z:g}"
        if trace.stability == Stability.DIVERGED:
            return f"{scores}, fade {fade:.1f} as that of the pooled model, which is gone, and {left}"
    return f"{scores}, {fades}"


def _by_snapshots(trace: SideTrace, policy: PolicyInForce) -> str:
    rules = policy.stability
    if isnan(trace.overlap) and isnan(trace.tau):
        return ""
    least = rules.min_snapshots_for_stability
    # Not `<`: an unknown number (NaN) is not enough either.
    if not trace.snapshots >= least:
        known = "an unknown number of" if isnan(trace.snapshots) else f"{trace.snapshots:.0f}"
        return f"{known} snapshots, below min_snapshots_for_stability {least}"
    if trace.overlap_std > rules.max_std_overlap:
        return f"std of overlap {trace.overlap_std:.3f} above max_std_overlap {rules.max_std_overlap:g}"
    if trace.tau_std > rules.max_std_tau:
        return f"std of tau {trace.tau_std:.3f} above max_std_tau {rules.max_std_tau:g}"
    overlap = _agreement("overlap", trace.overlap, rules.stable_overlap_min, rules.drifting_overlap_min)
    return f"{overlap}, {_agreement('tau', trace.tau, rules.stable_tau_min, rules.drifting_tau_min)}"


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
