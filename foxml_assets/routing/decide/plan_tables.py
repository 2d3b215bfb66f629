"""What was decided, as the plan's tables: a row per target, a row per pair, and the quarantined rows.

Reasons are in the words of a researcher; text is written once per distinct case, never per pair.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.assurances import read_assurances
from foxml_assets.core.hashing import canonical_json
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, Route, SignalState, Stability, TaskType
from foxml_assets.routing.frames import (
    FAMILY_NAMES,
    NULL,
    Bools,
    Floats,
    Index,
    Values,
    category,
    code,
    decode,
    floats,
    frame,
)
from foxml_assets.routing.methods.combination import Routes, better_interval
from foxml_assets.routing.methods.pair_evidence import JudgedSide, PairEvidence
from foxml_assets.routing.plan.plan_json import columns_of_target
from foxml_assets.routing.plan.routing_plan import TABLES, PolicyInForce
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_words import ErrorControl, HorizonTier, RouteRule, Side
from foxml_assets.routing.rules.rules import SUSPECT, Measured, Rule
from foxml_assets.routing.rules.side_trace import SideTrace, side_trace, stability_words
from foxml_assets.routing.sides.row_tests import Check
from foxml_assets.routing.sides.side_rows import SideRows, target_tasks

LANE_FULL = "experimental lane full"

_ROUTES, _RULES = tuple(Route), tuple(RouteRule)
_STEADY = {
    Stability.STABLE: "and stable",
    Stability.DRIFTING: "but drifting",
    Stability.DIVERGED: "but unsteady",
    Stability.UNKNOWN: "with unknown stability",
}
_UNSTEADY = {
    Stability.STABLE: "its stability is not in the allow-list",
    Stability.DRIFTING: "its features drift",
    Stability.DIVERGED: "its features are unsteady",
    Stability.UNKNOWN: "its stability is unknown",
}
_FADING = _UNSTEADY | {
    Stability.DRIFTING: "its skill fades",
    Stability.DIVERGED: "its skill is gone in the recent folds",
}
_CHOICE = {
    Route.BOTH: "train both",
    Route.CROSS_SECTIONAL: "the pooled model is preferred",
    Route.SYMBOL_SPECIFIC: "the symbol's own model is preferred",
}
# What is said of a pair by the rule that decided it; what only one method says, stands with that method.
_SENTENCES = {
    RouteRule.TARGET_LEAKAGE: "the target leaks, so none of its pairs is trained",
    RouteRule.SYMBOL_LEAKAGE: "the symbol leaks on this target; its rows stay out of the pooled model too",
    RouteRule.EXPERIMENTAL_LANE_FULL: f"{LANE_FULL}: rank {{rank}} of {{places}} allowed",
    RouteRule.POOLED_TOO_SMALL: "{sides} (too little pooled skill on this symbol once shrunk)",
}


@dataclass(frozen=True)
class PlanParts:
    """The candidates, what was known of every pair, its route, and the places in each target's lane."""

    table: pd.DataFrame
    evidence: PairEvidence
    routes: Routes
    limits: Index
    in_force: PolicyInForce


def targets_table(parts: PlanParts) -> pd.DataFrame:
    """The table of targets, sorted."""
    known, cs, alignment = parts.evidence, parts.evidence.cs, parts.evidence.alignment
    codes, lists = cs.rows.features.codes, cs.rows.feature_lists
    own_mean = cs.rows.own_mean
    values: dict[str, Values] = {
        "target": decode(np.arange(len(alignment.targets)), alignment.targets),
        "task_type": decode(target_tasks(cs.rows, known.local.rows, alignment), TaskType),
        "score_metric": decode(cs.rows.metric, ScoreMetric),
        "horizon_minutes": _horizons(known),
        "tier": decode(np.where(cs.rows.present, cs.rows.tier, NULL), HorizonTier),
        "n_symbols": np.bincount(alignment.pair_target, minlength=len(alignment.targets)),
        **_trace(cs),
        **_nulled(cs.faults.any, local_score=own_mean.value, local_se=own_mean.se),
        "local_threshold": known.together.threshold,
        "hard_block": cs.leaks,
        "hard_block_reason": _leaks("target", cs),
        "experimental_limit": parts.limits,
        "features": category([features.allowed for features in lists], codes),
        "dropped_features": category([features.dropped for features in lists], codes),
        "assured": _assured(cs.rows),
        **{name: cs.rows.texts[name].array for name in (*FAMILY_NAMES, "data_hash")},
        "quarantine_reason": cs.faults.texts(),
    }
    values["cs_reason"] = _reasons(pd.DataFrame(values, copy=False), cs, parts.in_force)
    return frame(TABLES["targets"], values)


