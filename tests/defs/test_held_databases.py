"""Dagster's SQLite databases are not written back after every statement while a run is executed."""

import threading
from pathlib import Path

import sqlalchemy as db
from sqlalchemy.engine.interfaces import CacheStats

from foxml_assets.defs.running.held_databases import databases_held_open, use_statements_again
from foxml_assets.defs.running.instance import open_instance

_EVENTS = db.Table("events", db.MetaData(), db.Column("id", db.Integer))


def _add_row(path: Path) -> None:
    """As Dagster does it: an engine and a connection of its own for a single statement."""
    engine = db.create_engine(f"sqlite:///{path}", poolclass=db.NullPool)
    with engine.connect() as connection:
        connection.execute(db.text("PRAGMA journal_mode=WAL"))
        connection.execute(db.text("CREATE TABLE IF NOT EXISTS events (id INTEGER)"))
        connection.execute(db.text("INSERT INTO events VALUES (1)"))
        connection.commit()
    engine.dispose()


def _has_log(path: Path) -> bool:
    return path.with_name(f"{path.name}-wal").exists()


def test_the_log_is_written_back_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with databases_held_open():
        for _ in range(3):
            _add_row(path)
        thread = threading.Thread(target=_add_row, args=(path,))
        thread.start()
        thread.join()
        assert _has_log(path)
    assert not _has_log(path)
    with db.create_engine(f"sqlite:///{path}").connect() as connection:
        assert connection.execute(db.text("SELECT count(*) FROM events")).scalar() == 4


def test_what_is_opened_after_the_block_is_not_held(tmp_path: Path) -> None:
    with databases_held_open():
        pass
    _add_row(tmp_path / "index.db")
    assert not _has_log(tmp_path / "index.db")


def test_a_database_without_a_log_is_not_held_once_a_statement(tmp_path: Path) -> None:
    engine = db.create_engine(f"sqlite:///{tmp_path / 'index.db'}", poolclass=db.NullPool)
    opened = Path("/proc/self/fd")
    with databases_held_open():
        before = len(list(opened.iterdir()))
        for _ in range(20):
            with engine.begin() as connection:
                connection.execute(db.text("CREATE TABLE IF NOT EXISTS events (id INTEGER)"))
        assert len(list(opened.iterdir())) <= before + 1


def _is_compiled_anew(path: Path) -> bool:
    """Whether a new engine compiles a statement that is built anew, as Dagster builds it for each event."""
    with db.create_engine(f"sqlite:///{path}", poolclass=db.NullPool).begin() as connection:
        inserted = connection.execute(_EVENTS.insert().values(id=2))
        assert connection.execute(db.select(db.func.count()).select_from(_EVENTS)).scalar() > 1
        return inserted.context.cache_hit is not CacheStats.CACHE_HIT


def test_statements_of_an_instance_are_compiled_once_for_all_its_engines(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "own.db"
    paths = [home / "index.db", home / "history" / "run.db"]
    paths[1].parent.mkdir(parents=True)
    for path in (*paths, elsewhere):
        _add_row(path)
    with open_instance(home) as instance:
        use_statements_again(instance)
        use_statements_again(instance)
    assert [_is_compiled_anew(path) for path in (*paths, *paths)] == [True, False, False, False]
    assert [_is_compiled_anew(elsewhere) for _ in range(2)] == [True, True]
