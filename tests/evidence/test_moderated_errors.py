"""Errors that few blocks of time tell are held to those of the other symbols."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import t as student

from foxml_assets.evidence.scores.blocks import TimeBlocks
from foxml_assets.evidence.scores.moderated import with_known_errors
from foxml_assets.evidence.scores.pooled_or_own import PooledScores, SymbolScores
from foxml_assets.evidence.scores.sums import Scores, estimates
from foxml_assets.evidence.screening.predictions import Variant
from foxml_assets.evidence.target_evidence import Estimate

NOTHING = Estimate(None)


def measured(parts: np.ndarray, blocks: np.ndarray) -> Estimate:
    """A score that is the sum of `parts`, one a block, whose error their differences tell."""
    influence = np.where(blocks, parts - parts[blocks].mean(), 0.0)
    return estimates(Scores(np.array([parts[blocks].sum()]), influence[None, :]))[0]


def on_symbol(local: Estimate, blocks: np.ndarray, recent: Estimate = NOTHING) -> SymbolScores:
    nothing = np.full(3, np.nan)
    return SymbolScores(
        families=(),
        prediction=nothing,
        by_family={},
        sample_size=100,
        local=local,
        earlier=NOTHING,
        recent=recent,
        pooled=NOTHING,
        both=NOTHING,
        difference=NOTHING,
        by_fold=nothing,
        blocks=blocks,
    )


def of_target(
    found: Sequence[SymbolScores], pooled: Estimate = NOTHING
) -> tuple[PooledScores, tuple[SymbolScores, ...]]:
    chosen = Variant((), np.zeros(1))
    scores = PooledScores(chosen, 0, {}, pooled, NOTHING, NOTHING, (), pooled)
    # Five folds of as many blocks, where there are enough: the last of them is recent.
    n_blocks = len(found[0].blocks)
    bounds = tuple(n_blocks * fold // 5 for fold in range(6))
    return with_known_errors(scores, found, TimeBlocks(np.arange(n_blocks), bounds))


def errors_of(found: Sequence[SymbolScores]) -> np.ndarray:
    return np.array([one.local.se for one in found])


def noise(n_symbols: int, n_blocks: int, spread: np.ndarray | float = 1.0) -> list[SymbolScores]:
    rng = np.random.default_rng(3)
    parts = rng.standard_normal((n_symbols, n_blocks)) * np.asarray(spread).reshape(-1, 1)
    everywhere = np.ones(n_blocks, dtype=bool)
    return [on_symbol(measured(one, everywhere), everywhere) for one in parts]


def z_of(found: Sequence[SymbolScores]) -> np.ndarray:
    return np.array([(one.local.value or 0.0) / (one.local.se or np.nan) for one in found])


def test_luck_with_five_blocks_looks_like_no_discovery() -> None:
    found = noise(2_000, 5)
    assert np.abs(z_of(found)).max() > 9.0
    _, moderated = of_target(found)
    z = z_of(moderated)
    assert np.abs(z).max() < 4.5
    assert 0.9 < z.std() < 1.1


def test_errors_that_differ_stay_different_where_blocks_tell_it() -> None:
    spread = np.where(np.arange(200) < 100, 1.0, 3.0)
    found = noise(200, 60, spread)
    _, moderated = of_target(found)
    assert errors_of(moderated) == pytest.approx(errors_of(found), rel=0.12)
    z = z_of(moderated)
    assert z[:100].std() == pytest.approx(z[100:].std(), rel=0.2)


def test_a_symbol_with_fewer_blocks_keeps_the_larger_error() -> None:
    long, rng = noise(50, 20), np.random.default_rng(4)
    few = np.arange(20) >= 15
    short = [on_symbol(measured(4.0 * rng.standard_normal(20), few), few) for _ in range(50)]
    _, moderated = of_target([*long, *short])
    errors = errors_of(moderated)
    # The sum of as many blocks of four times the size: an error of a half of a quarter of the blocks.
    assert np.median(errors[50:]) > 1.5 * np.median(errors[:50])


def test_what_stands_alone_is_widened_as_students_t_is() -> None:
    alone = noise(1, 5)
    _, (moderated,) = of_target(alone)
    wider = student.ppf(0.975, 4) / student.ppf(0.975, np.inf)
    assert moderated.local.se == pytest.approx(alone[0].local.se * wider)
    assert moderated.local.value == alone[0].local.value
    pooled, _ = of_target(noise(3, 5), pooled=Estimate(0.1, 0.05, 0.0, 0.2))
    assert pooled.score.se == pytest.approx(0.05 * wider)
    assert pooled.score.ci_low == pytest.approx(0.1 - student.ppf(0.975, 4) * 0.05)


def test_a_score_without_an_error_stays_as_it_is() -> None:
    blocks = np.ones(5, dtype=bool)
    bare, unknown = on_symbol(Estimate(0.3), blocks), on_symbol(NOTHING, np.zeros(5, dtype=bool))
    _, moderated = of_target([*noise(9, 5), bare, unknown])
    assert moderated[9].local == Estimate(0.3)
    assert moderated[10].local == NOTHING


def test_recent_scores_are_judged_by_the_recent_blocks() -> None:
    blocks, recent = np.ones(10, dtype=bool), Estimate(0.2, 0.1, 0.0, 0.4)
    _, (moderated,) = of_target([on_symbol(recent, blocks, recent)])
    factors = {n: student.ppf(0.975, n - 1) / student.ppf(0.975, np.inf) for n in (2, 10)}
    assert moderated.local.se == pytest.approx(0.1 * factors[10])
    assert moderated.recent.se == pytest.approx(0.1 * factors[2])
