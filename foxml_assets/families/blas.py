"""One BLAS thread: sums are made in another order on several, and differ in their last bits."""

import threading
from functools import cache
from types import TracebackType
from typing import Any

import scipy.linalg  # noqa: F401 - SciPy's own BLAS must be loaded before the controller looks for libraries
from threadpoolctl import ThreadpoolController


class OneBlasThread:
    """A context in which BLAS runs on one thread. The limit is the whole process's: it is set by the first
    thread that enters and lifted by the last that leaves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limits: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limits = _controller().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limits.restore_original_limits()


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


ONE_BLAS_THREAD = OneBlasThread()
