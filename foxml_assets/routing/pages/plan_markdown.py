"""routing_plan.md: what was decided and why, for a reader."""

from collections import defaultdict
from collections.abc import Iterator
from math import isnan
from typing import Any, cast

import numpy as np
import pandas as pd

from foxml_assets.core.assurances import Assurances, assurance_lines, read_assurances
from foxml_assets.core.markdown import escape, table
from foxml_assets.core.vocabulary import Route, SignalState
from foxml_assets.routing.decide.reasons import LANE_FULL
from foxml_assets.routing.methods.trace_tests import deciding_words
from foxml_assets.routing.plan.routing_plan import PolicyInForce, RoutingPlan, SideControl
from foxml_assets.routing.policy.routing_config import Output
from foxml_assets.routing.policy.routing_words import Side
from foxml_assets.routing.rules.side_trace import side_trace

PICTURE_NAME = "routing_plan.png"
_PAIR_HEADER = (
    *("Symbol", "Route", "Local state", "Score", "Threshold", "Pooled here"),
    *("Local - pooled (95 %)", "Rows", "Why"),
)
_MAX_REASONS = 12
_MAX_QUARANTINED = 50
_EMPTY = "There was no evidence, so nothing was routed. Run the evidence stage first, or import candidates."


def plan_markdown(plan: RoutingPlan, output: Output, *, has_yaml: bool) -> str:
    """The page. Long plans are cut to what `output` allows, with a note of what is left out."""
    parts = [
        "# Routing plan",
        *_counts(plan),
        f"![Routes of all pairs]({PICTURE_NAME})",
        _notes(plan, output, has_yaml),
        *_quarantine(plan),
        "## Targets",
    ]
    if plan.targets.empty:
        return "\n\n".join([*parts, _EMPTY, ""])
    shown = min(len(plan.targets), output.markdown_max_targets)
    parts.append(_overview(plan, shown))
    if shown < len(plan.targets):
        parts.append(f"{len(plan.targets) - shown:,} more targets are in `routing_plan.json`.")
    return "\n\n".join([*parts, *_sections(plan, output, shown), ""])


def _counts(plan: RoutingPlan) -> list[str]:
    metadata = plan.metadata
    total = max(metadata.n_pairs, 1)
    counted = [(route.value, metadata.by_route[route.value]) for route in Route]
    rows = [(route, f"{count:,}", f"{count / total:.1%}") for route, count in counted]
    intro = f"{metadata.n_pairs:,} pairs of {metadata.n_targets:,} targets, by `{metadata.policy.method}`."
    return [intro, table(["Route", "Pairs", "Share"], rows)]


def _notes(plan: RoutingPlan, output: Output, has_yaml: bool) -> str:
    metadata, policy = plan.metadata, plan.metadata.policy
    rates = (policy.fdr_q_cross_sectional, policy.fdr_q_symbol)
    control = "off" if None in rates else "at q = {:g} (pooled) and {:g} (symbol)".format(*rates)
    lines = [
        f"- Plan `{metadata.routing_plan_hash[:12]}` from candidates `{metadata.candidates_hash[:12]}`"
        f" under policy `{metadata.config_hash[:12]}`, run {escape(metadata.run_id)}"
        f" at {escape(metadata.generated_at)}.",
        f"- Gate: `{policy.gate_on}`; profile: `{policy.profile}`; false-discovery control: {control}.",
        f"- Pooled models: {_control(metadata.cross_sectional)}.",
        f"- Symbol models: {_control(metadata.symbol)}.",
    ]
    batch = policy.fdr_batch
    if batch is not None:
        levels = f"{batch.level_cross_sectional:.2g} (pooled) and {batch.level_symbol:.2g} (symbol)"
        lines.append(
            f"- False discoveries are controlled over all plans of the history: this is batch"
            f" {batch.number}, which makes new discoveries at q = {levels}."
        )
    if metadata.previous_plan_hash is not None:
        lines.append(f"- Hysteresis {policy.hysteresis:g} against plan `{metadata.previous_plan_hash[:12]}`.")
    if not has_yaml:
        limit = f"{output.yaml_max_pairs:,} pairs (`output.yaml_max_pairs`)"
        lines.append(f"- No YAML mirror: the plan has more than {limit}.")
    return "\n".join(lines)


def _control(control: SideControl) -> str:
    parts = [f"at most {control.expected_false:.2g} false ones expected under these thresholds"]
    if control.tested:
        parts.append(f"{control.discovered:,} of {control.tested:,} tested rows are discoveries")
    if control.kept:
        parts.append(f"{control.kept:,} more are kept because an earlier plan discovered them")
    if control.not_controlled:
        parts.append(
            f"{control.not_controlled:,} routable rows have no standard error and are not controlled"
        )
    return "; ".join(parts)


def _quarantine(plan: RoutingPlan) -> list[str]:
    if plan.quarantine.empty:
        return []
    head = _cells(plan.quarantine.head(_MAX_QUARANTINED), ["target", "symbol", "reason"])
    rows = [(target, symbol or "(pooled)", reason) for target, symbol, reason in head]
    parts = [
        "## Quarantined evidence",
        f"{len(plan.quarantine):,} rows could not be used; they count as DISALLOWED.",
        table(["Target", "Symbol", "What is wrong"], rows),
    ]
    hidden = len(plan.quarantine) - len(rows)
    return [*parts, f"{hidden:,} more are in `routing_plan.json`."] if hidden else parts


