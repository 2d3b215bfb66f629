"""routing_plan.md: what was decided and why, for a reader."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, cast

import numpy as np
import pandas as pd

from foxml_assets.core.assurances import assurance_lines, read_assurances
from foxml_assets.core.markdown import render
from foxml_assets.core.vocabulary import Route, SignalState
from foxml_assets.routing.decide.plan_tables import LANE_FULL
from foxml_assets.routing.plan.routing_plan import PolicyInForce, RoutingPlan
from foxml_assets.routing.policy.routing_config import Output
from foxml_assets.routing.policy.routing_words import RouteRule, Side
from foxml_assets.routing.rules.rules import deciding_words
from foxml_assets.routing.rules.side_trace import side_trace

PICTURE_NAME = "routing_plan.png"
_MAX_REASONS = 12
_MAX_QUARANTINED = 50
_Rows = Sequence[Sequence[object]]
_Row = Mapping[Hashable, Any]


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
    decided = [_decided(Side.CROSS_SECTIONAL, row, plan.metadata.policy) for row in head.to_dict("records")]
    return [
        (target, state, block or words, *(f"{count:,}" for count in counts))
        for (target, state, block), words, counts in zip(
            texts, decided, counted.to_numpy().tolist(), strict=True
        )
    ]


def _targets(plan: RoutingPlan, output: Output) -> Iterator[_TargetPart]:
    head = plan.targets.head(output.markdown_max_targets)
    n_pairs, cases = plan.pairs["target"].value_counts(), _cases(plan.pairs)
    best = _best(plan.pairs, output.markdown_max_symbols_per_target)
    best_pairs = _rows_by_target(best[best["target"].isin(head["target"])], plan.metadata.policy)
    for name, assured in zip(head["target"], head["assured"], strict=True):
        reasons = cases.loc[cases["target"] == name, ["route", "case", "n"]]
        shown = reasons.head(_MAX_REASONS).itertuples(index=False)
        yield _TargetPart(
            name=name,
            assured=assurance_lines(read_assurances(assured) or {}) if isinstance(assured, str) else (),
            n_pairs=int(n_pairs.get(name, 0)),
            reasons=[(route, why, f"{count:,}") for route, why, count in shown],
            more_reasons=max(0, len(reasons) - _MAX_REASONS),
            best_pairs=best_pairs[name],
        )


def _cases(pairs: pd.DataFrame) -> pd.DataFrame:
    """Target, route, reason and how many pairs share them, the most frequent first."""
    # These reasons name the pair's rank: each would be a case of its own.
    is_full = pairs["rule"] == RouteRule.EXPERIMENTAL_LANE_FULL.value
    case = pairs["reason"].astype(object).mask(is_full, LANE_FULL)
    keys = pd.DataFrame({"target": pairs["target"], "route": pairs["route"], "case": case})
    counted = keys.groupby([*keys], observed=True).size().reset_index(name="n")
    return counted.sort_values(["n", "route", "case"], ascending=[False, True, True])


def _best(pairs: pd.DataFrame, listed: int) -> pd.DataFrame:
    """The first `listed` pairs of each target: routed ones first, then by gate; what a reader looks for."""
    blocked, target = pairs["route"] == Route.BLOCKED.value, pairs["target"]
    # The last key counts first: by target, then what is routed, then the best gate; unknown gates are last.
    order = np.lexsort((-pairs["local_gate"], blocked, target.cat.codes))
    rank = target.iloc[order].groupby(target, observed=True).cumcount()
    return pairs.loc[rank.index[rank < listed]]


def _decided(side: Side, row: _Row, policy: PolicyInForce) -> str:
    """What decided the state of one side in a row of the plan's targets or pairs."""
    return deciding_words(side_trace(side, row), policy)


def _rows_by_target(best: pd.DataFrame, policy: PolicyInForce) -> dict[str, list[tuple[str, ...]]]:
    """The cells of each target's pairs."""
    found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for row in best.to_dict("records"):
        samples = row["local_sample_size"]
        cells = (
            row["symbol"],
            row["route"],
            row["local_state"],
            _with_error(row["local_score"], row["local_se"]),
            _short(row["local_threshold"]),
            _short(row["pooled_score"]),
            _interval(row["difference_low"], row["difference_high"]),
            "" if pd.isna(samples) else f"{samples:,}",
            _why(row, policy),
        )
        found[row["target"]].append(cells)
    return found


def _why(row: _Row, policy: PolicyInForce) -> str:
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
