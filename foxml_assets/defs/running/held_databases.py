"""Dagster opens its databases anew for every statement, some five times an event.

Whoever closes the last connection to one of SQLite writes its log back into it and waits for the disk. So one
more connection stays open: nothing of what Dagster commits changes, only the waiting. Each opening has an
engine of its own too, which compiles its statements anew, so these are kept for all. Postgres starts a
process and checks a password for each, so there the connections themselves are used again.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import sqlalchemy as db
from dagster import DagsterInstance
from sqlalchemy.engine.interfaces import DBAPIConnection

# No statement of a run comes near it. Connections are made anew now and then, and threads have their own.
_LONGEST_STATEMENT_MS, _RECYCLE_SECONDS, _MOST_MORE = 600_000, 3_600, 20
# As many as an engine keeps by default; Dagster has some dozens.
_COMPILED: db.util.LRUCache[object, object] = db.util.LRUCache(500)
_DIALECTS: dict[str, db.Dialect] = {}
_HOMES: set[Path] = set()


def use_connections_again(instance: DagsterInstance) -> None:
    """From now on `instance` keeps its connections to Postgres; of SQLite it has none to keep."""
    # What Dagster calls the webserver's is any process that lives for more than one statement.
    instance.optimize_for_webserver(_LONGEST_STATEMENT_MS, _RECYCLE_SECONDS, _MOST_MORE)


def use_statements_again(instance: DagsterInstance) -> None:
    """From now on no engine of SQLite of `instance` compiles a statement that another one has compiled."""
    _HOMES.add(Path(instance.root_directory))
    if not db.event.contains(db.Engine, "engine_connect", _share_compiled):
        db.event.listen(db.Engine, "engine_connect", _share_compiled)


def _share_compiled(connection: db.Connection) -> None:
    # Engines of the user's own in this process may be set up otherwise.
    url = connection.engine.url
    if url.get_backend_name() == "sqlite" and not _HOMES.isdisjoint(Path(url.database or "").parents):
        # What was compiled is found by the dialect too, so the first engine's stands for those of all.
        connection.dialect = _DIALECTS.setdefault(connection.dialect.driver, connection.dialect)
        connection.execution_options(compiled_cache=_COMPILED)


@contextmanager
def databases_held_open() -> Iterator[None]:
    """For the block, keep a connection to each SQLite database that this process opens in it."""
    held: set[object] = set()
    with ExitStack() as connections:

        def hold(
            dialect: db.Dialect, _: object, arguments: tuple[object, ...], options: dict[str, object]
        ) -> None:
            if dialect.name == "sqlite" and arguments[0] not in held:
                # Any thread may open it, and the one that leaves the block closes it.
                connection = dialect.connect(*arguments, **{**options, "check_same_thread": False})
                # A database that is being made has no log yet, and one that keeps none has nothing to hold.
                if _has_log(connection):
                    connections.enter_context(closing(connection))
                    held.add(arguments[0])
                else:
                    connection.close()

        db.event.listen(db.Engine, "do_connect", hold)
        connections.callback(db.event.remove, db.Engine, "do_connect", hold)
        yield


def _has_log(connection: DBAPIConnection) -> bool:
    """Whether the database has a write-ahead log, which a connection uses once it has read."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode")
    is_log = cursor.fetchall() == [("wal",)]
    cursor.execute("SELECT count(*) FROM sqlite_master")
    return is_log and bool(cursor.fetchall())
