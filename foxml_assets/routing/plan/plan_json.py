"""routing_plan.json: the canonical form of a plan, written target by target and read back strictly.

Rows are its records: null and false values are left out, text keeps its categories.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from foxml_assets.core.errors import Problem
from foxml_assets.core.hashing import canonical_json
from foxml_assets.routing.frames import Column, Index, Kind, Values, category, decode, frame, positions
from foxml_assets.routing.plan.routing_plan import SCHEMA_VERSION, TABLES, RoutingMetadata, RoutingPlan
from foxml_assets.routing.policy.routing_words import GateOn
from foxml_assets.storage.exact_json import decode_json

# As many records are held at a time: a pair as a record takes many times the memory of its row.
_BATCH_PAIRS = 20_000

# A pair's record never holds these, because they stand in its target's record.
_OF_TARGET = {
    "target": "target",
    "cs_state": "cs_state",
    "cs_rule": "cs_rule",
    "cs_gate": "cs_gate",
    "cs_threshold": "cs_threshold",
    "cs_tier": "tier",
}
# It holds these only where they differ from its target's; "" then stands for none.
_INHERITED = {
    "features": "features",
    "successful_families": "successful_families",
    "failed_families": "failed_families",
    "local_metric": "score_metric",
    "local_tier": "tier",
}
_PAIR_FIELDS = tuple(column for column in TABLES["pairs"] if column.name not in _OF_TARGET)

_PYTHON_TYPE: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.FLOAT: float | None,
    # As many as a float holds without a gap.
    Kind.COUNT: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None,
    Kind.FLAG: bool,
}


def _record_type(
    name: str, columns: Sequence[Column], *more: tuple[str, Any], strict: bool = False
) -> type[msgspec.Struct]:
    """A struct with a field per column, of which null and false are left out, and the fields `more`.

    A `strict` one is to read: no field is unknown, and those of columns that are never null are there.
    """
    fields: list[Any] = [
        (column.name, str)
        if strict and column.always
        else (column.name, _PYTHON_TYPE[column.kind], False if column.kind is Kind.FLAG else None)
        for column in columns
    ]
    return msgspec.defstruct(
        name,
        [*fields, *more],
        frozen=True,
        omit_defaults=True,
        # Fields that must be there may then stand behind those that need not.
        kw_only=strict,
        forbid_unknown_fields=strict,
        # A record holds no other that holds it, so nothing need look for cycles in a million of them.
        gc=False,
    )


_TargetRecord = _record_type("TargetRecord", TABLES["targets"])
_QuarantineRecord = _record_type("QuarantineRecord", TABLES["quarantine"])


def _read_type() -> type[msgspec.Struct]:
    """The whole file, of which no field may be lost or unknown."""
    pair = _record_type("Pair", _PAIR_FIELDS, strict=True)
    symbols = ("symbols", list[pair])  # type: ignore[valid-type]
    target = _record_type("Target", TABLES["targets"], symbols, strict=True)
    bad_row = _record_type("Quarantine", TABLES["quarantine"], strict=True)
    version = Annotated[int, msgspec.Meta(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    fields = {"schema_version": version, "metadata": RoutingMetadata}
    fields |= {"quarantine": list[bad_row], "targets": list[target]}  # type: ignore[valid-type]
    return msgspec.defstruct("PlanDocument", fields.items(), frozen=True, forbid_unknown_fields=True)


_DOCUMENT: Any = _read_type()


def plan_json(plan: RoutingPlan) -> Iterator[bytes]:
    """The file in chunks of bytes, with a line per pair."""
    encoder = msgspec.json.Encoder()
    bad_rows = _records(_QuarantineRecord, TABLES["quarantine"], plan.quarantine)
    yield b'{"schema_version":%d,\n"metadata":%b,\n' % (SCHEMA_VERSION, canonical_json(plan.metadata))
    yield b'"quarantine":[%b],\n"targets":[' % _lines(encoder, bad_rows)
    targets = _records(_TargetRecord, TABLES["targets"], plan.targets)
    separator = b"\n"
    for at, lines in enumerate(_pair_lines(encoder, plan)):
        # Reopened before its closing brace, for the pairs to follow as one more field.
        head = encoder.encode(targets[at]).removesuffix(b"}")
        yield b'%b%b,"symbols":[%b]}' % (separator, head, lines)
        separator = b",\n"
    yield b"\n]}\n"


def read_metadata(path: Path) -> RoutingMetadata | None:
    """The metadata of the plan at `path`, read from the head of the file; None if it has no such head."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        # The second line is all metadata, so that the pairs behind it need not be read.
        lines = [stream.readline(), stream.readline()]
    text = lines[1].removeprefix(b'"metadata":').removesuffix(b",\n")
    try:
        return decode_json(text, RoutingMetadata)
    except msgspec.DecodeError:
        return None


