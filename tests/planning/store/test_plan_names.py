"""Any name of a target or symbol gives a view inside the plan's folder, and a different one for each."""

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from plan_makers import job, plan

from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.job_ids import job_ids
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.storage.layout import Layout

AWKWARD = [
    "BTC/USD",
    "..",
    ".",
    "CON",
    "x" * 300,
    "aapl",
    "AAPL",
    "\U0001f98a",
    "",
    "a\\b",
    "~",
    "a%2Fb",
    "a/b",
    "nul.json",
    "../../../etc/passwd",
    " ",
    "trailing.",
    "new\nline",
    "caf\u00e9",
    "cafe\u0301",
    "history",
    "0x00\x00",
]
NAMES = st.one_of(st.sampled_from(AWKWARD), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))


def check_views(pairs: set[tuple[str, str]], root: Path) -> None:
    layout = Layout(root / "root")
    jobs = [
        job(target, symbol, job_id=name)
        for (target, symbol), name in zip(pairs, job_ids(list(pairs)), strict=True)
    ]
    write_plan(plan(jobs), layout, history=1)
    assert load_master_training_plan(layout.master_plan) == plan(jobs)
    for view, field, names in (
        ("by_target", "target", {target for target, _ in pairs}),
        ("by_symbol", "symbol", {symbol for _, symbol in pairs}),
    ):
        files = list((layout.training_plan_dir / view).iterdir())
        assert len({path.name.casefold() for path in files}) == len(files)
        assert {json.loads(path.read_bytes())[field] for path in files} == names
        assert len(files) == len(names)
    assert [path.name for path in root.iterdir()] == ["root"]


def test_awkward_names_side_by_side(tmp_path: Path) -> None:
    check_views({(target, symbol) for target in AWKWARD for symbol in AWKWARD}, tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(NAMES, NAMES), max_size=6))
def test_any_names(pairs: set[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_views(pairs, Path(folder))


@settings(max_examples=200, deadline=None)
@given(st.sets(st.tuples(st.text("AB_", max_size=4), st.none() | st.text("AB_", max_size=4)), max_size=30))
def test_job_ids_are_unique_and_do_not_depend_on_order(pairs: set[tuple[str, str | None]]) -> None:
    ordered = sorted(pairs, key=repr)
    ids = dict(zip(ordered, job_ids(ordered), strict=True))
    assert len(set(ids.values())) == len(pairs)
    backwards = list(reversed(ordered))
    assert dict(zip(backwards, job_ids(backwards), strict=True)) == ids
