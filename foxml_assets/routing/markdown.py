"""Text from outside inside Markdown: it can neither break the page nor smuggle in HTML or links."""

import html
import re

_SPECIAL = re.compile(r"([\\`*_\[\]{}()#+!|~$-])")
_MAX = 100


def code_span(name: str) -> str:
    """`name` as inline code that is safe in a table cell; long names are cut, control characters shown."""
    shown = _visible(name)
    if not shown.strip():
        return "*(blank)*"
    ticks = max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    fence = "`" * ticks
    return f"{fence}{pad}{shown.replace('|', chr(92) + '|')}{pad}{fence}"


def prose(text: str) -> str:
    """`text` as plain words, every character of Markdown and HTML taken literally."""
    return _SPECIAL.sub(r"\\\1", html.escape(_visible(text, limit=400), quote=False))


def table(header: list[str], rows: list[list[str]], *, right: tuple[int, ...] = ()) -> list[str]:
    """Lines of a Markdown table; the columns numbered in `right` are right-aligned."""
    rule = ["---:" if at in right else "---" for at in range(len(header))]
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def _visible(text: str, limit: int = _MAX) -> str:
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"
