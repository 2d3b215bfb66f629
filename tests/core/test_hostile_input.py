"""Whatever a file holds is answered in bounded time, by a short error that can do a terminal no harm."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.text import Text

from foxml_assets.commands.console import console, make_table
from foxml_assets.core.config_files import parse_config
from foxml_assets.core.errors import ConfigError, FoxmlError, Problem, StorageError
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.planning.plan.consumer import MAX_OTHER_BYTES, load_master_training_plan
from foxml_assets.routing.policy.routing_config import RoutingPolicy

SEQUENCES = "[/red]\x1b[31m\x07\u202e[bold]name"
CONFIG_DIR = Path(__file__).parents[2] / "config"
FOXML = [sys.executable, "-c", "from foxml_assets.cli import main; main()"]
# The reader is a few hundredths of a second; what took minutes before must not come back.
SECONDS, LONGEST = 20.0, 6_000


def refusal(source: bytes) -> str:
    started = time.process_time()
    with pytest.raises(ConfigError) as refused:
        parse_config(source, RoutingPolicy, file=Path("routing_config.yaml"))
    assert time.process_time() - started < SECONDS
    assert len(str(refused.value)) < LONGEST
    return str(refused.value)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (b'hysteresis: !!int ""', "holds a tag"),
        (b"hysteresis: !!bool maybe", "holds a tag"),
        (b"hysteresis: !!timestamp x", "holds a tag"),
        (b"[" * 300_000, "nested more than"),
        (b"{" * 300_000, "nested more than"),
        (b"- " * 300_000, "nested more than"),
        (b"a" * 900_000 + b": 1", "more than 2000 characters"),
        (b"hysteresis: " + b"1:" * 4_000 + b"1", "more than 2000 characters"),
        (b"".join(b"key_%d: 1\n" % at for at in range(20_000)), "and 19,980 more"),
        (b"".join(b"key_%d: 1\n" % at for at in range(80_000)), "more than 100000 words and signs"),
        (b"hysteresis: [" + b"[]," * 300_000 + b"]", "more than 100000 words and signs"),
        (b"? {a: b}\n: 1", "unhashable"),
        (b"a: \x00", "control characters"),
        (b"\xff\xff", "invalid leading UTF-8"),
    ],
    ids=lambda value: value[:12].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_yaml_without_end_or_of_its_own_types_is_refused_at_once(source: bytes, what: str) -> None:
    assert what in refusal(source)


def test_sequences_of_a_terminal_in_a_key_are_shown_and_not_sent() -> None:
    text = refusal(f'"\\e[31m[/red]\\u202e": {SEQUENCES[:6]}'.encode())
    assert text.replace("\n", "").isprintable()
    assert "[31m[/red]" in text


def test_an_error_shows_some_problems_and_counts_the_rest() -> None:
    error = FoxmlError("is wrong", problems=[Problem("x" * 10**7, "y" * 10**7, "z" * 10**7)] * 500)
    assert len(str(error)) < 20_000
    assert str(error).endswith("and 480 more")


def test_the_terminal_gets_text_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table = make_table("name", "what")
    table.add_row(SEQUENCES, Text(SEQUENCES))
    for shown in (SEQUENCES, Text(SEQUENCES), table):
        console.print(shown)
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable()
    assert printed.count("[/red]") == 4
    assert "[bold]name" in printed


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 300_000,
        b'{"a":' * 300_000,
        b'{"schema_version":' + b"9" * 1_000_000 + b"}",
        json.dumps({"x" * 20_000_000: 1}).encode(),
        json.dumps({"jobs": [{"features": [f"f{at}" for at in range(200_000)]}]}).encode(),
    ],
    ids=["arrays", "objects", "digits", "key", "features"],
)
def test_a_plan_without_end_is_refused_in_some_lines(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "master_training_plan.json"
    path.write_bytes(raw)
    started = time.process_time()
    with pytest.raises(FoxmlError) as refused:
        load_master_training_plan(path)
    assert time.process_time() - started < SECONDS
    assert len(str(refused.value)) < LONGEST


def test_a_plan_too_large_to_look_into_is_refused_as_one_that_was_not_written(tmp_path: Path) -> None:
    path = tmp_path / "master_training_plan.json"
    path.write_bytes(b'{"jobs":[' + b'{"job_id":"one"},' * 3_000_000 + b"{}]}")
    started = time.process_time()
    with pytest.raises(FoxmlError, match="not as the planner writes it"):
        load_master_training_plan(path)
    assert time.process_time() - started < SECONDS / 10


@pytest.mark.slow
@pytest.mark.parametrize("field", ["jobs", "surprise"])
@pytest.mark.parametrize("part", [b"{},", b'"",', b'{"a":{}},', b'"ridge",', b'{"a":[],"a":{}},'])
def test_a_plan_of_many_small_things_is_explained_in_bounded_time(
    field: str, part: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "master_training_plan.json"
    path.write_bytes(b'{"%s":[%s{}]}' % (field.encode(), part * ((MAX_OTHER_BYTES - 50) // len(part))))
    started = time.process_time()
    with pytest.raises(FoxmlError, match=field):
        load_master_training_plan(path)
    assert time.process_time() - started < SECONDS / 2


def test_an_instance_that_is_no_database_is_named(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        instance.get_runs()
    (tmp_path / "history" / "runs.db").write_text("no database, but long enough to be taken for one" * 20)
    with pytest.raises(StorageError, match="file is not a database"), open_instance(tmp_path) as instance:
        instance.get_runs()


def foxml(root: Path, *arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [*FOXML, *arguments, "--root", str(root), "--config-dir", str(CONFIG_DIR)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", **options)  # type: ignore[call-overload,no-any-return]


def test_a_full_disk_ends_a_run_with_one_error(tmp_path: Path) -> None:
    """No file may grow beyond what the databases of an instance need."""
    limit = 60_000
    run = foxml(
        tmp_path / "root",
        *("run", "--until", "plan"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "could not be written" in run.stderr or "cannot be read or written" in run.stderr


def test_a_root_of_any_letters_works_in_a_locale_without_them(tmp_path: Path) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = foxml(tmp_path / "Würzel-根", "status", env={**os.environ, **locale})
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "Würzel-根" in run.stderr
