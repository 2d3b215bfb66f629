"""What a worker keeps from one task to the next."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The last thing that was made, by its key: one, so that memory is bounded, and made by one thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[Hashable, Value] | None = None

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What was made for `key`, or what `make` makes now. Raises what `make` does."""
        with self._lock:
            if self._held is None or self._held[0] != key:
                # Gone before there is another: both at once may not fit.
                self._held = None
                self._held = (key, make())
            return self._held[1]

    def forget(self, key: Hashable) -> None:
        """Let go of what was made for `key`."""
        with self._lock:
            if self._held is not None and self._held[0] == key:
                self._held = None
