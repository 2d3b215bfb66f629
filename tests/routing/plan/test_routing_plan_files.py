"""The routing plan on disk: every form, read back, tampered with, and hostile names."""

import json
import re
from pathlib import Path

import msgspec
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from candidate_rows import STAMP, local, policy, pooled, routed, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_routing_properties import policies, tables
from written_plans import assert_same, hostile_plan

from foxml_assets.core.errors import RoutingPlanError
from foxml_assets.routing.candidates.candidates import candidates_hash
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.routing.plan.plan_json import parse_plan, plan_json
from foxml_assets.routing.plan.plan_reading import PAIRS_NAME, read_routing_plan
from foxml_assets.routing.plan.routing_plan import PAIR_COLUMNS, TARGET_COLUMNS, routing_plan_hash
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_every_form_reads_back_to_the_same_plan(layout: Layout) -> None:
    plan = hostile_plan()
    assert write_routing_plan(plan, layout)
    assert_same(read_routing_plan(layout), plan)
    assert_same(parse_plan(layout.routing_plan.read_bytes()), plan)
    mirror = yaml.safe_load((layout.routing_plan_dir / "routing_plan.yaml").read_bytes())
    assert mirror == json.loads(layout.routing_plan.read_bytes())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), policies)
def test_any_plan_survives_its_json(table: pd.DataFrame, policy: RoutingPolicy) -> None:
    plan = route(table, policy, universe={"y1": ["Q"]}, stamp=STAMP)
    back = parse_plan(b"".join(plan_json(plan)))
    assert_same(back, plan)
    assert (
        routing_plan_hash(back.metadata, (back.targets, back.pairs, back.quarantine))
        == plan.metadata.routing_plan_hash
    )


def test_the_columns_are_those_documented() -> None:
    plan = hostile_plan()
    assert list(plan.pairs.columns) == [column.name for column in PAIR_COLUMNS]
    assert list(plan.targets.columns) == [column.name for column in TARGET_COLUMNS]
    kinds = {column.name: column.kind.value for column in (*PAIR_COLUMNS, *TARGET_COLUMNS)}
    for frame in (plan.pairs, plan.targets):
        assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
            name: kinds[name] for name in frame
        }


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"reason":', '"reasons":', "`reasons` - at `$.targets[1].symbols[0]`"),
        ('"cs_reason":', '"_":', "`_` - at `$.targets[0]`"),
        ('"reason":"[^"]*",?', "", "`reason` - at `$.targets[1].symbols[0]`"),
        ('"cs_reason":"[^"]*",?', "", "`cs_reason` - at `$.targets[0]`"),
        ('"route":"[^"]*",?', "", "`route` - at `$.targets[1].symbols[0]`"),
        ('"cs_state":"[^"]*",?', "", "`cs_state` - at `$.targets[0]`"),
    ],
)
def test_a_json_field_that_is_lost_or_misspelt_is_refused_by_name(
    layout: Layout, old: str, new: str, named: str
) -> None:
    write_routing_plan(hostile_plan(), layout)
    for path in layout.routing_plan_dir.glob("*.parquet"):
        path.unlink()
    head, between, targets = layout.routing_plan.read_text(encoding="utf-8").partition('"targets":[')
    layout.routing_plan.write_text(head + between + re.sub(old, new, targets), encoding="utf-8")
    with pytest.raises(RoutingPlanError, match=re.escape(named)):
        read_routing_plan(layout)


@pytest.mark.parametrize(
    "name", ["routing_plan.parquet", "routing_plan_targets.parquet", "routing_plan_quarantine.parquet"]
)
def test_parquet_columns_that_are_lost_or_unknown_are_refused_by_name(layout: Layout, name: str) -> None:
    write_routing_plan(hostile_plan(), layout)
    path = layout.routing_plan_dir / name
    whole = pq.read_table(path)
    names = ["targe" if column == "target" else column for column in whole.column_names]
    twice = whole.rename_columns(names).append_column("_", whole.column("target"))
    pq.write_table(twice.replace_schema_metadata(whole.schema.metadata), path)
    with pytest.raises(RoutingPlanError) as refused:
        read_routing_plan(layout)
    assert refused.value.file == path
    assert [str(problem) for problem in refused.value.problems] == [
        "target: column is missing",
        "targe: column is not known",
        "_: column is not known",
    ]