def pairs_table(parts: PlanParts, targets: pd.DataFrame) -> pd.DataFrame:
    """The table of pairs, sorted by target and symbol; `targets` is that of targets."""
    known, routes, local = parts.evidence, parts.routes, parts.evidence.local
    at, rows, skills = known.alignment.pair_target, local.rows, known.skills
    target_leaks = known.cs.leaks[at]
    found = _leaks("symbol", local).add_categories(["the target leaks"])
    found[target_leaks] = "the target leaks"
    low, high = better_interval(rows.difference, known.policy.fdr.inflate_se)
    values: dict[str, Values] = {
        **columns_of_target(targets, at),
        "symbol": decode(known.alignment.pair_symbol, known.alignment.symbols),
        "route": decode(routes.route, Route),
        "rule": decode(routes.rule, RouteRule),
        "reason": _pair_reasons(parts, _side_phrases(known.cs)[at], _side_phrases(local)),
        "local_metric": decode(rows.metric, ScoreMetric),
        "local_tier": decode(np.where(rows.present, rows.tier, NULL), HorizonTier),
        **_trace(local),
        **_nulled(
            local.faults.any,
            pooled_score=rows.pooled.value,
            pooled_se=rows.pooled.se,
            both_score=rows.both.value,
            difference=rows.difference.value,
            difference_low=low,
            difference_high=high,
        ),
        "cs_skill": skills.pooled.mean,
        "local_skill": skills.own.mean,
        "both_skill": skills.both.mean,
        "cs_probability": known.cs_probability,
        "local_probability": local.tests.probability,
        "both_probability": known.both_probability,
        "experimental_rank": np.where(routes.rank > 0, routes.rank, np.nan),
        "hard_block": target_leaks | local.leaks,
        "hard_block_reason": found,
        "excluded_from_pooled": local.leaks | known.left_out,
        "features": _features(known),
        **{name: rows.texts[name].array for name in FAMILY_NAMES},
        "quarantine_reason": local.faults.texts(),
    }
    return frame(TABLES["pairs"], values)


def quarantine_table(parts: PlanParts) -> pd.DataFrame:
    """The quarantine: every row of evidence that could not be used, in the order of the candidates."""
    # All are indexed by candidate row: sorting restores the order, and joining finds the names.
    known, alignment = parts.evidence, parts.evidence.alignment
    homeless = pd.DataFrame({"n_rows": 1, "reason": "target is missing"}, np.flatnonzero(alignment.owner < 0))
    of_sides = (
        pd.DataFrame({"n_rows": n_rows, "reason": side.faults.texts()}, side.rows.rows)[side.faults.any]
        for side, n_rows in ((known.cs, alignment.cs_counts), (known.local, alignment.pair_counts))
    )
    bad = pd.concat([homeless, *of_sides]).sort_index().join(parts.table[["target", "symbol"]])
    texts = {"target": bad["target"].array, "symbol": bad["symbol"].array}
    values = texts | {"reason": category(bad["reason"].tolist()), "n_rows": bad["n_rows"].to_numpy()}
    return frame(TABLES["quarantine"], values)


def _nulled(bad: Bools, **columns: Floats) -> dict[str, Values]:
    """Numbers without those of rows that are `bad`; of quarantined ones the reason says what they were."""
    return {name: np.where(bad, np.nan, held) for name, held in columns.items()}


