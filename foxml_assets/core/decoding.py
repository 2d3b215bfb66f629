"""JSON from a file, decoded into its type: whatever is wrong with it is one kind of error."""

from typing import TypeVar

import msgspec

Content = TypeVar("Content")


def decode_json(raw: bytes | str, kind: type[Content]) -> Content:
    """The value in `raw`. Raises msgspec.DecodeError, also for bytes that are no text and endless nesting."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
