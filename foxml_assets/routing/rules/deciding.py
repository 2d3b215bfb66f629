"""The words of each rule: what decided a state, in numbers beside the keys that they were held against."""

import numpy as np

from foxml_assets.routing.plan.routing_plan import PolicyInForce
from foxml_assets.routing.policy.routing_words import ErrorControl, HorizonTier, Profile
from foxml_assets.routing.rules.side_trace import SideTrace, allowed_stabilities, number, score_thresholds_of
from foxml_assets.routing.rules.stability_words import stability_words
from foxml_assets.routing.sides.fdr import one_sided_p

EXPERIMENTAL = "experimental_score"


def sample_size(trace: SideTrace, policy: PolicyInForce) -> str:
    key = "min_sample_size" if policy.profile is Profile.PRODUCTION else "development_min_sample_size"
    minimum = policy.sample_minimum(trace.side)
    return f"samples: {trace.sample_size:,.0f} below {key}.{trace.side} {minimum:,}"


def leakage_blocked(trace: SideTrace, policy: PolicyInForce) -> str:
    unknown = (
        f", and unknown_leakage is {policy.unknown_leakage}" if trace.leakage_status == "UNKNOWN" else ""
    )
    return f"leakage: {trace.leakage_status}{unknown}"


def families(trace: SideTrace, policy: PolicyInForce) -> str:
    fitted = "an unknown number" if np.isnan(trace.families_ok) else f"{trace.families_ok:.0f}"
    required = policy.require_min_successful_families
    return f"families: {fitted} fitted, below require_min_successful_families {required}"


def features(trace: SideTrace, policy: PolicyInForce) -> str:
    allowed = "an unknown number" if trace.n_features is None else f"{trace.n_features:,}"
    return f"features: {allowed} allowed, below min_features {policy.min_features}"


def score_reached(trace: SideTrace, policy: PolicyInForce) -> str:
    """For the rules that are named as the key of the threshold that they ask for."""
    key = _score_key(trace, trace.rule, policy)
    return f"score: {_gate(trace, policy)} reaches {key} {number(trace.threshold)}"


def false_discovery(trace: SideTrace, policy: PolicyInForce) -> str:
    """Such as "fdr: p 0.013 above the threshold 0.0042 at fdr.q.symbol 0.01 (score 0.1002 below 0.1181)"."""
    q = policy.fdr_q(trace.side)
    se = trace.se * policy.inflate_se
    if q is None or trace.metric is None or not se > 0 or np.isnan(trace.fdr_threshold):
        return f"score: {_gate(trace, policy)}; false discovery is not controlled"
    chance = trace.metric.chance
    # The p-value of a score that just meets the threshold is the cut-off of Benjamini-Hochberg.
    p, cutoff = one_sided_p((np.array([trace.score, trace.fdr_threshold]) - chance) / se).tolist()
    rule = f"the threshold {cutoff:.2g} at fdr.q.{trace.side} {q:g}{_batch_words(trace, policy)}"
    score, threshold = number(trace.score), number(trace.fdr_threshold)
    if trace.score >= trace.fdr_threshold:
        return f"fdr: p {p:.2g} within {rule} (score {score} reaches {threshold})"
    return f"fdr: p {p:.2g} above {rule} (score {score} below {threshold})"


def _batch_words(trace: SideTrace, policy: PolicyInForce) -> str:
    """What the history of plans does to a row's test; nothing where each plan stands for itself."""
    batch = policy.fdr_batch
    if batch is None:
        return ""
    if trace.error_control is ErrorControl.KEPT:
        return ", kept because an earlier plan discovered it"
    return f", of which {batch.level(trace.side):.2g} is left for new rows of batch {batch.number}"


def stability(trace: SideTrace, policy: PolicyInForce) -> str:
    numbers = stability_words(trace, policy) or "no numbers"
    allowed = allowed_stabilities(trace, policy)
    return f"stability: {numbers}: {trace.stability}, and stability_allowlist.{trace.side} is {allowed}"


def below_thresholds(trace: SideTrace, policy: PolicyInForce) -> str:
    _, low, experimental = score_thresholds_of(trace, policy)
    lane_open = policy.experimental_lane and not np.isnan(experimental)
    name = EXPERIMENTAL if lane_open else "min_score"
    threshold = experimental if lane_open else low
    return f"score: {_gate(trace, policy)} below {_score_key(trace, name, policy)} {number(threshold)}"


def _gate(trace: SideTrace, policy: PolicyInForce) -> str:
    """The number that was held against the thresholds."""
    return f"{policy.gate_on} {number(trace.gate)}" if policy.gate_on != "score" else number(trace.gate)


def _score_key(trace: SideTrace, name: str, policy: PolicyInForce) -> str:
    """The key of the threshold `name`."""
    if name == EXPERIMENTAL:
        return f"experimental.min_score.{trace.side}.{trace.metric}"
    by_tier = {
        threshold.tier: (threshold.strong, threshold.min)
        for threshold in policy.thresholds
        if (threshold.side, threshold.score_metric) == (trace.side, trace.metric)
    }
    # Tier `any` has the side's own thresholds; a tier with the same ones was not given any of its own.
    own = trace.tier is not None and by_tier.get(trace.tier) != by_tier.get(HorizonTier.ANY)
    return f"{trace.side}.{f'horizon_tiers.{trace.tier}.' if own else ''}{trace.metric}.{name}"