def _trace(side: JudgedSide) -> dict[str, Values]:
    """The trace of one side."""
    rows, tests, absent = side.rows, side.tests, ~side.rows.present
    names = ("snapshots", "overlap", "overlap_std", "tau", "tau_std")
    of_snapshots = {name: floats(rows.snapshots.iloc[:, at]) for at, name in enumerate(names)}
    trace: dict[str, Values] = {
        **_nulled(
            side.faults.any,
            score=rows.score.value,
            se=rows.score.se,
            sample_size=rows.sample_size,
            earlier=rows.earlier.value,
            earlier_se=rows.earlier.se,
            recent=rows.recent.value,
            recent_se=rows.recent.se,
        ),
        # The snapshots' numbers are told only where they made the stability, not where skill was followed.
        **_nulled(side.faults.any | rows.followed, **of_snapshots),
        "state": decode(side.state, SignalState),
        "rule": category([rule.name for rule in side.ladder], side.rule),
        "gate": tests.gate,
        "threshold": side.threshold,
        "families_ok": np.where(absent, np.nan, rows.n_families),
        "stability": decode(np.where(absent, NULL, rows.stability), Stability),
        "leakage_status": decode(np.where(absent, NULL, rows.leakage), LeakageStatus),
        "error_control": decode(tests.control, ErrorControl),
        "fdr_q": tests.fdr.q,
        "fdr_threshold": tests.fdr.threshold,
        "checks": tests.bits,
        "held": side.held,
    }
    return {f"{rows.side.prefix}_{name}": column for name, column in trace.items()}


def _horizons(known: PairEvidence) -> Floats:
    """The pooled row's horizon, else the longest that a symbol row states."""
    own, stated = (
        pd.Series(rows.horizon).where(np.isfinite(rows.horizon) & (rows.horizon >= 0))
        for rows in (known.cs.rows, known.local.rows)
    )
    # Grouped by the target's position, which is the index of `own`: a gap takes the value of its own target.
    return floats(own.fillna(stated.groupby(known.alignment.pair_target).max()))


def _leaks(who: str, side: JudgedSide) -> pd.Categorical:
    """What was found on each row that leaks; null on the others."""
    found = side.rows.texts["leakage_reason"].array
    reasons = [f"the {who} leaks", *(f"the {who} leaks: {word}" for word in found.categories)]
    # Code -1, for nothing found, becomes the position of the plain sentence.
    return category(reasons, np.where(side.leaks, found.codes.astype(np.int64) + 1, NULL))


def _reasons(rows: pd.DataFrame, side: JudgedSide, policy: PolicyInForce) -> pd.Categorical:
    """The phrase of the state with the number and the threshold that decided it, or what made it suspect."""
    traces = (side_trace(Side.CROSS_SECTIONAL, row) for row in rows.to_dict("records"))
    told = zip(_side_phrases(side), side.rule, traces, side.rows.texts["leakage_reason"], strict=True)
    return category(
        [
            phrase + _numbers(side.ladder[at].measured, one, policy) + _doubt(side.ladder[at], found)
            for phrase, at, one, found in told
        ]
    )


def _doubt(rule: Rule, found: object) -> str:
    return f": {found}" if rule.name == SUSPECT.name and isinstance(found, str) else ""


def _numbers(measured: Measured, trace: SideTrace, policy: PolicyInForce) -> str:
    if measured is Measured.SAMPLES:
        return f" ({trace.sample_size:.0f} against {trace.threshold:.0f})"
    if measured is Measured.STABILITY:
        return f" ({stability_words(trace, policy)})"
    is_known = measured is Measured.GATE and not np.isnan(trace.threshold)
    return f" ({trace.gate:.3f} against {trace.threshold:.3f})" if is_known else ""


