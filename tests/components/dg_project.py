"""Small Dagster projects of components, and the commands of `dg` in them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import yaml

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "in_your_project"
_CONFIGS = ("data_config.yaml", "routing_config.yaml", "training_config.yaml")


def make_project(folder: Path, package: str, components: Mapping[str, Mapping[str, object]]) -> Path:
    """A project whose `package` has a component of these attributes in a folder of each name."""
    project = {"directory_type": "project", "project": {"root_module": package}}
    lines = [f'[tool.dg]\ndirectory_type = "{project["directory_type"]}"', "[tool.dg.project]"]
    (folder / "pyproject.toml").write_text("\n".join([*lines, f'root_module = "{package}"', ""]))
    for name, attributes in components.items():
        place = folder / package / "defs" / name
        place.mkdir(parents=True)
        declared = {"type": "foxml_assets.FoxmlRouting", "attributes": dict(attributes)}
        (place / "defs.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")
        for config in _CONFIGS:
            shutil.copy(REPOSITORY / "config" / config, place)
    return folder


def load(project: Path) -> dg.Definitions:
    return dg.load_from_defs_folder(path_within_project=project)


def run_in(project: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of the documents in a shell, as if the project and its tools were installed."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=project,
        env=_environment(project),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@contextmanager
def serving(project: Path, log: Path) -> Iterator[None]:
    """Dagster's own UI and daemon over the project, for the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    with (
        log.open("w") as out,
        subprocess.Popen(
            ["dg", "dev", "--port", port],
            cwd=project,
            env=_environment(project),
            stdout=out,
            stderr=out,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _environment(project: Path) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FOXML_", "DAGSTER_"))}
    home = project / "dagster_home"
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    environment |= {
        "DAGSTER_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
        "PYTHONPATH": f"{project}:{REPOSITORY}",
        "COLUMNS": "200",
    }
    return environment
