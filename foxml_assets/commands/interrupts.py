"""Ctrl-C, also where a library loses what it raises."""

import _thread
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dagster import DagsterExecutionInterruptedError

# What unwinds after a Ctrl-C is not to meet the second.
_AGAIN_SECONDS = 0.1


class Interrupts:
    """The Ctrl-C of this process, as the interpreter itself hears them.

    `received` is the reading end of the pipe that is woken by signals.
    """

    def __init__(self, received: int) -> None:
        self._received = received

    def raise_lost(self) -> None:
        """Raise KeyboardInterrupt if one has come: Dagster forgets those that come between its steps."""
        try:
            numbers = os.read(self._received, 4096)
        except BlockingIOError:
            return
        if signal.SIGINT in numbers:
            raise KeyboardInterrupt


@contextmanager
def heard_interrupts() -> Iterator[Interrupts]:
    """Hear every Ctrl-C of the main thread. One that Python ignores, because it meets a callback of the
    collector of garbage, is raised again."""
    received, written = os.pipe()
    for end in (received, written):
        os.set_blocking(end, False)
    ignored, woken = sys.unraisablehook, signal.set_wakeup_fd(written, warn_on_full_buffer=False)

    def again(unraisable: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt | DagsterExecutionInterruptedError):
            threading.Timer(_AGAIN_SECONDS, _thread.interrupt_main).start()
        else:
            ignored(unraisable)

    sys.unraisablehook = again
    try:
        yield Interrupts(received)
    finally:
        sys.unraisablehook = ignored
        signal.set_wakeup_fd(woken)
        os.close(received)
        os.close(written)
