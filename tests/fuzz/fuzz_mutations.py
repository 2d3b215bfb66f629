"""Changes of documents, bytes and tables, drawn from one generator: the same seed makes the same input."""

import csv
import io
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

Path_ = tuple[Any, ...]

TEXTS = (
    "",
    " ",
    "\0",
    "\x1b[31m[/red]\u202e",
    "../../etc/passwd",
    "con.",
    "a|b",
    "a...b",
    "y@AAA",
    "nan",
    "NaN",
    "null",
    "~",
    "1e999",
    "-1",
    "2020-01-01",
    "{}",
    "[]",
    "[" * 200,
    "-" * 50_000 + "1",
    "{[]: 1}",
    '{"mom":"SAFE"}',
    "ридж",
    "\U0001f600" * 20,
    "x" * 300,
    "x" * 100_000,
)
_HALF = "\ud800"
WORDS = (
    *("ridge", "lightgbm", "auc", "ic", "r2", "SAFE", "BLOCKED", "UNKNOWN", "STRONG", "ROUTE_BOTH"),
    *("ROUTE_BLOCKED", "classification", "regression", "cross_sectional", "symbol_specific", "absent"),
    *(
        "AAA",
        "BBB",
        "fwd_ret_5d",
        "y_up_5d",
        "mom",
        "vol",
        "5 bars",
        "10m",
        "f" * 64,
        "thresholds",
        "shrinkage",
    ),
)
NUMBERS = (0, -1, 1, 2, 90, 2**31, 2**53, 2**63 - 1, 2**63, -(2**70), 10**400, 0.5, -0.0, 1e-320, 1e308)
NOT_NUMBERS = (float("nan"), float("inf"), -float("inf"))


def any_value(rng: random.Random) -> Any:  # noqa: ANN401
    """A value of any kind: words of the formats, hostile text, numbers at the ends, nested things."""
    pool: Sequence[Any] = rng.choice(
        [TEXTS, WORDS, NUMBERS, NOT_NUMBERS, (None, True, False), (None, None, _HALF)]
    )
    value = rng.choice(pool)
    shape = rng.random()
    if shape < 0.75:
        return value
    if shape < 0.85:
        return [value] * rng.choice([0, 1, 2, 50])
    if shape < 0.95:
        return {str(rng.choice(WORDS)): value, "x": []}
    nested: Any = value
    for _ in range(rng.choice([3, 40, 200])):
        nested = [nested] if rng.random() < 0.5 else {"a": nested}
    return nested


