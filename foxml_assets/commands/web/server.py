"""The process that serves Dagster's web UI behind the guard: `python -m foxml_assets.commands.web.server`."""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__ as webserver_version

from foxml_assets.commands.web.guard import Access, Guard

TOKEN_VARIABLE = "FOXML_UI_TOKEN"  # noqa: S105 - the name of a variable, not a token
_POLL_MILLISECONDS = 2_000
# Open pages hold a websocket that nobody would close.
_SECONDS_FOR_OPEN_PAGES = 2


def serve(access: Access, module: str) -> None:
    """Serve the UI over the instance of DAGSTER_HOME and the definitions of `module` until interrupted."""
    with contextlib.ExitStack() as stack:
        instance = stack.enter_context(dg.DagsterInstance.get())
        # The defaults of Dagster's own command.
        instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3_600, max_overflow=20)
        target = ModuleTarget(
            module_name=module, attribute=None, working_directory=str(Path.cwd()), location_name=None
        )
        context = stack.enter_context(
            WorkspaceProcessContext(
                instance,
                version=webserver_version,
                workspace_load_target=target,
                code_server_log_level="WARNING",
            )
        )
        app = create_app_from_workspace_process_context(context, live_data_poll_rate=_POLL_MILLISECONDS)
        uvicorn.run(
            Guard(app, access),
            host=access.host,
            port=access.port,
            log_level="warning",
            timeout_graceful_shutdown=_SECONDS_FOR_OPEN_PAGES,
        )


def main(arguments: Sequence[str]) -> None:
    """Serve as the command line says; the token, if any, comes by the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--module", default="foxml_assets.definitions")
    chosen = parser.parse_args(arguments)
    serve(Access(chosen.host, chosen.port, os.environ.get(TOKEN_VARIABLE)), chosen.module)


if __name__ == "__main__":
    main(sys.argv[1:])
