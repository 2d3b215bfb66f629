"""Every setting is documented with its true type and default, and stated in the shipped config files."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from annotated_types import Ge, Gt, Le, Lt
from markdown_docs import DOCS, REPOSITORY, blocks, code_spans, table_rows
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from foxml_assets.core.config_files import ConfigModel, load_config, parse_config
from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.families.registry import find_family
from foxml_assets.panel.data_config import (
    DataConfig,
    DemoPanel,
    EvidenceConfig,
    ExpectedPanel,
    FilePanel,
)
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.training.training_config import TrainingConfig

CONFIG = REPOSITORY / "config"
DATA_FILE, TRAINING_FILE, ROUTING_FILE = (
    CONFIG / f"{name}_config.yaml" for name in ("data", "training", "routing")
)


def settings(model: type[ConfigModel], *prefix: str) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every setting below `model` by its path; sections are gone into, lists of sections too."""
    for name, field in model.model_fields.items():
        sections = list(sections_of(field.annotation))
        for section in sections:
            yield from settings(section, *prefix, name)
        if not sections:
            yield (*prefix, name), field


def sections_of(annotation: object) -> Iterator[type[ConfigModel]]:
    """The config models inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, ConfigModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from sections_of(part)


REFERENCE = {
    **{".".join(path): field for path, field in settings(DemoPanel, "panel")},
    **{".".join(path): field for path, field in settings(FilePanel, "panel")},
    **{".".join(path): field for path, field in settings(EvidenceConfig, "evidence")},
    **{".".join(path): field for path, field in settings(ExpectedPanel, "checks")},
    **{".".join(path): field for path, field in settings(TrainingConfig)},
    **{
        ".".join(path): field
        for name in FAMILIES.points()
        for path, field in settings(find_family(name).params, "families", name)
    },
}


def reference_rows() -> dict[str, list[str]]:
    """The rows of configuration.md that describe a setting, by key."""
    rows = [cells for cells in table_rows(DOCS / "configuration.md") if len(cells) == 4]
    kept = [cells for cells in rows if re.fullmatch(r"`[a-z_0-9.]+`", cells[0])]
    keys = [cells[0].strip("`") for cells in kept]
    assert len(keys) == len(set(keys)), "a setting is described twice"
    return dict(zip(keys, kept, strict=True))


def test_the_reference_describes_exactly_the_settings_there_are() -> None:
    assert set(reference_rows()) == set(REFERENCE)


@pytest.mark.parametrize("key", sorted(REFERENCE))
def test_the_reference_states_type_and_default(key: str) -> None:
    field, (_, kind, default, meaning) = REFERENCE[key], reference_rows()[key]
    if field.is_required():
        assert default == "required"
    else:
        expected = to_jsonable_python(field.get_default(call_default_factory=True))
        assert yaml.safe_load(default.strip("`")) == expected
    low = [bound for bound in field.metadata if isinstance(bound, Ge | Gt)]
    high = [bound for bound in field.metadata if isinstance(bound, Le | Lt)]
    limits = [
        *(getattr(b, "ge", getattr(b, "gt", None)) for b in low),
        *(getattr(b, "le", getattr(b, "lt", None)) for b in high),
    ]
    assert [float(number) for number in re.findall(r"\d+(?:\.\d+)?", kind)] == limits
    assert ("above" in kind) == any(isinstance(bound, Gt) for bound in low)
    assert ("below" in kind) == any(isinstance(bound, Lt) for bound in high)
    assert meaning


def test_the_policy_page_names_every_setting_of_the_routing_policy() -> None:
    page = DOCS / "policy.md"
    code = " ".join([*code_spans(page), *(block.text for block in blocks(page))])
    words = set(re.findall(r"\w+", code))
    missing = {".".join(path) for path, _ in settings(RoutingPolicy) if not set(path) <= words}
    assert missing == set()


def test_the_shipped_files_hold_the_defaults() -> None:
    data = load_config(DATA_FILE, DataConfig)
    assert data == DataConfig(panel=DemoPanel(source="demo"))
    assert load_config(TRAINING_FILE, TrainingConfig) == TrainingConfig()
    assert load_config(ROUTING_FILE, RoutingPolicy) == RoutingPolicy()


@pytest.mark.parametrize(
    ("file", "default"),
    [
        (DATA_FILE, DataConfig(panel=DemoPanel(source="demo"))),
        (TRAINING_FILE, TrainingConfig()),
        (ROUTING_FILE, RoutingPolicy()),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_shipped_files_write_every_default_out(file: Path, default: ConfigModel) -> None:
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert list(unwritten(default.model_dump(mode="json"), written)) == []


def unwritten(expected: object, written: object, at: str = "") -> Iterator[str]:
    """Settings that a file leaves to their defaults. An empty section may stand for one of nulls only."""
    if not isinstance(expected, dict):
        return
    assert isinstance(written, dict), at
    if not written and is_null(expected):
        return
    for key, value in expected.items():
        if key in written:
            yield from unwritten(value, written[key], f"{at}.{key}") if written[key] is not None else ()
        else:
            yield f"{at}.{key}"


def is_null(value: object) -> bool:
    """Whether there is nothing but null in it."""
    return all(map(is_null, value.values())) if isinstance(value, dict) else value is None


def test_the_commented_example_of_an_own_panel_is_valid_and_names_every_setting() -> None:
    lines = DATA_FILE.read_text(encoding="utf-8").splitlines()
    start = lines.index("# panel:")
    example = [line.removeprefix("# ") for line in lines[start:] if line.startswith("#")]
    panel = parse_config("\n".join(example).encode(), DataConfig, file=DATA_FILE).panel
    assert isinstance(panel, FilePanel)
    assert panel.model_fields_set == set(FilePanel.model_fields)
