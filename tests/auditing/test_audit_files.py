"""The audit on disk and as a page."""

import json
import re
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pandas as pd
import pytest
from audited_world import audit, contest, model_times, result_of
from routed_world import Routed, route_and_plan
from training_world import LONELY, RETURN, UP, make_world, panel_frame, plan_of

from foxml_assets.auditing.pages.audit_files import (
    page_path,
    pairs_path,
    picture_path,
    read_audit,
    read_current_audit,
    write_audit,
)
from foxml_assets.auditing.pages.audit_text import HEADER, table_rows
from foxml_assets.auditing.routing_audit import (
    BASELINES,
    Cost,
    Interval,
    LeftOut,
    Result,
    RoutingAudit,
    Scheme,
)
from foxml_assets.commands.running.run_report import print_report
from foxml_assets.core.errors import PanelError, PlanMissingError, TrainingError
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.reporting.make_report import make_report
from foxml_assets.reporting.report import TrainingReport
from foxml_assets.reporting.report_files import markdown_path, write_report
from foxml_assets.reporting.report_markdown import report_markdown, target_skills
from foxml_assets.training.runner import train_jobs
from foxml_assets.workspace import Workspace

NOTHING_TRAINED = Cost(jobs=4, trained=0, failed=0, missing=4, models=0, seconds=0.0)


def test_the_files_hold_to_their_schema_and_the_same_state_gives_the_same_bytes(compared: Routed) -> None:
    layout = compared.world.layout
    assert write_audit(*audit(compared), layout)
    paths = (layout.routing_audit, page_path(layout), picture_path(layout), pairs_path(layout))
    before = [path.read_bytes() for path in paths]
    document = json.loads(before[0])
    jsonschema.validate(document, msgspec.json.schema(RoutingAudit))
    assert document["schema_version"] == 1
    assert not write_audit(*audit(compared), layout)
    assert [path.read_bytes() for path in paths] == before
    from matplotlib.image import imread

    assert imread(picture_path(layout)).shape[2] == 4
    assert read_audit(layout) == audit(compared)[0]


def test_the_page_opens_with_one_sentence_and_one_table(compared: Routed) -> None:
    write_audit(*audit(compared), compared.world.layout)
    title, verdict, table, *_ = page_path(compared.world.layout).read_text().split("\n\n")
    assert title == "# Routing audit"
    assert verdict.startswith("**The plan earns ")
    assert verdict.endswith(" of its training time.**")
    assert "of the best baseline" in verdict
    assert [row.split(" | ")[0] for row in table.splitlines()[2:]] == [
        "| the plan",
        "| all pooled",
        "| all symbol",
        "| both averaged",
        "| best choice",
    ]


def test_an_audit_of_another_plan_is_not_shown(compared: Routed) -> None:
    layout, plan_hash = compared.world.layout, compared.plan.metadata.plan_hash
    assert read_current_audit(layout, plan_hash, 4) is None
    found, pairs = audit(compared)
    write_audit(found, pairs, layout)
    assert read_current_audit(layout, plan_hash, 4) == found
    assert read_current_audit(layout, plan_hash, 3) is None
    assert read_current_audit(layout, plan_of(compared.world, []).metadata.plan_hash, 4) is None
    layout.routing_audit.write_text("{}")
    with pytest.raises(TrainingError, match="foxml audit"):
        read_current_audit(layout, plan_hash, 4)


def test_without_a_plan_or_a_holdout_it_says_so(trained: Routed, tmp_path: Path) -> None:
    trained.world.layout.master_plan.unlink()
    with pytest.raises(PlanMissingError, match="there is no plan to audit"):
        contest(trained)
    whole = route_and_plan(make_world(tmp_path / "whole", holdout=0.0))
    with pytest.raises(PanelError, match="there is no hold-out"):
        audit(whole)


def test_without_baselines_it_trains_nothing_and_tells_the_plans_own_numbers(trained: Routed) -> None:
    before = model_times(trained)
    found, pairs = audit(trained)
    write_audit(found, pairs, trained.world.layout)
    assert model_times(trained) == before
    assert not trained.world.layout.baselines.exists()
    assert result_of(found, Scheme.PLAN).served == 6
    assert [found.line(scheme).result for scheme in (*BASELINES, Scheme.BEST_CHOICE)] == [None] * 4
    assert found.best_baseline is None
    page = page_path(trained.world.layout).read_text()
    assert "what training everything would earn is not known: foxml audit --baselines." in page
    assert "All pooled is not compared yet: 1 of 2 jobs are not trained" in page
    assert "All symbol is not compared yet: 5 of 8 jobs are not trained" in page


