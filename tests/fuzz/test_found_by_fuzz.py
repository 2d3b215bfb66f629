"""What made-up files have found, each as small as it goes."""

import io
import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fuzz_arena import Arena

from foxml_assets.core.errors import CandidatesError, ConfigError, PanelError, RoutingPlanError
from foxml_assets.core.stamp import RunStamp
from foxml_assets.importing.foxml_run import import_foxml
from foxml_assets.importing.user_table import import_candidates
from foxml_assets.panel.panel_store import build_panel, load_panel_info, read_panel
from foxml_assets.routing.candidates.candidates import typed_candidates
from foxml_assets.routing.candidates.candidates_file import read_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.plan.plan_json import parse_plan
from foxml_assets.routing.plan.plan_reading import PAIRS_NAME, read_parquet

STAMP = RunStamp("2026-01-01T00:00:00Z", "20260101_000000", None)


@pytest.fixture
def files(arena: Arena) -> Iterator[Arena]:
    """The arena, as before after each test."""
    yield arena
    arena.restore()


def imported(files: Arena, tmp_path: Path, **columns: object) -> pd.DataFrame:
    """The user's table with these columns in place of its own, imported."""
    path = tmp_path / "table.parquet"
    pd.read_parquet(files.world.candidates).assign(**columns).to_parquet(path)
    return import_candidates(path).candidates


@pytest.mark.parametrize("old", [b'"symbol":"', b'"run_id":"'])
def test_a_routing_plan_with_bytes_that_are_no_text(files: Arena, old: bytes) -> None:
    raw = files.layout.routing_plan.read_bytes()
    with pytest.raises(msgspec.DecodeError, match="utf-8"):
        parse_plan(raw.replace(old, old + b"\xff", 1))


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'"cs_state":"', b'"cs_state":"X', "cs_state"),
        (b'"rule":"', b'"rule":"x', "rule"),
        (b'"local_error_control":"', b'"local_error_control":"x', "local_error_control"),
        (b'"n_symbols":', b'"n_symbols":' + b"9" * 400, "n_symbols"),
    ],
)
def test_a_routing_plan_of_other_words(files: Arena, old: bytes, new: bytes, field: str) -> None:
    raw = files.layout.routing_plan.read_bytes()
    assert old in raw
    with pytest.raises(msgspec.ValidationError, match=field):
        parse_plan(raw.replace(old, new, 1))


def test_a_panel_whose_description_has_no_hash_of_a_symbol(files: Arena) -> None:
    path = files.layout.panel_info
    described = json.loads(path.read_bytes())
    hashes = {label: found[1:] for label, found in described["label_hashes"].items()}
    files.put(path, json.dumps({**described, "label_hashes": hashes}).encode())
    with pytest.raises(PanelError, match=rf"label_hashes.{next(iter(hashes))}: should have"):
        load_panel_info(files.layout)


def test_a_panel_whose_description_names_another_column(files: Arena) -> None:
    path = files.layout.panel_info
    described = json.loads(path.read_bytes())
    files.put(path, json.dumps({**described, "time_column": "dat"}).encode())
    info = load_panel_info(files.layout)
    with pytest.raises(PanelError, match="does not belong to its description"):
        read_panel(files.layout, info, [])


def test_tables_with_a_column_whose_name_is_no_text(files: Arena) -> None:
    pairs = files.layout.routing_plan.with_name(PAIRS_NAME)
    source = pd.read_parquet(files.world.source)
    for path, table, column in (
        (pairs, pd.read_parquet(pairs), b"local_state"),
        (files.layout.routing_candidates, pd.read_parquet(files.layout.routing_candidates), b"symbol"),
        (files.world.source, source, b"symbol"),
    ):
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pandas(table).replace_schema_metadata(), sink, store_schema=False)
        files.put(path, sink.getvalue().replace(column, b"\xff" + column[1:]))
    with pytest.raises(RoutingPlanError):
        read_parquet(pairs.parent)
    with pytest.raises(CandidatesError, match="readable Parquet"):
        read_candidates(files.layout.routing_candidates)
    with pytest.raises(PanelError, match="readable Parquet"):
        build_panel(files.workspace.data_config(), files.layout)


def test_a_table_whose_metric_is_a_record(files: Arena, tmp_path: Path) -> None:
    with pytest.raises(CandidatesError, match="score_metric: holds nested values"):
        imported(files, tmp_path, score_metric=[{"a": 1}] * len(pd.read_parquet(files.world.candidates)))


@pytest.mark.parametrize("cell", ["{[]: 1}", "-" * 100_000 + "1", "[" + "-" * 3_000 + "1]"])
def test_a_table_whose_cells_spell_out_what_is_no_value(files: Arena, cell: str, tmp_path: Path) -> None:
    table = imported(files, tmp_path, stability_metrics=cell, failed_families=cell)
    assert table["mean_tau"].isna().all()


@pytest.mark.parametrize("importance", ["9" * 400, "[" * 3_000], ids=["digits", "nested"])
def test_a_foreign_run_with_a_number_without_end(files: Arena, importance: str) -> None:
    folder = files.world.folder / "foxml"
    path = folder / "targets/y/CROSS_SECTIONAL/feature_importance/one.json"
    files.put(path, path.read_bytes().replace(b"1.0", importance.encode()))
    with pytest.raises(CandidatesError) if "[" in importance else nullcontext():
        import_foxml(folder)


def test_a_table_whose_targets_are_bytes(files: Arena, tmp_path: Path) -> None:
    table = imported(files, tmp_path, target=b"\xff\0")
    plan = route(table, files.workspace.routing_policy(), stamp=STAMP)
    assert len(plan.quarantine)


def test_a_table_with_half_of_a_surrogate_pair(files: Arena) -> None:
    table = pd.DataFrame({"target": ["y\ud800"], "score": [0.6], "score_metric": ["auc"]}, dtype=object)
    assert typed_candidates(table)["target"].tolist() == ["y?"]


def test_a_policy_whose_minimum_is_no_float(files: Arena) -> None:
    path = files.workspace.routing_config_file
    files.put(path, f"min_sample_size: {{symbol: {'9' * 400}}}".encode())
    with pytest.raises(ConfigError):
        files.workspace.routing_policy()
