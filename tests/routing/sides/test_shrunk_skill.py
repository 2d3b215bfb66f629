"""Skills by what the pairs of a target have in common: a share of them has any, the others have none."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import norm

from foxml_assets.routing.sides.shrunk_skill import ShrunkSkill, shrink

Floats = npt.NDArray[np.float64]
NOTHING = (np.array([np.nan]), np.array([np.nan]))


def of_one_target(skill: Floats, se: Floats) -> ShrunkSkill:
    return shrink(skill, se, np.zeros(len(skill), dtype=np.int64), 1, NOTHING)


def planted(share: float, mean: float, n: int = 400, se: float = 0.04) -> tuple[Floats, Floats, Floats]:
    """True skills, their scores, and the errors of those, which differ."""
    rng = np.random.default_rng(8)
    true = np.where(np.arange(n) < share * n, rng.normal(mean, 0.03, n), 0.0)
    errors = se * rng.uniform(0.7, 1.3, n)
    return true, true + errors * rng.standard_normal(n), errors


def test_a_target_of_two_groups_is_told_as_one() -> None:
    true, scores, errors = planted(share=0.4, mean=0.15)
    found = of_one_target(scores, errors)
    related = true != 0.0
    # A pair is told as related as often as it is, whatever the probability.
    for low, high in ((0.0, 0.1), (0.1, 0.6), (0.6, 0.95), (0.95, 1.0)):
        here = (found.related >= low) & (found.related <= high)
        assert found.related[here].mean() == pytest.approx(related[here].mean(), abs=0.13)
    # Better than the scores, and than one normal prior for all of them.
    pull = errors**2 / (errors**2 + scores.var() - (errors**2).mean())
    normal = pull * scores.mean() + (1 - pull) * scores
    error = np.mean((found.mean - true) ** 2)
    assert error < 0.75 * np.mean((normal - true) ** 2) < np.mean((scores - true) ** 2)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.6, 1.0])
def test_many_pairs_tell_what_was_planted(share: float) -> None:
    _, scores, errors = planted(share, mean=0.2, n=250)
    # A pair without a score is told by the prior alone.
    found = of_one_target(np.append(scores, np.nan), np.append(errors, np.nan))
    assert found.related[-1] == pytest.approx(share, abs=0.06)
    if share > 0:
        assert found.if_related[-1] == pytest.approx(0.2, abs=0.01)
        assert 0.03 < found.sd[-1] < 0.05


@pytest.mark.parametrize("n_pairs", [3, 10, 40])
def test_few_pairs_are_no_surer_than_they_may_be(n_pairs: int) -> None:
    rng, n_targets = np.random.default_rng(5), 12_000 // n_pairs
    target = np.repeat(np.arange(n_targets), n_pairs)
    # Of every second target all pairs are related, as is thought likely before scores are seen.
    share = rng.choice([0.0, 0.3, 0.6, 1.0, 1.0, 1.0], n_targets)[target]
    mean = np.exp(rng.normal(np.log(0.1), 0.6, n_targets))[target]
    is_related = rng.random(len(target)) < share
    true = is_related * mean * rng.normal(1.0, 0.4, len(target))
    errors = 0.05 * rng.uniform(0.7, 1.3, len(target))
    nothing = np.full(n_targets, np.nan)
    found = shrink(
        true + errors * rng.standard_normal(len(target)), errors, target, n_targets, (nothing, nothing)
    )
    told, holds = found.probability_above(np.full(len(target), 0.01)), true > 0.01
    # Of the pairs that are told to have skill with this probability, as many have it, or more.
    for low, high in ((0.5, 0.75), (0.75, 0.9), (0.9, 1.0)):
        here = (told >= low) & (told <= high)
        assert here.sum() > 400
        assert holds[here].mean() > told[here].mean() - 0.08
    assert np.mean((told - holds) ** 2) < 0.75 * np.mean((holds.mean() - holds) ** 2)


def test_where_all_are_alike_weak_scores_have_the_skill_of_the_others() -> None:
    rng = np.random.default_rng(2)
    errors = np.full(100, 0.1)
    scores = 0.1 + errors * rng.standard_normal(100)
    found = of_one_target(scores, errors)
    assert found.mean.std() < 0.3 * scores.std()
    assert (found.probability_above(np.full(100, 0.01)) > 0.7).mean() > 0.8


def test_where_nothing_is_there_no_pair_has_skill() -> None:
    rng = np.random.default_rng(3)
    errors = np.full(200, 0.1)
    found = of_one_target(errors * rng.standard_normal(200), errors)
    assert found.mean.mean() < 0.01
    assert (found.probability_above(np.full(200, 0.01)) > 0.7).mean() < 0.02


def test_each_target_has_a_prior_of_its_own_and_one_without_scores_its_fallback() -> None:
    _, scores, errors = planted(share=1.0, mean=0.2, n=50)
    skill, se = np.concatenate([scores, [np.nan, np.nan]]), np.concatenate([errors, [0.1, np.nan]])
    target = np.array([0] * 50 + [1, 1])
    fallback = np.array([0.9, 0.3]), np.array([0.1, 0.05])
    found = shrink(skill, se, target, 2, fallback)
    np.testing.assert_allclose(found.mean[:50], of_one_target(scores, errors).mean)
    np.testing.assert_allclose(found.mean[50:], 0.3)
    np.testing.assert_allclose(found.sd[50:], 0.05)
    asked = np.full(52, 0.2)
    np.testing.assert_allclose(found.probability_above(asked)[50:], norm.cdf(2.0))


def test_a_threshold_below_zero_makes_no_pair_certain() -> None:
    found = ShrunkSkill(np.array([0.3, np.nan]), np.array([1.0, np.nan]), np.full(2, 0.01))
    for threshold in (0.01, 0.0, -0.01, -0.5):
        above = found.probability_above(np.full(2, threshold))
        assert above[0] == pytest.approx(0.3)
        assert np.isnan(above[1])


def test_what_is_far_above_all_others_is_related() -> None:
    skill = np.append(np.full(4_999, 0.2), 0.9)
    found = of_one_target(skill, np.full(5_000, 0.01))
    assert found.related[-1] > 0.99
    assert found.probability_above(np.full(5_000, 0.01))[-1] > 0.99


def test_of_a_target_with_thousands_of_pairs_some_tell_the_prior() -> None:
    true, scores, errors = planted(share=0.5, mean=0.2, n=5_500)
    many, few = of_one_target(scores, errors), of_one_target(scores[::22], errors[::22])
    np.testing.assert_allclose(many.related[::22], few.related, atol=1e-9)
    assert many.related[true != 0].mean() > 0.9 > 0.1 > many.related[true == 0].mean()


@example(scores=[(5e-324, 1.0)])
@example(scores=[(0.2, 0.1), (-0.2, 0.1)])
@given(
    scores=st.lists(
        st.tuples(st.floats(-2.0, 2.0), st.floats(0.0, allow_infinity=False, exclude_min=True)),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_the_scores_a_skill_is_known_and_a_probability_is_one(
    scores: list[tuple[float, float]],
) -> None:
    found = of_one_target(*np.array(scores).T)
    assert np.isfinite(found.mean).all()
    assert (found.sd >= 0).all()
    above = found.probability_above(np.full(len(scores), 0.01))
    assert ((above >= 0) & (above <= 1)).all()
    assert ((found.related >= 0) & (found.related <= 1)).all()
