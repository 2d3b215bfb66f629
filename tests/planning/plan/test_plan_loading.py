"""A plan file is read strictly, and everything wrong with it is named with its JSON path."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plan_makers import example_plan, master_bytes, plan

from foxml_assets.core.errors import FoxmlError, PlanCorruptError, PlanInconsistentError
from foxml_assets.planning.plan.canonical import read_canonical
from foxml_assets.planning.plan.consumer import MAX_BYTES, load_master_training_plan
from foxml_assets.planning.plan.master_plan import MasterPlan

Document = dict[str, Any]


def load_bytes(raw: bytes, folder: Path) -> MasterPlan:
    path = folder / "master_training_plan.json"
    path.write_bytes(raw)
    return load_master_training_plan(path)


def fields_of(error: FoxmlError) -> list[str]:
    return [problem.field for problem in error.problems]


def corrupt(raw: bytes, folder: Path) -> PlanCorruptError:
    with pytest.raises(PlanCorruptError) as caught:
        load_bytes(raw, folder)
    return caught.value


def document() -> Document:
    loaded: Document = json.loads(master_bytes(example_plan()))
    return loaded


def test_every_problem_is_named_with_its_path(tmp_path: Path) -> None:
    bad = document()
    del bad["jobs"][0]["target"]
    bad["jobs"][1]["priority"] = "high"
    bad["jobs"][2]["route"] = "ROUTE_SOMEWHERE"
    bad["jobs"][3]["surprise"] = 1
    bad["jobs"][4]["model_families"] = ["lightgbm", "prophet"]
    bad["metadata"]["config_hash"] = "routing_cfg_v3"
    bad["summary"]["by_type"] = []
    bad["summary"]["total_blocked"] = -1
    error = corrupt(json.dumps(bad).encode(), tmp_path)
    assert sorted(fields_of(error)) == [
        "$.jobs[0].target",
        "$.jobs[1].priority",
        "$.jobs[2].route",
        "$.jobs[3].surprise",
        "$.jobs[4].model_families[1]",
        "$.metadata.config_hash",
        "$.summary.by_type",
        "$.summary.total_blocked",
    ]
    assert "master_training_plan.json" in str(error)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'"priority":90', b'"priority":90,"priority":90', "$.jobs[0].priority"),
        (b'"run_id":', b'"run_id":"x","run_id":', "$.metadata.run_id"),
        (b'"by_type":', b'"by_type":{},"by_type":', "$.summary.by_type"),
        (
            b'"cross_sectional":2',
            b'"cross_sectional":2,"cross_sectional":2',
            "$.summary.by_type.cross_sectional",
        ),
        (b'"jobs":[', b'"jobs":[],"jobs":[', "$.jobs"),
    ],
)
def test_a_duplicate_key_is_an_error_at_every_level(
    tmp_path: Path, old: bytes, new: bytes, field: str
) -> None:
    raw = master_bytes(example_plan())
    assert old in raw
    error = corrupt(raw.replace(old, new, 1), tmp_path)
    assert fields_of(error) == [field]
    assert "twice" in str(error)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_what_is_not_a_number_is_an_error(tmp_path: Path, number: bytes) -> None:
    raw = master_bytes(example_plan())
    error = corrupt(raw.replace(b'"score":0.62', b'"score":' + number, 1), tmp_path)
    assert fields_of(error) == ["$.jobs[0].metadata.score"]


def test_a_file_cut_off_anywhere_is_corrupt(tmp_path: Path) -> None:
    raw = master_bytes(plan(example_plan().jobs[:1]))
    for end in range(0, len(raw) - 2, 7):
        assert fields_of(corrupt(raw[:end], tmp_path)) == ["$"]


def test_bytes_after_the_end_are_an_error(tmp_path: Path) -> None:
    raw = master_bytes(example_plan())
    corrupt(raw + b"{}", tmp_path)
    corrupt(raw + raw, tmp_path)


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"[" * 100_000, b"1" * 10_000, b'"\\ud800"', b"null", b"[]"])
def test_what_is_no_plan_at_all_is_corrupt(tmp_path: Path, raw: bytes) -> None:
    assert fields_of(corrupt(raw, tmp_path)) == ["$"]


def test_an_oversize_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "master_training_plan.json"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(PlanCorruptError, match="too large"):
        load_master_training_plan(path)


def test_another_schema_version_is_named_and_nothing_else(tmp_path: Path) -> None:
    other = document()
    other["metadata"]["schema_version"] = 1
    other["jobs"][0]["new_field"] = 1
    error = corrupt(json.dumps(other).encode(), tmp_path)
    assert fields_of(error) == ["$.metadata.schema_version"]


def test_what_the_planner_writes_takes_the_fast_way() -> None:
    for master in (example_plan(), plan([])):
        assert read_canonical(master_bytes(master)) == (master, master.metadata.plan_hash)


def test_the_same_content_in_another_layout_is_accepted(tmp_path: Path) -> None:
    pretty = json.dumps(document(), indent=2, sort_keys=True).encode()
    assert load_bytes(pretty, tmp_path) == example_plan()


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["jobs"][0].update(priority=1),
        lambda plan: plan["jobs"][1].update(model_families=["lightgbm"]),
        lambda plan: plan["jobs"].pop(),
        lambda plan: plan["jobs"].reverse(),
        lambda plan: plan["metadata"].update(config_hash="a" * 64),
        lambda plan: plan["summary"].update(total_blocked=0),
        lambda plan: plan["jobs"][0]["excluded_symbols"].clear(),
        lambda plan: plan["jobs"][0]["metadata"].update(score=0.9),
    ],
)
def test_a_changed_plan_no_longer_has_its_hash(tmp_path: Path, change: Callable[[Document], None]) -> None:
    changed = document()
    change(changed)
    with pytest.raises(PlanInconsistentError, match="plan_hash"):
        load_bytes(json.dumps(changed).encode(), tmp_path)


def test_time_run_commit_and_wording_are_outside_the_hash(tmp_path: Path) -> None:
    changed = document()
    changed["metadata"].update(generated_at="later", run_id="other", git_commit=None)
    for one in changed["jobs"]:
        one["reason"] = "said otherwise"
    changed["jobs"][0]["excluded_symbols"][0]["reason"] = "said otherwise"
    loaded = load_bytes(json.dumps(changed).encode(), tmp_path)
    assert loaded.metadata.plan_hash == example_plan().metadata.plan_hash
