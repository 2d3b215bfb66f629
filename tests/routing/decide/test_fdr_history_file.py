"""The history of false-discovery control on disk: moved on with the plan, or refused, never guessed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from candidate_rows import local, pooled, routed
from test_fdr_history import GOLDEN, history_of, planned, rows, said

from foxml_assets.core.errors import FdrHistoryError, LockHeldError
from foxml_assets.routing.decide.fdr_history import history_json, read_history
from foxml_assets.routing.pages.plan_files import recover_routing_plan, write_routing_plan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.locks import hold_lock


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def replan(p: dict[str, float], layout: Layout, **changes: object) -> bool:
    """Plan as the asset does: read the history, route, write both."""
    return write_routing_plan(planned(p, read_history(layout), **changes), layout)


def contents(layout: Layout) -> dict[str, bytes]:
    """Every file of the plan's folder."""
    return {path.name: path.read_bytes() for path in layout.routing_plan_dir.iterdir()}


def test_each_new_set_of_tests_is_an_entry_written_with_its_plan(layout: Layout) -> None:
    for p in GOLDEN:
        assert replan(p, layout)
    assert read_history(layout) == history_of(*GOLDEN)
    document = json.loads(layout.fdr_history.read_bytes())
    assert [batch["found_symbol"] for batch in document["batches"]] == [
        {"y": ["A", "B"]},
        {"y": ["C"]},
        {"y": ["D"]},
    ]
    batch = read_routing_plan(layout).metadata.policy.fdr_batch
    assert batch is not None
    assert batch.number == 3
    assert batch.level_symbol == document["batches"][2]["level_symbol"]


def test_planning_again_changes_no_byte(layout: Layout) -> None:
    replan(GOLDEN[0], layout)
    replan(GOLDEN[1], layout)
    before = contents(layout)
    assert not replan(GOLDEN[1], layout)
    assert contents(layout) == before


def test_a_policy_and_back_leaves_the_same_bytes(layout: Layout) -> None:
    replan(GOLDEN[0], layout)
    replan(GOLDEN[1], layout)
    before = contents(layout)
    assert replan(GOLDEN[1], layout, enable_experimental_lane=False)
    assert contents(layout)["fdr_history.json"] == before["fdr_history.json"]
    replan(GOLDEN[1], layout)
    assert contents(layout).keys() == before.keys()
    assert contents(layout)["routing_plan.json"] == before["routing_plan.json"]


def test_plans_without_a_history_leave_it_as_it_is(layout: Layout) -> None:
    write_routing_plan(routed(*rows(GOLDEN[0])), layout)
    assert not layout.fdr_history.exists()
    replan(GOLDEN[0], layout)
    kept = layout.fdr_history.read_bytes()
    write_routing_plan(routed(*rows(GOLDEN[2])), layout)
    assert layout.fdr_history.read_bytes() == kept
    replan(GOLDEN[1], layout)
    assert read_history(layout) == history_of(*GOLDEN[:2])


def test_a_plan_that_tests_nothing_writes_no_history(layout: Layout) -> None:
    settings = {"fdr": {"over": "history"}}
    write_routing_plan(routed(pooled(), local(), settings=settings), layout)
    assert not layout.fdr_history.exists()
    replan(GOLDEN[0], layout)
    assert len(read_history(layout).batches) == 1


def test_a_plan_that_is_not_written_spends_nothing(layout: Layout) -> None:
    replan(GOLDEN[0], layout)
    before = contents(layout)
    lock = hold_lock(layout.metrics / ".routing_plan.lock", purpose="writing the routing plan")
    with lock, pytest.raises(LockHeldError):
        replan(GOLDEN[1], layout)
    assert contents(layout) == before


def test_of_two_plans_made_at_once_the_second_is_refused(layout: Layout) -> None:
    replan(GOLDEN[0], layout)
    one, other = (planned(p, read_history(layout)) for p in GOLDEN[1:])
    write_routing_plan(one, layout)
    before = contents(layout)
    with pytest.raises(FdrHistoryError, match="another plan was written while this one was made"):
        write_routing_plan(other, layout)
    assert contents(layout) == before


def test_a_lost_history_is_refused_until_a_new_one_is_started(layout: Layout) -> None:
    replan(GOLDEN[0], layout)
    layout.fdr_history.unlink()
    with pytest.raises(FdrHistoryError) as caught:
        replan(GOLDEN[1], layout)
    for told in ("is lost", "batch 1 of one", "start a new history", f"delete {layout.routing_plan_dir}"):
        assert told in str(caught.value)
    shutil.rmtree(layout.routing_plan_dir)
    replan(GOLDEN[1], layout)
    assert read_history(layout) == history_of(GOLDEN[1])


def _level(data: bytes) -> bytes:
    document = json.loads(data)
    document["batches"][0]["level_symbol"] = 0.09
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: data[: len(data) // 2], "is not a history of false-discovery control"),
        (lambda data: b"", "is not a history of false-discovery control"),
        (lambda data: data.replace(b'"y"', b'"\xff"'), "is not a history of false-discovery control"),
        (lambda data: data.replace(b'"number"', b'"count"'), "unknown field `count`"),
        (lambda data: data.replace(b'_version":1', b'_version":2'), "this program reads 1 (found 2)"),
        (_level, "was changed after it was written"),
        (
            lambda data: history_json(history_of(GOLDEN[1])),
            "is not the history of the routing plan beside it",
        ),
    ],
    ids=["cut", "empty", "bytes", "fields", "version", "level", "another"],
)
def test_a_damaged_history_is_refused_and_nothing_is_written(
    damage: Callable[[bytes], bytes], told: str, layout: Layout
) -> None:
    replan(GOLDEN[0], layout)
    layout.fdr_history.write_bytes(damage(layout.fdr_history.read_bytes()))
    before = contents(layout)
    with pytest.raises(FdrHistoryError) as caught:
        replan(GOLDEN[1], layout)
    assert told in str(caught.value)
    assert str(layout.fdr_history) in str(caught.value)
    assert "start a new history" in str(caught.value)
    assert contents(layout) == before


@pytest.mark.parametrize("head", [b"", b"\xff\xfe\n\xff\n", b'{"schema_version":1,\n"metadata":{},\n'])
def test_beside_a_plan_that_cannot_be_read_a_missing_history_counts_as_lost(
    head: bytes, layout: Layout
) -> None:
    replan(GOLDEN[0], layout)
    layout.routing_plan.write_bytes(head)
    assert read_history(layout) == history_of(GOLDEN[0])
    layout.fdr_history.unlink()
    with pytest.raises(FdrHistoryError, match="the history is lost"):
        read_history(layout)


def test_an_interrupted_switch_is_no_lost_history(layout: Layout) -> None:
    replan(GOLDEN[0], layout)
    layout.routing_plan_dir.rename(layout.metrics / ".routing_plan.retired")
    with pytest.raises(FdrHistoryError, match="was interrupted"):
        read_history(layout)
    recover_routing_plan(layout)
    assert said(planned(GOLDEN[1], read_history(layout)))["A"] == "kept"
