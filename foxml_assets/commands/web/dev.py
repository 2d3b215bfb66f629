"""`foxml dev`: the Dagster UI and daemon over the workspace's instance."""

import ipaddress
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from foxml_assets.commands.console import console
from foxml_assets.commands.web.guard import USER
from foxml_assets.commands.web.server import TOKEN_VARIABLE
from foxml_assets.core.errors import ConfigError
from foxml_assets.defs.running.claims import Role, forget_claim, hold_claim
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.defs.running.runs import end_lost_runs
from foxml_assets.stages import GROUPS
from foxml_assets.workspace import CONFIG_DIR_VARIABLE, ROOT_VARIABLE, current_workspace

_DEFINITIONS = "foxml_assets.definitions"
_SECONDS_TO_STOP = 20.0


def run_dev(root: Path | None, config_dir: Path | None, *, host: str, port: int, allow_remote: bool) -> int:
    """Run the guarded web server and the daemon until interrupted, or until one of them ends by itself.

    Raises ConfigError for a wrong config, and for an address that cannot be listened on or that others can
    reach without `allow_remote`.
    """
    workspace = current_workspace(root, config_dir)
    workspace.check_configs()
    token = _token(host, allow_remote=allow_remote)
    _check_address(host, port)
    with open_instance(workspace.dagster_home) as instance:
        # Runs of a daemon that was killed would count as running, and be waited for.
        end_lost_runs(instance, workspace.root)
    environment = os.environ | {
        "DAGSTER_HOME": str(workspace.dagster_home),
        ROOT_VARIABLE: str(workspace.root),
        CONFIG_DIR_VARIABLE: str(workspace.config_dir),
    }
    web = [sys.executable, "-m", "foxml_assets.commands.web.server", "--host", host, "--port", str(port)]
    daemon = [sys.executable, "-m", "dagster._daemon", "run", "-m", _DEFINITIONS, "--log-level", "warning"]
    console.print("The UI runs, and the daemon beside it; Ctrl-C stops both. The whole graph:")
    # Never broken, so that it can be followed.
    console.print(_graph(host, port), soft_wrap=True)
    if token is not None:
        console.print(f"User {USER}, password {token} (set {TOKEN_VARIABLE} to choose it)")
        environment[TOKEN_VARIABLE] = token
    else:
        # The guard asks for whatever token it is given, and here nobody is told one.
        environment.pop(TOKEN_VARIABLE, None)
    with _serving(workspace.root) as lock:
        return _supervise(web, daemon, environment, lock)


@contextmanager
def _serving(root: Path) -> Iterator[int]:
    """Claim the root as a server of it. Yields the lock, which the daemon is to share.

    The daemon starts what is queued before its sensors have claimed the root, and may outlive this process.
    """
    key = uuid.uuid4().hex
    lock = hold_claim(root, key, Role.SERVER, "foxml dev")
    try:
        yield lock
    finally:
        forget_claim(root, key)
        os.close(lock)


def _token(host: str, *, allow_remote: bool) -> str | None:
    """The password of the UI; None on an address that only this machine can reach."""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise ConfigError(f"--host {host!r} is no IP address", fix="for example --host 127.0.0.1") from error
    if local:
        return None
    if not allow_remote:
        raise ConfigError(
            f"--host {host} can be reached from other machines, and the UI can do all that you can",
            fix="leave --host out, or add --allow-remote: then a password is asked for",
        )
    return os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)


def _check_address(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the server does: else the connections of one that has just stopped keep the port for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"nothing can listen on {host} port {port}: {error.strerror}", fix="choose another --port"
            ) from error


def _graph(host: str, port: int) -> str:
    """The page of the UI that shows every asset."""
    # As the page itself names a group that it has unfolded.
    unfolded = ",".join(f"global@global:{group}" for group in GROUPS)
    return f"http://{_named(host)}:{port}/asset-groups?expanded={unfolded}"


def _named(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _supervise(web: list[str], daemon: list[str], environment: Mapping[str, str], lock: int) -> int:
    """Run both until a signal, or until one ends, and stop the other. 0 after a signal, else 1.

    `lock` stays locked for as long as the daemon lives.
    """
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    running = {
        "web server": subprocess.Popen(web, env=dict(environment)),  # noqa: S603 - our own modules
        # A flock is shared by all who inherit its descriptor, and is free when the last of them ends.
        "daemon": subprocess.Popen(daemon, env=dict(environment), pass_fds=(lock,)),  # noqa: S603
    }
    while not asked and all(process.poll() is None for process in running.values()):
        time.sleep(0.2)
    ended = [name for name, process in running.items() if process.poll() is not None]
    for process in running.values():
        process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + _SECONDS_TO_STOP
    for process in running.values():
        try:
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if asked:
        return 0
    console.print(f"the {' and the '.join(ended)} ended by itself; see its messages above")
    return 1
