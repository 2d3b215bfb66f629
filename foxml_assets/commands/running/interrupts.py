"""Ctrl-C, also where a library loses what it raises."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from dagster import DagsterExecutionInterruptedError

# What unwinds after a Ctrl-C is not to meet the second.
_AGAIN_SECONDS = 0.1


@dataclass(frozen=True)
class Interrupts:
    """The Ctrl-C of this process, as the interpreter itself hears them.

    `received` is the reading end of the pipe that is woken by signals.
    """

    received: int

    def raise_lost(self) -> None:
        """Raise KeyboardInterrupt if one has come: Dagster forgets those that come between its steps."""
        try:
            numbers = os.read(self.received, 4096)
        except BlockingIOError:
            return
        if signal.SIGINT in numbers:
            raise KeyboardInterrupt


@contextmanager
def heard_interrupts() -> Iterator[Interrupts]:
    """Hear every Ctrl-C, in the main thread, which alone has them. One that Python ignores, because it meets
    a callback of the collector of garbage, is raised again."""
    received, written = os.pipe()
    with ExitStack() as afterwards:
        for end in (received, written):
            afterwards.callback(os.close, end)
            os.set_blocking(end, False)
        if threading.current_thread() is threading.main_thread():
            woken = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
            afterwards.callback(signal.set_wakeup_fd, woken)
            afterwards.callback(setattr, sys, "unraisablehook", sys.unraisablehook)
            sys.unraisablehook = partial(_raise_again, sys.unraisablehook)
        yield Interrupts(received)


def _raise_again(
    otherwise: Callable[["sys.UnraisableHookArgs"], object], ignored: "sys.UnraisableHookArgs"
) -> None:
    if issubclass(ignored.exc_type, KeyboardInterrupt | DagsterExecutionInterruptedError):
        main = threading.main_thread().ident
        threading.Timer(_AGAIN_SECONDS, signal.pthread_kill, (main, signal.SIGINT)).start()
    else:
        otherwise(ignored)
