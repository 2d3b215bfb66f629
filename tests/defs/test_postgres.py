"""A Dagster instance in a real Postgres, by the file that is there to be copied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
import yaml
from postgres_server import postgres_server
from shell_world import RETURN, UP, Shell, copy_root, open_shell

from foxml_assets.core.errors import ConfigError, StorageError
from foxml_assets.defs.running.instance import open_instance, prepare_home
from foxml_assets.defs.running.partitions import SYMBOL_JOBS, add_partitions, retire_partitions
from foxml_assets.defs.running.stage_runs import partition_key

SHIPPED = Path(__file__).parents[2] / "deploy" / "postgres" / "dagster.yaml"


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with postgres_server() as variables:
        yield variables


@pytest.fixture
def shell(
    planned_root: Path, server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """A root without a plan whose instance is in Postgres."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    world = copy_root(planned_root, tmp_path)
    home = world.layout.root / "dagster"
    shutil.rmtree(home)
    home.mkdir()
    shutil.copy(SHIPPED, home)
    with open_shell(world, tmp_path) as opened:
        yield opened


def test_plans_batches_and_retired_partitions_are_those_of_sqlite(shell: Shell) -> None:
    first = shell.make_plan()
    assert list(shell.instance.get_dynamic_partitions("symbol_jobs")) == [*map(partition_key, first.jobs)]
    (batch,) = shell.runs_of(first.jobs)
    assert shell.execute(batch).success
    assert shell.pending() == []
    second = shell.make_plan({UP: ("AAA",), RETURN: ("BBB", "DDD")})
    kept = [key for key in map(partition_key, first.jobs) if key in map(partition_key, second.jobs)]
    assert list(shell.instance.get_dynamic_partitions("symbol_jobs")) == [*kept, f"{RETURN}@DDD"]
    assert shell.pending() == [f"sym_DDD_{RETURN}"]
    assert not list(shell.workspace.dagster_home.rglob("*.db"))


def sessions(shell: Shell) -> int:
    """How many connections to the database have come to their end."""
    with shell.instance.event_log_storage.index_connection() as connection:
        ended = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
        return int(connection.execute(sqlalchemy.text(ended)).scalar_one())


def test_a_batch_uses_its_connections_again(shell: Shell) -> None:
    (batch,) = shell.runs_of(shell.make_plan().jobs)
    before = sessions(shell)
    assert shell.execute(batch).success
    # Dagster opens one for each of a few hundred statements.
    assert sessions(shell) - before < 60


def test_more_partitions_than_one_statement_takes_keep_their_order_and_are_deleted(shell: Shell) -> None:
    before = shell.instance.get_dynamic_partitions("symbol_jobs")
    many = [f"{UP}@S{number:05d}" for number in range(10_500)]
    assert add_partitions(shell.ledger, SYMBOL_JOBS, many) == (*before, *many)
    assert retire_partitions(shell.ledger, SYMBOL_JOBS, set(before)) == ()
    assert shell.instance.get_dynamic_partitions("symbol_jobs") == before


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_an_error(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOXML_PG_PORT", "9")
    with (
        pytest.raises(StorageError, match=r"(?s)127.0.0.1.*Fix: .*the database that its dagster.yaml names"),
        open_instance(shell.workspace.dagster_home),
    ):
        pass


def test_a_variable_that_is_not_set_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOXML_PG_USER")
    with (
        pytest.raises(ConfigError, match=r"(?s)dagster.yaml.*FOXML_PG_USER"),
        open_instance(shell.workspace.dagster_home),
    ):
        pass


def test_but_for_its_storage_the_file_is_the_one_that_is_written_for_sqlite(tmp_path: Path) -> None:
    prepare_home(tmp_path)
    shipped = yaml.safe_load(SHIPPED.read_text())
    assert list(shipped.pop("storage")) == ["postgres"]
    assert shipped == yaml.safe_load((tmp_path / "dagster.yaml").read_text())
