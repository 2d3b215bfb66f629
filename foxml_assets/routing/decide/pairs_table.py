"""The plan's row per pair."""

import numpy as np
import pandas as pd

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import Route
from foxml_assets.routing.candidates.coding import LEVELS, decode
from foxml_assets.routing.decide.plan_parts import PlanParts, trace_columns
from foxml_assets.routing.decide.reasons import pair_reasons, side_phrases
from foxml_assets.routing.methods.combination import better_interval
from foxml_assets.routing.plan.plan_columns import PlanColumn, counts, frame, merged_category
from foxml_assets.routing.plan.routing_plan import PAIR_COLUMNS
from foxml_assets.routing.policy.routing_words import HorizonTier, RouteRule


def pairs_table(parts: PlanParts) -> pd.DataFrame:
    """PAIR_COLUMNS, sorted by target and symbol."""
    alignment, routes, at = parts.alignment, parts.routes, parts.alignment.pair_target
    cs, local = parts.cs, parts.local
    values: dict[str, PlanColumn] = {
        "target": decode(at, alignment.targets),
        "symbol": decode(alignment.pair_symbol, alignment.symbols),
        "route": decode(routes.route, list(Route)),
        "rule": decode(routes.rule, list(RouteRule)),
        "reason": _reasons(parts),
        "cs_state": decode(cs.states.state[at], LEVELS),
        "cs_rule": merged_category(cs.states.rule[at], [rule.name for rule in cs.states.ladder]),
        "cs_gate": cs.states.gate[at],
        "cs_threshold": cs.states.threshold[at],
        "cs_tier": decode(np.where(cs.rows.present, cs.rows.tier, -1)[at], list(HorizonTier)),
        "local_metric": decode(local.rows.metric, list(ScoreMetric)),
        "local_tier": decode(np.where(local.rows.present, local.rows.tier, -1), list(HorizonTier)),
        **trace_columns("local", local),
        **_pair_scores(parts),
        "cs_skill": parts.skills.cs,
        "local_skill": parts.skills.local,
        "both_skill": parts.skills.both,
        "cs_probability": parts.skills.cs_probability,
        "experimental_rank": counts(np.where(routes.rank > 0, routes.rank, np.nan)),
        **_hard_blocks(parts),
        "features": _features(parts),
        "successful_families": local.rows.successful,
        "failed_families": local.rows.failed,
        "families": local.rows.families,
        "quarantine_reason": local.faults.texts(),
    }
    return frame(PAIR_COLUMNS, values)


def _pair_scores(parts: PlanParts) -> dict[str, PlanColumn]:
    """The other choices on each pair. Numbers of quarantined rows are nulled."""
    scores = parts.scores
    low, high = better_interval(scores.difference, parts.policy.fdr.inflate_se)
    values = {
        "pooled_score": scores.cs.value,
        "pooled_se": scores.cs.se,
        "both_score": scores.both.value,
        "difference": scores.difference.value,
        "difference_low": low,
        "difference_high": high,
    }
    bad = parts.local.faults.any
    return {name: np.where(bad, np.nan, column) for name, column in values.items()}


def _reasons(parts: PlanParts) -> pd.Categorical:
    at = parts.alignment.pair_target
    pooled = side_phrases(parts.cs.rows, parts.cs.states)
    own = side_phrases(parts.local.rows, parts.local.states)
    return pair_reasons(parts.routes, parts.limits[at], pooled[at], own)


def _hard_blocks(parts: PlanParts) -> dict[str, PlanColumn]:
    at = parts.alignment.pair_target
    target_leaks, symbol_leaks = parts.cs.leaks[at], parts.local.leaks
    found = parts.local.rows.leakage_reason
    reasons = [
        "the target leaks",
        "the symbol leaks",
        *(f"the symbol leaks: {word}" for word in found.categories),
    ]
    # Code -1, for nothing found, becomes the position of the plain sentence.
    # The sentences with a finding begin at 2.
    own = found.codes.astype(np.int64) + 2
    which = np.select([target_leaks, symbol_leaks], [0, own], -1)
    hard = target_leaks | symbol_leaks
    return {
        "hard_block": hard,
        "hard_block_reason": merged_category(which, reasons),
        "excluded_from_pooled": symbol_leaks,
    }


def _features(parts: PlanParts) -> pd.Categorical:
    """The symbol's own feature list if its row has one, else the target's."""
    own, shared = parts.local.rows, parts.cs.rows
    lists = [*own.feature_lists, *shared.feature_lists]
    of_target = shared.features.codes.astype(np.int64)
    # The target's lists stand behind the symbols' own; -1, for neither, becomes null.
    inherited = np.where(of_target < 0, -1, of_target + len(own.feature_lists))[parts.alignment.pair_target]
    which = np.where(own.features.codes >= 0, own.features.codes, inherited)
    return merged_category(which, [features.allowed for features in lists])