def parse_plan(source: bytes) -> RoutingPlan:
    """The plan in the bytes of a routing_plan.json, its hash not yet verified.

    Raises msgspec.DecodeError; msgspec.ValidationError names the JSON path of a wrong field.
    """
    document = decode_json(source, _DOCUMENT)
    of_targets = list(map(attrgetter("symbols"), document.targets))
    targets = _table(TABLES["targets"], document.targets)
    # The pairs stand under their targets, so the position of the target is all that they lack.
    owner = np.repeat(np.arange(len(targets)), list(map(len, of_targets)))
    pairs = _table(_PAIR_FIELDS, list(chain.from_iterable(of_targets)))
    pairs = _with_target_columns(pairs, targets, owner, document.metadata)
    quarantine = _table(TABLES["quarantine"], document.quarantine)
    for problem in (*unreadable_texts(targets, TABLES["targets"]), *unreadable_texts(pairs, TABLES["pairs"])):
        raise msgspec.ValidationError(str(problem))
    return RoutingPlan(document.metadata, targets, pairs, quarantine)


def _pair_lines(encoder: msgspec.json.Encoder, plan: RoutingPlan) -> Iterator[bytes]:
    """For every target the JSON of its pairs, a line each; pairs become records batch by batch."""
    owner = positions(plan.pairs["target"], plan.targets["target"])
    pairs, n_pairs = _without_inherited(plan, owner), np.bincount(owner, minlength=len(plan.targets))
    # Fields that no pair has need no place in the records that are written.
    fields = tuple(
        column for column in _PAIR_FIELDS if column.name == "symbol" or _is_used(pairs[column.name])
    )
    record = _record_type("PairRecord", fields)
    batches = (pairs.iloc[at : at + _BATCH_PAIRS] for at in range(0, len(pairs), _BATCH_PAIRS))
    records = chain.from_iterable(_records(record, fields, batch) for batch in batches)
    # They are sorted by target, so each target's are the next ones.
    return (_lines(encoder, list(islice(records, n))) for n in n_pairs.tolist())


def _lines(encoder: msgspec.json.Encoder, records: Sequence[msgspec.Struct]) -> bytes:
    # JSON never holds a raw line break, so every one of them stands between two records.
    lines = encoder.encode_lines(records).rstrip(b"\n").replace(b"\n", b",\n")
    return b"\n" + lines if lines else b""


def _without_inherited(plan: RoutingPlan, owner: Index) -> pd.DataFrame:
    """The pairs with everything nulled that a reader can take from the target, whose rows are `owner`."""
    lean = plan.pairs.copy(deep=False)
    for name, of_target in _INHERITED.items():
        own = plan.pairs[name].cat.add_categories([""]).fillna("")
        shared = plan.targets[of_target].cat.add_categories([""]).fillna("").take(owner)
        # By the codes of `own`; a word of the target's that no pair has becomes -1 and equals none.
        expected = shared.cat.set_categories(own.cat.categories).cat.codes.to_numpy()
        lean[name] = own.mask(own.cat.codes.to_numpy() == expected)
    if plan.metadata.policy.gate_on is GateOn.SCORE:
        # The gate is the score itself, which stands in the record.
        lean["local_gate"] = np.nan
    return lean


