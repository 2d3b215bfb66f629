"""Candidates on disk: Parquet and CSV hold the same table, and bad files are refused as a whole."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from candidate_rows import STAMP, local, policy, pooled, table
from hypothesis import HealthCheck, given, settings
from test_routing_properties import tables

from foxml_assets.core.errors import CandidatesError
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import LeakageStatus, TaskType
from foxml_assets.evidence.target_evidence import Estimate, RowEvidence, StabilityMetrics, TargetEvidence
from foxml_assets.routing.candidates.candidates import (
    CANDIDATE_COLUMNS,
    CANDIDATE_NAMES,
    candidates_from_evidence,
    candidates_hash,
    typed_candidates,
)
from foxml_assets.routing.candidates.candidates_file import read_candidates, write_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.storage.layout import Layout

# Runs with an import system that has no pyarrow: writes, reads and routes, and prints what came out.
WITHOUT_PYARROW = """
import json, sys
from importlib.abc import MetaPathFinder
from pathlib import Path

class NoPyarrow(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "pyarrow":
            raise ImportError("pyarrow is not here")

sys.meta_path.insert(0, NoPyarrow())
from foxml_assets.storage.layout import Layout
from foxml_assets.routing.candidates.candidates import candidates_hash
from foxml_assets.routing.candidates.candidates_file import read_candidates, write_candidates
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.decide.router import route
from foxml_assets.core.stamp import RunStamp

source, target = Layout(Path(sys.argv[1])), Layout(Path(sys.argv[2]))
candidates = read_candidates(source.routing_candidates)
written = write_candidates(candidates, target.routing_candidates)
plan = route(read_candidates(target.routing_candidates), RoutingPolicy(), stamp=RunStamp("t", "r", None))
print(json.dumps({
    "file": written.name,
    "candidates": candidates_hash(candidates),
    "plan": plan.metadata.routing_plan_hash,
}))
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def _awkward() -> pd.DataFrame:
    names = ["NA", "null", "nan", "None", "1e5", "007", "a,b", 'say "hi"', "line\nbreak", "é", " x", "-inf"]
    rows = [pooled(score=0.1 + 0.2, score_se=1e-300, features='{"a,b":"SAFE"}')]
    rows += [
        local(name, score=0.5 + at / 7, sample_size=10**12 + at, leakage_reason=name)
        for at, name in enumerate(names)
    ]
    return table(*rows, local("bad", score=np.inf, sample_size=-1), local("none", score=None, task_type=None))


def _as_csv(candidates: pd.DataFrame, layout: Layout) -> Path:
    path = layout.routing_candidates.with_suffix(".csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    candidates.to_csv(path, index=False, lineterminator="\n")
    return path


def test_both_formats_give_back_the_same_table(layout: Layout) -> None:
    candidates = _awkward()
    pd.testing.assert_frame_equal(
        read_candidates(write_candidates(candidates, layout.routing_candidates)), candidates
    )
    layout.routing_candidates.unlink()
    from_csv = read_candidates(_as_csv(candidates, layout))
    pd.testing.assert_frame_equal(from_csv, candidates)
    assert candidates_hash(from_csv) == candidates_hash(candidates)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(candidates=tables())
def test_any_table_routes_the_same_from_both_formats(candidates: pd.DataFrame, tmp_path: Path) -> None:
    one, other = Layout(tmp_path / "one"), Layout(tmp_path / "other")
    write_candidates(candidates, one.routing_candidates)
    _as_csv(candidates, other)
    plans = [route(read_candidates(at.routing_candidates), policy(), stamp=STAMP) for at in (one, other)]
    assert plans[0].metadata == plans[1].metadata


def test_without_pyarrow_candidates_are_a_csv_that_routes_the_same(tmp_path: Path) -> None:
    candidates = _awkward()
    source = Layout(tmp_path / "source")
    _as_csv(candidates, source)
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        WITHOUT_PYARROW,
        str(source.root),
        str(tmp_path / "target"),
    ]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    from foxml_assets.routing.policy.routing_config import RoutingPolicy

    here = route(candidates, RoutingPolicy(), stamp=STAMP)
    assert answer["file"] == "routing_candidates.csv"
    assert answer["candidates"] == candidates_hash(candidates)
    assert answer["plan"] == here.metadata.routing_plan_hash


def test_writing_one_format_removes_the_other(layout: Layout) -> None:
    stale = _as_csv(_awkward(), layout)
    write_candidates(_awkward(), layout.routing_candidates)
    assert not stale.exists()


def test_a_missing_table_is_a_typed_error(layout: Layout) -> None:
    with pytest.raises(CandidatesError, match="there are no routing candidates"):
        read_candidates(layout.routing_candidates)


def test_all_wrong_columns_are_listed_at_once(layout: Layout) -> None:
    broken = _awkward().drop(columns=["score", "symbol"]).assign(colour="red")
    with pytest.raises(CandidatesError) as caught:
        read_candidates(_as_csv(broken, layout))
    assert {problem.field for problem in caught.value.problems} == {"score", "symbol", "colour"}


@pytest.mark.parametrize("content", [b"", b"not parquet", b"PAR1 half a file"])
def test_a_file_that_is_no_table_is_refused(layout: Layout, content: bytes) -> None:
    layout.routing_candidates.parent.mkdir(parents=True)
    layout.routing_candidates.write_bytes(content)
    with pytest.raises(CandidatesError, match="not a readable Parquet"):
        read_candidates(layout.routing_candidates)
    layout.routing_candidates.unlink()
    path = layout.routing_candidates.with_suffix(".csv")
    path.write_bytes(content + b"\xff,\n1,2,3\n")
    with pytest.raises(CandidatesError):
        read_candidates(path)


def test_nested_columns_are_refused(layout: Layout) -> None:
    nested = _awkward().assign(failed_families=[["a"]] * len(_awkward()))
    layout.routing_candidates.parent.mkdir(parents=True)
    nested.to_parquet(layout.routing_candidates)
    with pytest.raises(CandidatesError, match="flat"):
        read_candidates(layout.routing_candidates)


def test_columns_and_dtypes_are_fixed_even_when_empty() -> None:
    for candidates in (
        candidates_from_evidence([]),
        _awkward(),
        typed_candidates(pd.DataFrame({"target": ["y"]})),
    ):
        assert tuple(candidates.columns) == CANDIDATE_NAMES
        assert [str(dtype) for dtype in candidates.dtypes] == [
            column.kind.value for column in CANDIDATE_COLUMNS
        ]


def test_the_hash_moves_with_every_column() -> None:
    base = table(pooled(score=0.6), local("A", score=0.6))
    changed = {"target": "z", "sample_size": 7, "score": 0.61, "leakage_status": "SUSPECT", "difference": 0.1}
    hashes = {
        candidates_hash(table(pooled(score=0.6), {**local("A", score=0.6), name: value}))
        for name, value in changed.items()
    }
    assert len(hashes | {candidates_hash(base)}) == len(changed) + 1
    assert candidates_hash(base) == candidates_hash(base.iloc[::-1].pipe(typed_candidates))


def test_evidence_becomes_one_row_per_target_and_pair() -> None:
    score = Estimate(0.6, 0.01, 0.58, 0.62)
    stability = StabilityMetrics(5, 0.8, 0.1, 0.7, 0.1)
    rows = (
        RowEvidence(
            None,
            1000,
            score,
            LeakageStatus.SAFE,
            families=("ridge",),
            earlier_score=Estimate(0.62, 0.012),
            recent_score=Estimate(0.57, 0.02),
            stability=stability,
            successful_families=("xgboost", "lightgbm"),
        ),
        RowEvidence(
            "A",
            100,
            Estimate(None),
            LeakageStatus.BLOCKED,
            "copy",
            failed_families=("lightgbm",),
            cs_score=score,
        ),
    )
    evidence = TargetEvidence(
        "y", TaskType.REGRESSION, ScoreMetric.IC, 60.0, "data", "settings", rows, {"f": LeakageStatus.SAFE}
    )
    found = candidates_from_evidence([evidence])
    assert len(found) == 2
    first, second = found.iloc[0], found.iloc[1]
    assert pd.isna(first["symbol"])
    assert (first["successful_families"], first["features"], first["data_hash"]) == (
        "lightgbm|xgboost",
        '{"f":"SAFE"}',
        "data",
    )
    assert first["families"] == "ridge"
    over_time = ("earlier_score", "earlier_score_se", "recent_score", "recent_score_se")
    assert tuple(first[name] for name in over_time) == (0.62, 0.012, 0.57, 0.02)
    assert pd.isna(second["families"])
    assert pd.isna(second["earlier_score"])
    assert (second["symbol"], second["cs_score"], second["failed_families"]) == ("A", 0.6, "lightgbm")
    assert pd.isna(second["score"])
    assert pd.isna(second["n_snapshots"])
    assert second["leakage_reason"] == "copy"
