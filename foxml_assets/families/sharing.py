"""What is made once for all that ask for the same: of the features of several fits, or of anything."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

import pandas as pd

Value = TypeVar("Value")
# One fit's settings at a time are asked for; more are kept for families side by side.
_MOST_MADE = 8


class Latest(Generic[Value]):
    """The latest `most` things that were asked for, by their keys.

    It is safe to use from several threads: what they ask for at once is made by one of them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, Future[Value]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What was made for `key`, or what `make` makes now. Raises what `make` does."""
        with self._lock:
            found = self._held.get(key)
            made = Future[Value]() if found is None else found
            self._held[key] = made
            self._held.move_to_end(key)
            if len(self._held) > self._most:
                self._held.popitem(last=False)
        if found is None:
            try:
                made.set_result(make())
            except BaseException as error:
                # Whoever asks next may have more luck.
                with self._lock:
                    self._held.pop(key, None)
                made.set_exception(error)
                raise
        return made.result()


class SharedFeatures:
    """A frame that is never changed, from which several fits learn, each for its own labels."""

    def __init__(self, X: pd.DataFrame) -> None:
        self.X = X
        self._made = Latest[object](_MOST_MADE)

    def made(self, key: Hashable, make: Callable[[], object]) -> object:
        """What was made of the frame for `key`, as from `Latest`."""
        return self._made.get(key, make)
