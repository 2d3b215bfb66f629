"""Skills of one choice on every pair, by their scores and by what the pairs of their target have in common.

Of a target's pairs a share is related to it, with normal skills about their mean; the others have none. The
model of two groups is that of Efron, B. (2008), Microarrays, empirical Bayes and the two-groups model,
Statistical Science 23(1), with a normal prior as of Stephens, M. (2017), False discovery rates: a new deal,
Biostatistics 18(2).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.candidates.table_columns import Floats, Index
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.sides.quarantine import Faults
from foxml_assets.routing.sides.side_rows import EstimateRows, OtherScores, SideRows

# After so many steps, or where no prior moves by more, what a policy asks for changes no more.
_STEPS = 100
_SETTLED = 1e-4
# More pairs tell a target's prior no better.
_MOST_PAIRS = 250
# A weight far below any that counts, errors beyond any skill, and a spread that none can be told from.
_NOTHING = 1e-300
_ERRORS = (1e-9, 1e9)
_SMALLEST_SPREAD = 1e-3


@dataclass(frozen=True)
class ShrunkSkill:
    """What is known of every pair's skill: the probability that it is `related` to its target, and mean and
    standard deviation of its skill if it is. NaN where nothing is known."""

    related: Floats
    if_related: Floats
    sd: Floats

    @property
    def mean(self) -> Floats:
        """The skill to be expected."""
        return self.related * self.if_related

    def part(self, number: int, n_pairs: int) -> "ShrunkSkill":
        """The pairs of the choice of this number, of several that stand after each other."""
        here = slice(number * n_pairs, (number + 1) * n_pairs)
        return ShrunkSkill(self.related[here], self.if_related[here], self.sd[here])

    def probability_above(self, threshold: Floats) -> Floats:
        """P(related, and skill > threshold) of every pair; NaN where skill or spread is unknown.

        A threshold below zero, as hysteresis may make it, asks for no less than a skill.
        """
        # Scores have far fewer digits than the floor on the spread, which only avoids dividing by zero.
        z = (self.if_related - np.maximum(threshold, 0.0)) / np.maximum(self.sd, 1e-12)
        return np.asarray(self.related * ndtr(z))


@dataclass(frozen=True)
class _Prior:
    """Of each target the share of pairs that are related, and mean and variance of their skills."""

    share: Floats
    mean: Floats
    variance: Floats

    def distance(self, other: "_Prior") -> float:
        """The largest difference of a share, a mean or a standard deviation."""
        moved = self.share - other.share, self.mean - other.mean, self.variance**0.5 - other.variance**0.5
        return float(np.abs(moved).max(initial=0.0))


@dataclass(frozen=True)
class ShrunkSkills:
    """The skills of the three choices on every pair."""

    pooled: ShrunkSkill
    own: ShrunkSkill
    both: ShrunkSkill


def shrunk_skills(
    cs: tuple[SideRows, Faults],
    local: tuple[SideRows, Faults],
    scores: OtherScores,
    alignment: Alignment,
    policy: RoutingPolicy,
) -> ShrunkSkills:
    """The scores of both sides' rows, and those of the other choices on each pair, as shrunk skills."""
    (cs_rows, cs_faults), (rows, faults) = cs, local
    sound, inflate, n_targets = rows.present & ~faults.any, policy.fdr.inflate_se, len(alignment.targets)
    choices = (scores.cs, rows.score, scores.both)
    known = [to_skill(one, rows.chance, rows.skill_scale, inflate) for one in choices]
    cs_skill, cs_se = to_skill(cs_rows.score, cs_rows.chance, cs_rows.skill_scale, inflate)
    # Where the pooled model has no score on any pair, its score over all of them is the mean to go by.
    fallback = np.full((2, 3, n_targets), np.nan)
    fallback[:, 0] = np.where(cs_faults.any, np.nan, cs_skill), cs_se
    # All at once, as if each choice had targets of its own: those of the second are n_targets further on.
    found = shrink(
        np.concatenate([np.where(sound, skill, np.nan) for skill, _ in known]),
        np.concatenate([se for _, se in known]),
        np.concatenate([alignment.pair_target + n_targets * at for at in range(3)]),
        3 * n_targets,
        (fallback[0].ravel(), fallback[1].ravel()),
    )
    return ShrunkSkills(*(found.part(at, len(rows.rows)) for at in range(3)))


def to_skill(score: EstimateRows, chance: Floats, scale: Floats, inflate: float) -> tuple[Floats, Floats]:
    """Scores as skill (2 AUC - 1, or IC) with inflated standard errors."""
    return scale * (score.value - chance), scale * inflate * score.se


