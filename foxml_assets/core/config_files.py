"""Config files: strict YAML in, a frozen pydantic model out, every problem named with its line."""

from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from foxml_assets.core.errors import ConfigError, Problem

MAX_BYTES = 1_000_000
_MAX_DEPTH = 32
# Digits enough for any setting, and too few for a whole number that Python refuses to print.
_MAX_SCALAR = 2_000
# Some twenty thousand settings: a second of parsing.
_MAX_TOKENS = 100_000

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)

_Location = tuple[int | str, ...]


class ConfigModel(BaseModel):
    """Base of all config models: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=False)


Model = TypeVar("Model", bound=ConfigModel)


def load_config(path: Path, model: type[Model]) -> Model:
    """Read `path` into `model`.

    Raises ConfigError that lists every problem with its line: a missing or oversize file, YAML that does
    not parse or is nested too deeply, aliases and tags, duplicate or unknown keys, wrong types, values out
    of range.
    """
    if not path.is_file():
        raise ConfigError("the config file does not exist", file=path, fix="create it, or pass --config-dir")
    if path.stat().st_size > MAX_BYTES:
        size = Problem("", f"is larger than {MAX_BYTES} bytes", path.stat().st_size)
        raise ConfigError("the config file is too large", file=path, problems=[size])
    found: Model = _remembered(path.read_bytes(), model, path)
    return found


@lru_cache(maxsize=32)
def _remembered(source: bytes, model: type[Model], file: Path) -> Model:
    # A command reads its configs for every stage and check; models are frozen, so one may serve them all.
    return parse_config(source, model, file=file)


def parse_config(source: bytes, model: type[Model], *, file: Path) -> Model:
    """`load_config` on bytes already read; `file` is only named in errors."""
    root, data = _parse(source, file)
    lines: dict[_Location, int] = {}
    duplicates: list[Problem] = []
    if root is not None:
        _walk(root, (), lines, duplicates)
    if duplicates:
        raise ConfigError("keys appear twice", file=file, problems=duplicates, fix="keep one of each")
    if not isinstance(data, dict):
        raise ConfigError(
            "the top level must be a mapping", file=file, problems=[Problem("", "is not", data)]
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_problem(detail, lines) for detail in error.errors(include_url=False)]
        raise ConfigError(
            f"{len(problems)} setting(s) are wrong",
            file=file,
            problems=problems,
            fix="see docs/configuration.md, and docs/policy.md for the routing policy",
        ) from error


def _parse(source: bytes, file: Path) -> tuple[Node | None, object]:
    try:
        _refuse_unbounded(source, file)
        loader = _Loader(source)
        try:
            root = loader.get_single_node()
            return root, loader.construct_document(root) if root is not None else {}
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        what = getattr(error, "problem", None) or str(error)
        raise ConfigError("is not valid YAML", file=file, problems=[Problem("", what, line=line)]) from error


def _refuse_unbounded(source: bytes, file: Path) -> None:
    """Refuse what takes a parser long or makes values of its own: number, depth, length, aliases and tags."""
    depth = 0
    for count, token in enumerate(yaml.scan(source, Loader=_Loader)):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        problem = f"holds more than {_MAX_TOKENS} words and signs" if count > _MAX_TOKENS else ""
        problem = problem or _refused(token, depth)
        if problem:
            raise ConfigError(
                "YAML aliases, tags, deep nesting and endless files are not allowed",
                file=file,
                problems=[Problem("", problem, line=token.start_mark.line + 1)],
                fix="write plain values",
            )


def _refused(token: yaml.Token, depth: int) -> str:
    if depth > _MAX_DEPTH:
        return f"is nested more than {_MAX_DEPTH} deep"
    if isinstance(token, yaml.ScalarToken) and len(token.value) > _MAX_SCALAR:
        return f"holds a value of more than {_MAX_SCALAR} characters"
    if isinstance(token, yaml.AliasToken):
        return "holds an alias"
    return "holds a tag" if isinstance(token, yaml.TagToken) else ""


def _walk(node: Node, at: _Location, lines: dict[_Location, int], duplicates: list[Problem]) -> None:
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*at, index), lines, duplicates)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else str(key.value)
            place = (*at, name)
            line = key.start_mark.line + 1
            if place in lines:
                duplicates.append(
                    Problem(_dotted(place), f"already stands on line {lines[place]}", line=line)
                )
            lines[place] = line
            _walk(value, place, lines, duplicates)


def _problem(detail: ErrorDetails, lines: dict[_Location, int]) -> Problem:
    # pydantic's location holds union tags and "[key]" marks that are not in the file.
    location: _Location = tuple(detail["loc"])
    found = None if detail["type"] == "missing" else detail["input"]
    if detail["type"] == "union_tag_invalid":
        location, found = (*location, detail["ctx"]["discriminator"].strip("'")), detail["ctx"]["tag"]
    known: _Location = ()
    rest: _Location = location
    for at, part in enumerate(location):
        if (*known, part) in lines:
            known, rest = (*known, part), location[at + 1 :]
    what = "is not a known setting" if detail["type"] == "extra_forbidden" else detail["msg"]
    return Problem(_dotted((*known, *rest)), what, found, lines.get(known))


def _dotted(location: _Location) -> str:
    return ".".join(str(part) for part in location)
