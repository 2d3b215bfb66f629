"""routing_plan.md: what was decided and why, for a reader."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pandas as pd

from foxml_assets.routing.markdown import code_span, prose, table
from foxml_assets.routing.plan import RoutingPlan, SideControl
from foxml_assets.routing.policy import Output
from foxml_assets.vocabulary import Route

PICTURE_NAME = "routing_plan.png"
_MAX_REASONS = 12
_MAX_QUARANTINED = 50


def plan_markdown(plan: RoutingPlan, output: Output, *, has_yaml: bool) -> str:
    """The page. Long plans are cut to what `output` allows, with a note of what is left out."""
    lines = [
        "# Routing plan",
        "",
        *_counts(plan),
        "",
        f"![Routes of all pairs]({PICTURE_NAME})",
        "",
        *_notes(plan, output, has_yaml),
        *_quarantine(plan),
        "## Targets",
        "",
    ]
    if plan.targets.empty:
        lines += ["There was no evidence, so there was nothing to route. Run the evidence stage first,", ""]
        lines[-2] += " or import candidates."
        return "\n".join(lines)
    by_target = _routes_by_target(plan)
    shown = min(len(plan.targets), output.markdown_max_targets)
    lines += [*_overview(plan, by_target, shown), ""]
    if shown < len(plan.targets):
        lines += [f"{len(plan.targets) - shown:,} more targets are in `routing_plan.json`.", ""]
    sections = _sections(plan, by_target, output, shown)
    return "\n".join([*lines, *sections])


def _counts(plan: RoutingPlan) -> list[str]:
    metadata = plan.metadata
    total = max(metadata.n_pairs, 1)
    rows = [
        [
            f"`{route.value}`",
            f"{metadata.by_route[route.value]:,}",
            f"{metadata.by_route[route.value] / total:.1%}",
        ]
        for route in Route
    ]
    intro = f"{metadata.n_pairs:,} pairs of {metadata.n_targets:,} targets, by `{metadata.policy.method}`."
    return [intro, "", *table(["Route", "Pairs", "Share"], rows, right=(1, 2))]


def _notes(plan: RoutingPlan, output: Output, has_yaml: bool) -> list[str]:
    metadata, policy = plan.metadata, plan.metadata.policy
    control = f"at q = {policy.fdr_q:g}" if policy.fdr_q is not None else "off"
    lines = [
        f"- Plan `{metadata.routing_plan_hash[:12]}` from candidates `{metadata.candidates_hash[:12]}`"
        f" under policy `{metadata.config_hash[:12]}`, run {code_span(metadata.run_id)}"
        f" at {code_span(metadata.generated_at)}.",
        f"- Gate: `{policy.gate_on}`; profile: `{policy.profile}`; false-discovery control: {control}.",
        f"- Pooled models: {_control(metadata.cross_sectional)}.",
        f"- Symbol models: {_control(metadata.symbol)}.",
    ]
    if metadata.previous_plan_hash is not None:
        lines.append(f"- Hysteresis {policy.hysteresis:g} against plan `{metadata.previous_plan_hash[:12]}`.")
    if not has_yaml:
        lines.append(
            f"- No YAML mirror: the plan has more than {output.yaml_max_pairs:,} pairs"
            " (`output.yaml_max_pairs`)."
        )
    return [*lines, ""]


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
    head = plan.quarantine.head(_MAX_QUARANTINED)
    rows = [
        [_name(target), _name(symbol) or "*(pooled)*", prose(reason)]
        for target, symbol, reason in _cells(head, ["target", "symbol", "reason"])
    ]
    lines = [
        "## Quarantined evidence",
        "",
        f"{len(plan.quarantine):,} rows could not be used; they count as DISALLOWED.",
        "",
        *table(["Target", "Symbol", "What is wrong"], rows),
        "",
    ]
    hidden = len(plan.quarantine) - len(head)
    return [*lines, f"{hidden:,} more are in `routing_plan.json`.", ""] if hidden else lines


def _routes_by_target(plan: RoutingPlan) -> pd.DataFrame:
    counted = pd.crosstab(plan.pairs["target"].astype(object), plan.pairs["route"].astype(object))
    return counted.reindex(
        index=plan.targets["target"].astype(object),
        columns=[route.value for route in Route],
        fill_value=0,
    )


def _overview(plan: RoutingPlan, by_target: pd.DataFrame, shown: int) -> list[str]:
    header = ["Target", "Pooled state", "Why", "CS", "Symbol", "Both", "Experimental", "Blocked"]
    columns = ["target", "cs_state", "hard_block_reason", "cs_reason"]
    rows = [
        [_name(target), f"`{state}`", prose(block or reason), *(f"{count:,}" for count in counts)]
        for (target, state, block, reason), counts in zip(
            _cells(plan.targets.head(shown), columns), by_target.to_numpy()[:shown].tolist(), strict=True
        )
    ]
    return table(header, rows, right=(3, 4, 5, 6, 7))


def _cells(table_: pd.DataFrame, columns: list[str]) -> list[list[str]]:
    """The text of some columns by row; null is empty."""
    text = table_[columns].astype(object)
    return cast("list[list[str]]", text.where(text.notna(), "").to_numpy().tolist())


def _name(name: str) -> str:
    return code_span(name) if name else ""


def _sections(plan: RoutingPlan, by_target: pd.DataFrame, output: Output, shown: int) -> Iterator[str]:
    owner = plan.pairs["target"].cat
    names = plan.targets["target"].astype(object).tolist()
    bounds = np.searchsorted(owner.codes, np.arange(len(owner.categories) + 1))
    position = {name: at for at, name in enumerate(owner.categories)}
    for name in names[:shown]:
        yield f"### {code_span(name)}"
        yield ""
        if name not in position:
            yield "No symbols: only the pooled model was judged."
            yield ""
            continue
        at = position[name]
        yield from _section(plan.pairs.iloc[bounds[at] : bounds[at + 1]], output)


def _section(pairs: pd.DataFrame, output: Output) -> list[str]:
    counted = pairs.value_counts(["route", "reason"], sort=False).reset_index()
    counted = counted[counted["count"] > 0].sort_values(
        ["count", "route", "reason"], ascending=[False, True, True]
    )
    cases = [
        [f"`{route}`", prose(reason), f"{int(count):,}"]
        for route, reason, count in _cells(counted, ["route", "reason", "count"])
    ]
    lines = [*table(["Route", "Why", "Pairs"], cases[:_MAX_REASONS], right=(2,)), ""]
    if len(cases) > _MAX_REASONS:
        lines += [f"{len(cases) - _MAX_REASONS:,} rarer cases are left out.", ""]
    listed = output.markdown_max_symbols_per_target
    if not listed:
        return lines
    # Routed pairs first, then by gate: what a reader looks for.
    blocked = (pairs["route"] == Route.BLOCKED.value).to_numpy()
    gate = pairs["local_gate"].fillna(-np.inf).to_numpy()
    order = np.lexsort((-gate, blocked))[:listed]
    best = pairs.iloc[order]
    gates = ["" if np.isnan(value) else f"{value:.3f}" for value in best["local_gate"]]
    sizes = ["" if pd.isna(n) else f"{n:,}" for n in best["local_sample_size"]]
    texts = _cells(best, ["symbol", "route", "local_state", "hard_block_reason", "reason"])
    rows = [
        [_name(symbol), f"`{route}`", f"`{state}`", gate, size, prose(block or reason)]
        for (symbol, route, state, block, reason), gate, size in zip(texts, gates, sizes, strict=True)
    ]
    lines += table(["Symbol", "Route", "Local state", "Gate", "Rows", "Why"], rows, right=(3, 4))
    hidden = len(pairs) - len(rows)
    note = f"{hidden:,} more symbols are in `routing_plan.json`; these are the best."
    return [*lines, "", *([note, ""] if hidden else [])]
