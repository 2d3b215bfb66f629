"""Writing a plan: the files of its directory, what stays unchanged, history, locks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from plan_makers import SWING, example_plan, job, plan

from foxml_assets.core.errors import LinkError, LockHeldError
from foxml_assets.planning.plan.consumer import get_jobs_for_symbol, load_master_training_plan
from foxml_assets.planning.plan.master_plan import JobMetadata, MasterPlan, SymbolUse
from foxml_assets.planning.store.history import find_plan, history_files
from foxml_assets.planning.store.tree import plan_files
from foxml_assets.planning.store.writer import planner_lock, write_plan
from foxml_assets.storage.layout import Layout


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def other_plan() -> MasterPlan:
    return plan([job("another_target"), job("another_target", "TSLA")])


def test_all_files_of_the_plan_stand_where_the_specification_says(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert write_plan(example_plan(), layout, history=3).changed
    assert set(files_below(layout.training_plan_dir)) == {
        "master_training_plan.json",
        "training_plan.json",
        "training_plan.yaml",
        "training_plan.md",
        "MASTER_TRAINING_PLAN_SUMMARY.md",
        f"by_target/{SWING}.json",
        "by_target/fwd_ret_5d.json",
        "by_symbol/AAPL.json",
        "by_symbol/BTC%2FUSD.json",
        "by_symbol/MSFT.json",
        "by_type/cross_sectional.json",
        "by_type/symbol_specific.json",
        "by_route/ROUTE_CROSS_SECTIONAL.json",
        "by_route/ROUTE_SYMBOL_SPECIFIC.json",
        "by_route/ROUTE_BOTH.json",
        "by_route/ROUTE_EXPERIMENTAL_ONLY.json",
        "by_route/ROUTE_BLOCKED.json",
    }


def test_the_mirrors_say_what_the_master_says(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=3)
    master = json.loads(layout.master_plan.read_bytes())
    folder = layout.training_plan_dir
    assert (folder / "training_plan.json").read_bytes() == layout.master_plan.read_bytes()
    assert yaml.safe_load((folder / "training_plan.yaml").read_bytes()) == master
    report = (folder / "training_plan.md").read_text()
    assert all(
        one["job_id"].replace("_", "") in report.replace("\\", "").replace("_", "") for one in master["jobs"]
    )


def test_each_view_holds_its_jobs_in_plan_order_and_names_the_plan(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    master = write_plan(example_plan(), layout, history=3).plan
    view = json.loads((layout.training_plan_dir / "by_symbol" / "AAPL.json").read_bytes())
    assert view["symbol"] == "AAPL"
    assert view["plan_hash"] == master.metadata.plan_hash
    assert [one["job_id"] for one in view["jobs"]] == ["sym_AAPL_fwd_ret_5d", f"sym_AAPL_{SWING}"]
    whole = json.loads(layout.master_plan.read_bytes())["jobs"]
    for name, field in (
        ("by_target", "target"),
        ("by_symbol", "symbol"),
        ("by_type", "training_type"),
        ("by_route", "route"),
    ):
        views = [json.loads(p.read_bytes()) for p in (layout.training_plan_dir / name).iterdir()]
        named = {one[field] for one in whole if one[field] is not None}
        assert {view[field] for view in views} - named == ({"ROUTE_BLOCKED"} if name == "by_route" else set())
        for view in views:
            assert view["jobs"] == [one for one in whole if one[field] == view[field]]


def test_a_symbols_view_holds_every_job_that_touches_it_and_says_how(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    uses = {
        "AAPL": SymbolUse(served_by=(SWING,), rows_in=("fwd_ret_5d",), blocked={}),
        "GME": SymbolUse(served_by=(), rows_in=(), blocked={"both_disallowed": 1, "symbol_leakage": 1}),
    }
    master = write_plan(plan([*example_plan().jobs], symbols=uses), layout, history=3).plan
    folder = layout.training_plan_dir / "by_symbol"
    apple = json.loads((folder / "AAPL.json").read_bytes())
    assert apple["own"] == ["sym_AAPL_fwd_ret_5d", f"sym_AAPL_{SWING}"]
    assert (apple["served_by"], apple["rows_in"]) == ([f"cs_{SWING}"], ["cs_fwd_ret_5d"])
    assert apple["why_no_job"] is None
    touching = {*apple["own"], *apple["served_by"], *apple["rows_in"]}
    whole = json.loads(layout.master_plan.read_bytes())["jobs"]
    assert apple["jobs"] == [one for one in whole if one["job_id"] in touching]
    assert [one.job_id for one in get_jobs_for_symbol(master, "AAPL")] == [
        one["job_id"] for one in apple["jobs"]
    ]
    gme = json.loads((folder / "GME.json").read_bytes())
    assert gme["jobs"] == []
    assert "all its 2 pairs are blocked (both_disallowed 1, symbol_leakage 1)" in gme["why_no_job"]


@pytest.mark.parametrize(("view", "number"), [("by_type", 2), ("by_route", 5)])
def test_every_type_and_route_has_its_view_even_without_a_job(tmp_path: Path, view: str, number: int) -> None:
    layout = Layout(tmp_path)
    write_plan(plan([], total_blocked=7), layout, history=3)
    views = [json.loads(path.read_bytes()) for path in (layout.training_plan_dir / view).iterdir()]
    assert len(views) == number
    assert all(one["jobs"] == [] for one in views)


def test_the_summary_counts_jobs_and_links_to_views_that_exist(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=3)
    text = (layout.training_plan_dir / "MASTER_TRAINING_PLAN_SUMMARY.md").read_text()
    assert "6 jobs: 2 cross-sectional, 4 symbol-specific; 3 pairs blocked" in text
    assert "| 90 | 1 |" in text
    assert "(by_symbol/BTC%252FUSD.json)" in text
    assert f"(by_target/{SWING}.json)" in text


def test_a_job_is_encoded_once_for_all_the_files_it_appears_in() -> None:
    files = list(plan_files(example_plan()))
    encoded = {id(line) for file in files for line in file.lines}
    assert len(encoded) == len(example_plan().jobs)
    assert sum(len(file.lines) for file in files) > 5 * len(encoded)


def test_a_plan_without_jobs_is_whole(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    empty = plan([], total_blocked=7)
    write_plan(empty, layout, history=3)
    assert load_master_training_plan(layout.master_plan) == empty
    assert yaml.safe_load((layout.training_plan_dir / "training_plan.yaml").read_bytes())["jobs"] == []
    assert "nothing will be trained" in (layout.training_plan_dir / "training_plan.md").read_text()


def test_the_same_plan_at_another_time_rewrites_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=3)
    folder = layout.training_plan_dir
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}
    again = write_plan(example_plan(generated_at="later", run_id="other", git_commit=None), layout, history=3)
    assert not again.changed
    assert again.plan.metadata.run_id == "20251211_184500"
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")} == before


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_plan(example_plan(), Layout(tmp_path / name), history=3)
    one, two = (files_below(Layout(tmp_path / name).training_plan_dir) for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("damage", ["edit", "delete", "orphan"])
def test_a_damaged_view_is_written_again_without_a_new_plan(tmp_path: Path, damage: str) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=3)
    whole = files_below(layout.training_plan_dir)
    view = layout.training_plan_dir / "by_symbol" / "AAPL.json"
    if damage == "edit":
        view.write_bytes(view.read_bytes().replace(b"80", b"81"))
    elif damage == "delete":
        view.unlink()
    else:
        view.with_name("GONE.json").write_bytes(b"{}")
    again = write_plan(example_plan(run_id="other"), layout, history=3)
    assert not again.changed
    assert files_below(layout.training_plan_dir) == whole


def test_views_of_vanished_targets_and_symbols_do_not_survive(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=3)
    write_plan(other_plan(), layout, history=3)
    names = set(files_below(layout.training_plan_dir))
    assert {name for name in names if name.startswith("by_target/")} == {"by_target/another_target.json"}
    assert {name for name in names if name.startswith("by_symbol/")} == {"by_symbol/TSLA.json"}
    assert [path.name for path in layout.metrics.iterdir() if path.is_dir()] == ["training_plan"]


def test_a_changed_plan_names_its_parent_and_keeps_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first = write_plan(example_plan(), layout, history=3).plan
    second = write_plan(other_plan(), layout, history=3)
    assert second.plan.metadata.parent_plan_hash == first.metadata.plan_hash
    assert first.metadata.parent_plan_hash is None
    assert find_plan(layout, first.metadata.plan_hash[:10]) == first
    assert find_plan(layout, second.plan.metadata.plan_hash) == second.plan


def test_history_is_pruned_to_the_configured_number(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    hashes = [
        write_plan(plan([job(f"y_{number}")]), layout, history=2).plan.metadata.plan_hash
        for number in range(5)
    ]
    kept = [path.stem for path in history_files(layout.training_plan_dir)]
    assert kept == [hashes[3], hashes[2]]
    write_plan(plan([job("y_last")]), layout, history=0)
    assert history_files(layout.training_plan_dir) == ()


def test_returning_to_an_earlier_plan_keeps_history_finite(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for number in range(6):
        write_plan((example_plan, other_plan)[number % 2](), layout, history=10)
    assert len(history_files(layout.training_plan_dir)) == 2


def test_a_plan_that_cannot_be_read_is_replaced_and_is_no_parent(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(other_plan(), layout, history=3)
    layout.master_plan.write_bytes(b"{")
    written = write_plan(example_plan(), layout, history=3)
    assert written.changed
    assert written.plan.metadata.parent_plan_hash is None
    assert load_master_training_plan(layout.master_plan) == written.plan


def test_a_second_planner_is_refused_while_the_first_one_works(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_plan(example_plan(), layout, history=3)
    before = files_below(layout.training_plan_dir)
    with planner_lock(layout), pytest.raises(LockHeldError, match=str(os.getpid())):
        write_plan(other_plan(), layout, history=3)
    assert files_below(layout.training_plan_dir) == before
    assert write_plan(other_plan(), layout, history=3).changed


def test_a_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    hold = (
        "import sys, time; from pathlib import Path; from foxml_assets.storage.layout import Layout\n"
        "from foxml_assets.planning.store.writer import planner_lock\n"
        "with planner_lock(Layout(Path(sys.argv[1]))):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockHeldError, match=str(holder.pid)):
            write_plan(example_plan(), layout, history=3)
        holder.kill()
        holder.wait()
    assert write_plan(example_plan(), layout, history=3).changed


def test_numbers_and_characters_that_yaml_reads_differently_survive(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    odd = 'a\x85b\u2028c\x7fd\ufeffe\U0001f98a: - #\'"\\ \t \\":1e-6'
    tiny = JobMetadata(score=1e-6, gate=-2e-300)
    write_plan(plan([job(odd, "NO", reason=odd), job("null", "1e5", metadata=tiny)]), layout, history=1)
    text = (layout.training_plan_dir / "training_plan.yaml").read_bytes()
    assert yaml.safe_load(text) == json.loads(layout.master_plan.read_bytes())


def test_a_linked_history_is_neither_read_nor_taken_over(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.json").write_text("precious", encoding="utf-8")
    layout = Layout(tmp_path / "root")
    first, second = plan([job("y", "A")]), plan([job("y", "B")])
    write_plan(first, layout, history=3)
    (layout.training_plan_dir / "history").rmdir()
    (layout.training_plan_dir / "history").symlink_to(elsewhere)
    with pytest.raises(LinkError):
        write_plan(second, layout, history=3)
    with pytest.raises(LinkError):
        find_plan(layout, "0" * 64)
    assert load_master_training_plan(layout.master_plan).metadata.plan_hash == first.metadata.plan_hash
    assert [path.name for path in elsewhere.iterdir()] == ["precious.json"]
    assert (elsewhere / "precious.json").stat().st_nlink == 1
