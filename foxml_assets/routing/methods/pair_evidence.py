"""What is known of every pair's choices: their scores, and their skills shrunk towards the target's mean."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from foxml_assets.core.vocabulary import LeakageStatus, Route, SignalState
from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.candidates.table_columns import Bools, Codes, Floats, Index, code, level
from foxml_assets.routing.methods.sides import EarlierStates, JudgedSide
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.sides.side_rows import EstimateRows, PairScores


@dataclass(frozen=True)
class Skills:
    """Shrunk skills of the three choices on every pair; NaN where they are not known.

    The probabilities are those of a skill above `pooled_on_symbol.min_skill`.
    """

    cs: Floats
    local: Floats
    both: Floats
    cs_probability: Floats
    both_probability: Floats


@dataclass(frozen=True)
class PairEvidence:
    """All that a method chooses by: both judged sides, and scores and skills of the choices on each pair.

    `left_out` marks suspected pairs whose rows the pooled model does not learn from.
    """

    alignment: Alignment
    cs: JudgedSide
    local: JudgedSide
    scores: PairScores
    skills: Skills
    left_out: Bools
    earlier: EarlierStates
    policy: RoutingPolicy

    @property
    def cs_state(self) -> Codes:
        """The pooled model's state on every pair: DISALLOWED where it knows nothing of the symbol."""
        of_target = self.cs.state[self.alignment.pair_target]
        return np.where(self.left_out, level(SignalState.DISALLOWED), of_target).astype(np.int8)


@dataclass(frozen=True)
class ShrunkSkill:
    """Posterior mean and standard deviation of every pair's skill; NaN where nothing is known."""

    mean: Floats
    sd: Floats

    def probability_above(self, threshold: Floats) -> Floats:
        """P(skill > threshold) of every pair; NaN where skill or spread is unknown."""
        # Scores have far fewer digits than the floor on the spread, which only avoids dividing by zero.
        z = (self.mean - threshold) / np.maximum(self.sd, 1e-12)
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
    at, y, variance = target[known], skill[known], se[known] ** 2
    spread = _between_variance(y, variance, at, n_targets)
    # Random-effects weights: a pair's skill varies about the mean by its own error and by the spread.
    weight = 1 / (variance + spread[at])
    total, n = _total(weight, at, n_targets), np.bincount(at, minlength=n_targets)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, _total(weight * y, at, n_targets) / total, fallback[0])
        # Of inverse-variance weights the inverse sum is the variance of the mean.
        mean_variance = np.where(n > 0, 1 / total, fallback[1] ** 2)
    # Infinite where the pair has no score of its own; the inner `where`s keep it out of the arithmetic.
    own = np.where(known, se, np.inf) ** 2
    # The share of the target's mean in each pair's estimate: 1 where the pair has no score of its own.
    pull = np.where(known, own / np.where(known, own + spread[target], 1.0), 1.0)
    # Normal prior and error: own * spread / (own + spread), or the whole spread without a score.
    posterior = np.where(known, (1 - pull) * np.where(known, own, 0.0), spread[target])
    return ShrunkSkill(
        mean=pull * mean[target] + (1 - pull) * np.where(known, skill, 0.0),
        # The target's mean is an estimate too, and its error enters by the share it has.
        sd=np.sqrt(posterior + pull**2 * mean_variance[target]),
    )


def _total(values: Floats, target: Index, n_targets: int) -> Floats:
    """The sum of `values` by target."""
    return np.bincount(target, weights=values, minlength=n_targets).astype(np.float64)


def _between_variance(y: Floats, variance: Floats, at: Index, n_targets: int) -> Floats:
    """DerSimonian and Laird's estimate of the variance of true skills within each target."""
    weight = 1 / variance
    weights, n = _total(weight, at, n_targets), np.bincount(at, minlength=n_targets)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _total(weight * y, at, n_targets) / weights
        # Cochran's Q less n - 1, which it is on average where the true skills do not differ.
        excess = _total(weight * (y - mean[at]) ** 2, at, n_targets) - (n - 1)
        spread = excess / (weights - _total(weight**2, at, n_targets) / weights)
    # One pair alone gives 0 / 0, and chance may give less than nothing: both mean no spread.
    return np.where(np.isfinite(spread) & (spread > 0), spread, 0.0)


def pair_evidence(
    alignment: Alignment,
    cs: JudgedSide,
    local: JudgedSide,
    scores: PairScores,
    earlier: EarlierStates,
    policy: RoutingPolicy,
) -> PairEvidence:
    """The judged sides with the shrunk skills of all pairs."""
    at, n_targets = alignment.pair_target, len(alignment.targets)
    inflate = policy.fdr.inflate_se
    sound = local.rows.present & ~local.faults.any
    averaged = sound & np.isfinite(scores.both.value)
    cs_skill, cs_se = to_skill(cs.rows.score, cs.rows.chance, cs.rows.skill_scale, inflate)
    # Where the pooled model has no score on any pair, its score over all of them is the mean to go by.
    pooled_fallback = (np.where(cs.faults.any, np.nan, cs_skill), cs_se)
    nothing = (np.full(n_targets, np.nan), np.full(n_targets, np.nan))

    def shrunk(score: EstimateRows, fallback: tuple[Floats, Floats]) -> ShrunkSkill:
        skill, se = to_skill(score, local.rows.chance, local.rows.skill_scale, inflate)
        return shrink(np.where(sound, skill, np.nan), se, at, n_targets, fallback)

    pooled = shrunk(scores.cs, pooled_fallback)
    own = shrunk(local.rows.score, nothing)
    both = shrunk(scores.both, nothing)
    threshold = _pooled_threshold(local, earlier, policy)
    skills = Skills(
        cs=pooled.mean,
        local=np.where(sound, own.mean, np.nan),
        both=np.where(averaged, both.mean, np.nan),
        cs_probability=pooled.probability_above(threshold),
        both_probability=np.where(averaged, both.probability_above(threshold), np.nan),
    )
    left_out = _suspects(local, at)
    return PairEvidence(alignment, cs, local, scores, skills, left_out, earlier, policy)


def _suspects(local: JudgedSide, target: Index) -> Bools:
    """Symbols suspected of a leak: what copies the label on few of them would teach that to the pooled model.

    Where half of a target's symbols are suspected, its pooled row is the one to say so.
    """
    suspected = local.rows.present & (local.rows.leakage == code(LeakageStatus.SUSPECT))
    few = 2 * np.bincount(target, weights=suspected) < np.bincount(target)
    return np.asarray(suspected & few[target])


def _pooled_threshold(local: JudgedSide, earlier: EarlierStates, policy: RoutingPolicy) -> Floats:
    """The skill that the pooled model, alone or in the average, must exceed on each pair: lower where it
    served the pair before."""
    served = np.isin(earlier.route, [code(Route.CROSS_SECTIONAL), code(Route.BOTH)])
    margin = policy.hysteresis * local.rows.skill_scale
    # No shift for a pair that the earlier plan did not have (-1).
    shift: Floats = np.select([earlier.route < 0, served], [np.zeros_like(margin), -margin], margin)
    return policy.pooled_on_symbol.min_skill + shift
