"""Skills of one choice on every pair, by their scores and by what the pairs of their target have in common.

Of a target's pairs a share is related to it, with normal skills about their mean; the others have none. The
model of two groups is that of Efron, B. (2008), Microarrays, empirical Bayes and the two-groups model,
Statistical Science 23(1), with a normal prior as of Stephens, M. (2017), False discovery rates: a new deal,
Biostatistics 18(2). Share, mean and spread are not estimated but averaged over, each by its likelihood on a
grid (Berger, J. (1985), Statistical Decision Theory and Bayesian Analysis, 4.6): few pairs are sure of none.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtr

from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.frames import Bools, Floats, Index
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.sides.quarantine import SideEvidence

# The priors that are averaged over: means from a skill that hardly pays to one that nobody has, spreads as
# parts of the mean, and shares. Before scores are seen it is as likely as not that all pairs are related.
_MEANS = np.geomspace(0.01, 0.8, 16)
_SPREADS = np.array([0.05, 0.2, 0.5, 1.0])
_SHARES = np.array([0.01, 0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 0.99])
_SHARE_WEIGHTS = np.array([*[1.0] * 8, 8.0])
# Where few of the means are likely, others between them are asked, so often: then they are 1 % apart.
_MEANS_LIKELY, _REFINEMENTS = 6, 2
# More pairs tell a target's prior no better. So many at once are quick.
_MOST_PAIRS = 250
_AT_ONCE = 32
# Priors of less weight than this, where the likeliest has 1, change no probability by as much.
_LEAST_WEIGHT = 1e-4
# Errors beyond any skill, whose squares would be 0 or infinite.
_ERRORS = (1e-9, 1e9)


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

    def part(self, number: int, known: Bools) -> "ShrunkSkill":
        """The pairs of the choice of this number, of several that stand after each other, as far as known."""
        here = slice(number * len(known), (number + 1) * len(known))
        return ShrunkSkill(np.where(known, self.related[here], np.nan), self.if_related[here], self.sd[here])

    def probability_above(self, threshold: Floats) -> Floats:
        """P(related, and skill > threshold) of every pair; NaN where skill or spread is unknown.

        A threshold below zero, as hysteresis may make it, asks for no less than a skill.
        """
        # Scores have far fewer digits than the floor on the spread, which only avoids dividing by zero.
        z = (self.if_related - np.maximum(threshold, 0.0)) / np.maximum(self.sd, 1e-12)
        return np.asarray(self.related * ndtr(z))


@dataclass(frozen=True)
class _Priors:
    """Priors of a target's pairs with the weight of each: share of the related, mean and variance of their
    skills."""

    share: Floats
    mean: Floats
    variance: Floats
    weight: Floats

    def expected(self) -> tuple[float, float, float]:
        """Of a pair without a score: P(related), mean and standard deviation of its skill if it is."""
        by_weight = self.weight * self.share
        related = by_weight.sum()
        mean = (by_weight * self.mean).sum() / related
        second = (by_weight * (self.variance + self.mean**2)).sum() / related
        return related, mean, np.sqrt(second - mean**2)


@dataclass(frozen=True)
class ShrunkSkills:
    """The skills of the three choices on every pair."""

    pooled: ShrunkSkill
    own: ShrunkSkill
    both: ShrunkSkill


def shrunk_skills(
    cs: SideEvidence, local: SideEvidence, alignment: Alignment, policy: RoutingPolicy
) -> ShrunkSkills:
    """The scores of the three choices on each pair as shrunk skills."""
    rows, sound = local.rows, local.sound
    inflate, n_targets = policy.fdr.inflate_se, len(alignment.targets)
    known = [rows.as_skill(choice, inflate) for choice in (rows.pooled, rows.score, rows.both)]
    cs_skill, cs_se = cs.rows.as_skill(cs.rows.score, inflate)
    # Where the pooled model has no score on any pair, its score over all of them is the mean to go by.
    fallback = np.full((2, 3, n_targets), np.nan)
    fallback[:, 0] = np.where(cs.faults.any, np.nan, cs_skill), cs_se
    # All at once, as if each choice had targets of its own: those of the second are n_targets further on.
    found = shrink(
        np.concatenate([np.where(sound, skill, np.nan) for skill, _ in known]),
        np.concatenate([se for _, se in known]),
        np.concatenate([alignment.pair_target + n_targets * at for at in range(3)]),
        3 * n_targets,
        (fallback[0].ravel(), fallback[1].ravel()),
    )
    # The pooled model's skill is known by its target, whatever the symbol's row says.
    told = (np.ones_like(sound), sound, sound & np.isfinite(rows.both.value))
    return ShrunkSkills(*(found.part(at, where) for at, where in enumerate(told)))


def shrink(
    skill: Floats, se: Floats, target: Index, n_targets: int, fallback: tuple[Floats, Floats]
) -> ShrunkSkill:
    """Hierarchical shrinkage of each pair's skill; `target` ascends.

    A pair without a skill gets what its target's pairs are expected to have; a target without any gets
    `fallback`, skill and standard error by target.
    """
    known = np.flatnonzero((se > 0) & np.isfinite(skill))
    n = np.bincount(target[known], minlength=n_targets)
    ends = np.cumsum(n)
    expected = np.ones(n_targets), fallback[0].copy(), fallback[1].copy()
    of_known = np.empty((3, len(known)))
    for at in np.flatnonzero(n):
        here = slice(ends[at] - n[at], ends[at])
        y, variance = skill[known[here]], np.clip(se[known[here]], *_ERRORS) ** 2
        # Every k-th pair of a target with many, and every one in turn, as tables larger than caches are slow.
        told = slice(None, None, -(-len(y) // _MOST_PAIRS))
        priors = _likely_priors(y[told], variance[told])
        parts = [slice(start, start + _MOST_PAIRS) for start in range(0, len(y), _MOST_PAIRS)]
        of_parts = [_posterior(y[part], variance[part], priors) for part in parts]
        of_known[:, here] = np.concatenate(of_parts, axis=1)
        for values, value in zip(expected, priors.expected(), strict=True):
            values[at] = value
    found = tuple(values[target] for values in expected)
    for values, of_pairs in zip(found, of_known, strict=True):
        values[known] = of_pairs
    return ShrunkSkill(*found)


def _likely_priors(y: Floats, variance: Floats) -> _Priors:
    """Those of any weight after these skills were seen."""
    means, weight = _MEANS, _weights(y, variance, _MEANS)
    for _ in range(_REFINEMENTS):
        likely = np.flatnonzero((weight > _LEAST_WEIGHT).any(axis=(0, 2)))
        if len(likely) >= _MEANS_LIKELY:
            break
        low, high = max(likely[0] - 1, 0), min(likely[-1] + 1, len(means) - 1)
        means = np.geomspace(means[low], means[high], len(means))
        weight = _weights(y, variance, means)
    share, mean, spread = np.nonzero(weight > _LEAST_WEIGHT)
    chosen = weight[share, mean, spread]
    slab = (means[mean] * _SPREADS[spread]) ** 2
    return _Priors(_SHARES[share], means[mean], slab, chosen / chosen.sum())


def _weights(y: Floats, variance: Floats, means: Floats) -> Floats:
    """The weight of each prior (by share, mean and spread) after these skills were seen; the largest is 1."""
    # A column for each mean and spread, the spreads of a mean side by side.
    ratio = _log_ratio(
        y, variance, np.repeat(means, len(_SPREADS)), np.multiply.outer(means, _SPREADS).ravel() ** 2
    )
    # The likelihood of a pair, share * related + (1 - share) * unrelated, over the larger of both densities:
    # it is at least the smaller share, so a product of some pairs is above 0. Few at a time stay in caches.
    smaller = np.exp(-np.abs(ratio))
    unrelated = np.where(ratio > 0, smaller, 1.0)
    gain = np.where(ratio > 0, 1.0, smaller) - unrelated
    likelihood = np.log(_SHARE_WEIGHTS)[:, None] + np.maximum(ratio, 0.0).sum(axis=0)
    for start in range(0, len(y), _AT_ONCE):
        few = slice(start, start + _AT_ONCE)
        likelihood += np.log((unrelated[few] + _SHARES[:, None, None] * gain[few]).prod(axis=1))
    weight: Floats = np.exp(likelihood - likelihood.max())
    return weight.reshape(len(_SHARES), len(means), len(_SPREADS))


def _posterior(y: Floats, variance: Floats, priors: _Priors) -> tuple[Floats, Floats, Floats]:
    """P(related) of pairs with these skills, and mean and standard deviation of the skill if they are."""
    ratio = _log_ratio(y, variance, priors.mean, priors.variance)
    related = priors.weight * expit(ratio + logit(priors.share))
    pull = variance[:, None] / (variance[:, None] + priors.variance)
    # About the score itself, so that squares of small differences are not lost beside its own.
    moved = pull * (priors.mean - y[:, None])
    total = related.sum(axis=1)
    first = (related * moved).sum(axis=1) / total
    second = (related * (pull * priors.variance + (moved - first[:, None]) ** 2)).sum(axis=1) / total
    # Weights may come to a little more than 1.
    return np.minimum(total, 1.0), y + first, np.sqrt(second)


def _log_ratio(y: Floats, variance: Floats, mean: Floats, spread: Floats) -> Floats:
    """Log density of each skill (a row) if it is related, over that if it is not, by prior (a column)."""
    total = variance[:, None] + spread
    apart = (y**2 / variance)[:, None] - (y[:, None] - mean) ** 2 / total
    return np.asarray(0.5 * (apart + np.log(variance[:, None] / total)))
