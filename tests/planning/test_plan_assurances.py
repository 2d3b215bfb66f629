"""The master training plan says of its jobs' features who stands for them."""

import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import msgspec
from plan_makers import SETTINGS, master_bytes
from routing_makers import STAMP, policy, routed, row

from foxml_assets.core.assurances import Assurance
from foxml_assets.core.vocabulary import AssuredBy
from foxml_assets.planning.diff.changes import diff_plans
from foxml_assets.planning.jobs.builder import assemble_plan, build_plan
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.plan.schema import shipped_schema
from foxml_assets.planning.store.plan_pages import render_summary
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.planning.validate.job_columns import place_jobs
from foxml_assets.planning.validate.routing_check import routing_problems
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.storage.layout import Layout

VOUCHED = {"by": "user", "reason": "published before the bar closes"}
PROVEN = {"by": "replay", "cuts": 8}


def routing_of(reason: str = VOUCHED["reason"]) -> RoutingPlan:
    """Targets with jobs and assured features, of which they use two; without jobs; without assurances."""
    assured = {
        "momentum": {**VOUCHED, "reason": reason},
        "volatility": PROVEN,
        "not_selected": {"by": "calendar"},
    }
    text = json.dumps(assured)
    rows: Sequence[dict[str, object]] = [
        row("y_up", None, "strong", assured=text),
        row("y_up", "AAA", "strong"),
        row("y_blocked", None, "none", assured=text),
        row("y_blocked", "AAA", "none"),
        row("y_plain", None, "strong"),
        row("y_plain", "AAA", "none"),
    ]
    return routed(rows)


def plan_of(routing: RoutingPlan) -> MasterPlan:
    return build_plan(
        routing, policy(), data_hashes={}, training_hashes=SETTINGS, parent_plan_hash=None, stamp=STAMP
    )


def test_the_plan_names_the_assured_features_of_each_targets_jobs() -> None:
    plan = plan_of(routing_of())
    assert {job.target for job in plan.jobs} == {"y_up", "y_plain"}
    assert plan.metadata.assured == {
        "y_up": {
            "momentum": Assurance(AssuredBy.USER, reason="published before the bar closes"),
            "volatility": Assurance(AssuredBy.REPLAY, cuts=8),
        }
    }


def test_the_file_holds_them_and_is_read_back(tmp_path: Path) -> None:
    plan = plan_of(routing_of())
    document = json.loads(master_bytes(plan))
    jsonschema.validate(document, json.loads(shipped_schema()))
    assert document["metadata"]["schema_version"] == 4
    assert document["metadata"]["assured"] == {"y_up": {"momentum": VOUCHED, "volatility": PROVEN}}
    write_plan(plan, Layout(tmp_path), history=1)
    assert load_master_training_plan(Layout(tmp_path).master_plan) == plan


def test_another_reason_makes_another_plan_and_trains_nothing_anew() -> None:
    before, after = plan_of(routing_of()), plan_of(routing_of("it is public"))
    assert before.metadata.plan_hash != after.metadata.plan_hash
    assert [job.spec_hash for job in before.jobs] == [job.spec_hash for job in after.jobs]
    assert not diff_plans(before, after).has_changes


def test_a_plan_that_assures_what_the_routing_plan_does_not_is_found() -> None:
    routing = routing_of()
    plan = plan_of(routing)
    assert list(routing_problems(place_jobs(plan, routing))) == []
    other = {"y_up": plan.metadata.assured["y_up"], "y_plain": {"momentum": Assurance(AssuredBy.CALENDAR)}}
    for assured in ({}, other):
        metadata = msgspec.structs.replace(plan.metadata, assured=assured)
        summary = plan.summary
        changed = assemble_plan(
            plan.jobs, metadata, total_blocked=summary.total_blocked, symbols=summary.symbols
        )
        found = [problem.field for problem in routing_problems(place_jobs(changed, routing))]
        assert found == ["$.metadata.assured.y_plain" if assured else "$.metadata.assured.y_up"]


def test_the_summary_shows_them_by_target() -> None:
    text = render_summary(plan_of(routing_of()))
    up = text[text.index("### [y_up]") :]
    assert "- vouched for by you: momentum: published before the bar closes" in up
    assert "- proven by replay at 8 cuts to use earlier rows only: volatility" in up
    assert "not_selected" not in text
    assert text.count("Leakage is not doubted:") == 1