def _is_used(column: pd.Series) -> bool:
    return bool(column.any() if column.dtype == np.bool_ else column.notna().any())


def columns_of_target(targets: pd.DataFrame, at: Index) -> dict[str, Values]:
    """What pairs take over from their target as it is; `at` is the row of each pair's target."""
    return {name: targets[of_target].array.take(at) for name, of_target in _OF_TARGET.items()}


def _with_target_columns(
    pairs: pd.DataFrame, targets: pd.DataFrame, owner: Index, metadata: RoutingMetadata
) -> pd.DataFrame:
    """All pair columns, those that the file keeps at the target included."""
    values: dict[str, Values] = {name: pairs[name].array for name in pairs.columns}
    values |= columns_of_target(targets, owner)
    for name, of_target in _INHERITED.items():
        # One set of codes for both: the pair's words first, then those inherited from its target.
        both = union_categoricals([pairs[name].array, targets[of_target].array.take(owner)])
        own, inherited = both[: len(owner)], both[len(owner) :]
        codes = np.where(own.isna(), inherited.codes, own.codes)
        chosen = decode(codes, both.categories)
        # Dropping the category "" makes null of what was written for none.
        values[name] = chosen.set_categories([word for word in both.categories if word])
    if metadata.policy.gate_on is GateOn.SCORE:
        values["local_gate"] = pairs["local_score"].to_numpy()
    return frame(TABLES["pairs"], values)


def _records(
    struct: type[msgspec.Struct], columns: Sequence[Column], table: pd.DataFrame
) -> list[msgspec.Struct]:
    """The rows of `table` as structs of a type from `_record_type`."""
    construct = cast("Callable[..., msgspec.Struct]", struct)
    return list(map(construct, *(_objects(table[column.name]) for column in columns)))


def _objects(column: pd.Series) -> list[object]:
    missing = column.isna().to_numpy()
    if not missing.any():
        return column.tolist()
    objects = column.to_numpy(dtype=object, copy=True)
    objects[missing] = None
    return cast("list[object]", objects.tolist())


def _table(columns: Sequence[Column], records: Sequence[msgspec.Struct]) -> pd.DataFrame:
    """The table of `records`, which have a field per column."""
    values: dict[str, Values] = {}
    for column in columns:
        held = list(map(attrgetter(column.name), records))
        # None becomes NaN, also in counts, which are floats until they stand in the table.
        dtype = np.bool_ if column.kind is Kind.FLAG else np.float64
        values[column.name] = category(held) if column.kind is Kind.TEXT else np.array(held, dtype=dtype)
    return frame(columns, values)


def unreadable_texts(table: pd.DataFrame, columns: Sequence[Column]) -> tuple[Problem, ...]:
    """The texts in `table` that no router writes, and nulls where there is always one."""
    problems: list[Problem] = []
    for column in columns:
        if column.kind is not Kind.TEXT:
            continue
        held = table[column.name]
        missing = int(held.isna().sum()) if column.always else 0
        problems += [Problem(column.name, "has empty values", missing)] if missing else []
        # Each distinct text is read once, however many rows share it.
        wrong = ((text, _wrong(column.holds, text)) for text in held.cat.categories)
        problems += [Problem(column.name, what, text) for text, what in wrong if what]
    return tuple(problems)


def _wrong(holds: object, text: str) -> str:
    """What keeps a text from being what its column holds: a word of a vocabulary, or JSON of a type."""
    if isinstance(holds, type) and issubclass(holds, StrEnum):
        return "" if text in set(holds) else f"must be one of {', '.join(holds)}"
    try:
        if holds is not None:
            decode_json(text, cast("type[object]", holds))
    except msgspec.DecodeError as error:
        return f"cannot be read: {error}"
    return ""
