"""How a command prints what it found."""

from enum import StrEnum


class Format(StrEnum):
    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"
