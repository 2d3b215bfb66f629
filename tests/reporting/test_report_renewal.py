"""A report that stands is not made again, and whatever decides it makes it anew."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from reports import job_of, report_on
from routed_world import Routed
from training_world import UP

from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.reporting.make_report import update_report
from foxml_assets.reporting.report import TrainingReport
from foxml_assets.reporting.report_files import (
    markdown_path,
    pair_scores_path,
    pairs_picture_path,
    promise_picture_path,
    write_report,
)
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.manifest import manifest_path


def test_the_same_state_gives_the_same_bytes(trained: Routed) -> None:
    layout = trained.world.layout
    paths = files_of_report(layout)
    assert write_report(*report_on(trained), layout)
    before = [path.read_bytes() for path in paths]
    assert not write_report(*report_on(trained), layout)
    assert [path.read_bytes() for path in paths] == before
    content = json.loads(before[0])
    assert content["jobs_planned"] == 4
    assert content["pairs_by_route"]["ROUTE_BOTH"] == 1


def files_of_report(layout: Layout) -> list[Path]:
    made = (markdown_path, pair_scores_path, promise_picture_path, pairs_picture_path)
    return [layout.training_report, *(path(layout) for path in made)]


def update(routed: Routed, **changes: object) -> TrainingReport:
    context = replace(routed.world.context, **changes)
    return update_report(routed.plan, routed.routing, context, BlockConfig())


def test_a_report_is_made_again_only_if_what_it_is_made_from_has_changed(
    trained: Routed, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = trained.world.layout
    report = update(trained)
    times = {path: path.stat().st_mtime_ns for path in files_of_report(layout)}
    with monkeypatch.context() as patched:
        patched.setattr("foxml_assets.reporting.make_report.score_pairs", None)
        assert update(trained) == report
    assert {path: path.stat().st_mtime_ns for path in times} == times
    # A file that is missing, or a report that cannot be read, is no report.
    for path in times:
        before = path.read_bytes()
        path.unlink()
        assert update(trained) == report
        assert path.read_bytes() == before
    layout.training_report.write_bytes(b"{}")
    assert update(trained) == report


def test_whatever_decides_the_report_makes_it_anew(trained: Routed) -> None:
    layout, bases = trained.world.layout, [update(trained).basis]
    timing = layout.model_dir(UP, None, "lightgbm") / "timing.json"
    timing.write_text('{"seconds": 77.0}', encoding="utf-8")
    slower = update(trained)
    assert slower.times[0].seconds > 77.0
    config = trained.world.context.config.model_copy(update={"min_score_rows": 10_000})
    unscored = update(trained, config=config)
    assert unscored.routes[0].scored == 0
    manifest_path(job_of(trained, UP), "xgboost", layout).unlink()
    bases += [slower.basis, unscored.basis, update(trained).basis]
    assert len(set(bases)) == 4
