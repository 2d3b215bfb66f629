"""routing_plan.md: what was decided and why, for a reader."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.assurances import assurance_lines, read_assurances
from foxml_assets.core.markdown import render
from foxml_assets.core.vocabulary import Route, SignalState
from foxml_assets.routing.decide.reasons import LANE_FULL
from foxml_assets.routing.methods.trace_tests import deciding_words
from foxml_assets.routing.plan.routing_plan import PolicyInForce, RoutingPlan
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
_Rows = Sequence[Sequence[object]]


@dataclass(frozen=True)
class _TargetPart:
    """What the page says of one target: its `n_pairs` counted by reason, and the best of them one by one."""

    name: str
    assured: Sequence[str]
    n_pairs: int
    reasons: _Rows
    more_reasons: int
    best_pairs: _Rows


def plan_markdown(plan: RoutingPlan, output: Output, *, has_yaml: bool) -> str:
    """The page. Long plans are cut to what `output` allows, with a note of what is left out."""
    return render(
        "routing/pages/routing_plan.md.j2",
        made=plan.metadata,
        policy=plan.metadata.policy,
        by_route=_by_route(plan),
        picture=PICTURE_NAME,
        has_yaml=has_yaml,
        yaml_max_pairs=output.yaml_max_pairs,
        quarantined=_quarantined(plan),
        routes=tuple(route.value.removeprefix("ROUTE_").replace("_", " ").capitalize() for route in Route),
        overview=_overview(plan, output.markdown_max_targets),
        targets=list(_targets(plan, output)),
    )


def _by_route(plan: RoutingPlan) -> _Rows:
    total = max(plan.metadata.n_pairs, 1)
    counted = ((route.value, plan.metadata.by_route[route.value]) for route in Route)
    return [(route, f"{count:,}", f"{count / total:.1%}") for route, count in counted]


def _quarantined(plan: RoutingPlan) -> _Rows:
    rows = _cells(plan.quarantine.head(_MAX_QUARANTINED), ["target", "symbol", "reason"])
    return [(target, symbol or "(pooled)", reason) for target, symbol, reason in rows]


def _overview(plan: RoutingPlan, shown: int) -> _Rows:
    pairs, head = plan.pairs, plan.targets.head(shown)
    counted = pd.crosstab(pairs["target"].astype(object), pairs["route"].astype(object)).reindex(
        index=head["target"].astype(object), columns=[route.value for route in Route], fill_value=0
    )
    texts = _cells(head, ["target", "cs_state", "hard_block_reason"])
    decided = [_decided(Side.CROSS_SECTIONAL, row, plan.metadata.policy) for _, row in head.iterrows()]
    return [
        (target, state, block or words, *(f"{count:,}" for count in counts))
        for (target, state, block), words, counts in zip(
            texts, decided, counted.to_numpy().tolist(), strict=True
        )
    ]


def _targets(plan: RoutingPlan, output: Output) -> Iterator[_TargetPart]:
    owner = plan.pairs["target"].cat
    bounds = np.searchsorted(owner.codes, np.arange(len(owner.categories) + 1))
    pairs_of = {name: slice(int(bounds[at]), int(bounds[at + 1])) for at, name in enumerate(owner.categories)}
    columns = _PairColumns(plan.pairs)
    head = plan.targets.head(output.markdown_max_targets)
    for name, assured in zip(head["target"], head["assured"], strict=True):
        rows = pairs_of.get(name, slice(0, 0))
        reasons = columns.cases(rows)
        yield _TargetPart(
            name=name,
            assured=assurance_lines(read_assurances(assured) or {}) if isinstance(assured, str) else (),
            n_pairs=rows.stop - rows.start,
            reasons=[(route, why, f"{count:,}") for route, why, count in reasons[:_MAX_REASONS]],
            more_reasons=max(0, len(reasons) - _MAX_REASONS),
            best_pairs=_best_pairs(plan, columns, rows, output.markdown_max_symbols_per_target),
        )


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


def _decided(side: Side, row: pd.Series, policy: PolicyInForce) -> str:
    """What decided the state of one side in a row of the plan's targets or pairs."""
    return deciding_words(side_trace(side, row), policy)


def _best_pairs(plan: RoutingPlan, columns: _PairColumns, rows: slice, listed: int) -> _Rows:
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
    return list(zip(symbols, routes, states, scores, thresholds, on_symbol, ahead, sizes, why, strict=True))


def _short(value: float) -> str:
    return "" if isnan(value) else f"{value:.3f}"


def _with_error(score: float, se: float) -> str:
    return _short(score) if isnan(se) else f"{score:.3f} ± {se:.3f}"


def _cells(rows: pd.DataFrame, columns: list[str]) -> list[list[str]]:
    """Some columns as lists by row; null is empty."""
    values = rows[columns].astype(object)
    return cast("list[list[str]]", values.where(values.notna(), "").to_numpy().tolist())
