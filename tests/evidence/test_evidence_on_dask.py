"""Targets on a real Dask cluster: what comes of them is what comes of threads."""

import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dask_cluster import Cluster, dask_cluster, n_tasks
from evidence_panels import Run, config_of, folder_bytes, run, with_threads
from small_market import LONG, UP, VALUE, small_frame

from foxml_assets.core.errors import EngineError, EvidenceError, PanelError
from foxml_assets.engines import cluster as clusters
from foxml_assets.engines.settings import OnDask
from foxml_assets.engines.worker_panel import PanelPlace, place_panel
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.evaluating import target_task
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.evidence.evaluating.target_task import PanelOrder, TargetOrder
from foxml_assets.evidence.replay.comparison import Replayed
from foxml_assets.evidence.replay.replay_file import Replay
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_store import build_panel, load_panel_info
from foxml_assets.storage.layout import Layout

pytestmark = pytest.mark.xdist_group("dask")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def config(plain: Run) -> DataConfig:
    return plain.config


def on(cluster: Cluster) -> OnDask:
    return OnDask(kind="dask", scheduler=cluster.address)


def test_files_evidence_and_progress_are_those_of_threads(
    cluster: Cluster, plain: Run, tmp_path: Path
) -> None:
    # The threads of a worker are its own.
    found = run(tmp_path, with_threads(plain.config, 5), engine=on(cluster))
    assert set(found.evidence) == {VALUE, UP, LONG}
    assert found.evidence == plain.evidence
    assert folder_bytes(found.layout.root) == folder_bytes(plain.layout.root)
    assert stale_targets(load_panel_info(found.layout), plain.config, found.layout) == ()
    assert found.told[:2] == plain.told[:2]
    for number, line in enumerate(found.told[2:], start=1):
        assert f": done, {number} of 3" in line
    with cluster.client() as client:
        held = client.run(lambda: target_task._KEPT._held)
        assert set(held.values()) == {None}, "a panel outlives its stage"


def test_an_order_is_small_whatever_the_size_of_the_panel(config: DataConfig, tmp_path: Path) -> None:
    place = PanelPlace(Layout(tmp_path), None, "0" * 64)

    def size(replay: Replay) -> int:
        return len(pickle.dumps(TargetOrder(UP, "0" * 64, PanelOrder(place, config.evidence, replay))))

    assert size(Replay()) < 5_000
    features = {
        f"feature_{at}": Replayed("research.features:build", 8, 1_000 + at, at) for at in range(1_000)
    }
    assert size(Replay("0" * 64, (), features)) < 60_000


def test_an_address_at_which_none_answers_is_an_error(
    config: DataConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 0.3)
    with pytest.raises(EngineError, match=r"(?s)no Dask scheduler answers.*Fix: .*dask scheduler"):
        run(tmp_path, config, engine=OnDask(kind="dask", scheduler="tcp://127.0.0.1:9"))


def test_a_worker_that_sees_another_panel_says_so_of_each_target(
    cluster: Cluster, config: DataConfig, tmp_path: Path
) -> None:
    layout, told = Layout(tmp_path), []
    other = replace(build_panel(config, layout), n_rows=1)
    with pytest.raises(EvidenceError, match=r"(?s)2 target.*does not see the panel.*all workers share"):
        list(evaluate_targets((UP, VALUE), other, config, layout, told.append, on(cluster)))
    assert any(line.startswith(f"{UP}: failed (the worker does not see") for line in told)
    assert not layout.feature_selections.exists()


def test_a_worker_of_other_code_makes_no_evidence(
    cluster: Cluster, config: DataConfig, tmp_path: Path
) -> None:
    layout = Layout(tmp_path)
    info = build_panel(config, layout)
    panel = PanelOrder(place_panel(layout, None, info), config.evidence, Replay())
    with cluster.client() as client:
        late = client.submit(target_task.evaluate_order, TargetOrder(UP, "another", panel), None)
        with pytest.raises(EngineError, match="would make other evidence than was asked for"):
            late.result()
        client.run(target_task.forget, panel)


def test_what_is_wrong_for_all_targets_is_raised_as_on_threads(
    cluster: Cluster, config: DataConfig, tmp_path: Path
) -> None:
    leakage = config.evidence.leakage.model_copy(update={"known_safe": {"nosie_a": "a slip"}})
    evidence = config.evidence.model_copy(update={"leakage": leakage})
    wrong = config.model_copy(update={"evidence": evidence})
    with pytest.raises(PanelError, match="did you mean noise_a") as on_threads:
        run(tmp_path / "threads", wrong)
    with pytest.raises(PanelError, match="did you mean noise_a") as on_dask:
        run(tmp_path / "dask", wrong, engine=on(cluster))
    assert str(on_dask.value) == str(on_threads.value)


def test_few_targets_are_in_flight_and_who_stops_asking_cancels_the_others(
    cluster: Cluster, tmp_path: Path
) -> None:
    many = {f"y_{name}_2d": small_frame()[UP] for name in "abcdefgh"}
    path, layout = tmp_path / "panel.parquet", Layout(tmp_path / "out")
    small_frame().assign(**many).to_parquet(path, index=False)
    config = config_of(path)
    found = evaluate_targets([UP, *many], build_panel(config, layout), config, layout, str, on(cluster))
    with cluster.client() as client:
        next(found)
        assert 1 < client.run_on_scheduler(n_tasks) <= 6
        found.close()
        deadline = time.monotonic() + 20
        while any(client.call_stack().values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(client.processing().values())
    assert len(list(layout.feature_selections.glob("*/evidence.json"))) == 1
