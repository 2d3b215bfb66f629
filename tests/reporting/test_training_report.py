"""The report on a real plan: partly trained, failed, damaged, orphaned."""

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from reports import job_of, report_on
from routed_world import Routed
from training_world import LONELY, RETURN, UP, make_world, panel_frame, plan_of

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.vocabulary import Route, TaskType
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.panel.panel_store import read_panel
from foxml_assets.reporting.job_states import state_rows
from foxml_assets.reporting.make_report import make_report
from foxml_assets.reporting.pair_scores import PAIR_SCORE_TYPES
from foxml_assets.reporting.promises import promise_words, promised_skill
from foxml_assets.reporting.report import FamilyTime, TrainingReport, UnfinishedLine
from foxml_assets.reporting.report_files import (
    markdown_path,
    write_report,
)
from foxml_assets.reporting.report_markdown import report_markdown
from foxml_assets.serving.job_models import load_family, load_job_model
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.manifest import ModelState, manifest_path, model_path, read_manifest
from foxml_assets.training.models.retired import retire_models
from foxml_assets.training.scores import score


def pair(scores: pd.DataFrame, target: str, symbol: str) -> pd.Series:
    return scores[(scores["target"] == target) & (scores["symbol"] == symbol)].iloc[0]


def test_a_fully_trained_plan_reads_as_such(trained: Routed) -> None:
    report, scores = report_on(trained)
    assert report.jobs_planned == 4
    assert report.jobs_by_state[ModelState.TRAINED] == 4
    assert report.unfinished == ()
    assert report.orphans == ()
    assert report.pairs_by_route == {
        Route.CROSS_SECTIONAL: 3,
        Route.SYMBOL_SPECIFIC: 2,
        Route.BOTH: 1,
        Route.EXPERIMENTAL_ONLY: 0,
        Route.BLOCKED: 6,
    }
    assert (
        "\n**4 of 4 planned jobs trained.** **6 of 6 pairs are above chance by 2 standard errors, 0 below.** "
        "12 pairs: 3 cross sectional, 2 symbol"
    ) in report_markdown(report)
    assert {column: str(kind) for column, kind in scores.dtypes.items()} == PAIR_SCORE_TYPES
    assert len(scores) == 6
    assert (scores["skill"] > 0.3).all()


def test_a_pair_on_both_is_served_the_mean_of_its_pooled_and_its_own_model(trained: Routed) -> None:
    _, scores = report_on(trained)
    layout, info = trained.world.layout, trained.world.context.info
    frame = read_panel(layout, info, [*info.features, UP], ["AAA"])
    held = frame[(frame["date"] >= "2020-12-24") & frame[UP].notna()].assign(symbol=0)
    predictions = []
    for symbol in (None, "AAA"):
        job = job_of(trained, UP, symbol)
        models = [load_family(job, family, trained.world.context) for family in job.model_families]
        predictions.append(np.mean([model.predict(held) for model in models], axis=0))
    task, y = TaskType.CLASSIFICATION, held[UP].to_numpy(dtype=np.float64)
    row = pair(scores, UP, "AAA")
    assert row["route"] == Route.BOTH.value
    assert row["n"] == len(held)
    assert row["score"] == score(task, y, np.mean(predictions, axis=0), min_rows=2).value
    assert row["pooled_skill"] == score(task, y, predictions[0], min_rows=2).skill
    assert row["local_skill"] == score(task, y, predictions[1], min_rows=2).skill
    assert row["score"] != score(task, y, predictions[0], min_rows=2).value


def test_a_route_on_both_shows_either_model_beside_their_mean(trained: Routed) -> None:
    report, scores = report_on(trained)
    row = pair(scores, UP, "AAA")
    (line,) = (line for line in report.routes if line.route is Route.BOTH)
    found = (line.mean_skill.value, line.pooled_skill, line.local_skill)
    assert found == (row["skill"], row["pooled_skill"], row["local_skill"])
    shown = next(text for text in report_markdown(report).splitlines() if text.startswith("| both |"))
    assert shown.endswith(f"| {row['pooled_skill']:.3f} | {row['local_skill']:.3f} |")


def test_other_routes_are_served_their_one_job(trained: Routed) -> None:
    _, scores = report_on(trained)
    pooled, alone = pair(scores, UP, "BBB"), pair(scores, RETURN, "BBB")
    assert pooled["skill"] == pooled["pooled_skill"]
    assert np.isnan(pooled["local_skill"])
    assert alone["skill"] == alone["local_skill"]
    assert np.isnan(alone["pooled_skill"])


def test_best_models_are_ranked_by_skill_with_their_evidence_beside(trained: Routed) -> None:
    report, _ = report_on(trained)
    skills = [line.skill for line in report.models]
    assert skills == sorted(skills, reverse=True)
    assert len(skills) == 8
    line = next(line for line in report.models if line.job_id == f"cs_{UP}")
    manifest = read_manifest(manifest_path(job_of(trained, UP), line.family, trained.world.layout))
    assert line.score == manifest.scores.within_symbols.value
    assert line.evidence_score == 0.75
    served = [target.skill.value for target in report.targets if target.skill is not None]
    assert served == sorted(served, reverse=True)
    assert {target.target for target in report.targets} == {UP, RETURN}
    assert report.targets[0].best in report.models


