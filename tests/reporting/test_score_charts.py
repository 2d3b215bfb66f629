"""Pictures of the report: valid PNG, the same bytes again, and no failure on odd input."""

import io

import numpy as np
import pandas as pd
import pytest
from training_world import RETURN, UP

from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import ModelFamily, Route
from foxml_assets.reporting.pair_scores import PAIR_SCORE_TYPES
from foxml_assets.reporting.pairs_picture import skill_chart
from foxml_assets.reporting.promise_picture import promise_picture
from foxml_assets.reporting.promises import broken_promise, promise_of, promise_rows, promise_words
from foxml_assets.reporting.report import ModelLine


def pixels(png: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return imread(io.BytesIO(png), format="png")


def model(
    promised: float | None, skill: float, symbol: str | None = None, family: ModelFamily = "lightgbm"
) -> ModelLine:
    """A model whose AUC is `skill` as skill, and was to be `promised`."""
    evidence = None if promised is None else 0.5 + promised / 2
    name = f"{symbol}_{promised}"
    return ModelLine(
        name, UP, symbol, family, Route.BOTH, ScoreMetric.AUC, 0.5 + skill / 2, skill, 99, evidence
    )


def pair_scores(skills: dict[tuple[str, str, Route], float], error: float = 0.01) -> pd.DataFrame:
    rows = [
        (
            target,
            symbol,
            route.value,
            "auc",
            0.5 + skill / 2,
            skill,
            error,
            skill - 2 * error,
            skill + 2 * error,
            99,
            np.nan,
            np.nan,
            "",
        )
        for (target, symbol, route), skill in skills.items()
    ]
    return pd.DataFrame(rows, columns=list(PAIR_SCORE_TYPES)).astype(PAIR_SCORE_TYPES)


def test_a_promise_is_held_against_the_hold_out_on_the_scale_of_skill() -> None:
    lines = [model(0.4, 0.3), model(0.1, 0.2), model(0.2, -0.2, "AAA"), model(None, 0.9, "BBB")]
    found = promise_of(lines)
    assert found is not None
    assert (found.models, found.kept) == (3, 1)
    assert (found.promised, found.realised) == pytest.approx((0.7 / 3, 0.1))
    assert promise_words(lines) == (
        "Of a mean skill of 0.233 that the evidence promised, the hold-out gave 0.100, 43 %"
    )
    assert promise_rows(lines) == [
        ("pooled", 2, "0.250", "0.250", "1 of 2"),
        ("of one symbol", 1, "0.200", "-0.200", "0 of 1"),
    ]


def test_without_a_promise_nothing_is_said_of_one() -> None:
    lines = [model(None, 0.9)]
    assert (promise_of(lines), promise_words(lines), promise_rows(lines)) == (None, "", [])
    assert promise_picture(lines) == promise_picture([])
    assert promise_words([model(-0.1, 0.2)]).endswith("the hold-out gave 0.200")


def test_the_picture_of_promises_is_the_same_each_time_and_shows_every_model() -> None:
    lines = [model(0.4, 0.3), model(0.2, 0.1, "AAA")]
    picture = promise_picture(lines)
    assert pixels(picture).ndim == 3
    assert promise_picture(lines) == picture
    assert promise_picture(lines[:1]) != picture
    assert promise_picture([lines[0], model(0.2, 0.1)]) != picture, "pooled or not is shown"


def test_every_family_has_a_colour_of_its_own() -> None:
    pictures = {promise_picture([model(0.4, 0.3, family=family)]) for family in FAMILIES.points()}
    assert len(pictures) == len(FAMILIES.points())


def test_the_picture_of_one_model_without_skill_and_of_thousands_is_drawn() -> None:
    assert pixels(promise_picture([model(0.0, 0.0)])).size > 0
    many = [model(n / 5000, n / 9000, f"S{n}") for n in range(5000)]
    assert pixels(promise_picture(many)).shape[1] <= 1000


@pytest.mark.parametrize("name", ["$x^$", "_private", "日本", "a\nb", "x" * 300])
def test_odd_names_draw_without_failing(name: str) -> None:
    assert pixels(skill_chart(pair_scores({(name, name, Route.BOTH): 0.1}))).size > 0


def test_the_skill_chart_shows_every_route_and_is_the_same_each_time() -> None:
    routes = [route for route in Route if route is not Route.BLOCKED]
    scores = pair_scores({(target, f"S{n}", route): 0.1 * n for target in (UP, RETURN)
                          for n, route in enumerate(routes)})  # fmt: skip
    assert skill_chart(scores) == skill_chart(scores)
    assert skill_chart(scores) != skill_chart(scores[scores["route"] != Route.BOTH.value])


def test_the_skill_chart_shows_which_pairs_can_be_told_from_chance() -> None:
    skills = {(UP, "A", Route.BOTH): 0.1, (RETURN, "A", Route.BOTH): -0.1}
    assert skill_chart(pair_scores(skills, error=0.2)) != skill_chart(pair_scores(skills))


def test_the_skill_chart_without_scores_says_so() -> None:
    assert pixels(skill_chart(pair_scores({}))).size > 0


def test_the_skill_chart_of_many_targets_stays_readable() -> None:
    scores = pair_scores({(f"y_{n}", "A", Route.BOTH): n / 200 for n in range(150)})
    assert pixels(skill_chart(scores)).shape[0] <= 2200


def test_a_promise_is_broken_below_a_quarter_of_it() -> None:
    assert broken_promise([model(0.4, 0.1), model(0.2, 0.05)]) == ()
    (broken,) = broken_promise([model(0.4, 0.1), model(0.2, 0.04)])
    assert str(broken) == "hold-out: 2 models have a mean skill of 0.070 there, 0.300 was promised"
    assert broken_promise([]) == ()
