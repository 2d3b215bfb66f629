"""The routing plan on disk: every form, read back, unchanged, tampered with, and hostile names."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from candidate_rows import OTHER_STAMP, STAMP, local, policy, pooled, routed, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_routing_properties import policies, tables

import foxml_assets
from foxml_assets.core.errors import LockHeldError, RoutingPlanError, StorageError
from foxml_assets.routing.candidates.candidates import candidates_hash
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages import pages_note, plan_files
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.routing.plan.plan_json import parse_plan, plan_json
from foxml_assets.routing.plan.plan_parquet import PAIRS_NAME
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.plan.routing_plan import (
    PAIR_COLUMNS,
    TARGET_COLUMNS,
    RoutingPlan,
    routing_plan_hash,
)
from foxml_assets.routing.policy.routing_config import Output, RoutingPolicy
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.locks import hold_lock

HOSTILE = [
    "BTC/USD",
    "..",
    "CON",
    "x" * 300,
    "aapl",
    "AAPL",
    "😀",
    "a b",
    "<script>alert(1)</script>",
    "**bold**",
    "[link](http://e.vil)",
    "a`b",
    "$x$",
    "NA",
    "null",
    "1e5",
    "été",
    "東京",
    "=1+1",
    "'; drop",
    '"q"',
    "a\\b",
]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def _plan() -> RoutingPlan:
    rows = [
        pooled(score=0.6, score_se=0.01, features='{"f":"SAFE","g":"SUSPECT"}', data_hash="d" * 64),
        pooled("z", score=9),
    ]
    rows += [local(name, score=0.5 + 0.005 * at, score_se=0.01) for at, name in enumerate(HOSTILE)]
    rows += [local("own", score=0.62, features='{"h":"SAFE"}'), local("bad|name"), local("dup"), local("dup")]
    return routed(*rows, universe={"z": ["A"], "empty": []})


def _assert_same(one: RoutingPlan, other: RoutingPlan) -> None:
    assert one.metadata == other.metadata
    pd.testing.assert_frame_equal(one.targets, other.targets)
    pd.testing.assert_frame_equal(one.pairs, other.pairs)
    pd.testing.assert_frame_equal(one.quarantine, other.quarantine)


def test_every_form_reads_back_to_the_same_plan(layout: Layout) -> None:
    plan = _plan()
    assert write_routing_plan(plan, layout)
    _assert_same(read_routing_plan(layout), plan)
    _assert_same(parse_plan(layout.routing_plan.read_bytes()), plan)
    mirror = yaml.safe_load((layout.routing_plan_dir / "routing_plan.yaml").read_bytes())
    assert mirror == json.loads(layout.routing_plan.read_bytes())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), policies)
def test_any_plan_survives_its_json(table: pd.DataFrame, policy: RoutingPolicy) -> None:
    plan = route(table, policy, universe={"y1": ["Q"]}, stamp=STAMP)
    back = parse_plan(b"".join(plan_json(plan)))
    _assert_same(back, plan)
    assert (
        routing_plan_hash(back.metadata, (back.targets, back.pairs, back.quarantine))
        == plan.metadata.routing_plan_hash
    )


def test_the_columns_are_those_documented() -> None:
    plan = _plan()
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
    write_routing_plan(_plan(), layout)
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
    write_routing_plan(_plan(), layout)
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


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = Layout(tmp_path / "one"), Layout(tmp_path / "other")
    write_routing_plan(_plan(), one)
    write_routing_plan(_plan(), other)
    names = sorted(path.name for path in one.routing_plan_dir.iterdir())
    assert names == sorted(path.name for path in other.routing_plan_dir.iterdir())
    for name in names:
        assert (one.routing_plan_dir / name).read_bytes() == (other.routing_plan_dir / name).read_bytes()


def test_an_unchanged_plan_is_not_rewritten(layout: Layout) -> None:
    plan = _plan()
    write_routing_plan(plan, layout)
    paths = (layout.metrics, layout.routing_plan_dir, *layout.routing_plan_dir.iterdir())
    before = {path: path.stat() for path in paths}
    later = plan.with_stamp(OTHER_STAMP, None)
    assert later.metadata.routing_plan_hash == plan.metadata.routing_plan_hash
    assert not write_routing_plan(later, layout)
    after = {path: path.stat() for path in paths}
    assert {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in before.items()} == {
        path: (stat.st_ino, stat.st_mtime_ns) for path, stat in after.items()
    }
    assert read_routing_plan(layout).metadata.run_id == STAMP.run_id


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("routing_plan.md", lambda content: content[:-1]),
        ("routing_plan.png", lambda content: content + b" "),
        ("routing_plan_quarantine.parquet", lambda content: content.replace(b"PAR1", b"PAR2")),
        ("routing_plan.yaml", lambda _: None),
        ("pages.json", lambda content: content.replace(b'"sha256":{', b'"sha256":{"x":"",', 1)),
        ("pages.json", lambda _: b"{"),
        ("stray.json", lambda _: b"{}"),
    ],
)
def test_damage_to_the_folder_of_an_unchanged_plan_is_mended(
    layout: Layout, name: str, damage: Callable[[bytes], bytes | None]
) -> None:
    write_routing_plan(_plan(), layout)
    whole = {path.name: path.read_bytes() for path in layout.routing_plan_dir.iterdir()}
    damaged = damage(whole.get(name, b""))
    if damaged is None:
        (layout.routing_plan_dir / name).unlink()
    else:
        (layout.routing_plan_dir / name).write_bytes(damaged)
    assert write_routing_plan(_plan(), layout)
    assert {path.name: path.read_bytes() for path in layout.routing_plan_dir.iterdir()} == whole


def test_pages_that_stand_are_not_drawn_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    write_routing_plan(_plan(), layout)
    drawn: list[str] = []
    monkeypatch.setattr(plan_files, "routes_picture", lambda *_: drawn.append("picture") or b"")
    assert not write_routing_plan(_plan(), layout)
    assert not drawn
    assert write_routing_plan(_plan(), layout, Output(markdown_max_targets=1))
    assert drawn


@pytest.mark.parametrize("changed", ["module.py", "page.md.j2"])
def test_pages_of_another_version_of_the_program_are_drawn_again(
    layout: Layout, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    program = tmp_path_factory.mktemp("program")
    monkeypatch.setattr(foxml_assets, "__file__", str(program / "__init__.py"))
    # As in a process of its own each time.
    monkeypatch.setattr(pages_note, "_program_hash", pages_note._program_hash.__wrapped__)
    for version in ("one", "another"):
        (program / changed).write_text(version)
        assert write_routing_plan(_plan(), layout)
        assert not write_routing_plan(_plan(), layout)


def test_a_changed_plan_replaces_every_file(layout: Layout) -> None:
    write_routing_plan(_plan(), layout)
    small = routed(pooled(), local(score=0.62))
    write_routing_plan(small, layout, Output(yaml_max_pairs=0))
    _assert_same(read_routing_plan(layout), small)
    assert not (layout.routing_plan_dir / "routing_plan.yaml").exists()
    assert "No YAML mirror" in (layout.routing_plan_dir / "routing_plan.md").read_text()


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


def test_a_second_writer_is_turned_away_and_leaves_the_plan_alone(layout: Layout) -> None:
    write_routing_plan(_plan(), layout)
    with (
        hold_lock(layout.metrics / ".routing_plan.lock", purpose="writing the routing plan"),
        pytest.raises(LockHeldError),
    ):
        write_routing_plan(routed(pooled()), layout)
    _assert_same(read_routing_plan(layout), _plan())


def test_a_root_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        write_routing_plan(_plan(), Layout(tmp_path / "file"))


def test_nothing_is_left_beside_the_plan(layout: Layout) -> None:
    write_routing_plan(_plan(), layout)
    write_routing_plan(routed(pooled()), layout)
    write_routing_plan(routed(pooled()), layout)
    assert sorted(path.name for path in layout.metrics.iterdir()) == [".routing_plan.lock", "routing_plan"]


def test_a_missing_plan_is_a_typed_error(layout: Layout) -> None:
    with pytest.raises(RoutingPlanError, match="there is no routing plan"):
        read_routing_plan(layout)


def test_an_edited_json_is_refused(layout: Layout) -> None:
    write_routing_plan(_plan(), layout)
    text = layout.routing_plan.read_text()
    layout.routing_plan.write_text(text.replace("ROUTE_BLOCKED", "ROUTE_BOTH", 1))
    with pytest.raises(RoutingPlanError, match="does not belong to the Parquet files"):
        read_routing_plan(layout)


def test_an_edited_json_is_refused_without_parquet_too(layout: Layout) -> None:
    write_routing_plan(_plan(), layout)
    (layout.routing_plan_dir / PAIRS_NAME).unlink()
    _assert_same(read_routing_plan(layout), _plan())
    text = layout.routing_plan.read_text()
    layout.routing_plan.write_text(text.replace('"route":"ROUTE_BLOCKED"', '"route":"ROUTE_BOTH"', 1))
    with pytest.raises(RoutingPlanError, match="changed after it was written"):
        read_routing_plan(layout)


def test_an_edited_parquet_is_refused(layout: Layout) -> None:
    write_routing_plan(_plan(), layout)
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
    write_routing_plan(_plan(), layout)
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
    write_routing_plan(_plan(), layout)
    (layout.routing_plan_dir / PAIRS_NAME).unlink()
    layout.routing_plan.write_bytes(damage)
    with pytest.raises(RoutingPlanError, match="is not a routing plan"):
        read_routing_plan(layout)


def test_unknown_fields_and_wrong_types_are_named_with_their_path() -> None:
    text = b"".join(plan_json(_plan())).decode()
    with pytest.raises(msgspec.ValidationError, match=r"colour"):
        parse_plan(text.replace('"route":"ROUTE_BLOCKED"', '"colour":"red"', 1).encode())
    with pytest.raises(msgspec.ValidationError, match=r"\$\.n_pairs|n_pairs"):
        parse_plan(text.replace('"n_pairs":', '"n_pairs":"x","n_pair":', 1).encode())


def test_the_page_opens_with_counts_and_picture_and_takes_names_literally(layout: Layout) -> None:
    write_routing_plan(_plan(), layout)
    page = (layout.routing_plan_dir / "routing_plan.md").read_text()
    head = page[: page.index("## ")]
    assert "ROUTE_CROSS_SECTIONAL" in head
    assert "![Routes of all pairs](routing_plan.png)" in head
    assert (layout.routing_plan_dir / "routing_plan.png").read_bytes().startswith(b"\x89PNG")
    assert "<script" not in page
    assert "\\[link\\]" in page
    assert "\\*\\*bold\\*\\*" in page
    cells = {line.count("|") - line.count("\\|") for line in page.splitlines() if line.startswith("| ")}
    assert cells <= {4, 9, 10}


def test_the_page_of_a_large_plan_is_cut_with_a_note() -> None:
    rows = [row for t in range(5) for row in (pooled(f"y{t}"), *(local(f"S{s}", f"y{t}") for s in range(6)))]
    plan = routed(*rows)
    output = Output(markdown_max_targets=2, markdown_max_symbols_per_target=3)
    from foxml_assets.routing.pages.plan_markdown import plan_markdown

    page = plan_markdown(plan, output, has_yaml=True)
    assert "3 more targets" in page
    assert page.count("3 more symbols") == 2
    assert "### y2" not in page


def test_an_empty_plan_can_be_written_and_read(layout: Layout) -> None:
    plan = routed()
    write_routing_plan(plan, layout)
    _assert_same(read_routing_plan(layout), plan)
    assert "nothing was routed" in (layout.routing_plan_dir / "routing_plan.md").read_text()


@given(st.lists(st.text(max_size=8), min_size=1, max_size=5, unique=True))
@settings(max_examples=30, deadline=None)
def test_any_text_can_be_a_name_in_the_json(names: list[str]) -> None:
    rows = [pooled("y", score=0.6), *(local(name, score=0.62) for name in names)]
    candidates = table(*rows)
    plan = route(candidates, policy(), stamp=STAMP)
    _assert_same(parse_plan(b"".join(plan_json(plan))), plan)
    assert plan.metadata.candidates_hash == candidates_hash(candidates)