def test_a_target_without_a_model_stands_with_its_evidence_and_the_reason(trained: Routed) -> None:
    report, _ = report_on(trained)
    (line,) = report.unrouted
    assert (line.target, line.pairs, line.evidence_score) == (LONELY, 4, 0.9)
    assert "a copy of the label" in line.reason
    assert line.blocked_by == {"target_leakage": 4}
    row = next(row for row in report_markdown(report).splitlines() if "leakage 4" in row)
    assert "0.900 auc" in row
    assert "a copy of the label" in row


def test_what_is_not_trained_is_named_with_its_reason(trained: Routed) -> None:
    layout = trained.world.layout
    broken = model_path(job_of(trained, UP), "xgboost", layout)
    broken.write_bytes(broken.read_bytes()[:-1])
    manifest_path(job_of(trained, RETURN, "BBB"), "lightgbm", layout).unlink()
    report, scores = report_on(trained)
    assert [(line.job_id, line.state) for line in report.unfinished] == [
        (f"cs_{UP}", ModelState.CORRUPT),
        (f"sym_BBB_{RETURN}", ModelState.MISSING),
    ]
    assert "is not the one that was trained" in report.unfinished[0].reason
    row = pair(scores, UP, "AAA")
    assert np.isnan(row["skill"])
    assert "the pooled model is corrupt" in row["reason"]
    assert row["local_skill"] > 0.3
    text = report_markdown(report)
    assert "**2 of 4 planned jobs trained (1 corrupt, 1 not reached).**" in text
    assert "| symbol specific | 2 | 1 | 1 | 0 | 0." in text
    assert "| cross sectional | 3 | 0 | 0 | 0 |  |" in text
    assert "| planned | 4 |  |\n| trained | 2 |  |\n" in text
    assert "| not reached | 1 | lightgbm: not trained yet |" in text
    assert "| corrupt | 1 | xgboost: model_file: is not" in text


def test_reasons_that_jobs_share_are_counted_and_the_rarest_are_not_told() -> None:
    reasons = ["too few rows"] * 3 + ["disk full"] * 2 + ["a", "b", "c"]
    failed = [UnfinishedLine(f"j{n}", UP, None, ModelState.FAILED, why) for n, why in enumerate(reasons)]
    stale = UnfinishedLine("k", UP, "AAA", ModelState.STALE, "trained for another spec")
    assert state_rows(12, [*failed, stale], retired=3, orphans=2) == [
        ("planned", 12, ""),
        ("trained", 3, ""),
        ("stale", 1, "trained for another spec"),
        ("failed", 8, "3: too few rows; 2: disk full; 1: a; and 2 other reasons"),
        ("retired", "", "3 models whose jobs left the plan; they come back with them"),
        ("left over", "", "2 folders that no job asks for, not retired so far"),
    ]


def test_training_time_is_told_by_family(trained: Routed) -> None:
    layout = trained.world.layout
    for job in trained.plan.jobs:
        for family, seconds in (("lightgbm", 6.0), ("xgboost", 2.0)):
            timing = layout.model_dir(job.target, job.symbol, family) / "timing.json"
            timing.write_text(f'{{"seconds": {seconds}}}', encoding="utf-8")
    timing.unlink()
    report, _ = report_on(trained)
    assert report.times == (FamilyTime("lightgbm", 4, 4, 24.0), FamilyTime("xgboost", 4, 3, 6.0))
    text = report_markdown(report)
    assert "| lightgbm | 4 | 24.0 | 6.00 | 80 % |\n| xgboost | 4 | 6.0 | 2.00 | 20 % |" in text


def test_what_was_promised_stands_beside_what_came_of_it(trained: Routed) -> None:
    report, _ = report_on(trained)
    # Evidence of the small world: AUC .75 and .8 for labels of two classes, a correlation of .3 for returns.
    promised = {line.job_id: promised_skill(line) for line in report.models}
    assert promised == {
        f"cs_{UP}": 0.5,
        f"sym_AAA_{UP}": pytest.approx(0.6),
        f"sym_BBB_{RETURN}": 0.3,
        f"sym_CCC_{RETURN}": 0.3,
    }
    text = report_markdown(report)
    assert f"**{promise_words(report.models)}.**" in text
    assert "| pooled | 2 | 0.500 |" in text
    pages = markdown_path(trained.world.layout).parent
    write_report(*report_on(trained), trained.world.layout)
    assert all((pages / name).is_file() for name in re.findall(r"!\[.*\]\((.*)\)", text))


def test_an_untrained_plan_has_a_report_too(planned: Routed) -> None:
    report, scores = report_on(planned)
    assert report.jobs_by_state[ModelState.MISSING] == 4
    assert report.models == ()
    assert scores["skill"].isna().all()
    page = report_markdown(report)
    assert "No model has a score yet." in page
    assert "**0 of 4 planned jobs trained (4 not reached).** **No pair has a score on a hold-out.**" in page
    assert "Was it worth it?" not in page


