"""Method shrinkage: which model serves a pair best, by skills shrunk towards the target's mean."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from foxml_assets.routing.coding import Bools, Floats, Index
from foxml_assets.routing.side_rows import EstimateRows


@dataclass(frozen=True)
class ShrunkSkill:
    """Posterior mean and standard deviation of every pair's skill; NaN where nothing is known."""

    mean: Floats
    sd: Floats

    def probability_above(self, bar: Floats) -> Floats:
        """P(skill > bar) of every pair; NaN where skill or spread is unknown."""
        # Scores have far fewer digits than the floor on the spread, which only avoids dividing by zero.
        z = (self.mean - bar) / np.maximum(self.sd, 1e-12)
        return np.asarray(ndtr(z), dtype=np.float64)


def to_skill(score: EstimateRows, chance: Floats, scale: Floats, inflate: float) -> tuple[Floats, Floats]:
    """Scores as skill (2 AUC - 1, or IC) with inflated standard errors."""
    return scale * (score.value - chance), scale * inflate * score.se


def shrink(
    skill: Floats, se: Floats, target: Index, n_targets: int, fallback: tuple[Floats, Floats]
) -> ShrunkSkill:
    """Empirical-Bayes shrinkage of each pair's skill towards its target's mean.

    The spread between a target's pairs is the method-of-moments estimate of DerSimonian, R. and Laird, N.
    (1986), Meta-analysis in clinical trials, Controlled Clinical Trials 7(3). A pair without a skill gets
    its target's mean; a target without any gets `fallback`, skill and standard error by target.
    """
    known = (se > 0) & np.isfinite(skill)

    def total(values: Floats) -> Floats:
        return np.bincount(target[known], weights=values, minlength=n_targets).astype(np.float64)

    n = np.bincount(target[known], minlength=n_targets)
    y, variance = skill[known], se[known] ** 2
    spread = _between_variance(y, variance, target[known], n_targets)
    weight = 1 / (variance + spread[target[known]])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, total(weight * y) / total(weight), fallback[0])
        mean_variance = np.where(n > 0, 1 / total(weight), fallback[1] ** 2)
    own = np.where(known, se, np.inf) ** 2
    # The share of the target's mean in each pair's estimate: 1 where the pair has no score of its own.
    pull = np.where(known, own / np.where(known, own + spread[target], 1.0), 1.0)
    posterior = np.where(known, (1 - pull) * np.where(known, own, 0.0), spread[target])
    return ShrunkSkill(
        mean=pull * mean[target] + (1 - pull) * np.where(known, skill, 0.0),
        sd=np.sqrt(posterior + pull**2 * mean_variance[target]),
    )


def _between_variance(y: Floats, variance: Floats, target: Index, n_targets: int) -> Floats:
    """DerSimonian and Laird's estimate of the variance of true skills within each target."""

    def total(values: Floats) -> Floats:
        return np.bincount(target, weights=values, minlength=n_targets).astype(np.float64)

    weight = 1 / variance
    weights = total(weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total(weight * y) / weights
        excess = total(weight * (y - mean[target]) ** 2) - (np.bincount(target, minlength=n_targets) - 1)
        spread = excess / (weights - total(weight**2) / weights)
    return np.where(np.isfinite(spread) & (spread > 0), spread, 0.0)


def best_choice(
    skills: tuple[Floats, Floats, Floats],
    allowed: tuple[Bools, Bools, Bools],
    advantage: float,
    bonus: Floats,
) -> Index:
    """0 pooled, 1 own, 2 both, or -1 for none: the best allowed choice by skill.

    Another choice must beat the pooled model by `advantage`. `bonus` (pairs x 3) is what hysteresis adds
    to the earlier choice.
    """
    columns = [
        np.where(is_allowed, skill + bonus[:, at] - (advantage if at else 0.0), -np.inf)
        for at, (skill, is_allowed) in enumerate(zip(skills, allowed, strict=True))
    ]
    table = np.column_stack(columns)
    best = np.argmax(table, axis=1)
    return np.where(np.isneginf(table.max(axis=1, initial=-np.inf)), -1, best).astype(np.int64)
