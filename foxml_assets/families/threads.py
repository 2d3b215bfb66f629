"""Threads of this program, and of the native libraries: BLAS on one, as several differ in the last bits;
OpenMP asleep if idle."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import scipy.linalg  # noqa: F401 - SciPy's own BLAS must be loaded before the controller looks for libraries
from threadpoolctl import ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")

_LOCK = threading.RLock()


def map_threads(function: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """The results for `items`, in their order, by `threads` threads; of one, it is the caller's own."""
    if threads == 1:
        # To hand over to a pool and back takes longer than many a symbol's part of the work.
        yield from map(function, items)
    else:
        with ThreadPoolExecutor(max_workers=threads) as pool:
            yield from pool.map(function, items)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """A context in which BLAS runs on one thread. One Python thread at a time is inside.

    The number of BLAS threads belongs to the process: a thread that restored it while another was still
    computing would change the other's sums.
    """
    with _LOCK, _controller().limit(limits=1, user_api="blas"):
        yield


@contextmanager
def one_blas_thread_throughout() -> Iterator[None]:
    """As `one_blas_thread`, for a stage of the program whose own threads compute inside side by side."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def one_blas_thread_for_good() -> None:
    """BLAS on one thread until this process ends: for a worker, whose tasks all want it so."""
    with _LOCK:
        _controller().limit(limits=1, user_api="blas")


def wait_passively() -> None:
    """Let idle OpenMP threads sleep instead of spinning; a choice already made in the environment stands.

    The libraries read the variable once, when they are first imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
