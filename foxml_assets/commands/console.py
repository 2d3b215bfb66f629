"""The terminal: one console, and the log of the layers shown as progress."""

import logging

from rich.console import Console
from rich.logging import RichHandler

console = Console(highlight=False)


def show_progress() -> None:
    """Print what the layers log while they work."""
    logger = logging.getLogger("foxml_assets")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        handler = RichHandler(
            console=console, show_path=False, show_level=False, markup=False, highlighter=None
        )
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
