"""`foxml dev`: the Dagster UI and daemon over the workspace's instance."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from foxml_assets.defs.instance import prepare_home
from foxml_assets.workspace import current_workspace


def run_dev(root: Path | None, config_dir: Path | None, *, port: int) -> NoReturn:
    """Become `dagster dev`. Raises ConfigError for a wrong config."""
    workspace = current_workspace(root, config_dir)
    workspace.check_configs()
    prepare_home(workspace.dagster_home)
    environment = os.environ | {
        "DAGSTER_HOME": str(workspace.dagster_home),
        "FOXML_ROOT": str(workspace.root),
        "FOXML_CONFIG_DIR": str(workspace.config_dir),
    }
    # The UI has no login, so it must never listen on another address.
    command = [sys.executable, "-m", "dagster", "dev", "-m", "foxml_assets.definitions"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    # In place of this process, so that whoever stops it stops the server and all that it started.
    os.execve(sys.executable, command, environment)  # noqa: S606
