"""Columns of a panel that hold something else than numbers, as text or categories: none is a feature."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from foxml_assets.core.printable import one_line, without_credentials
from foxml_assets.panel.files.columns import is_text
from foxml_assets.panel.files.table_files import TableFile

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_SHOWN = 12
_MAX_NAME, _MAX_VALUE = 80, 40


def left_out_words(
    names: Sequence[str], tables: Sequence[TableFile], features_before: Collection[str] = ()
) -> str:
    """Which columns are left out because they are not numeric, each with a value that is none, and which of
    them were features before; empty without any. Raises PanelError."""
    if not names:
        return ""
    lost = [name for name in names if name in features_before]
    # Those that were features come first, as what is lost is shown whatever else is.
    said = f"left out, not numeric: {described([*lost, *(n for n in names if n not in lost)], tables)}"
    return f"{said}; until now a feature: {', '.join(_short(lost))}" if lost else said


def described(names: Sequence[str], tables: Sequence[TableFile]) -> str:
    """The first of `names`, each with a value that is not a number, and how many more there are."""
    return ", ".join(_short(names, tables))


def odd_value(name: str, tables: Iterable[TableFile]) -> str | None:
    """The first text in a column that is not a number, else its first one. None if it has no values, and
    the type of a column of anything else. Raises PanelError for files that cannot be read.
    """
    import pyarrow as pa

    first = None
    for table in tables:
        # A column that nothing asks for may be in some of the files only.
        held = table.schema.field(name).type if name in table.schema.names else pa.null()
        if pa.types.is_null(held):
            continue
        if not _holds_text(held):
            return str(held)
        for chunk in table.read([name]).column(name).chunks:
            texts = _texts(chunk)
            odd = texts[pd.to_numeric(texts, errors="coerce").isna()]
            if len(odd):
                return str(odd.iloc[0])
            first = str(texts.iloc[0]) if first is None and len(texts) else first
    return first


def _short(names: Sequence[str], tables: Sequence[TableFile] | None = None) -> list[str]:
    shown = [_named(name, tables) for name in names[:_MOST_SHOWN]]
    more = len(names) - len(shown)
    return [*shown[:-1], f"{shown[-1]} and {more:,} more"] if more else shown


def _named(name: str, tables: Sequence[TableFile] | None) -> str:
    label = one_line(name, _MAX_NAME)
    if tables is None:
        return label
    value = odd_value(name, tables)
    shown = "no values" if value is None else one_line(repr(without_credentials(value)), _MAX_VALUE)
    return f"{label} ({shown})"


def _holds_text(type_: "pa.DataType") -> bool:
    import pyarrow as pa

    held = type_.value_type if pa.types.is_dictionary(type_) else type_
    # A CSV column that is not valid UTF-8 is binary.
    return is_text(held) or bool(pa.types.is_binary(held) or pa.types.is_large_binary(held))


def _texts(chunk: "pa.Array") -> pd.Series:
    """The texts of a chunk, but for those that are missing, whether or not they are valid."""
    import pyarrow as pa

    plain = chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk
    known = plain.drop_null().cast(pa.large_binary()).to_pylist()
    return pd.Series([text.decode(errors="replace") for text in known], dtype="str")
