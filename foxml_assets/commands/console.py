"""The terminal: one console, output for machines, and the log of the layers shown as progress.

What is printed may come from a file of anybody: it is plain text, never markup, and made printable and short
here, whoever prints it.
"""

import io
import logging
import sys

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.logging import RichHandler
from rich.segment import Segment
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from foxml_assets.core.printable import TERMINAL, printable

_MAX_TEXT, _MAX_CELL = 20_000, 1_000


class _Printable:
    """Another renderable, whose text can do nothing to the terminal."""

    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = _shortened(inner, _MAX_TEXT) if isinstance(inner, Text) else inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._inner, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


class _PrintableOnly(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Printable(one) for one in renderables]


class _ShortTable(Table):
    def add_row(
        self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False
    ) -> None:
        super().add_row(*map(_cell, cells), style=style, end_section=end_section)


# A cell is cut before it is laid out, which takes time that grows with it.
def _cell(cell: RenderableType | None) -> RenderableType | None:
    # One character more than fits, by which `_shortened` sees that there was more.
    text = Text(cell[: _MAX_CELL + 1]) if isinstance(cell, str) else cell
    return _shortened(text, _MAX_CELL) if isinstance(text, Text) else text


def _shortened(text: Text, limit: int) -> Text:
    return text if len(text) <= limit else Text.assemble(text[:limit], "...")


def _console(*, stderr: bool) -> Console:
    made = Console(highlight=False, markup=False, emoji=False, stderr=stderr)
    made.push_render_hook(_PrintableOnly())
    return made


console = _console(stderr=False)
error_console = _console(stderr=True)


def never_fail_to_encode(*streams: object) -> None:
    """Have `streams` escape what their encoding lacks, as in a locale without UTF-8."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def make_table(*header: str, title: str | None = None, names: int = 1) -> Table:
    """A table without frames; the first `names` columns hold names, which are never broken."""
    table = _ShortTable(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for number, name in enumerate(header):
        table.add_column(name, no_wrap=number < names, overflow="fold", min_width=len(name))
    return table


def print_bytes(document: bytes) -> None:
    """Write a whole document to standard output as it is."""
    sys.stdout.buffer.write(document.rstrip(b"\n") + b"\n")
    sys.stdout.buffer.flush()


def show_progress(on: Console = console) -> None:
    """Print what the layers log while they work."""
    handler = RichHandler(
        console=on,
        log_time_format="%H:%M:%S",
        show_path=False,
        show_level=False,
        markup=False,
        highlighter=None,
    )
    handler.setFormatter(logging.Formatter("%(message)s"))
    for logger in map(logging.getLogger, ("foxml_assets", TERMINAL)):
        logger.setLevel(logging.INFO)
        if not logger.handlers:
            logger.addHandler(handler)