def _overview(plan: RoutingPlan, shown: int) -> str:
    pairs, head = plan.pairs, plan.targets.head(shown)
    counted = pd.crosstab(pairs["target"].astype(object), pairs["route"].astype(object)).reindex(
        index=head["target"].astype(object), columns=[route.value for route in Route], fill_value=0
    )
    texts = _cells(head, ["target", "cs_state", "hard_block_reason"])
    decided = [_decided(Side.CROSS_SECTIONAL, row, plan.metadata.policy) for _, row in head.iterrows()]
    rows = [
        (target, state, block or words, *(f"{count:,}" for count in counts))
        for (target, state, block), words, counts in zip(
            texts, decided, counted.to_numpy().tolist(), strict=True
        )
    ]
    routes = [route.value.removeprefix("ROUTE_").replace("_", " ").capitalize() for route in Route]
    return table(["Target", "Pooled state", "Why", *routes], rows)


def _sections(plan: RoutingPlan, output: Output, shown: int) -> Iterator[str]:
    """Each target: its pairs counted by reason, then the best of them one by one."""
    names, listed = plan.targets["target"].astype(object).head(shown), output.markdown_max_symbols_per_target
    n_pairs, cases, assured = plan.pairs["target"].value_counts(), _cases(plan.pairs), _assured(plan)
    best = _best(plan.pairs, listed)
    rows = _rows_by_target(best[best["target"].isin(names)], plan.metadata.policy)
    for name in names:
        yield f"### {escape(name)}"
        if assured.get(name):
            lines = (f"- {escape(line)}" for line in assurance_lines(assured[name]))
            yield "\n".join(["Leakage is not doubted:", "", *lines])
        n = int(n_pairs.get(name, 0))
        if not n:
            yield "No symbols: only the pooled model was judged."
            continue
        counted = cases.loc[cases["target"] == name, ["route", "case", "n"]]
        head = counted.head(_MAX_REASONS).itertuples(index=False)
        yield table(["Route", "Why", "Pairs"], [(route, why, f"{count:,}") for route, why, count in head])
        if len(counted) > _MAX_REASONS:
            yield f"{len(counted) - _MAX_REASONS:,} rarer cases are left out."
        if listed:
            yield table(_PAIR_HEADER, rows[name])
        if 0 < listed < n:
            yield f"{n - listed:,} more symbols are in `routing_plan.json`; these are the best."


def _assured(plan: RoutingPlan) -> dict[str, Assurances]:
    texts = zip(plan.targets["target"], plan.targets["assured"], strict=True)
    return {target: read_assurances(text) or {} for target, text in texts if isinstance(text, str)}


def _cases(pairs: pd.DataFrame) -> pd.DataFrame:
    """Target, route, reason and how many pairs share them, the most frequent first."""
    case = pairs["reason"].map(lambda reason: LANE_FULL if reason.startswith(LANE_FULL) else reason)
    keys = pd.DataFrame({"target": pairs["target"], "route": pairs["route"], "case": case})
    counted = keys.groupby([*keys], observed=True).size().reset_index(name="n")
    return counted.sort_values(["n", "route", "case"], ascending=[False, True, True])


def _best(pairs: pd.DataFrame, listed: int) -> pd.DataFrame:
    """The first `listed` pairs of each target: routed ones first, then by gate; what a reader looks for."""
    blocked, target = pairs["route"] == Route.BLOCKED.value, pairs["target"]
    order = np.lexsort((-pairs["local_gate"], blocked, target.cat.codes))
    rank = target.iloc[order].groupby(target, observed=True).cumcount()
    return pairs.loc[rank.index[rank < listed]]


def _decided(side: Side, row: pd.Series, policy: PolicyInForce) -> str:
    """What decided the state of one side in a row of the plan's targets or pairs."""
    return deciding_words(side_trace(side, row), policy)


def _rows_by_target(best: pd.DataFrame, policy: PolicyInForce) -> dict[str, list[tuple[str, ...]]]:
    """The rows under _PAIR_HEADER of each target's pairs."""
    tuples: Iterator[Any] = best.itertuples()
    found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for row, (_, series) in zip(tuples, best.iterrows(), strict=True):
        cells = (
            row.symbol,
            row.route,
            row.local_state,
            _with_error(row.local_score, row.local_se),
            _short(row.local_threshold),
            _short(row.pooled_score),
            _interval(row.difference_low, row.difference_high),
            "" if pd.isna(row.local_sample_size) else f"{row.local_sample_size:,}",
            _why(series, policy),
        )
        found[row.target].append(cells)
    return found


def _why(row: pd.Series, policy: PolicyInForce) -> str:
    if isinstance(row["hard_block_reason"], str):
        return row["hard_block_reason"]
    if row["local_state"] != SignalState.DISALLOWED.value:
        return str(row["reason"])
    return f"{row['reason']}. Local {_decided(Side.SYMBOL, row, policy)}"


def _short(value: float) -> str:
    return "" if isnan(value) else f"{value:.3f}"


def _with_error(score: float, se: float) -> str:
    return _short(score) if isnan(se) else f"{score:.3f} ± {se:.3f}"


def _interval(low: float, high: float) -> str:
    return "" if isnan(low) or isnan(high) else f"{low:+.3f} to {high:+.3f}"


def _cells(rows: pd.DataFrame, columns: list[str]) -> list[list[str]]:
    """Some columns as lists by row; null is empty."""
    values = rows[columns].astype(object)
    return cast("list[list[str]]", values.where(values.notna(), "").to_numpy().tolist())
