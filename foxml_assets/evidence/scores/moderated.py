"""Errors that few blocks of time tell, held to what those of the target's other symbols are.

From five blocks an error is known to a third, and on some of many symbols it comes out next to nothing: the
most certain of them would be noise. The variance of each symbol is shrunk towards that of all,
the more the less they differ beyond chance (Smyth 2004, doi:10.2202/1544-6115.1027), and what is still not
known of it widens the error as Student's t does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import digamma, polygamma, stdtrit

from foxml_assets.core.metrics import NORMAL_95
from foxml_assets.evidence.arrays import Flags, Floats
from foxml_assets.evidence.scores.blocks import TimeBlocks
from foxml_assets.evidence.scores.pooled_or_own import PooledScores, SymbolScores
from foxml_assets.evidence.scores.sums import estimate
from foxml_assets.evidence.target_evidence import Estimate

# Fewer symbols do not tell how much their variances differ.
_FEWEST_SYMBOLS = 5
# Degrees of freedom from which on a variance is as good as known.
_KNOWN = 1e4


def with_known_errors(
    pooled: PooledScores, found: Sequence[SymbolScores], blocks: TimeBlocks
) -> tuple[PooledScores, tuple[SymbolScores, ...]]:
    """The scores of a target, told by `blocks`, with errors by which an interval of 95 % is one."""
    active = np.stack([one.blocks for one in found])
    everywhere, recent_part = np.ones(len(blocks), dtype=bool), blocks.recent

    def of_symbols(scores: Iterable[Estimate], part: Flags) -> list[Estimate]:
        return _moderated(list(scores), active[:, part].sum(axis=1))

    def of_pooled(score: Estimate, part: Flags) -> Estimate:
        return _moderated([score], np.array([active[:, part].any(axis=0).sum()]))[0]

    local = of_symbols((one.local for one in found), everywhere)
    earlier = of_symbols((one.earlier for one in found), ~recent_part)
    recent = of_symbols((one.recent for one in found), recent_part)
    on_symbol = of_symbols((one.pooled for one in found), everywhere)
    both = of_symbols((one.both for one in found), everywhere)
    lead = of_symbols((one.difference for one in found), everywhere)
    families = {name for one in found for name in one.by_family}
    by_family = {
        name: of_symbols((one.by_family.get(name, Estimate(None)) for one in found), everywhere)
        for name in families
    }
    return replace(
        pooled,
        by_family={name: of_pooled(score, everywhere) for name, score in pooled.by_family.items()},
        score=of_pooled(pooled.score, everywhere),
        earlier=of_pooled(pooled.earlier, ~recent_part),
        recent=of_pooled(pooled.recent, recent_part),
        own=of_pooled(pooled.own, everywhere),
    ), tuple(
        replace(
            one,
            local=local[at],
            by_family={name: by_family[name][at] for name in one.by_family},
            earlier=earlier[at],
            recent=recent[at],
            pooled=on_symbol[at],
            both=both[at],
            difference=lead[at],
        )
        for at, one in enumerate(found)
    )


def _moderated(scores: Sequence[Estimate], n_blocks: Floats) -> list[Estimate]:
    errors = np.array([one.se if one.se is not None else np.nan for one in scores])
    known = np.isfinite(errors) & (n_blocks >= 2)
    if not known.any():
        return list(scores)
    blocks = n_blocks[known].astype(np.float64)
    # Of one block, so that symbols with many and with few are comparable.
    variance, freedom = errors[known] ** 2 * blocks, blocks - 1.0
    prior, common = _prior(variance, freedom)
    pulled = common if np.isinf(prior) else (prior * common + freedom * variance) / (prior + freedom)
    errors[known] = np.sqrt(pulled / blocks) * _widening(freedom + prior)
    return [
        estimate(one.value, error) if is_known and one.value is not None else one
        for one, error, is_known in zip(scores, errors.tolist(), known.tolist(), strict=True)
    ]


def _prior(variance: Floats, freedom: Floats) -> tuple[float, float]:
    """Degrees of freedom and size of the variance that all have in common; 0 of them if nothing is."""
    from scipy.optimize import brentq

    if len(variance) < _FEWEST_SYMBOLS:
        return 0.0, 0.0
    # The logarithm of a variance that d degrees of freedom tell has mean log(true) + digamma(d / 2) -
    # log(d / 2) and variance trigamma(d / 2): what it spreads beyond that is spread of the true ones.
    level = np.log(variance) - digamma(freedom / 2.0) + np.log(freedom / 2.0)
    beyond = float(np.var(level, ddof=1) - np.mean(polygamma(1, freedom / 2.0)))
    if beyond <= polygamma(1, _KNOWN / 2.0):
        return np.inf, float(np.exp(np.mean(level)))
    prior = 2.0 * float(brentq(lambda half: polygamma(1, half) - beyond, 1e-3, _KNOWN / 2.0))
    return prior, float(np.exp(np.mean(level) + digamma(prior / 2.0) - np.log(prior / 2.0)))


def _widening(freedom: Floats) -> Floats:
    """How much wider than the normal interval Student's is."""
    return np.asarray(stdtrit(np.minimum(freedom, _KNOWN), 0.975) / NORMAL_95)
