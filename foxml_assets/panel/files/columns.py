"""Which columns of a user's panel are targets and which are features."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foxml_assets.core.errors import PanelError, Problem, UnsafeNameError
from foxml_assets.core.names import check_target_name
from foxml_assets.panel.data_config import FilePanel
from foxml_assets.panel.horizons import infer_horizon, parse_horizon
from foxml_assets.panel.patterns import lookup, matches_any, unmatched
from foxml_assets.panel.raw_panel import RawTarget
from foxml_assets.storage.tables import is_pandas_index

if TYPE_CHECKING:
    import pyarrow as pa


_AHEAD = ("fwd_", "future_")
_MEND = "mend these settings under `panel` in data_config.yaml"


@dataclass(frozen=True)
class ChosenColumns:
    """Features and targets, each sorted by name, and what would be features but is `not_numeric`."""

    features: tuple[str, ...]
    targets: tuple[RawTarget, ...]
    not_numeric: tuple[str, ...]


def choose_columns(
    schema: "pa.Schema",
    config: FilePanel,
    targets_before: Collection[str],
    odd_value: Callable[[str], str | None],
) -> ChosenColumns:
    """The columns that `config` chooses from `schema`. Names that come from the future are never features.

    `targets_before` are those of the panel that is replaced: a pattern alone makes no feature of them.
    `odd_value` gives a value of a column that is not a number, for the errors.

    Raises PanelError that lists every problem: key columns missing, patterns that choose nothing,
    columns that are not numeric, horizons that cannot be read, names that cannot be used, labels that would
    become features.
    """
    keys = {config.time_column, config.symbol_column}
    problems = [Problem(f"column {key}", "is missing") for key in sorted(keys - set(schema.names))]
    others = sorted(name for name in set(schema.names) - keys if not is_pandas_index(name))
    numeric = {name for name in others if is_numeric(schema.field(name).type)}
    target_names = [name for name in others if matches_any(name, config.targets)]
    candidates = [
        name for name in others if name not in target_names and not matches_any(name, config.exclude_features)
    ]
    ahead = {name for name in candidates if is_from_the_future(name)}
    candidates = [name for name in candidates if name not in ahead]
    chosen = [name for name in candidates if matches_any(name, config.features)]
    features = tuple(name for name in chosen if name in numeric)

    problems += [
        Problem("panel.targets", "names no column", name) for name in unmatched(config.targets, others)
    ]
    problems += [
        Problem("panel.features", "names no column", name) for name in unmatched(config.features, others)
    ]
    choose = f"choose from its columns: {', '.join(schema.names[:40])}"
    fix = choose if problems else _MEND
    problems += [
        _not_numeric(f"target {name}", odd_value(name)) for name in target_names if name not in numeric
    ]
    problems += [
        _not_numeric(f"feature {name}", odd_value(name))
        for name in config.features
        if name in candidates and name not in numeric
    ]
    problems += [
        Problem(f"feature {name}", "has a name that comes from the future: rename it, or leave it out")
        for name in config.features
        if name in ahead
    ]
    problems += [
        Problem(
            f"feature {name}",
            "was a target until now: list it under exclude_features or, if it is known "
            "in time, by its name under features",
        )
        for name in features
        if name in targets_before and name not in config.features
    ]
    if not features:
        problems.append(Problem("panel.features", "choose no numeric column"))
        fix = choose
    targets, target_problems = _targets(target_names, config)
    problems += target_problems
    if problems:
        raise PanelError("the panel and data_config.yaml do not fit together", problems=problems, fix=fix)
    return ChosenColumns(features, targets, tuple(name for name in chosen if name not in numeric))


def is_from_the_future(name: str) -> bool:
    """Whether a column's name says that it holds what comes later."""
    return name.startswith(_AHEAD)


def _not_numeric(field: str, odd_value: str | None) -> Problem:
    return Problem(field, "has no values" if odd_value is None else "is not numeric", odd_value)


def _targets(names: list[str], config: FilePanel) -> tuple[tuple[RawTarget, ...], list[Problem]]:
    problems = [
        Problem(f"panel.{setting}", "names no target", name)
        for setting, mapping in (("horizons", config.horizons), ("task_types", config.task_types))
        for name in unmatched(mapping, names)
    ]
    targets: list[RawTarget] = []
    for name in names:
        try:
            check_target_name(name)
        except UnsafeNameError as error:
            problems += error.problems
        written = lookup(name, config.horizons)
        horizon = (
            infer_horizon(name)
            if written is None
            else parse_horizon(written, field=f"panel.horizons of {name}")
        )
        if isinstance(horizon, Problem):
            problems.append(horizon)
        else:
            targets.append(RawTarget(name, horizon, lookup(name, config.task_types)))
    return tuple(targets), problems


def is_numeric(type_: "pa.DataType") -> bool:
    """Whether values of this type can be features or labels."""
    import pyarrow as pa

    return bool(
        pa.types.is_integer(type_)
        or pa.types.is_floating(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_decimal(type_)
    )


def is_text(type_: "pa.DataType") -> bool:
    """Whether values of this type are texts."""
    import pyarrow as pa

    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))
