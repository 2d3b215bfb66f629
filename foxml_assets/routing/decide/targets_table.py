"""The plan's row per target, and the table of quarantined rows."""

from collections.abc import Callable

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.assurances import read_assurances
from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.routing.candidates.coding import Floats, decode, floats
from foxml_assets.routing.decide.plan_parts import PlanParts, trace_columns
from foxml_assets.routing.decide.reasons import side_phrases
from foxml_assets.routing.methods.sides import target_tasks
from foxml_assets.routing.plan.plan_columns import PlanColumn, category, counts, frame, merged_category
from foxml_assets.routing.plan.routing_plan import QUARANTINE_COLUMNS, TARGET_COLUMNS
from foxml_assets.routing.plan.stability_words import (
    StabilityNumbers,
    stability_numbers,
    stability_thresholds,
    stability_words,
)
from foxml_assets.routing.policy.routing_words import HorizonTier
from foxml_assets.routing.rules.rules import Measured


def targets_table(parts: PlanParts) -> pd.DataFrame:
    """TARGET_COLUMNS, sorted by target."""
    alignment, cs = parts.alignment, parts.cs
    n_symbols = np.bincount(alignment.pair_target, minlength=len(alignment.targets))
    values: dict[str, PlanColumn] = {
        "target": decode(np.arange(len(alignment.targets)), alignment.targets),
        "task_type": decode(target_tasks(cs.rows, parts.local.rows, alignment), list(TaskType)),
        "score_metric": decode(cs.rows.metric, list(ScoreMetric)),
        "horizon_minutes": _horizons(parts),
        "tier": decode(np.where(cs.rows.present, cs.rows.tier, -1), list(HorizonTier)),
        "n_symbols": counts(n_symbols.astype(np.float64)),
        **trace_columns("cs", cs),
        "cs_reason": _reasons(parts),
        "hard_block": cs.leaks,
        "hard_block_reason": _hard_block_reasons(parts),
        "experimental_limit": counts(parts.limits.astype(np.float64)),
        **_features(parts),
        "assured": _assured(parts),
        "successful_families": cs.rows.successful,
        "failed_families": cs.rows.failed,
        "families": cs.rows.families,
        "quarantine_reason": cs.faults.texts(),
        "data_hash": parts.table["data_hash"].reindex(alignment.cs_rows).array,
    }
    return frame(TARGET_COLUMNS, values)


def quarantine_table(parts: PlanParts) -> pd.DataFrame:
    """QUARANTINE_COLUMNS: every row of evidence that could not be used, in the order of the candidates."""
    # All are indexed by candidate row: sorting restores the order, and joining finds the names.
    homeless = pd.DataFrame(
        {"n_rows": 1.0, "reason": "target is missing"}, np.flatnonzero(parts.alignment.owner < 0)
    )
    of_sides = (
        pd.DataFrame({"n_rows": n_rows, "reason": side.faults.texts()}, side.rows.rows)[side.faults.any]
        for side, n_rows in (
            (parts.cs, parts.alignment.cs_counts),
            (parts.local, parts.alignment.pair_counts),
        )
    )
    bad = pd.concat([homeless, *of_sides]).sort_index().join(parts.table[["target", "symbol"]])
    values: dict[str, PlanColumn] = {
        "target": bad["target"].array,
        "symbol": bad["symbol"].array,
        "reason": category(bad["reason"].tolist()),
        "n_rows": counts(bad["n_rows"].to_numpy(np.float64)),
    }
    return frame(QUARANTINE_COLUMNS, values)


def _horizons(parts: PlanParts) -> Floats:
    """The pooled row's horizon, else the longest that a symbol row states."""
    own, stated = (
        pd.Series(rows.horizon).where(np.isfinite(rows.horizon) & (rows.horizon >= 0))
        for rows in (parts.cs.rows, parts.local.rows)
    )
    # Grouped by the target's position, which is the index of `own`: a gap takes the value of its own target.
    return floats(own.fillna(stated.groupby(parts.alignment.pair_target).max()))


def _reasons(parts: PlanParts) -> pd.Categorical:
    """The phrase of the state with the number and the threshold that decided it."""
    phrases = side_phrases(parts.cs.rows, parts.cs.states)
    states, n, numbers_of = parts.cs.states, parts.cs.rows.sample_size, _stability_of(parts)
    reasons = []
    for at, phrase in enumerate(phrases):
        gate, threshold, numbers = states.gate[at], states.threshold[at], ""
        measured = states.ladder[states.rule[at]].measured
        if measured is Measured.SAMPLES:
            numbers = f" ({n[at]:.0f} against {threshold:.0f})"
        elif measured is Measured.STABILITY:
            numbers = f" ({numbers_of(at)})"
        elif measured is Measured.GATE and not np.isnan(threshold):
            numbers = f" ({gate:.3f} against {threshold:.3f})"
        reasons.append(phrase + numbers)
    return category(reasons)


def _stability_of(parts: PlanParts) -> Callable[[int], str]:
    """A target's row by its position, to what made its stability."""
    columns, thresholds = trace_columns("cs", parts.cs), stability_thresholds(parts.policy)
    metrics, fields = list(ScoreMetric), StabilityNumbers.__dataclass_fields__

    def words(at: int) -> str:
        row = pd.Series({f"cs_{name}": columns[f"cs_{name}"][at] for name in fields})
        return stability_words(stability_numbers(row, "cs"), metrics[parts.cs.rows.metric[at]], thresholds)

    return words


def _hard_block_reasons(parts: PlanParts) -> pd.Categorical:
    found, leaks = parts.cs.rows.leakage_reason, parts.cs.leaks
    reasons = ["the target leaks", *(f"the target leaks: {word}" for word in found.categories)]
    # Code -1, for nothing found, becomes the position of the plain sentence.
    return merged_category(np.where(leaks, found.codes.astype(np.int64) + 1, -1), reasons)


def _assured(parts: PlanParts) -> pd.Categorical:
    """The assurances that are about features a job may use."""
    rows = parts.cs.rows
    # Code -1 is no list, for which the last of `feature_lists` stands.
    allowed = [rows.feature_lists[at].allowed for at in rows.features.codes]
    stated = zip(rows.assured, allowed, strict=True)
    texts = [_restricted(text, names) if isinstance(text, str) else None for text, names in stated]
    return category(texts)


def _restricted(assured: str, allowed: str | None) -> str | None:
    """The assurances about features in `allowed` (all without a list) as JSON, None without any."""
    found = read_assurances(assured) or {}
    names = None if allowed is None else msgspec.json.decode(allowed, type=dict[str, str])
    kept = {name: one for name, one in found.items() if names is None or name in names}
    return canonical_json(kept).decode() if kept else None


def _features(parts: PlanParts) -> dict[str, PlanColumn]:
    codes, lists = parts.cs.rows.features.codes, parts.cs.rows.feature_lists
    return {
        "features": merged_category(codes, [features.allowed for features in lists]),
        "dropped_features": merged_category(codes, [features.dropped for features in lists]),
    }
