"""What is killed or fails under the evidence on a Dask cluster, and what becomes of its targets."""

from pathlib import Path

import pytest
from built_panels import OTHER, TARGET, research
from dask_cluster import dask_cluster
from evidence_panels import SMALL, config_of, folder_bytes, run
from small_market import LONG, UP, VALUE, small_frame
from test_evidence_on_dask import on

from foxml_assets.core.entry_points import forget_entry_points
from foxml_assets.core.errors import EngineError, EvidenceError
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.evidence.leakage.detector import find_detector
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout

pytestmark = [pytest.mark.xdist_group("dask"), pytest.mark.slow]

# A detector that does to its process, on a target with a file of its name, what the file says, and removes
# the file first where that is said.
WICKED = """
import os, signal
from pathlib import Path
from foxml_assets.evidence.leakage.detector import LeakageDetector

def find(panel, label):
    order = Path(__file__).parent / label.spec.name
    what = order.read_text() if order.exists() else ""
    if what:
        with (Path(__file__).parent / "begun").open("a") as stream:
            stream.write(label.spec.name + "\\n")
    if "once" in what:
        order.unlink()
    if "kill" in what:
        os.kill(os.getpid(), signal.SIGKILL)
    if "fail" in what:
        raise RuntimeError("a bug of a library")
    return []

WICKED = LeakageDetector("wicked", "1", find)
"""


@pytest.fixture
def wicked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed package with the detector."""
    site = tmp_path / "site"
    metadata = site / "wicked-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "wicked.py").write_text(WICKED)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: wicked\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[foxml_assets.leakage_detectors]\nwicked = wicked:WICKED\n")
    monkeypatch.syspath_prepend(str(site))
    forget_entry_points()
    find_detector.cache_clear()
    return site


@pytest.fixture
def config(tmp_path: Path, wicked: Path) -> DataConfig:
    """Settings that name it, which must be installed by then."""
    assert wicked.exists()
    path = tmp_path / "panel.parquet"
    small_frame().to_parquet(path, index=False)
    return config_of(path, {**SMALL, "keep_predictions": True, "leakage": {"detectors": ["wicked"]}})


@pytest.mark.parametrize("nannies", [True, False])
def test_a_worker_that_is_killed_costs_no_target(
    tmp_path: Path, wicked: Path, config: DataConfig, nannies: bool
) -> None:
    threads = run(tmp_path / "threads", config)
    (wicked / UP).write_text("once, kill")
    with dask_cluster(tmp_path, nannies=nannies, paths=[wicked]) as cluster:
        found = run(tmp_path / "dask", config, engine=on(cluster))
    assert (wicked / "begun").read_text().split() == [UP]
    assert found.evidence == threads.evidence
    assert folder_bytes(found.layout.root) == folder_bytes(threads.layout.root)


def test_what_fails_fails_alone_and_is_left_to_the_next_run(
    tmp_path: Path, wicked: Path, config: DataConfig
) -> None:
    threads = run(tmp_path / "threads", config)
    (wicked / UP).write_text("kill")
    (wicked / LONG).write_text("fail")
    layout, told = Layout(tmp_path / "dask"), list[str]()
    info = build_panel(config, layout)
    names = tuple(spec.name for spec in info.targets)
    with dask_cluster(tmp_path, nannies=True, paths=[wicked]) as cluster:
        found, evaluated = [], evaluate_targets(names, info, config, layout, told.append, on(cluster))
        with pytest.raises(EvidenceError) as raised:
            found += evaluated
        assert {one.target for one in found} == {VALUE}
        assert sorted((wicked / "begun").read_text().split()) == sorted([UP, UP, LONG])
        reasons = {problem.field: problem.what for problem in raised.value.problems}
        assert reasons[UP] == "the worker that had it was killed, 2 times"
        assert reasons[LONG] == "RuntimeError: a bug of a library"
        assert set(reasons) == {UP, LONG}
        assert "if it was memory, give each worker more" in raised.value.fix
        assert any(line.startswith(f"{LONG}: failed (RuntimeError: a bug of a library), ") for line in told)
        (wicked / UP).unlink()
        (wicked / LONG).unlink()
        left = stale_targets(info, config, layout)
        assert set(left) == {UP, LONG}
        list(evaluate_targets(left, info, config, layout, told.append, on(cluster)))
    assert folder_bytes(layout.root) == folder_bytes(threads.layout.root)


def test_a_scheduler_that_is_lost_is_an_error_and_what_was_finished_stands(
    tmp_path: Path, wicked: Path, config: DataConfig
) -> None:
    layout = Layout(tmp_path / "dask")
    info = build_panel(config, layout)
    names = tuple(spec.name for spec in info.targets)
    with dask_cluster(tmp_path, workers=1, paths=[wicked]) as cluster:
        found = evaluate_targets(names, info, config, layout, str, on(cluster))
        first = next(found)
        cluster.scheduler.kill()
        with pytest.raises(EngineError, match=r"(?s)scheduler was lost.*Fix: start it again"):
            list(found)
    assert set(stale_targets(info, config, layout)) == set(names) - {first.target}


def test_a_detector_that_workers_have_not_is_found_out_before_a_target_is(
    tmp_path: Path, config: DataConfig
) -> None:
    other = pytest.raises(EngineError, match=r"(?s)other software.*wicked")
    with dask_cluster(tmp_path, workers=1) as cluster, other:
        run(tmp_path / "dask", config, engine=on(cluster))
    assert not Layout(tmp_path / "dask").feature_selections.exists()


def test_feature_builders_are_replayed_where_their_code_is_and_workers_read_what_was_found(
    tmp_path: Path,
) -> None:
    made = research(tmp_path / "made")
    expected = folder_bytes(made.run(TARGET, OTHER).layout.root)
    with dask_cluster(tmp_path) as cluster, made.here():
        found = run(tmp_path / "dask", made.config(), TARGET, OTHER, engine=on(cluster))
    assert folder_bytes(found.layout.root) == expected
    assert any(line.startswith("replay of ") for line in found.told)
