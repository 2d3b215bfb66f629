"""What is made once for all that ask for the same: of the features of several fits, or of anything."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import pandas as pd

Value = TypeVar("Value")
# One fit's settings at a time are asked for; more are kept for families side by side.
_MOST_MADE = 8


class _Place(Generic[Value]):
    """Where one thing is held once it is made, by whoever has the lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: list[Value] = []


class Latest(Generic[Value]):
    """The latest `most` things that were asked for, by their keys.

    It is safe to use from several threads: what they ask for at once is made by one of them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: OrderedDict[Hashable, _Place[Value]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What was made for `key`, or what `make` makes now. Raises what `make` does; the next then tries."""
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
            # What goes is gone before there is another: both at once may not fit.
            if len(self._places) > self._most:
                self._places.popitem(last=False)
        with place.lock:
            if not place.made:
                place.made.append(make())
            return place.made[0]


class SharedFeatures:
    """A frame that is never changed, from which several fits learn, each for its own labels."""

    def __init__(self, X: pd.DataFrame) -> None:
        self.X = X
        self._made = Latest[object](_MOST_MADE)

    def made(self, key: Hashable, make: Callable[[], object]) -> object:
        """What was made of the frame for `key`, as from `Latest`."""
        return self._made.get(key, make)
