"""Text from files on its way to a person. Whatever is shown goes through here: error messages, the terminal
and Markdown, which is HTML in a browser.
"""

import re

# The logger of lines for a terminal alone, because the events of a run tell the same.
TERMINAL = "foxml_terminal"
_CREDENTIALS = re.compile(r"(?<=://)\S*@")
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """`text` with its line ends, in which no sign steers the terminal, hides, or turns the direction.

    Other white space stands as a blank, other control characters and halves of surrogate pairs as U+FFFD.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def one_line(text: str, limit: int) -> str:
    """`printable` on one line of at most `limit` characters."""
    # What is cut off is not worth the time of a look at a hundred megabytes.
    head = " ".join(printable(text[: 2 * limit]).split())
    return head if len(head) <= limit and len(text) <= 2 * limit else f"{head[: limit - 3]}..."


def without_credentials(text: str) -> str:
    """`text` in which no URL has a name or a password before its `@`."""
    return _CREDENTIALS.sub("***@", text)


def _shown(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return " " if character.isspace() else _UNKNOWN
