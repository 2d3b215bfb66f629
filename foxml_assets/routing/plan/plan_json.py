"""routing_plan.json: the canonical form of a plan, written target by target and read back strictly."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from foxml_assets.core.hashing import canonical_json
from foxml_assets.routing.candidates.table_columns import Column, Index, Values, decode, frame, positions
from foxml_assets.routing.plan.routing_plan import (
    PAIR_COLUMNS,
    QUARANTINE_COLUMNS,
    SCHEMA_VERSION,
    TARGET_COLUMNS,
    RoutingMetadata,
    RoutingPlan,
)
from foxml_assets.routing.plan.table_records import from_records, record_type, to_records, unreadable_texts
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
_PAIR_FIELDS: tuple[Column, ...] = tuple(column for column in PAIR_COLUMNS if column.name not in _OF_TARGET)

_TargetRecord = record_type("TargetRecord", TARGET_COLUMNS)
_QuarantineRecord = record_type("QuarantineRecord", QUARANTINE_COLUMNS)


def _read_type() -> type[msgspec.Struct]:
    """The whole file, of which no field may be lost or unknown."""
    pair = record_type("Pair", _PAIR_FIELDS, strict=True)
    target = record_type("Target", TARGET_COLUMNS, ("symbols", list[pair]), strict=True)  # type: ignore[valid-type]
    bad_row = record_type("Quarantine", QUARANTINE_COLUMNS, strict=True)
    version = Annotated[int, msgspec.Meta(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    fields = {"schema_version": version, "metadata": RoutingMetadata}
    fields |= {"quarantine": list[bad_row], "targets": list[target]}  # type: ignore[valid-type]
    return msgspec.defstruct("PlanDocument", fields.items(), frozen=True, forbid_unknown_fields=True)


_DOCUMENT: Any = _read_type()


def plan_json(plan: RoutingPlan) -> Iterator[bytes]:
    """The file in chunks of bytes, with a line per pair."""
    encoder = msgspec.json.Encoder()
    bad_rows = to_records(_QuarantineRecord, QUARANTINE_COLUMNS, plan.quarantine)
    yield b'{"schema_version":%d,\n"metadata":%b,\n' % (SCHEMA_VERSION, canonical_json(plan.metadata))
    yield b'"quarantine":[%b],\n"targets":[' % _lines(encoder, bad_rows)
    targets = to_records(_TargetRecord, TARGET_COLUMNS, plan.targets)
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
    targets = from_records(TARGET_COLUMNS, document.targets)
    # The pairs stand under their targets, so the position of the target is all that they lack.
    owner = np.repeat(np.arange(len(targets)), list(map(len, of_targets)))
    pairs = from_records(_PAIR_FIELDS, list(chain.from_iterable(of_targets)))
    pairs = _with_target_columns(pairs, targets, owner, document.metadata)
    for table, columns in ((targets, TARGET_COLUMNS), (pairs, PAIR_COLUMNS)):
        for problem in unreadable_texts(table, columns):
            raise msgspec.ValidationError(str(problem))
    return RoutingPlan(
        document.metadata, targets, pairs, from_records(QUARANTINE_COLUMNS, document.quarantine)
    )


def _pair_lines(encoder: msgspec.json.Encoder, plan: RoutingPlan) -> Iterator[bytes]:
    """For every target the JSON of its pairs, a line each; pairs become records batch by batch."""
    pairs, n_pairs = _without_inherited(plan), np.bincount(_owners(plan), minlength=len(plan.targets))
    # Fields that no pair has need no place in the records that are written.
    fields = tuple(
        column for column in _PAIR_FIELDS if column.name == "symbol" or _is_used(pairs[column.name])
    )
    record = record_type("PairRecord", fields)
    batches = (pairs.iloc[at : at + _BATCH_PAIRS] for at in range(0, len(pairs), _BATCH_PAIRS))
    records = chain.from_iterable(to_records(record, fields, batch) for batch in batches)
    # They are sorted by target, so each target's are the next ones.
    return (_lines(encoder, list(islice(records, n))) for n in n_pairs.tolist())


def _lines(encoder: msgspec.json.Encoder, records: Sequence[msgspec.Struct]) -> bytes:
    # JSON never holds a raw line break, so every one of them stands between two records.
    lines = encoder.encode_lines(records).rstrip(b"\n").replace(b"\n", b",\n")
    return b"\n" + lines if lines else b""


def _without_inherited(plan: RoutingPlan) -> pd.DataFrame:
    """The pairs with everything nulled that a reader can take from the target."""
    lean, owners = plan.pairs.copy(deep=False), _owners(plan)
    for name, of_target in _INHERITED.items():
        own = plan.pairs[name].cat.add_categories([""]).fillna("")
        shared = plan.targets[of_target].cat.add_categories([""]).fillna("").take(owners)
        # By the codes of `own`; a word of the target's that no pair has becomes -1 and equals none.
        expected = shared.cat.set_categories(own.cat.categories).cat.codes.to_numpy()
        lean[name] = own.mask(own.cat.codes.to_numpy() == expected)
    if plan.metadata.policy.gate_on is GateOn.SCORE:
        # The gate is the score itself, which stands in the record.
        lean["local_gate"] = np.nan
    return lean


def _is_used(column: pd.Series) -> bool:
    return bool(column.any() if column.dtype == np.bool_ else column.notna().any())


def _owners(plan: RoutingPlan) -> Index:
    """The row of each pair's target."""
    return positions(plan.pairs["target"], plan.targets["target"])


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
    return frame(PAIR_COLUMNS, values)
