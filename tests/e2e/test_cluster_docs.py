"""The commands of docs/cluster.md are run as they are written, on real clusters and a real database."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml
from postgres_server import postgres_server
from worlds import REPOSITORY, World, make_world

from foxml_assets.core.config_files import load_config
from foxml_assets.training.training_config import TrainingConfig

PAGE = REPOSITORY / "docs" / "cluster.md"
pytestmark = pytest.mark.slow


def section(title: str) -> str:
    """What stands under a heading."""
    text = PAGE.read_text(encoding="utf-8")
    return next(part for part in text.split("\n## ") if part.startswith(f"{title}\n"))


def blocks(title: str, language: str) -> list[str]:
    """The blocks of a section in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with a small world in the usual places."""
    make_world(tmp_path)
    shutil.copytree(REPOSITORY / "deploy", tmp_path / "deploy")
    return tmp_path


def configure(folder: Path, title: str, port: int) -> None:
    """Put the block of the page into the config file."""
    (block,) = blocks(title, "yaml")
    file = folder / "config" / "training_config.yaml"
    settings = yaml.safe_load(file.read_text()) | yaml.safe_load(block.replace("8786", str(port)))
    file.write_text(yaml.safe_dump(settings))
    assert load_config(file, TrainingConfig).engine.kind == "dask"


@contextmanager
def shell(folder: Path, script: str, **environment: str) -> Iterator[str]:
    """What `script` prints; what it leaves running is ended with the block."""
    tools = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    kept = World(folder / "output", folder / "config").environment()
    kept = {name: value for name, value in kept.items() if not name.startswith("FOXML_")}
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            ["bash", "-e", "-c", script],
            cwd=folder,
            env=kept | {"PATH": tools, "OMP_NUM_THREADS": "1"} | environment,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        try:
            process.wait(timeout=600)
            assert process.returncode == 0, log.read_text()[-4000:]
            yield log.read_text()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_port(script: str, port: int) -> str:
    return script.replace("8786", str(port))


def test_two_workers_train_what_is_planned(folder: Path) -> None:
    title, port = "Two workers on one machine", free_port()
    configure(folder, title, port)
    with shell(folder, with_port("\n".join(blocks(title, "sh")), port)) as said:
        assert "Receive client connection" in said
    assert list((folder / "output" / "MODELS").rglob("manifest.json"))


def test_workers_find_panel_and_models_in_object_stores(folder: Path) -> None:
    title, port, s3 = "Object stores", free_port(), free_port()
    configure(folder, title, port)
    script = with_port("\n".join(blocks(title, "sh")), port).replace("5000", str(s3))
    with shell(folder, script.replace("/tmp", str(folder))) as said:  # noqa: S108
        assert "s3://foxml/models: can be written and read" in said
    models = folder / "output" / "MODELS"
    assert list(models.rglob("manifest.json"))
    found = {path.name for path in models.rglob("*") if path.is_file()}
    assert found == {"manifest.json", "stored.json", "timing.json"}
    assert (folder / "holdout.csv").stat().st_size > 1_000


def test_members_of_a_cluster_with_tls_know_each_other_and_nobody_else(folder: Path) -> None:
    title, port = "Security", free_port()
    configure(folder, title, port)
    (started,) = blocks(title, "sh")
    without_key = "env -u DASK_CONFIG foxml doctor | grep 'speaks TLS, for which nothing is set'"
    script = f"{started}\nfoxml run --until plan\nfoxml train\nfoxml doctor\n{without_key}\n"
    with shell(folder, with_port(script, port)) as said:
        assert f"2 workers with 2 threads at tls://127.0.0.1:{port}" in said
        assert "Scheduler at:" in said
        assert f"tls://127.0.0.1:{port}" in said
    assert list((folder / "output" / "MODELS").rglob("manifest.json"))


def test_the_instance_is_in_postgres(folder: Path) -> None:
    (script,) = blocks("Dagster's instance in Postgres", "sh")
    lines = [line for line in script.splitlines() if not line.startswith("export ")]
    with postgres_server() as variables:
        assert set(variables) == set(re.findall(r"(FOXML_PG_\w+)=", script))
        with shell(folder, "\n".join(lines), **variables):
            pass
    assert not list((folder / "output" / "dagster").rglob("*.db"))
