"""routing_plan.md: what was decided and why, for a reader."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pandas as pd

from foxml_assets.markdown import escape, table
from foxml_assets.routing.plan import RoutingPlan, SideControl
from foxml_assets.routing.policy import Output
from foxml_assets.vocabulary import Route

PICTURE_NAME = "routing_plan.png"
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
    control = f"at q = {policy.fdr_q:g}" if policy.fdr_q is not None else "off"
    lines = [
        f"- Plan `{metadata.routing_plan_hash[:12]}` from candidates `{metadata.candidates_hash[:12]}`"
        f" under policy `{metadata.config_hash[:12]}`, run {escape(metadata.run_id)}"
        f" at {escape(metadata.generated_at)}.",
        f"- Gate: `{policy.gate_on}`; profile: `{policy.profile}`; false-discovery control: {control}.",
        f"- Pooled models: {_control(metadata.cross_sectional)}.",
        f"- Symbol models: {_control(metadata.symbol)}.",
    ]
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
    texts = _cells(head, ["target", "cs_state", "hard_block_reason", "cs_reason"])
    rows = [
        (target, state, block or reason, *(f"{count:,}" for count in counts))
        for (target, state, block, reason), counts in zip(texts, counted.to_numpy().tolist(), strict=True)
    ]
    routes = [route.value.removeprefix("ROUTE_").replace("_", " ").capitalize() for route in Route]
    return table(["Target", "Pooled state", "Why", *routes], rows)


def _sections(plan: RoutingPlan, output: Output, shown: int) -> Iterator[str]:
    owner = plan.pairs["target"].cat
    bounds = np.searchsorted(owner.codes, np.arange(len(owner.categories) + 1))
    position = {name: at for at, name in enumerate(owner.categories)}
    for name in plan.targets["target"].astype(object).head(shown):
        yield f"### {escape(name)}"
        at = position.get(name)
        if at is None:
            yield "No symbols: only the pooled model was judged."
        else:
            yield from _section(plan.pairs.iloc[bounds[at] : bounds[at + 1]], output)


def _section(pairs: pd.DataFrame, output: Output) -> Iterator[str]:
    """One target: its pairs counted by reason, then the best of them one by one."""
    counted = pairs.value_counts(["route", "reason"], sort=False).reset_index()
    counted = counted[counted["count"] > 0].sort_values(
        ["count", "route", "reason"], ascending=[False, True, True]
    )
    cases = _cells(counted, ["route", "reason", "count"])
    yield table(["Route", "Why", "Pairs"], cases[:_MAX_REASONS])
    if len(cases) > _MAX_REASONS:
        yield f"{len(cases) - _MAX_REASONS:,} rarer cases are left out."
    listed = output.markdown_max_symbols_per_target
    if listed:
        yield _best_pairs(pairs, listed)
    if listed and len(pairs) > listed:
        yield f"{len(pairs) - listed:,} more symbols are in `routing_plan.json`; these are the best."


def _best_pairs(pairs: pd.DataFrame, listed: int) -> str:
    # Routed pairs first, then by gate: what a reader looks for.
    blocked = (pairs["route"] == Route.BLOCKED.value).to_numpy()
    best = pairs.iloc[np.lexsort((-pairs["local_gate"].fillna(-np.inf).to_numpy(), blocked))[:listed]]
    gates = ["" if np.isnan(value) else f"{value:.3f}" for value in best["local_gate"]]
    sizes = ["" if pd.isna(n) else f"{n:,}" for n in best["local_sample_size"]]
    texts = _cells(best, ["symbol", "route", "local_state", "hard_block_reason", "reason"])
    rows = [
        (symbol, route, state, gate, size, block or reason)
        for (symbol, route, state, block, reason), gate, size in zip(texts, gates, sizes, strict=True)
    ]
    return table(["Symbol", "Route", "Local state", "Gate", "Rows", "Why"], rows)


def _cells(rows: pd.DataFrame, columns: list[str]) -> list[list[str]]:
    """Some columns as lists by row; null is empty text."""
    values = rows[columns].astype(object)
    return cast("list[list[str]]", values.where(values.notna(), "").to_numpy().tolist())