def test_the_hash_covers_decisions_policy_and_evidence_but_no_prose(layout: Layout) -> None:
    rows = [pooled(score=0.6), local(score=0.62)]
    base = routed(*rows).metadata.routing_plan_hash
    assert routed(*rows, settings={"priority": {"experimental": 31}}).metadata.routing_plan_hash != base
    assert routed(rows[0], local(score=0.6200001)).metadata.routing_plan_hash != base
    plan = routed(*rows)
    renamed = plan.pairs.assign(reason=pd.Categorical(["other words"]))
    assert routing_plan_hash(plan.metadata, (plan.targets, renamed, plan.quarantine)) == base
    rerouted = plan.pairs.assign(route=pd.Categorical(["ROUTE_BLOCKED"]))
    assert routing_plan_hash(plan.metadata, (plan.targets, rerouted, plan.quarantine)) != base


def test_a_missing_plan_is_a_typed_error(layout: Layout) -> None:
    with pytest.raises(RoutingPlanError, match="there is no routing plan"):
        read_routing_plan(layout)


def test_an_edited_json_is_refused(layout: Layout) -> None:
    write_routing_plan(hostile_plan(), layout)
    text = layout.routing_plan.read_text()
    layout.routing_plan.write_text(text.replace("ROUTE_BLOCKED", "ROUTE_BOTH", 1))
    with pytest.raises(RoutingPlanError, match="does not belong to the Parquet files"):
        read_routing_plan(layout)


def test_an_edited_json_is_refused_without_parquet_too(layout: Layout) -> None:
    write_routing_plan(hostile_plan(), layout)
    (layout.routing_plan_dir / PAIRS_NAME).unlink()
    assert_same(read_routing_plan(layout), hostile_plan())
    text = layout.routing_plan.read_text()
    layout.routing_plan.write_text(text.replace('"route":"ROUTE_BLOCKED"', '"route":"ROUTE_BOTH"', 1))
    with pytest.raises(RoutingPlanError, match="changed after it was written"):
        read_routing_plan(layout)


def test_an_edited_parquet_is_refused(layout: Layout) -> None:
    write_routing_plan(hostile_plan(), layout)
    path = layout.routing_plan_dir / "routing_plan.parquet"
    arrow = pq.read_table(path)
    position = arrow.schema.get_field_index("local_sample_size")
    doubled = arrow.set_column(
        position, "local_sample_size", arrow.column(position).combine_chunks().fill_null(7)
    )
    pq.write_table(doubled.replace_schema_metadata(arrow.schema.metadata), path)
    with pytest.raises(RoutingPlanError, match="changed after it was written"):
        read_routing_plan(layout)


def test_parquet_files_of_another_plan_are_refused(layout: Layout, tmp_path: Path) -> None:
    other = Layout(tmp_path / "other")
    write_routing_plan(routed(pooled(), local(score=0.62)), other)
    write_routing_plan(hostile_plan(), layout)
    stray = other.routing_plan_dir / "routing_plan_targets.parquet"
    (layout.routing_plan_dir / stray.name).write_bytes(stray.read_bytes())
    with pytest.raises(RoutingPlanError, match="different plans"):
        read_routing_plan(layout)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema_version":2}',
        b'{"schema_version":3,"metadata":{},"quarantine":[],"targets":[]}',
        b"\xff\xfe",
    ],
)
def test_a_broken_json_is_a_typed_error(layout: Layout, damage: bytes) -> None:
    write_routing_plan(hostile_plan(), layout)
    (layout.routing_plan_dir / PAIRS_NAME).unlink()
    layout.routing_plan.write_bytes(damage)
    with pytest.raises(RoutingPlanError, match="is not a routing plan"):
        read_routing_plan(layout)


def test_unknown_fields_and_wrong_types_are_named_with_their_path() -> None:
    text = b"".join(plan_json(hostile_plan())).decode()
    with pytest.raises(msgspec.ValidationError, match=r"colour"):
        parse_plan(text.replace('"route":"ROUTE_BLOCKED"', '"colour":"red"', 1).encode())
    with pytest.raises(msgspec.ValidationError, match=r"\$\.n_pairs|n_pairs"):
        parse_plan(text.replace('"n_pairs":', '"n_pairs":"x","n_pair":', 1).encode())


def test_an_empty_plan_can_be_written_and_read(layout: Layout) -> None:
    plan = routed()
    write_routing_plan(plan, layout)
    assert_same(read_routing_plan(layout), plan)
    assert "nothing was routed" in (layout.routing_plan_dir / "routing_plan.md").read_text()


@given(st.lists(st.text(max_size=8), min_size=1, max_size=5, unique=True))
@settings(max_examples=30, deadline=None)
def test_any_text_can_be_a_name_in_the_json(names: list[str]) -> None:
    rows = [pooled("y", score=0.6), *(local(name, score=0.62) for name in names)]
    candidates = table(*rows)
    plan = route(candidates, policy(), stamp=STAMP)
    assert_same(parse_plan(b"".join(plan_json(plan))), plan)
    assert plan.metadata.candidates_hash == candidates_hash(candidates)
