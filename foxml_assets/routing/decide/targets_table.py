"""The plan's row per target, and the table of quarantined rows."""

import msgspec
import numpy as np
import pandas as pd

from foxml_assets.core.assurances import read_assurances
from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.routing.candidates.table_columns import (
    NULL,
    Floats,
    Values,
    category,
    counts,
    decode,
    floats,
    frame,
)
from foxml_assets.routing.decide.plan_parts import PlanParts, trace_columns
from foxml_assets.routing.decide.reasons import side_phrases
from foxml_assets.routing.methods.pair_evidence import PairEvidence
from foxml_assets.routing.methods.sides import JudgedSide, target_tasks
from foxml_assets.routing.plan.routing_plan import QUARANTINE_COLUMNS, TARGET_COLUMNS, PolicyInForce
from foxml_assets.routing.policy.routing_words import HorizonTier, Side
from foxml_assets.routing.rules.rules import Measured
from foxml_assets.routing.rules.side_trace import SideTrace, side_trace
from foxml_assets.routing.rules.stability_words import stability_words
from foxml_assets.routing.sides.side_rows import FAMILY_LISTS, SideRows


def targets_table(parts: PlanParts) -> pd.DataFrame:
    """TARGET_COLUMNS, sorted by target."""
    known, cs, alignment = parts.evidence, parts.evidence.cs, parts.evidence.alignment
    n_symbols = np.bincount(alignment.pair_target, minlength=len(alignment.targets))
    values: dict[str, Values] = {
        "target": decode(np.arange(len(alignment.targets)), alignment.targets),
        "task_type": decode(target_tasks(cs.rows, known.local.rows, alignment), TaskType),
        "score_metric": decode(cs.rows.metric, ScoreMetric),
        "horizon_minutes": _horizons(known),
        "tier": decode(np.where(cs.rows.present, cs.rows.tier, NULL), HorizonTier),
        "n_symbols": counts(n_symbols),
        **trace_columns(cs),
        "hard_block": cs.leaks,
        "hard_block_reason": _hard_block_reasons(cs),
        "experimental_limit": counts(parts.limits),
        **_features(cs.rows),
        "assured": _assured(cs.rows),
        **{name: cs.rows.texts[name].array for name in (*FAMILY_LISTS, "data_hash")},
        "quarantine_reason": cs.faults.texts(),
    }
    values["cs_reason"] = _reasons(pd.DataFrame(values, copy=False), cs, parts.in_force)
    return frame(TARGET_COLUMNS, values)


def quarantine_table(parts: PlanParts) -> pd.DataFrame:
    """QUARANTINE_COLUMNS: every row of evidence that could not be used, in the order of the candidates."""
    # All are indexed by candidate row: sorting restores the order, and joining finds the names.
    known, alignment = parts.evidence, parts.evidence.alignment
    homeless = pd.DataFrame({"n_rows": 1, "reason": "target is missing"}, np.flatnonzero(alignment.owner < 0))
    of_sides = (
        pd.DataFrame({"n_rows": n_rows, "reason": side.faults.texts()}, side.rows.rows)[side.faults.any]
        for side, n_rows in ((known.cs, alignment.cs_counts), (known.local, alignment.pair_counts))
    )
    bad = pd.concat([homeless, *of_sides]).sort_index().join(parts.table[["target", "symbol"]])
    values: dict[str, Values] = {
        "target": bad["target"].array,
        "symbol": bad["symbol"].array,
        "reason": category(bad["reason"].tolist()),
        "n_rows": counts(bad["n_rows"].to_numpy()),
    }
    return frame(QUARANTINE_COLUMNS, values)


def _horizons(known: PairEvidence) -> Floats:
    """The pooled row's horizon, else the longest that a symbol row states."""
    own, stated = (
        pd.Series(rows.horizon).where(np.isfinite(rows.horizon) & (rows.horizon >= 0))
        for rows in (known.cs.rows, known.local.rows)
    )
    # Grouped by the target's position, which is the index of `own`: a gap takes the value of its own target.
    return floats(own.fillna(stated.groupby(known.alignment.pair_target).max()))


def _reasons(rows: pd.DataFrame, side: JudgedSide, policy: PolicyInForce) -> pd.Categorical:
    """The phrase of the state with the number and the threshold that decided it."""
    traces = (side_trace(Side.CROSS_SECTIONAL, row) for row in rows.to_dict("records"))
    told = zip(side_phrases(side), side.rule, traces, strict=True)
    return category([phrase + _numbers(side.ladder[at].measured, one, policy) for phrase, at, one in told])


def _numbers(measured: Measured, trace: SideTrace, policy: PolicyInForce) -> str:
    if measured is Measured.SAMPLES:
        return f" ({trace.sample_size:.0f} against {trace.threshold:.0f})"
    if measured is Measured.STABILITY:
        return f" ({stability_words(trace, policy)})"
    is_known = measured is Measured.GATE and not np.isnan(trace.threshold)
    return f" ({trace.gate:.3f} against {trace.threshold:.3f})" if is_known else ""


def _hard_block_reasons(side: JudgedSide) -> pd.Categorical:
    found, leaks = side.rows.texts["leakage_reason"].array, side.leaks
    reasons = ["the target leaks", *(f"the target leaks: {word}" for word in found.categories)]
    # Code -1, for nothing found, becomes the position of the plain sentence.
    return category(reasons, np.where(leaks, found.codes.astype(np.int64) + 1, NULL))


def _assured(rows: SideRows) -> pd.Categorical:
    """The assurances that are about features a job may use."""
    # Code -1 is no list, for which the last of `feature_lists` stands.
    allowed = [rows.feature_lists[at].allowed for at in rows.features.codes]
    stated = zip(rows.texts["assured"], allowed, strict=True)
    texts = [_restricted(text, names) if isinstance(text, str) else None for text, names in stated]
    return category(texts)


def _restricted(assured: str, allowed: str | None) -> str | None:
    """The assurances about features in `allowed` (all without a list) as JSON, None without any."""
    found = read_assurances(assured) or {}
    names = None if allowed is None else msgspec.json.decode(allowed, type=dict[str, str])
    kept = {name: one for name, one in found.items() if names is None or name in names}
    return canonical_json(kept).decode() if kept else None


def _features(rows: SideRows) -> dict[str, Values]:
    codes, lists = rows.features.codes, rows.feature_lists
    return {
        "features": category([features.allowed for features in lists], codes),
        "dropped_features": category([features.dropped for features in lists], codes),
    }