def _assured(rows: SideRows) -> pd.Categorical:
    """The assurances that are about features a job may use."""
    # Code -1 is no list, for which the last of `feature_lists` stands.
    allowed = [rows.feature_lists[at].allowed for at in rows.features.codes]
    stated = zip(rows.texts["assured"], allowed, strict=True)
    return category([_restricted(text, names) if isinstance(text, str) else None for text, names in stated])


def _restricted(assured: str, allowed: str | None) -> str | None:
    """The assurances about features in `allowed` (all without a list) as JSON, None without any."""
    found = read_assurances(assured) or {}
    names = found if allowed is None else msgspec.json.decode(allowed, type=dict[str, str])
    kept = {name: one for name, one in found.items() if name in names}
    return canonical_json(kept).decode() if kept else None


def _features(known: PairEvidence) -> pd.Categorical:
    """The symbol's own feature list if its row has one, else the target's."""
    own, shared = known.local.rows, known.cs.rows
    of_target = shared.features.codes.astype(np.int64)[known.alignment.pair_target]
    # The target's lists stand behind the symbols' own; -1, for neither, becomes null.
    inherited = np.where(of_target < 0, NULL, of_target + len(own.feature_lists))
    which = np.where(own.features.codes >= 0, own.features.codes, inherited)
    return category([features.allowed for features in (*own.feature_lists, *shared.feature_lists)], which)


def _side_phrases(side: JudgedSide) -> pd.Categorical:
    """Each row's state in a few words, such as "CS strong and stable"."""
    name = side.rows.side.of("CS", "local")

    def phrase(rule: int, stability: int, good_score: int, followed: int) -> str:
        word = list(Stability)[stability]
        unsteady = (_FADING if followed else _UNSTEADY)[word]
        on_trial = unsteady if good_score else "its score is below the threshold"
        return side.ladder[rule].phrase.format(
            side=name, steady=_STEADY[word], unsteady=unsteady, on_trial=on_trial
        )

    # Whether the score alone would have been enough for more than a trial: bit sets, of which each has a bit.
    good = (side.tests.bits & np.uint16(Check.MIN_SCORE)) != 0
    flags = (good.astype(np.int8), side.rows.followed.astype(np.int8))
    return _by_case(phrase, side.rule, side.rows.stability, *flags)


def _pair_reasons(parts: PlanParts, cs: pd.Categorical, local: pd.Categorical) -> pd.Categorical:
    """Why each pair has its route. `cs` and `local` are phrases aligned to pairs."""
    routes, limits = parts.routes, parts.limits[parts.evidence.alignment.pair_target]
    sentences = _SENTENCES | find_method(parts.in_force.method).sentences
    full = routes.rule == code(RouteRule.EXPERIMENTAL_LANE_FULL)
    # Only the lane's sentence has numbers; 0 in all others keeps the distinct cases few.
    rank, limit = np.where(full, routes.rank, 0), np.where(full, limits, 0)

    def sentence(route: int, rule: int, pooled: int, own: int, ranked: int, places: int) -> str:
        sides = [cs.categories[pooled], local.categories[own]]
        # The symbol's own side comes first, except where the pooled model alone is trained.
        told = ", ".join(sides if _ROUTES[route] is Route.CROSS_SECTIONAL else sides[::-1])
        return sentences.get(_RULES[rule], "{sides}").format(
            sides=told[0].upper() + told[1:],
            choice=_CHOICE.get(_ROUTES[route], ""),
            rank=ranked,
            places=places,
        )

    return _by_case(sentence, routes.route, routes.rule, cs.codes, local.codes, rank, limit)


def _by_case(text_of: Callable[..., str], *columns: npt.NDArray[np.integer]) -> pd.Categorical:
    """The text of each row's values in `columns`, made once per distinct case."""
    # One number a row, as one column is grouped far faster than several together.
    shape = [int(column.max(initial=0)) + 1 for column in columns]
    positions, cases = pd.factorize(np.ravel_multi_index(columns, shape))
    return category([text_of(*case) for case in np.transpose(np.unravel_index(cases, shape))], positions)