def shrink(
    skill: Floats, se: Floats, target: Index, n_targets: int, fallback: tuple[Floats, Floats]
) -> ShrunkSkill:
    """Empirical-Bayes shrinkage of each pair's skill; `target` ascends.

    A pair without a skill gets what its target's pairs are expected to have; a target without any gets
    `fallback`, skill and standard error by target.
    """
    known = (se > 0) & np.isfinite(skill)
    # Squares of what is far beyond any skill would be 0 or infinite.
    at, y, variance = target[known], skill[known], np.clip(se[known], *_ERRORS) ** 2
    n = np.bincount(at, minlength=n_targets)
    # Every k-th pair of a target with many: the prior has three numbers to tell.
    place = np.arange(len(at)) - (np.cumsum(n) - n)[at]
    told = place % -(-n // _MOST_PAIRS)[at] == 0
    prior = _fit(y[told], variance[told], at[told], n_targets)
    related = _related(y, variance, _log_density(y, variance), at, prior)
    # The mean is an estimate too: its variance is the inverse sum of the weights it was made with.
    weights = _total(related / (variance + prior.variance[at]), at, n_targets)
    with np.errstate(divide="ignore"):
        error = 1 / weights
    has_any = n > 0
    share = np.where(has_any, prior.share, 1.0)
    mean = np.where(has_any, prior.mean, fallback[0])
    spread = np.where(has_any, prior.variance + error, fallback[1] ** 2)
    of_pairs = share[target], mean[target], np.sqrt(spread)[target]
    # The share of the prior in each pair's estimate, by which the error of its mean enters.
    pull = variance / (variance + prior.variance[at])
    sd = np.sqrt(pull * prior.variance[at] + pull**2 * error[at])
    for values, of_known in zip(of_pairs, (related, pull * mean[at] + (1 - pull) * y, sd), strict=True):
        values[known] = of_known
    return ShrunkSkill(*of_pairs)


def _fit(y: Floats, variance: Floats, at: Index, n_targets: int) -> _Prior:
    """The prior of most likelihood, by expectation and maximisation (Dempster, Laird and Rubin 1977)."""
    n = np.maximum(np.bincount(at, minlength=n_targets), 1)
    prior = _first_guess(y, variance, at, n)
    alone = _log_density(y, variance)
    for _ in range(_STEPS):
        related = _related(y, variance, alone, at, prior)
        total = np.maximum(_total(related, at, n_targets), _NOTHING)
        pull = variance / (variance + prior.variance[at])
        posterior = pull * prior.mean[at] + (1 - pull) * y
        # Skills below zero are luck: a model of what is not there has none.
        mean = np.maximum(_total(related * posterior, at, n_targets) / total, 0.0)
        spread = (posterior - mean[at]) ** 2 + pull * prior.variance[at]
        spread = _total(related * spread, at, n_targets) / total
        before, prior = prior, _Prior(total / n, mean, np.maximum(spread, _SMALLEST_SPREAD**2))
        if prior.distance(before) < _SETTLED:
            break
    return prior


def _first_guess(y: Floats, variance: Floats, at: Index, n: Index) -> _Prior:
    """By the first two moments, as if related skills spread by half of their mean; half are, if the moments
    tell nothing."""
    first, second = (_total(value, at, len(n)) / n for value in (y, y**2 - variance))
    noise = _total(np.sqrt(variance), at, len(n)) / n
    tells = (first > 0) & (second > 0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # share m and share (m^2 + m^2 / 4) are the moments. A share of 0.05 makes the largest mean.
        largest = np.sqrt(second / 1.25 / 0.05)
        mean = np.where(tells, np.minimum(second / first / 1.25, largest), noise)
        share = np.where(tells, np.clip(first / mean, 0.05, 0.99), 0.5)
    return _Prior(share, mean, np.maximum(mean / 2, _SMALLEST_SPREAD) ** 2)


def _related(y: Floats, variance: Floats, alone: Floats, at: Index, prior: _Prior) -> Floats:
    """P(related) of pairs with these skills; `alone` is the log density of those that are not."""
    with np.errstate(divide="ignore"):
        odds = np.log(prior.share) - np.log1p(-prior.share)
    # By logarithms, as far from both groups either density is 0.
    slab = _log_density(y - prior.mean[at], variance + prior.variance[at])
    return np.asarray(expit(odds[at] + slab - alone))


def _log_density(y: Floats, variance: Floats) -> Floats:
    """That of a normal skill about 0, but for a constant."""
    return np.asarray(-0.5 * (y**2 / variance + np.log(variance)))


def _total(values: Floats, target: Index, n_targets: int) -> Floats:
    """The sum of `values` by target."""
    return np.bincount(target, weights=values, minlength=n_targets).astype(np.float64)
