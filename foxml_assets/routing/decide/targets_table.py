"""The plan's row per target, and the table of quarantined rows."""

from collections.abc import Callable

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.assurances import read_assurances
from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.routing.candidates.coding import Floats, decode
from foxml_assets.routing.decide.plan_parts import PlanParts, fault_texts, texts, trace_columns
from foxml_assets.routing.decide.reasons import side_phrases
from foxml_assets.routing.methods.sides import target_tasks
from foxml_assets.routing.plan.plan_columns import PlanColumn, counts, frame, merged_category
from foxml_assets.routing.plan.routing_plan import QUARANTINE_COLUMNS, TARGET_COLUMNS
from foxml_assets.routing.plan.stability_words import (
    StabilityNumbers,
    stability_numbers,
    stability_thresholds,
    stability_words,
)
from foxml_assets.routing.policy.routing_words import HorizonTier
from foxml_assets.routing.rules.rules import Measured
from foxml_assets.routing.sides.side_rows import take_text


def targets_table(parts: PlanParts) -> pd.DataFrame:
    """TARGET_COLUMNS, sorted by target."""
    layout, cs = parts.layout, parts.cs
    n_symbols = np.bincount(layout.pair_target, minlength=len(layout.targets))
    hashes = take_text(parts.table["data_hash"], layout.cs_rows)
    values: dict[str, PlanColumn] = {
        "target": decode(np.arange(len(layout.targets)), layout.targets),
        "task_type": decode(target_tasks(cs.rows, parts.local.rows, layout), list(TaskType)),
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
        "successful_families": texts(cs.rows.successful),
        "failed_families": texts(cs.rows.failed),
        "families": texts(cs.rows.families),
        "quarantine_reason": fault_texts(cs),
        "data_hash": texts(hashes),
    }
    return frame(TARGET_COLUMNS, values, len(layout.targets))


def quarantine_table(parts: PlanParts) -> pd.DataFrame:
    """QUARANTINE_COLUMNS: every row of evidence that could not be used, in the order of the candidates."""
    table = parts.table
    homeless = np.flatnonzero(parts.layout.owner < 0)
    rows, reasons = [homeless], [np.full(len(homeless), "target is missing", dtype=object)]
    for side in (parts.cs, parts.local):
        positions, words = side.faults.texts()
        bad = np.flatnonzero(side.faults.any)
        rows.append(side.rows.rows[bad])
        reasons.append(np.array([*words, ""], dtype=object)[positions[bad]])
    at, reason = np.concatenate(rows), np.concatenate(reasons)
    order = np.argsort(at, kind="stable")
    at, reason = at[order], reason[order]
    target, symbol = take_text(table["target"], at), take_text(table["symbol"], at)
    keys, n_rows = np.unique(parts.layout.owner * 2 + parts.layout.is_pooled, return_counts=True)
    key = parts.layout.owner[at] * 2 + parts.layout.is_pooled[at]
    repeated = n_rows[np.searchsorted(keys, key)] if len(at) else np.zeros(0)
    places, distinct = pd.factorize(reason)
    values: dict[str, PlanColumn] = {
        "target": texts(target),
        "symbol": texts(symbol),
        "reason": merged_category(places, list(distinct)),
        "n_rows": counts(np.where(parts.layout.owner[at] < 0, 1, repeated).astype(np.float64)),
    }
    return frame(QUARANTINE_COLUMNS, values, len(at))


def _horizons(parts: PlanParts) -> Floats:
    """The pooled row's horizon, else the longest that a symbol row states."""
    longest = np.full(len(parts.layout.targets), -np.inf)
    stated = parts.local.rows.horizon
    usable = np.isfinite(stated) & (stated >= 0)
    np.maximum.at(longest, parts.layout.pair_target[usable], stated[usable])
    own = parts.cs.rows.horizon
    usable_own = np.isfinite(own) & (own >= 0)
    return np.select([usable_own, np.isfinite(longest)], [own, longest], np.nan)


def _reasons(parts: PlanParts) -> pd.Categorical:
    """The phrase of the state with the number and the threshold that decided it."""
    positions, phrases = side_phrases(parts.cs.rows, parts.cs.states)
    states, n, numbers_of = parts.cs.states, parts.cs.rows.sample_size, _stability_of(parts)
    texts_ = []
    for at, position in enumerate(positions.tolist()):
        gate, threshold, numbers = states.gate[at], states.threshold[at], ""
        measured = states.ladder[states.rule[at]].measured
        if measured is Measured.SAMPLES:
            numbers = f" ({n[at]:.0f} against {threshold:.0f})"
        elif measured is Measured.STABILITY:
            numbers = f" ({numbers_of(at)})"
        elif measured is Measured.GATE and not np.isnan(threshold):
            numbers = f" ({gate:.3f} against {threshold:.3f})"
        texts_.append(phrases[position] + numbers)
    return merged_category(np.arange(len(texts_)), texts_)


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
    reasons = ["the target leaks", *(f"the target leaks: {word}" for word in found.words)]
    return merged_category(np.where(leaks, np.maximum(found.codes, -1) + 1, -1), reasons)


def _assured(parts: PlanParts) -> pd.Categorical:
    """The assurances that are about features a job may use."""
    rows = parts.cs.rows
    pairs, which = np.unique(
        np.stack([rows.assured.codes.astype(np.int64), rows.features.codes.astype(np.int64)]),
        axis=1,
        return_inverse=True,
    )
    texts_ = [
        _restricted(rows.assured.words[at], rows.feature_lists[of].allowed) if at >= 0 else None
        for at, of in pairs.T.tolist()
    ]
    known = np.array([text is not None for text in texts_], dtype=bool)
    codes = which.reshape(-1)
    return merged_category(np.where(known[codes], codes, -1), [text or "" for text in texts_])


def _restricted(assured: str, allowed: str | None) -> str | None:
    """The assurances about features in `allowed` (all without a list) as JSON, None without any."""
    found = read_assurances(assured) or {}
    names = None if allowed is None else msgspec.json.decode(allowed, type=dict[str, str])
    kept = {name: one for name, one in found.items() if names is None or name in names}
    return canonical_json(kept).decode() if kept else None


def _features(parts: PlanParts) -> dict[str, PlanColumn]:
    rows = parts.cs.rows
    columns: dict[str, PlanColumn] = {}
    for name in ("allowed", "dropped"):
        listed = [getattr(features, name) for features in rows.feature_lists]
        known = np.array([*(text is not None for text in listed), False])
        codes = rows.features.codes
        at = np.where((codes >= 0) & known[codes], codes, -1)
        columns["features" if name == "allowed" else "dropped_features"] = merged_category(
            at, [text or "" for text in listed]
        )
    return columns
