"""What a test sees of a browser."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass(frozen=True)
class Window:
    """A page of the browser, and what its console called an error."""

    page: "Page"
    errors: list[str] = field(default_factory=list)
