"""OpenMP settings that must be in place before a library loads its runtime."""

import os


def wait_passively() -> None:
    """Let idle OpenMP threads sleep instead of spinning; a choice already made in the environment stands.

    The libraries read the variable once, when they are first imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
