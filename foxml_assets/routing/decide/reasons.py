"""Decisions in the words of a researcher. Text is written once per distinct case, never per pair."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from foxml_assets.core.vocabulary import Route, Stability
from foxml_assets.routing.frames import Index, category, code
from foxml_assets.routing.methods.combination import Routes
from foxml_assets.routing.methods.pair_evidence import JudgedSide
from foxml_assets.routing.policy.routing_words import RouteRule
from foxml_assets.routing.sides.row_tests import Check

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
# What is said of a pair, by the rule that decided it; where none is listed, only what its sides are.
_SENTENCES = {
    RouteRule.TARGET_LEAKAGE: "the target leaks, so none of its pairs is trained",
    RouteRule.SYMBOL_LEAKAGE: "the symbol leaks on this target; its rows stay out of the pooled model too",
    RouteRule.EXPERIMENTAL_LANE_FULL: f"{LANE_FULL}: rank {{rank}} of {{places}} allowed",
    RouteRule.BOTH_STRONG: "{sides} ({choice})",
    RouteRule.BOTH_WEAK: "{sides} ({choice})",
    RouteRule.SHRUNK_CS: "{sides} (no other choice is better enough once shrunk)",
    RouteRule.SHRUNK_LOCAL: "{sides} (the symbol's own model is best once shrunk)",
    RouteRule.SHRUNK_BOTH: "{sides} (the average of both is best once shrunk)",
    RouteRule.POOLED_TOO_SMALL: "{sides} (too little pooled skill on this symbol once shrunk)",
    RouteRule.LOCAL_ON_SYMBOL: "{sides} (too little pooled skill on this symbol once shrunk)",
}


def side_phrases(side: JudgedSide) -> pd.Categorical:
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


def pair_reasons(routes: Routes, limits: Index, cs: pd.Categorical, local: pd.Categorical) -> pd.Categorical:
    """Why each pair has its route. `cs` and `local` are phrases aligned to pairs, `limits` lane places."""
    full = routes.rule == code(RouteRule.EXPERIMENTAL_LANE_FULL)
    # Only the lane's sentence has numbers; 0 in all others keeps the distinct cases few.
    rank, limit = np.where(full, routes.rank, 0), np.where(full, limits, 0)

    def sentence(route: int, rule: int, pooled: int, own: int, ranked: int, places: int) -> str:
        sides = [cs.categories[pooled], local.categories[own]]
        # The symbol's own side comes first, except where the pooled model alone is trained.
        told = ", ".join(sides if _ROUTES[route] is Route.CROSS_SECTIONAL else sides[::-1])
        return _SENTENCES.get(_RULES[rule], "{sides}").format(
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
