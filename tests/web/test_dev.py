"""`foxml dev` refuses addresses before it starts anything."""

import socket
from pathlib import Path

import pytest

from foxml_assets.commands.web.dev import run_dev
from foxml_assets.core.errors import ConfigError

CONFIG = Path(__file__).parents[2] / "config"


def test_an_address_that_others_reach_needs_consent(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--allow-remote"):
        run_dev(tmp_path / "root", CONFIG, host="192.0.2.1", port=1, allow_remote=False)
    assert not (tmp_path / "root" / "dagster").exists()


def test_a_name_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no IP address"):
        run_dev(tmp_path / "root", CONFIG, host="localhost", port=1, allow_remote=False)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port}.*\n.*--port"):
            run_dev(tmp_path / "root", CONFIG, host="127.0.0.1", port=port, allow_remote=False)
