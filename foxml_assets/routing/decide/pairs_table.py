"""The plan's row per pair."""

import numpy as np
import pandas as pd

from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import Route
from foxml_assets.routing.candidates.table_columns import NULL, Values, category, counts, decode, frame
from foxml_assets.routing.decide.plan_parts import PlanParts, trace_columns
from foxml_assets.routing.decide.reasons import pair_reasons, side_phrases
from foxml_assets.routing.methods.combination import better_interval
from foxml_assets.routing.methods.pair_evidence import PairEvidence
from foxml_assets.routing.plan.plan_json import columns_of_target
from foxml_assets.routing.plan.routing_plan import PAIR_COLUMNS
from foxml_assets.routing.policy.routing_words import HorizonTier, RouteRule
from foxml_assets.routing.sides.side_rows import FAMILY_LISTS


def pairs_table(parts: PlanParts, targets: pd.DataFrame) -> pd.DataFrame:
    """PAIR_COLUMNS, sorted by target and symbol; `targets` is the table of targets."""
    known, routes, local = parts.evidence, parts.routes, parts.evidence.local
    at, skills = known.alignment.pair_target, known.skills
    values: dict[str, Values] = {
        **columns_of_target(targets, at),
        "symbol": decode(known.alignment.pair_symbol, known.alignment.symbols),
        "route": decode(routes.route, Route),
        "rule": decode(routes.rule, RouteRule),
        "reason": pair_reasons(routes, parts.limits[at], side_phrases(known.cs)[at], side_phrases(local)),
        "local_metric": decode(local.rows.metric, ScoreMetric),
        "local_tier": decode(np.where(local.rows.present, local.rows.tier, NULL), HorizonTier),
        **trace_columns(local),
        **_pair_scores(known),
        "cs_skill": skills.cs,
        "local_skill": skills.local,
        "both_skill": skills.both,
        "cs_probability": skills.cs_probability,
        "experimental_rank": counts(np.where(routes.rank > 0, routes.rank, np.nan)),
        **_hard_blocks(known),
        "features": _features(known),
        **{name: local.rows.texts[name].array for name in FAMILY_LISTS},
        "quarantine_reason": local.faults.texts(),
    }
    return frame(PAIR_COLUMNS, values)


def _pair_scores(known: PairEvidence) -> dict[str, Values]:
    """The other choices on each pair. Numbers of quarantined rows are nulled."""
    scores = known.scores
    low, high = better_interval(scores.difference, known.policy.fdr.inflate_se)
    values = {
        "pooled_score": scores.cs.value,
        "pooled_se": scores.cs.se,
        "both_score": scores.both.value,
        "difference": scores.difference.value,
        "difference_low": low,
        "difference_high": high,
    }
    bad = known.local.faults.any
    return {name: np.where(bad, np.nan, column) for name, column in values.items()}


def _hard_blocks(known: PairEvidence) -> dict[str, Values]:
    target_leaks, symbol_leaks = known.cs.leaks[known.alignment.pair_target], known.local.leaks
    found = known.local.rows.texts["leakage_reason"].array
    reasons = [
        "the target leaks",
        "the symbol leaks",
        *(f"the symbol leaks: {word}" for word in found.categories),
    ]
    # Sentences with a finding begin at 2, so that code -1, for nothing found, becomes the plain one at 1.
    own = found.codes.astype(np.int64) + 2
    which = np.select([target_leaks, symbol_leaks], [0, own], NULL)
    return {
        "hard_block": target_leaks | symbol_leaks,
        "hard_block_reason": category(reasons, which),
        "excluded_from_pooled": symbol_leaks | known.left_out,
    }


def _features(known: PairEvidence) -> pd.Categorical:
    """The symbol's own feature list if its row has one, else the target's."""
    own, shared = known.local.rows, known.cs.rows
    of_target = shared.features.codes.astype(np.int64)[known.alignment.pair_target]
    # The target's lists stand behind the symbols' own; -1, for neither, becomes null.
    inherited = np.where(of_target < 0, NULL, of_target + len(own.feature_lists))
    which = np.where(own.features.codes >= 0, own.features.codes, inherited)
    return category([features.allowed for features in (*own.feature_lists, *shared.feature_lists)], which)
