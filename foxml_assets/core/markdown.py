"""Markdown from hostile text: names and reasons are data, never markup, nor HTML in a browser."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from foxml_assets.core.printable import printable

# An underscore inside a word is plain text, so common names stay readable.
_SPECIAL = re.compile(r"[\\`*\[\]{}|~$>]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


class Markup(str):
    """Text that is Markdown already and enters a table or a page as it is."""

    __slots__ = ()


def escape(text: object) -> str:
    """`text` on one line, such that it renders as itself."""
    flat = " ".join(printable(str(text)).split())
    marked = _SPECIAL.sub(lambda match: f"\\{match.group()}", flat)
    return marked.replace("&", "&amp;").replace("<", "&lt;")


def shown(value: object) -> str:
    """What stands on a page for `value`: Markdown as it is, everything else escaped."""
    return value if isinstance(value, Markup) else escape(value)


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Markup:
    """A table with escaped cells, without a line break at its end."""
    lines = [_row(header), "|" + " --- |" * len(header)]
    return Markup("\n".join([*lines, *(_row(row) for row in rows)]))


def link(text: object, path: str) -> Markup:
    """A link to a relative file path, which is percent-encoded."""
    return Markup(f"[{escape(text)}]({quote(path)})")


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(shown, cells)) + " |"
