"""Markdown from hostile text: names and reasons are data, never markup, nor HTML in a browser.

A page is a template `*.md.j2` beside the module that fills it in. What it shows is escaped here, and
nowhere else, unless it is Markup.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from foxml_assets.core.printable import printable

if TYPE_CHECKING:
    from jinja2 import Environment

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


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Markup:
    """A table with escaped cells, without a line break at its end."""
    lines = [_row(header), "|" + " --- |" * len(header)]
    return Markup("\n".join([*lines, *(_row(row) for row in rows)]))


def link(text: object, path: str) -> Markup:
    """A link to a relative file path, which is percent-encoded."""
    return Markup(f"[{escape(text)}]({quote(path)})")


def render(template: str, **values: object) -> str:
    """The page that `template`, a path below the package, makes of `values`.

    A template that names what it was not given raises jinja2.UndefinedError.
    """
    return _environment().get_template(template).render(values)


def _shown(value: object) -> str:
    """What stands on a page for `value`: Markdown as it is, everything else escaped."""
    return value if isinstance(value, Markup) else escape(value)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(_shown, cells)) + " |"


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - pages are Markdown, which `finalize` escapes
        loader=PackageLoader("foxml_assets", package_path=""),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.globals |= {"table": table, "link": link}
    environment.filters |= {"join": _joined, "thousands": "{:,}".format}
    return environment


def _joined(values: Iterable[object], separator: str) -> Markup:
    """In place of jinja2's own, which forgets what is Markdown."""
    return Markup(separator.join(map(_shown, values)))
