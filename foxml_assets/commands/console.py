"""The terminal: one console, output for machines, and the log of the layers shown as progress."""

import logging
import sys

from rich import box
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

console = Console(highlight=False)
error_console = Console(highlight=False, stderr=True)


def make_table(*header: str, title: str | None = None, names: int = 1) -> Table:
    """A table without frames; the first `names` columns hold names, which are never broken."""
    table = Table(
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
    logger = logging.getLogger("foxml_assets")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        handler = RichHandler(
            console=on,
            log_time_format="%H:%M:%S",
            show_path=False,
            show_level=False,
            markup=False,
            highlighter=None,
        )
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
