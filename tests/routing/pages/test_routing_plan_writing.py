"""Writing the folder of the routing plan: what stays, what is mended, what is replaced, and its page."""

from collections.abc import Callable
from pathlib import Path

import pytest
from candidate_rows import OTHER_STAMP, STAMP, local, pooled, routed
from written_plans import assert_same, hostile_plan

import foxml_assets
from foxml_assets.core.errors import LockHeldError, StorageError
from foxml_assets.routing.pages import plan_files
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.routing.pages.plan_markdown import plan_markdown
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.policy.routing_config import Output
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.locks import hold_lock


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = Layout(tmp_path / "one"), Layout(tmp_path / "other")
    write_routing_plan(hostile_plan(), one)
    write_routing_plan(hostile_plan(), other)
    names = sorted(path.name for path in one.routing_plan_dir.iterdir())
    assert names == sorted(path.name for path in other.routing_plan_dir.iterdir())
    for name in names:
        assert (one.routing_plan_dir / name).read_bytes() == (other.routing_plan_dir / name).read_bytes()


def test_an_unchanged_plan_is_not_rewritten(layout: Layout) -> None:
    plan = hostile_plan()
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
    write_routing_plan(hostile_plan(), layout)
    whole = {path.name: path.read_bytes() for path in layout.routing_plan_dir.iterdir()}
    damaged = damage(whole.get(name, b""))
    if damaged is None:
        (layout.routing_plan_dir / name).unlink()
    else:
        (layout.routing_plan_dir / name).write_bytes(damaged)
    assert write_routing_plan(hostile_plan(), layout)
    assert {path.name: path.read_bytes() for path in layout.routing_plan_dir.iterdir()} == whole


def test_pages_that_stand_are_not_drawn_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    write_routing_plan(hostile_plan(), layout)
    drawn: list[str] = []
    monkeypatch.setattr(plan_files, "routes_picture", lambda *_: drawn.append("picture") or b"")
    assert not write_routing_plan(hostile_plan(), layout)
    assert not drawn
    assert write_routing_plan(hostile_plan(), layout, Output(markdown_max_targets=1))
    assert drawn


@pytest.mark.parametrize("changed", ["module.py", "page.md.j2"])
def test_pages_of_another_version_of_the_program_are_drawn_again(
    layout: Layout, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    program = tmp_path_factory.mktemp("program")
    monkeypatch.setattr(foxml_assets, "__file__", str(program / "__init__.py"))
    # As in a process of its own each time.
    monkeypatch.setattr(plan_files, "_program_hash", plan_files._program_hash.__wrapped__)
    for version in ("one", "another"):
        (program / changed).write_text(version)
        assert write_routing_plan(hostile_plan(), layout)
        assert not write_routing_plan(hostile_plan(), layout)


def test_a_changed_plan_replaces_every_file(layout: Layout) -> None:
    write_routing_plan(hostile_plan(), layout)
    small = routed(pooled(), local(score=0.62))
    write_routing_plan(small, layout, Output(yaml_max_pairs=0))
    assert_same(read_routing_plan(layout), small)
    assert not (layout.routing_plan_dir / "routing_plan.yaml").exists()
    assert "No YAML mirror" in (layout.routing_plan_dir / "routing_plan.md").read_text()


def test_a_second_writer_is_turned_away_and_leaves_the_plan_alone(layout: Layout) -> None:
    write_routing_plan(hostile_plan(), layout)
    with (
        hold_lock(layout.metrics / ".routing_plan.lock", purpose="writing the routing plan"),
        pytest.raises(LockHeldError),
    ):
        write_routing_plan(routed(pooled()), layout)
    assert_same(read_routing_plan(layout), hostile_plan())


def test_a_root_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        write_routing_plan(hostile_plan(), Layout(tmp_path / "file"))


def test_nothing_is_left_beside_the_plan(layout: Layout) -> None:
    write_routing_plan(hostile_plan(), layout)
    write_routing_plan(routed(pooled()), layout)
    write_routing_plan(routed(pooled()), layout)
    assert sorted(path.name for path in layout.metrics.iterdir()) == [".routing_plan.lock", "routing_plan"]


def test_the_page_opens_with_counts_and_picture_and_takes_names_literally(layout: Layout) -> None:
    write_routing_plan(hostile_plan(), layout)
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
    page = plan_markdown(plan, output, has_yaml=True)
    assert "3 more targets" in page
    assert page.count("3 more symbols") == 2
    assert "### y2" not in page
