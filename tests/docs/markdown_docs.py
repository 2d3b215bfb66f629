"""What the documents say: commands, code blocks, tables and links."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
# These must exist; any other page is held to the same.
_NAMES = ("architecture", "configuration", "evidence", "policy", "formats")
_REQUIRED = {DOCS / f"{name}.md" for name in _NAMES}
PAGES = (README, *sorted(_REQUIRED | set(DOCS.glob("*.md"))))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced code block."""

    language: str
    text: str


def text_of(page: Path) -> str:
    """The page's text. A missing page fails the test that asks."""
    assert page.is_file(), f"{page.relative_to(REPOSITORY)} is missing"
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[Block]:
    """The code blocks of `page` in one of `languages`, or all."""
    found = [Block(*match) for match in _FENCE.findall(text_of(page))]
    return [block for block in found if not languages or block.language in languages]


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return _FENCE.sub("", text_of(page))


def code_spans(page: Path) -> list[str]:
    """Inline code."""
    return _SPAN.findall(prose(page))


def links(page: Path) -> list[str]:
    """Targets of links and pictures."""
    return _LINK.findall(_SPAN.sub("", prose(page)))


def headings(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def table_rows(page: Path) -> Iterator[list[str]]:
    """The cells of every table row, headers too."""
    for line in prose(page).splitlines():
        if line.startswith("|") and not set(line) <= set("|- :"):
            yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def commands(page: Path, program: str) -> list[list[str]]:
    """The arguments of every mention of `program` in shell blocks and inline code."""
    lines = [line for block in blocks(page, "sh", "console") for line in block.text.splitlines()]
    calls = (
        shlex.split(line.removeprefix("$ "), comments=True)
        for line in [*lines, *code_spans(page)]
        if program in line
    )
    return [words[1:] for words in calls if words and words[0].removeprefix(".venv/bin/") == program]
