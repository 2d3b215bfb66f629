"""The terminal: one console, output for machines, and the log of the layers shown as progress."""

import logging
import sys

from rich.console import Console
from rich.logging import RichHandler

console = Console(highlight=False)


def print_bytes(document: bytes) -> None:
    """Write a whole document to standard output as it is."""
    sys.stdout.buffer.write(document.rstrip(b"\n") + b"\n")
    sys.stdout.buffer.flush()


def show_progress() -> None:
    """Print what the layers log while they work."""
    logger = logging.getLogger("foxml_assets")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        handler = RichHandler(
            console=console,
            log_time_format="%H:%M:%S",
            show_path=False,
            show_level=False,
            markup=False,
            highlighter=None,
        )
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