def test_report_and_run_open_with_the_audit_of_their_plan_and_no_other(
    compared: Routed, capsys: pytest.CaptureFixture[str]
) -> None:
    layout, context = compared.world.layout, compared.world.context
    workspace = Workspace(layout.root, layout.root / "config")
    hint, told = "foxml audit --baselines", "of the best baseline"

    def printed() -> tuple[str, str]:
        """The part of the page above the report's own words, and what the run prints."""
        write_report(*make_report(compared.plan, compared.routing, context, BlockConfig()), layout)
        page = markdown_path(layout).read_text()
        print_report(workspace)
        return page.partition("**4 of 4 planned")[0], " ".join(capsys.readouterr().out.split())

    assert all(hint in text and told not in text for text in printed())
    found, pairs = audit(compared)
    write_audit(found, pairs, layout)
    assert all(told in text and hint not in text for text in printed())
    for row in table_rows(found):
        assert f"| {row[0]} | {row[1]} | " in printed()[0]
    half_trained = msgspec.structs.replace(found.schemes[0], cost=NOTHING_TRAINED)
    for other in (
        msgspec.structs.replace(found, plan_hash="0" * 64),
        msgspec.structs.replace(found, schemes=(half_trained, *found.schemes[1:])),
    ):
        write_audit(other, pairs, layout)
        assert all(hint in text and told not in text for text in printed())


def test_the_report_counts_as_above_chance_what_the_audit_calls_proven(tmp_path: Path) -> None:
    frame = panel_frame()
    noise = np.random.default_rng(0).normal(scale=4.0, size=len(frame))
    weak = frame[RETURN] + noise
    frame = frame.assign(**{RETURN: weak, UP: (weak > 0).where(weak.notna()).astype(float)})
    routed = route_and_plan(make_world(tmp_path, frame))
    list(train_jobs(routed.plan.jobs, routed.world.context))
    report, scores = make_report(routed.plan, routed.routing, routed.world.context, BlockConfig())
    plan = result_of(audit(routed)[0], Scheme.PLAN)
    above = sum(line.above_chance for line in report.routes)
    assert above == plan.served - plan.unproven
    assert above < (scores["skill"] > 0).sum()
    assert "pairs are above chance by 2 standard errors" in report_markdown(report)


def with_horizons(tmp_path: Path, **horizons: int) -> tuple[TrainingReport, RoutingAudit]:
    """Report and audit of the small world, whose hold-out of 64 bars holds one block for 20 bars."""
    routed = route_and_plan(make_world(tmp_path, horizons=horizons))
    list(train_jobs(routed.plan.jobs, routed.world.context))
    report, _ = make_report(routed.plan, routed.routing, routed.world.context, BlockConfig())
    return report, audit(routed)[0]


def test_a_long_horizon_leaves_the_errors_of_the_other_targets_alone(tmp_path: Path) -> None:
    report, found = with_horizons(tmp_path, **{RETURN: 20, LONELY: 30})
    lines = {line.target: line for line in report.targets}
    up, long = lines[UP], lines[RETURN]
    assert (up.scored, up.above_chance, up.unknown_error) == (4, 4, 0)
    assert (long.scored, long.above_chance, long.unknown_error) == (2, 0, 2)
    assert up.skill is not None
    assert up.skill.se is not None
    assert long.skill is not None
    assert long.skill.se is None
    # A mean over targets needs blocks that both share, of which there is one.
    assert {line.mean_skill.se for line in report.routes if line.mean_skill} == {None}
    page = report_markdown(report)
    assert "**4 of 6 pairs are above chance by 2 standard errors, 0 below, 2 of unknown error.**" in page
    assert re.search(r"\| symbol specific \| 2 \| 2 \| unknown \| unknown \| \d\.\d{3} ± \? \|", page)
    plan = result_of(found, Scheme.PLAN)
    assert (plan.served, plan.unproven, plan.mean_skill.se) == (6, 2, None)
    # What is left out of the comparison asks for no blocks.
    assert (found.holdout.blocks, found.holdout.longest_horizon_bars) == (1, 20)


def test_where_no_error_is_known_nothing_is_counted(tmp_path: Path) -> None:
    report, found = with_horizons(tmp_path, **{RETURN: 20, UP: 20})
    page = report_markdown(report)
    assert "**The hold-out is too short to tell any of 6 pairs from chance.**" in page
    assert "pairs are above chance" not in page
    assert [row[2] for row in target_skills(report)] == ["unknown", "unknown"]
    assert result_of(found, Scheme.PLAN).unproven is None
    assert table_rows(found)[0][HEADER.index("unproven")] == "unknown"


def test_the_docs_name_every_column_and_every_number(audited: tuple[RoutingAudit, pd.DataFrame]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    section = text[text.index("## Routing audit") :]
    columns = re.findall(r"^\| `(\w+)` \| (?:text|count|number) \|", section, re.MULTILINE)
    assert columns == list(audited[1].columns)
    names = {name for part in re.findall(r"`([^`]+)`", section) for name in re.findall(r"\w+", part)}
    for struct in (RoutingAudit, Result, Interval):
        fields = {field.name for field in msgspec.structs.fields(struct)}
        assert fields - names <= {"schema_version", "symbol_as_feature", "best_baseline", "value"}
    assert {scheme.value for scheme in Scheme} - {"plan"} <= names
    assert {why.value for why in LeftOut} <= names
