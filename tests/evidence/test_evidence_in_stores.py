"""Targets on workers that find the panel in an object store, and see no root."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from built_panels import OTHER, TARGET, research
from dask_cluster import Cluster, dask_cluster
from evidence_panels import Run, folder_bytes, run
from s3_server import S3Server, allow, become, deny, s3_server
from small_market import UP, VALUE
from test_evidence_on_dask import on

from foxml_assets.core.errors import EvidenceError, PanelError, StoreError
from foxml_assets.engines.worker_panel import panel_hash_of, place_panel
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.evaluating.target_task import PanelOrder
from foxml_assets.evidence.kept_predictions import kept_path
from foxml_assets.evidence.replay.replay_file import Replay
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.object_store import ObjectStore

pytestmark = [pytest.mark.xdist_group("dask"), pytest.mark.slow]
USERS = {
    "writer": [allow("s3:*")],
    "reader": [allow("s3:GetObject", "s3:ListBucket")],
    "worker": [
        allow("s3:GetObject", "s3:ListBucket"),
        deny("s3:GetObject", on="arn:aws:s3:::foxml/hidden/*"),
    ],
}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3"), USERS) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Workers that may read the store, but for `hidden`, and write nothing there."""
    with pytest.MonkeyPatch.context() as patch:
        become(s3.users["worker"], patch)
        with dask_cluster(tmp_path_factory.mktemp("cluster")) as running:
            yield running


@pytest.fixture
def store(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    become(s3.users["writer"], monkeypatch)
    return ObjectStore(f"{s3.url}/{tmp_path.name}")


def test_workers_that_see_nothing_of_the_root_make_the_evidence_of_threads(
    cluster: Cluster, store: ObjectStore, tmp_path: Path
) -> None:
    made = research(tmp_path)
    with made.here():
        config = made.config()
        evidence = config.evidence.model_copy(update={"keep_predictions": True})
        keeping = config.model_copy(update={"evidence": evidence})
        threads = run(Path("threads"), keeping)
        # Workers stand in another folder, where this names nothing.
        found = run(Path("dask"), keeping, engine=on(cluster), panel_store=store)
        assert set(found.evidence) == {TARGET, OTHER}
        assert all(kept_path(found.layout, target).is_file() for target in found.evidence)
        assert found.layout.feature_replay.is_file()
        assert found.evidence == threads.evidence
        assert folder_bytes(found.layout.root) == folder_bytes(threads.layout.root)


def test_a_worker_is_told_nothing_of_the_root_and_needs_no_panel_there(
    cluster: Cluster, store: ObjectStore, plain: Run, tmp_path: Path
) -> None:
    layout, config = Layout(tmp_path / "root"), plain.config
    info = build_panel(config, layout)
    order = PanelOrder(place_panel(layout, store, info), config.evidence, Replay())
    assert str(layout.root).encode() not in pickle.dumps(order)
    layout.panel.unlink()
    layout.panel_info.unlink()
    (found,) = evaluate_targets([UP], info, config, layout, str, on(cluster), store)
    assert found == plain.evidence[UP]


def test_a_panel_that_cannot_be_put_there_ends_the_stage_before_its_first_target(
    cluster: Cluster,
    store: ObjectStore,
    s3: S3Server,
    plain: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    become(s3.users["reader"], monkeypatch)
    with pytest.raises(StoreError, match=r"panel\.parquet could not be written"):
        run(tmp_path, plain.config, engine=on(cluster), panel_store=store)
    assert not Layout(tmp_path).feature_selections.exists()


def test_a_panel_that_is_damaged_there_is_an_error_of_all_targets(
    cluster: Cluster, store: ObjectStore, plain: Run, tmp_path: Path
) -> None:
    layout = Layout(tmp_path)
    info = build_panel(plain.config, layout)
    place_panel(layout, store, info)
    rows = f"{panel_hash_of(info)}/panel.parquet"
    store.put(rows, b"no panel")
    with pytest.raises(PanelError, match=rf"(?s){store.address(rows)}.*Fix: delete that folder of the store"):
        run(tmp_path, plain.config, engine=on(cluster), panel_store=store)
    store.delete_folder(panel_hash_of(info))
    assert run(tmp_path, plain.config, engine=on(cluster), panel_store=store).evidence == plain.evidence


def test_what_the_store_refuses_a_worker_fails_its_target_alone(
    cluster: Cluster, store: ObjectStore, s3: S3Server, plain: Run, tmp_path: Path
) -> None:
    hidden = ObjectStore(f"{s3.url}/hidden/{tmp_path.name}")
    with pytest.raises(EvidenceError, match=r"(?s)2 target.*panel\.json could not be read.*the credentials"):
        run(tmp_path, plain.config, UP, VALUE, engine=on(cluster), panel_store=hidden)