def test_a_plan_without_jobs_says_so(planned: Routed) -> None:
    report, scores = make_report(plan_of(planned.world, []), None, planned.world.context, BlockConfig())
    assert "\n**The plan has no jobs" in report_markdown(report)
    assert report.pairs == 0
    assert scores.empty


def test_without_a_routing_plan_the_pairs_are_those_the_jobs_cover(planned: Routed) -> None:
    world = planned.world
    plan = plan_of(world, [world.job(UP, excluded=["BBB"]), world.job(UP, "CCC")])
    report, _ = make_report(plan, None, world.context, BlockConfig())
    assert report.pairs_by_route[Route.CROSS_SECTIONAL] == 3
    assert report.pairs_by_route[Route.SYMBOL_SPECIFIC] == 1


def test_models_of_jobs_that_left_the_plan_are_reported_and_left_alone(trained: Routed) -> None:
    kept = [job for job in trained.plan.jobs if job.symbol is None]
    report, _ = make_report(
        plan_of(trained.world, kept), trained.routing, trained.world.context, BlockConfig()
    )
    assert report.orphans == (
        "MODELS/symbol_specific/fwd_ret_5d/BBB/lightgbm",
        "MODELS/symbol_specific/fwd_ret_5d/BBB/xgboost",
        "MODELS/symbol_specific/fwd_ret_5d/CCC/lightgbm",
        "MODELS/symbol_specific/fwd_ret_5d/CCC/xgboost",
        "MODELS/symbol_specific/y_up_5d/AAA/lightgbm",
        "MODELS/symbol_specific/y_up_5d/AAA/xgboost",
    )
    assert all((trained.world.layout.root / path).is_dir() for path in report.orphans)
    assert "Models the plan does not ask for" in report_markdown(report)
    assert "Retired models" not in report_markdown(report)


def test_retired_models_are_named(trained: Routed) -> None:
    world = trained.world
    left = [job for job in trained.plan.jobs if (job.target, job.symbol) != (UP, "AAA")]
    own = job_of(trained, UP, "AAA")
    retire_models(plan_of(world, left), world.layout, datetime(2026, 3, 1, tzinfo=UTC))
    report, _ = make_report(plan_of(world, left), trained.routing, world.context, BlockConfig())
    assert report.orphans == ()
    assert report.retired == tuple(
        f"symbol_specific/{UP}/AAA/{family}/{own.spec_hash}" for family in sorted(own.model_families)
    )
    text = report_markdown(report)
    assert "## Retired models" in text
    assert own.spec_hash in text


def test_a_panel_that_moved_on_is_not_scored_with_old_models(trained: Routed, tmp_path: Path) -> None:
    newer = make_world(tmp_path / "newer", panel_frame(seed=5))
    shutil.copytree(trained.world.layout.models, newer.layout.models)
    _, scores = make_report(trained.plan, trained.routing, newer.context, BlockConfig())
    assert scores["skill"].isna().all()
    assert pair(scores, UP, "BBB")["reason"] == "the pooled model was trained before the panel changed"


def test_hostile_names_cannot_break_the_markdown(trained: Routed) -> None:
    report, _ = report_on(trained)
    nasty = "| a | b |\n\n# Heading <script>alert(1)</script> [x](http://y) `code`"
    line = msgspec.structs.replace(report.models[0], job_id=nasty, symbol=nasty)
    target = msgspec.structs.replace(report.targets[0], target=nasty, best=line)
    text = report_markdown(msgspec.structs.replace(report, models=(line,), targets=(target,)))
    assert "<script>" not in text
    assert "\n# Heading" not in text
    rows = [row for row in text.splitlines() if "Heading" in row]
    assert len(rows) == 2
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [10, 7]


def test_a_trained_job_can_be_loaded_and_a_stale_one_cannot(trained: Routed) -> None:
    job = job_of(trained, UP, "AAA")
    info = trained.world.context.info
    frame = read_panel(trained.world.layout, info, info.features, ["AAA"])
    model = load_job_model(job, trained.world.context)
    parts = [part.predict(frame) for part in model.models]
    np.testing.assert_allclose(model.predict(frame), (parts[0] + parts[1]) / 2)
    newer = msgspec.structs.replace(job, spec_hash="0" * 64)
    with pytest.raises(TrainingError, match="another spec"):
        load_job_model(newer, trained.world.context)
    elsewhere = replace(trained.world.context, layout=Layout(trained.world.layout.root / "elsewhere"))
    with pytest.raises(TrainingError, match="missing: not trained yet"):
        load_job_model(job, elsewhere)


def test_the_docs_name_every_column_and_every_number() -> None:
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    section = text[text.index("## Training report") : text.index("## Routing audit")]
    columns = re.findall(r"^\| `(\w+)` \| (?:text|count|number) \|", section, re.MULTILINE)
    assert columns == list(PAIR_SCORE_TYPES)
    names = {name for part in re.findall(r"`([^`]+)`", section) for name in re.findall(r"\w+", part)}
    fields = {field.name for field in msgspec.structs.fields(TrainingReport)}
    assert fields - names <= {"schema_version", "plan_hash", "pairs", "pairs_by_route"}
