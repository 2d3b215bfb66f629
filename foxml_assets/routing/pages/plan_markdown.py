"""routing_plan.md: what was decided and why, for a reader."""

from collections import Counter
from collections.abc import Iterator
from math import isnan
from typing import cast

import numpy as np
import numpy.typing as npt
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
_SHOWN = ("symbol", "route", "local_state", "hard_block_reason", "reason")
_NUMBERS = (
    "local_score",
    "local_se",
    "local_threshold",
    "pooled_score",
    "difference_low",
    "difference_high",
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
    owner = plan.pairs["target"].cat
    bounds = np.searchsorted(owner.codes, np.arange(len(owner.categories) + 1))
    position = {name: at for at, name in enumerate(owner.categories)}
    columns, assured = _PairColumns(plan.pairs), _assured(plan)
    for name in plan.targets["target"].astype(object).head(shown):
        yield f"### {escape(name)}"
        if assured.get(name):
            lines = (f"- {escape(line)}" for line in assurance_lines(assured[name]))
            yield "\n".join(["Leakage is not doubted:", "", *lines])
        at = position.get(name)
        if at is None:
            yield "No symbols: only the pooled model was judged."
        else:
            yield from _section(plan, columns, slice(int(bounds[at]), int(bounds[at + 1])), output)


def _assured(plan: RoutingPlan) -> dict[str, Assurances]:
    texts = zip(plan.targets["target"], plan.targets["assured"], strict=True)
    return {target: read_assurances(text) or {} for target, text in texts if isinstance(text, str)}


class _PairColumns:
    """The text columns of all pairs, held so that a few rows of them are quickly read."""

    def __init__(self, pairs: pd.DataFrame) -> None:
        self.gate = pairs["local_gate"].to_numpy()
        self.numbers = {name: pairs[name].to_numpy() for name in _NUMBERS}
        self.size = pairs["local_sample_size"].to_numpy(dtype=np.float64, na_value=np.nan)
        self._codes = {name: pairs[name].cat.codes.to_numpy() for name in _SHOWN}
        self._words = {name: np.array([*pairs[name].cat.categories, ""], dtype=object) for name in _SHOWN}
        lane_full = [word.startswith(LANE_FULL) for word in self._words["reason"]]
        self._case = np.where(lane_full, LANE_FULL, self._words["reason"])

    def texts(self, name: str, rows: npt.NDArray[np.int64] | slice) -> npt.NDArray[np.object_]:
        """The words of a column in some rows, empty where null."""
        return np.asarray(self._words[name][self._codes[name][rows]])

    def cases(self, rows: slice) -> list[tuple[str, str, int]]:
        """Route, reason and count of the pairs in `rows`, the most frequent first."""
        reason, route = self._codes["reason"][rows].astype(np.int64), self._codes["route"][rows]
        n_routes = len(self._words["route"])
        codes, counts = np.unique(reason * n_routes + route, return_counts=True)
        found: Counter[tuple[str, str]] = Counter()
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            found[self._words["route"][code % n_routes], self._case[code // n_routes]] += count
        ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return [(*case, count) for case, count in ordered]


def _section(plan: RoutingPlan, columns: _PairColumns, rows: slice, output: Output) -> Iterator[str]:
    """One target: its pairs counted by reason, then the best of them one by one."""
    cases = columns.cases(rows)
    yield table(
        ["Route", "Why", "Pairs"], [(route, why, f"{count:,}") for route, why, count in cases[:_MAX_REASONS]]
    )
    if len(cases) > _MAX_REASONS:
        yield f"{len(cases) - _MAX_REASONS:,} rarer cases are left out."
    listed, n_pairs = output.markdown_max_symbols_per_target, rows.stop - rows.start
    if listed:
        yield _best_pairs(plan, columns, rows, listed)
    if listed and n_pairs > listed:
        yield f"{n_pairs - listed:,} more symbols are in `routing_plan.json`; these are the best."


def _decided(side: Side, row: pd.Series, policy: PolicyInForce) -> str:
    """What decided the state of one side in a row of the plan's targets or pairs."""
    return deciding_words(side_trace(side, row), policy)


def _best_pairs(plan: RoutingPlan, columns: _PairColumns, rows: slice, listed: int) -> str:
    # Routed pairs first, then by gate: what a reader looks for.
    blocked = columns.texts("route", rows) == Route.BLOCKED.value
    gate = columns.gate[rows]
    best = rows.start + np.lexsort((np.where(np.isnan(gate), np.inf, -gate), blocked))[:listed]
    score, se, threshold, pooled, low, high = (columns.numbers[name][best].tolist() for name in _NUMBERS)
    scores = [_with_error(*values) for values in zip(score, se, strict=True)]
    thresholds, on_symbol = ([_short(value) for value in values] for values in (threshold, pooled))
    ahead = ["" if isnan(a) or isnan(b) else f"{a:+.3f} to {b:+.3f}" for a, b in zip(low, high, strict=True)]
    sizes = ["" if np.isnan(n) else f"{n:,.0f}" for n in columns.size[best]]
    symbols, routes, states, blocks, reasons = (columns.texts(name, best) for name in _SHOWN)
    policy, told = plan.metadata.policy, plan.pairs.iloc[best].iterrows()
    decided = [
        f"{reason}. Local {_decided(Side.SYMBOL, row, policy)}"
        if state == SignalState.DISALLOWED.value
        else reason
        for reason, state, (_, row) in zip(reasons, states, told, strict=True)
    ]
    why = np.where(blocks == "", decided, blocks)
    cells = zip(symbols, routes, states, scores, thresholds, on_symbol, ahead, sizes, why, strict=True)
    head = ["Score", "Threshold", "Pooled here", "Local - pooled (95 %)"]
    return table(["Symbol", "Route", "Local state", *head, "Rows", "Why"], cells)


def _short(value: float) -> str:
    return "" if isnan(value) else f"{value:.3f}"


def _with_error(score: float, se: float) -> str:
    return _short(score) if isnan(se) else f"{score:.3f} ± {se:.3f}"


def _cells(rows: pd.DataFrame, columns: list[str]) -> list[list[str]]:
    """Some columns as lists by row; null is empty."""
    values = rows[columns].astype(object)
    return cast("list[list[str]]", values.where(values.notna(), "").to_numpy().tolist())
