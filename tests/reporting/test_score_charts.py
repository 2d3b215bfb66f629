"""Charts: valid PNG, the same bytes again, and no failure on odd input."""

import io

import msgspec
import numpy as np
import pandas as pd
import pytest
from training_world import RETURN, UP, make_world

from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import Route
from foxml_assets.planning.plan.master_plan import Job, JobMetadata
from foxml_assets.reporting.charts import model_scores_chart, skill_chart
from foxml_assets.reporting.pair_scores import PAIR_SCORE_TYPES
from foxml_assets.training.models.manifest import Manifest
from foxml_assets.training.runner import train_jobs
from foxml_assets.training.scores import SymbolScore


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Manifest]:
    world = make_world(tmp_path_factory.mktemp("charts"))
    (outcome,) = train_jobs([world.job(UP)], world.context)
    metadata = JobMetadata(score=0.7, score_metric=ScoreMetric.AUC)
    return msgspec.structs.replace(outcome.job, metadata=metadata), outcome.manifests[0]


def pixels(png: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return imread(io.BytesIO(png), format="png")


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


def with_symbols(manifest: Manifest, names: list[str], value: float | None = 0.6) -> Manifest:
    one = manifest.scores.by_symbol[0].score
    scored = tuple(SymbolScore(name, msgspec.structs.replace(one, value=value)) for name in names)
    return msgspec.structs.replace(
        manifest, scores=msgspec.structs.replace(manifest.scores, by_symbol=scored)
    )


def test_a_chart_of_a_model_is_a_picture_and_the_same_each_time(trained: tuple[Job, Manifest]) -> None:
    job, manifest = trained
    both = [manifest, msgspec.structs.replace(manifest, family="xgboost")]
    assert pixels(model_scores_chart(job, both)).ndim == 3
    assert model_scores_chart(job, both) == model_scores_chart(job, both)
    assert model_scores_chart(job, both) != model_scores_chart(job, [manifest])


def test_every_family_has_a_colour_of_its_own(trained: tuple[Job, Manifest]) -> None:
    job, manifest = trained
    charts = {
        model_scores_chart(job, [msgspec.structs.replace(manifest, family=family)])
        for family in FAMILIES.points()
    }
    assert len(charts) == len(FAMILIES.points())


def test_the_evidence_is_drawn_only_in_the_same_metric(trained: tuple[Job, Manifest]) -> None:
    job, manifest = trained
    other = msgspec.structs.replace(job, metadata=JobMetadata(score=0.7, score_metric=ScoreMetric.R2))
    none = msgspec.structs.replace(job, metadata=JobMetadata())
    assert model_scores_chart(other, [manifest]) == model_scores_chart(none, [manifest])
    assert model_scores_chart(job, [manifest]) != model_scores_chart(none, [manifest])


def test_a_chart_of_many_symbols_is_a_histogram_of_bounded_size(trained: tuple[Job, Manifest]) -> None:
    job, manifest = trained
    picture = pixels(model_scores_chart(job, [with_symbols(manifest, [f"S{n}" for n in range(3000)])]))
    assert picture.shape[1] <= 1500


@pytest.mark.parametrize("names", [["$x^$", "_private", "日本", "a\nb", "x" * 300], []])
def test_odd_names_and_no_names_draw_without_failing(trained: tuple[Job, Manifest], names: list[str]) -> None:
    job, manifest = trained
    assert pixels(model_scores_chart(job, [with_symbols(manifest, names)])).size > 0
    assert pixels(model_scores_chart(job, [with_symbols(manifest, names, None)])).size > 0
    assert pixels(model_scores_chart(job, [])).size > 0


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