def places(value: Any, path: Path_ = ()) -> list[Path_]:  # noqa: ANN401
    """Where values stand in a document, the document itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in ((*path, key), *places(item, (*path, key)))]


def mutated_document(rng: random.Random, document: Any) -> Any:  # noqa: ANN401
    """`document`, which is changed, with one to four values replaced, removed, renamed, moved or repeated."""
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        found = places(document)
        if not found:
            return any_value(rng)
        *above, last = rng.choice(found)
        parent = _at(document, above)
        change = rng.random()
        if change < 0.5:
            parent[last] = _near(rng, parent[last])
        elif change < 0.6:
            parent[last] = json.loads(json.dumps(_at(document, rng.choice(found))))
        elif change < 0.75:
            del parent[last]
        elif isinstance(parent, list):
            parent[last:last] = [parent[last]] * rng.choice([1, 1, 1, 2, 300])
        else:
            parent[str(rng.choice((*TEXTS[:12], *WORDS)))] = parent.pop(last)
    return document


def _at(document: Any, path: Sequence[Any]) -> Any:  # noqa: ANN401
    for key in path:
        document = document[key]
    return document


def _near(rng: random.Random, value: Any) -> Any:  # noqa: ANN401
    """Another value, often of the same kind."""
    if rng.random() < 0.5:
        return any_value(rng)
    if isinstance(value, bool) or value is None:
        return rng.choice([True, False, None])
    if isinstance(value, int | float):
        return rng.choice([value + 1, -value, value * 1_000, rng.choice(NUMBERS)])
    if isinstance(value, str):
        return rng.choice([rng.choice(WORDS), value + "x", value[:-1], value.upper(), value[::-1]])
    if isinstance(value, list):
        return rng.choice([value[::-1], value[:1], value * 2, []])
    return rng.choice([{}, dict(reversed(value.items())), list(value)])


def json_text(rng: random.Random, document: Any) -> bytes:  # noqa: ANN401
    """A JSON text of `document`: in some layout, now and then with repeated keys or broken."""
    layout = rng.choice([{}, {"indent": 2}, {"sort_keys": True}, {"separators": (",", ":")}])
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5, **layout)
    if rng.random() < 0.1:
        text = text.replace('": ', '": 1, "schema_version": ', 1)
    raw = text.encode("utf-8", errors="surrogatepass")
    return mutated_bytes(rng, raw) if rng.random() < 0.05 else raw


_TOKENS = (
    *(b"", b"", b"\0", b"\xff", b'"', b"}", b"]", b"{", b",", b"NaN", b"1e999", b"\\ud800", b"\n", b"\t"),
    *(b"\xef\xbb\xbf", b"- ", b": ", b"&a *a", b"!!x ", b"[" * 2_000, b"9" * 5_000),
)


def mutated_bytes(rng: random.Random, raw: bytes) -> bytes:
    """`raw` with a part cut, repeated, overwritten or inserted."""
    for _ in range(rng.choice([1, 1, 2, 5])):
        start = rng.randrange(len(raw) + 1)
        end = min(len(raw), start + rng.choice([0, 1, 1, 4, 40, len(raw)]))
        own = (raw[start:end] * 2, rng.randbytes(rng.choice([1, 8, 100])))
        raw = raw[:start] + rng.choice((*_TOKENS, *own)) + raw[end:]
    return raw


def yaml_text(rng: random.Random, document: Any) -> bytes:  # noqa: ANN401
    """A YAML text of `document`, or a JSON one; now and then broken."""
    try:
        style = rng.choice([None, False, True])
        is_plain = rng.random() < 0.5
        text = yaml.dump(document, None, yaml.CSafeDumper, default_flow_style=style, allow_unicode=is_plain)
        raw = text.encode("utf-8", errors="surrogatepass")
    except (yaml.YAMLError, RecursionError, UnicodeEncodeError):
        return json_text(rng, document)
    return mutated_bytes(rng, raw) if rng.random() < 0.15 else raw


def mutated_table(rng: random.Random, table: pd.DataFrame) -> pd.DataFrame:
    """`table` with one to four cells, columns or rows changed."""
    for _ in range(rng.choice([1, 1, 2, 3, 4])):
        if table.shape[1] == 0:
            return table
        change: Callable[[random.Random, pd.DataFrame], pd.DataFrame] = rng.choice(
            [_cells, _cells, _cells, _kind, _kind, _drop, _rename, _rows, _extra]
        )
        table = change(rng, table)
    return table


def _cells(rng: random.Random, table: pd.DataFrame) -> pd.DataFrame:
    """Some values of one column."""
    at = rng.randrange(table.shape[1])
    values = table.iloc[:, at].astype(object).to_numpy(copy=True)
    made = [any_value(rng) for _ in range(8)]
    # Neither Parquet nor CSV can hold half of a surrogate pair.
    plain = [value for value in made if not isinstance(value, list | dict) and value != _HALF]
    for _ in range(rng.choice([1, 1, 3, len(values)])):
        if len(values) and plain:
            values[rng.randrange(len(values))] = rng.choice([*plain, *values[:3]])
    return _with(table, at, values)


def _kind(rng: random.Random, table: pd.DataFrame) -> pd.DataFrame:
    """A whole column of another type."""
    at, n = rng.randrange(table.shape[1]), len(table)
    column = table.iloc[:, at]
    made = rng.choice(
        [
            lambda: column.map(str).to_numpy(dtype=object),
            lambda: column.map(str).astype("category"),
            lambda: np.full(n, rng.choice([0, 1, 2**62])),
            lambda: np.full(n, rng.choice([*NOT_NUMBERS, 1e308, 0.5])),
            lambda: [None] * n,
            lambda: [[1, "a"]] * n,
            lambda: [{"a": 1}] * n,
            lambda: [b"\xff\0"] * n,
            lambda: pd.date_range(
                "2262-01-01", periods=n, freq="s", tz=rng.choice([None, "UTC", "Asia/Tokyo"])
            ),
            lambda: pd.to_timedelta(np.arange(n), unit="s"),
            lambda: np.arange(n) % 2 == 0,
            lambda: [rng.choice((*TEXTS[:-1], *WORDS)) for _ in range(n)],
        ]
    )()
    return _with(table, at, made)


def _drop(rng: random.Random, table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=table.columns[rng.randrange(table.shape[1])])


def _rename(rng: random.Random, table: pd.DataFrame) -> pd.DataFrame:
    names = list(table.columns)
    names[rng.randrange(len(names))] = rng.choice((*TEXTS[:12], *WORDS, *names))
    return table.set_axis(names, axis=1)


def _rows(rng: random.Random, table: pd.DataFrame) -> pd.DataFrame:
    """Other rows: none, one, the first half, all twice, in another order."""
    half = table.iloc[: len(table) // 2]
    choices = [table.iloc[:0], table.iloc[:1], half, pd.concat([table, half]), table.iloc[::-1]]
    return rng.choice(choices).reset_index(drop=True)


def _extra(rng: random.Random, table: pd.DataFrame) -> pd.DataFrame:
    """One more column, or a great many."""
    count = rng.choice([1, 1, 1, 300])
    names = [str(rng.choice((*TEXTS[:12], *WORDS))) if count == 1 else f"y_{at}_5d" for at in range(count)]
    more = pd.DataFrame(np.arange(len(table) * count).reshape(len(table), count) % 3, columns=names)
    return pd.concat([table.reset_index(drop=True), more], axis=1)


def _with(table: pd.DataFrame, at: int, values: Any) -> pd.DataFrame:  # noqa: ANN401
    columns = [table.iloc[:, number] for number in range(table.shape[1])]
    columns[at] = pd.Series(values, index=table.index)
    return pd.concat(columns, axis=1).set_axis(table.columns, axis=1)


def table_bytes(rng: random.Random, table: pd.DataFrame, suffix: str) -> bytes:
    """`table` as a Parquet or CSV file; now and then with damaged bytes."""
    names = [str(name) for name in table.columns]
    columns = [table.iloc[:, at].tolist() for at in range(table.shape[1])]
    if suffix == ".csv":
        rows = [names, *zip(*columns, strict=True)]
        buffer = io.StringIO()
        csv.writer(buffer).writerows(["" if value is None else value for value in row] for row in rows)
        raw = buffer.getvalue().encode()
    else:
        sink = io.BytesIO()
        pq.write_table(pa.table([_array(values) for values in columns], names=names), sink)
        raw = sink.getvalue()
    return mutated_bytes(rng, raw) if rng.random() < 0.15 else raw


def _array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        # Values of several types, or too large for one: what a writer makes of them is their text.
        return pa.array([None if value is None else str(value) for value in values])
