"""Jobs of the families of scikit-learn, from the panel to models in use."""

from pathlib import Path

import numpy as np
import pytest
from training_world import RETURN, UP, World, make_world

from foxml_assets.panel.panel_store import read_panel
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.serving.job_models import load_job_model
from foxml_assets.training.models.manifest import manifest_path, model_path, read_manifest
from foxml_assets.training.outcome import OutcomeStatus
from foxml_assets.training.runner import train_jobs

SECTIONS = {
    "hist_gradient_boosting": {"rounds": 12, "min_samples_leaf": 10},
    "random_forest": {"trees": 5, "min_samples_leaf": 10},
    "extra_trees": {"trees": 5, "min_samples_leaf": 10},
    "logistic": {},
    "elastic_net": {},
}
TREES = ("hist_gradient_boosting", "random_forest", "extra_trees")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path).with_config(families=SECTIONS)


def jobs_of(world: World) -> list[Job]:
    return [
        world.job(target, symbol, families=(*TREES, linear))
        for target, linear in ((UP, "logistic"), (RETURN, "elastic_net"))
        for symbol in (None, "AAA")
    ]


def test_jobs_are_trained_scored_served_and_not_trained_twice(world: World) -> None:
    jobs = jobs_of(world)
    outcomes = list(train_jobs(jobs, world.context))
    assert {outcome.status for outcome in outcomes} == {OutcomeStatus.DONE}
    info = world.context.info
    for job in jobs:
        for family in job.model_families:
            manifest = read_manifest(manifest_path(job, family, world.layout))
            assert manifest.model_file == "model.skops"
            assert manifest.library_versions[family].startswith("1.")
            assert manifest.params.items() >= SECTIONS[family].items()
            skill = manifest.scores.within_symbols.skill
            assert skill is not None
            assert skill > 0.2
        X = read_panel(world.layout, info, info.features, ["AAA"]).assign(symbol=0)
        each = [one.predict(X) for one in load_job_model(job, world.context).models]
        assert all(len(np.unique(predicted)) > 1 for predicted in each)
    again = train_jobs(jobs, world.context)
    assert {outcome.status for outcome in again} == {OutcomeStatus.SKIPPED}


def test_jobs_side_by_side_give_the_same_files(tmp_path: Path) -> None:
    found = []
    for name, threads in (("one", 1), ("four", 4)):
        world = make_world(tmp_path / name).with_config(families=SECTIONS, threads=threads)
        jobs = jobs_of(world)
        assert {outcome.status for outcome in train_jobs(jobs, world.context)} == {OutcomeStatus.DONE}
        paths = [model_path(job, family, world.layout) for job in jobs for family in job.model_families]
        found.append([path.read_bytes() for path in paths])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("family", "target", "reason"),
    [
        ("logistic", RETURN, "logistic learns no regression"),
        ("elastic_net", UP, "elastic_net learns no classification"),
    ],
)
def test_a_task_that_the_family_does_not_learn_fails_alone(
    world: World, family: str, target: str, reason: str
) -> None:
    job = world.job(target, families=(family, "hist_gradient_boosting"))
    (outcome,) = train_jobs([job], world.context)
    assert {model.family: model.status for model in outcome.models} == {
        family: OutcomeStatus.FAILED,
        "hist_gradient_boosting": OutcomeStatus.DONE,
    }
    assert reason in outcome.reason
