"""The Dagster instance under the root, with the settings this project needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
from sqlalchemy.exc import DBAPIError

from foxml_assets.core.errors import ConfigError, Problem, StorageError
from foxml_assets.storage.files import refuse_links, write_atomic

# A failed run would keep its place in its pool without free_slots_after_run_end_seconds.
_DAGSTER_YAML = b"""\
telemetry:
  enabled: false
nux:
  enabled: false
python_logs:
  managed_python_loggers: [foxml_assets]
  python_log_level: INFO
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 30
retention:
  sensor:
    purge_after_days: {skipped: 2, success: 30, failure: 90}
  auto_materialize:
    purge_after_days: {skipped: 2, success: 30, failure: 90}
concurrency:
  runs:
    max_concurrent_runs: 4
  pools:
    granularity: run
    default_limit: 1
"""


def prepare_home(home: Path) -> None:
    """Make `home` a Dagster home; an existing `dagster.yaml` is the user's and is left as it is.

    Raises LinkError.
    """
    settings = home / "dagster.yaml"
    refuse_links(settings)
    if not settings.exists():
        write_atomic(settings, _DAGSTER_YAML)


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance that lives in `home`, which is created if it does not exist.

    Raises ConfigError for a `dagster.yaml` that Dagster refuses, and StorageError, also from within the
    block, when its database cannot be read or written.
    """
    prepare_home(home)
    try:
        with _instance_in(home) as instance:
            yield instance
    except _database_errors() as error:
        cause = error if isinstance(error, DBAPIError) else error.__cause__
        raise StorageError(
            "the Dagster instance cannot be read or written",
            file=home,
            problems=[Problem("", str(getattr(cause, "orig", error)))],
            fix="free some space, or mend the database that its dagster.yaml names; then run it again",
        ) from error


def _instance_in(home: Path) -> dg.DagsterInstance:
    try:
        return dg.DagsterInstance.from_config(str(home))
    except dg.DagsterInvalidConfigError as error:
        problems = [Problem("", " ".join(str(one.message).split())) for one in error.errors]
        raise ConfigError(
            "Dagster refuses the settings of its instance",
            file=home / "dagster.yaml",
            problems=problems,
            fix="set what is missing, in the file or in the environment that it names",
        ) from error


def _database_errors() -> tuple[type[Exception], ...]:
    """What databases raise. Asked for only when something was raised, as the import takes a while."""
    if find_spec("dagster_postgres") is None:
        return (DBAPIError,)
    from dagster_postgres.utils import DagsterPostgresException

    return (DBAPIError, DagsterPostgresException)
