"""From the skills of pairs to the lines of the audit."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from foxml_assets.auditing.holdout_errors import Floats, interval, without_gaps
from foxml_assets.auditing.pair_skills import SERVED, PairSkills
from foxml_assets.auditing.routing_audit import (
    BASELINES,
    Cost,
    Interval,
    Result,
    RouteLine,
    Scheme,
    SchemeLine,
    Screening,
)
from foxml_assets.core.vocabulary import Route

Ints = npt.NDArray[np.int64]


def known_skills(skills: PairSkills, costs: Mapping[Scheme, Cost]) -> dict[Scheme, Floats]:
    """Skill of the scored pairs under the plan, under each baseline whose jobs were all tried, and under the
    best choice where all baselines were; shape (n_scored, 1 + n_blocks)."""
    found = {
        scheme: without_gaps(skills.skill[scheme][skills.scored])
        for scheme in (Scheme.PLAN, *BASELINES)
        if scheme is Scheme.PLAN or not costs[scheme].missing
    }
    if all(scheme in found for scheme in BASELINES):
        baselines = [found[scheme] for scheme in BASELINES]
        found[Scheme.BEST_CHOICE] = _of_choice(_choice(baselines), baselines)
    return found


def best_baseline(known: Mapping[Scheme, Floats]) -> Scheme | None:
    """The known baseline with the highest mean skill; the first of equals."""
    candidates = [scheme for scheme in BASELINES if scheme in known and len(known[scheme])]
    return max(candidates, key=lambda scheme: known[scheme][:, 0].sum(), default=None)


def scheme_lines(
    skills: PairSkills, known: Mapping[Scheme, Floats], costs: Mapping[Scheme, Cost], screening: Screening
) -> tuple[SchemeLine, ...]:
    """A line per scheme, the plan first."""
    best = best_baseline(known)
    return tuple(
        SchemeLine(
            scheme=scheme,
            cost=costs.get(scheme),
            result=_result(scheme, skills, known, best) if scheme in known and len(known[scheme]) else None,
            pays_after=_pays_after(costs[scheme], costs[Scheme.PLAN], screening)
            if scheme in BASELINES
            else None,
        )
        for scheme in Scheme
    )


def route_lines(routes: npt.NDArray[np.object_], known: Mapping[Scheme, Floats]) -> tuple[RouteLine, ...]:
    """A line per route that a scored pair has; `routes`, shape (n_scored,), are theirs."""
    lines: list[RouteLine] = []
    for route in Route:
        own = routes == route.value
        if own.any():
            means = {scheme: interval(skill[own].mean(axis=0)) for scheme, skill in known.items()}
            lines.append(RouteLine(route, int(own.sum()), means))
    return tuple(lines)


def _result(
    scheme: Scheme, skills: PairSkills, known: Mapping[Scheme, Floats], best: Scheme | None
) -> Result:
    skill = known[scheme]
    is_choice = scheme is Scheme.BEST_CHOICE
    served = skill[:, 0] > 0 if is_choice else skills.served[scheme][skills.scored]
    lows = {one: skills.low[one][skills.scored] for one in SERVED}
    if is_choice:
        chosen = _choice([known[one] for one in BASELINES])
        low = _of_choice(chosen, [lows[one] for one in BASELINES])
    else:
        low = lows[scheme]
    return Result(
        served=int(served.sum()),
        without_skill=int((served & (skill[:, 0] <= 0)).sum()),
        unproven=_unproven(low[served]),
        mean_skill=interval(skill.mean(axis=0)),
        of_best_baseline=_share(skill, known.get(best) if best else None),
        of_best_choice=_share(skill, known.get(Scheme.BEST_CHOICE)),
        plan_ahead=None if scheme is Scheme.PLAN else interval((known[Scheme.PLAN] - skill).mean(axis=0)),
    )


def _share(skill: Floats, whole: Floats | None) -> Interval | None:
    if whole is None:
        return None
    total = whole.sum(axis=0)
    # A share of nothing, or of a loss, says nothing.
    return interval(skill.sum(axis=0) / total) if (total > 0).all() else None


def _unproven(low: Floats) -> int | None:
    """How many of the pairs with these lower bounds are not above chance; None if no bound is known."""
    if len(low) and np.isnan(low).all():
        return None
    # A pair whose error is not known cannot be told from chance either.
    return int((~(low > 0)).sum())


def _choice(skills: list[Floats]) -> Ints:
    """For each pair the scheme that is best on all its rows, from 1 on; 0, which serves nobody, where none is
    above 0."""
    # By the skill on all blocks. To choose again for each left-out block would mix schemes in one error.
    overall = np.stack([np.zeros(len(skills[0])), *(skill[:, 0] for skill in skills)])
    return np.asarray(overall.argmax(axis=0))


def _of_choice(chosen: Ints, values: list[Floats]) -> Floats:
    """Of each pair the values under the scheme `chosen` for it, kept where a block is left out."""
    stacked = np.stack([np.zeros_like(values[0]), *values])
    return np.asarray(stacked[chosen, np.arange(len(chosen))])


def _pays_after(baseline: Cost, plan: Cost, screening: Screening) -> int | None:
    saved = baseline.seconds - plan.seconds
    known = screening.timed == screening.targets > 0 and not baseline.missing and not plan.missing
    return math.ceil(screening.cpu_seconds / saved) if known and saved > 0 else None
