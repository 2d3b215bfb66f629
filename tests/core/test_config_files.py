"""Config files are strict, and one error names everything wrong with its line."""

from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge, Le

from foxml_assets.core.config_files import MAX_BYTES, ConfigModel, load_config
from foxml_assets.core.errors import ConfigError
from foxml_assets.panel.data_config import DataConfig


class Inner(ConfigModel):
    share: Annotated[float, Ge(0), Le(1)] = 0.5


class Outer(ConfigModel):
    name: str = "x"
    inner: Inner = Inner()


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, ""), Outer) == Outer()


def test_all_problems_come_in_one_error_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "name: y\ninner:\n  share: 1.5\n  shore: 1\nnamo: z\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, Outer)
    assert {(p.field, p.line) for p in caught.value.problems} == {
        ("inner.share", 3),
        ("inner.shore", 4),
        ("namo", 5),
    }
    assert "1.5" in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: a\nname: b\n", "twice"),
        ("inner: {share: 0.1, share: 0.2}\n", "twice"),
        ("name: [\n", "not valid YAML"),
        ("- a\n", "mapping"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("inner:\n  share: .nan\n", "wrong"),
        ("name: !!python/object:os.system {}\n", "YAML"),
        ("\x07", "YAML"),
    ],
)
def test_a_malformed_file_is_refused(text: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=what):
        load_config(write(tmp_path, text), Outer)


def test_an_oversize_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too large"):
        load_config(write(tmp_path, "#" * (MAX_BYTES + 1)), Outer)


def test_a_missing_file_is_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--config-dir"):
        load_config(tmp_path / "absent.yaml", Outer)


def test_a_wrong_choice_is_named_where_it_stands(tmp_path: Path) -> None:
    path = write(tmp_path, "panel:\n  path: x\n  source: excel\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, DataConfig)
    assert [(p.field, p.value, p.line) for p in caught.value.problems] == [("panel.source", "excel", 3)]
