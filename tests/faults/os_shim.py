"""The shim of `shim.c` in Python, for machines without a compiler: it sees the calls that go through `os`.

That is every call of this project's own writers but the write itself, which `fsync` follows; SQLite and
libraries that write by themselves it does not see.
"""

import os
import signal
import threading
from collections.abc import Callable

_NAMES = ("fsync", "rename", "replace", "link", "unlink", "remove", "rmdir", "mkdir", "symlink", "chmod")
_GROWS = frozenset({"fsync", "rename", "replace", "link", "mkdir", "symlink", "open"})


class OsShim:
    """Counts into `counter[0]` from `arm` on."""

    def __init__(self, counter: list[int] | memoryview) -> None:
        self._counter = counter
        self._lock = threading.Lock()

    def arm(self, at: int, action: str, code: int) -> None:
        """At call number `at`: `kill` this process, `fail` with errno `code`, or `fail from` there on."""
        self._counter[0] = 0
        for name in _NAMES:
            setattr(os, name, self._wrapped(name, getattr(os, name), at, action, code))
        real_open = self._wrapped("open", os.open, at, action, code)
        plain_open = os.open

        def opened(path, flags, *more, **named):  # noqa: ANN001, ANN002, ANN003, ANN202
            creates = flags & os.O_CREAT and not os.path.lexists(path)
            return (real_open if creates else plain_open)(path, flags, *more, **named)

        os.open = opened

    def _wrapped(self, name: str, real: Callable, at: int, action: str, code: int) -> Callable:
        def call(*arguments: object, **named: object) -> object:
            with self._lock:
                self._counter[0] += 1
                now = self._counter[0]
                if action == "kill" and now == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                fails_from = action == "fail from" and now >= at and name in _GROWS
                if fails_from or (action == "fail" and now == at):
                    raise OSError(code, os.strerror(code), str(arguments[0]))
                return real(*arguments, **named)

        return call
