"""What is made once for all that ask for it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from foxml_assets.families.sharing import Latest


def test_what_several_ask_for_at_once_is_made_by_one() -> None:
    latest, begun, go_on = Latest[object](2), threading.Event(), threading.Event()

    def slow() -> object:
        assert not begun.is_set()
        begun.set()
        assert go_on.wait(10)
        return object()

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(latest.get, "rows", slow) for _ in range(3)]
        assert begun.wait(10)
        # Another thing does not wait for it.
        assert latest.get("other", lambda: 7) == 7
        go_on.set()
        assert len({one.result(10) for one in asked}) == 1


def test_the_one_not_asked_for_the_longest_goes() -> None:
    latest, made = Latest[str](2), list[str]()

    def get(key: str) -> None:
        latest.get(key, lambda: made.append(key) or key)

    for key in ("a", "b", "a", "c", "a", "b"):
        get(key)
    assert made == ["a", "b", "c", "b"]


def test_what_could_not_be_made_is_tried_again_by_who_waited() -> None:
    latest, begun, go_on = Latest[int](2), threading.Event(), threading.Event()

    def fail() -> int:
        begun.set()
        assert go_on.wait(10)
        raise OSError("no disk")

    with ThreadPoolExecutor(2) as pool:
        failing = pool.submit(latest.get, "rows", fail)
        assert begun.wait(10)
        waiting = pool.submit(latest.get, "rows", lambda: 1)
        go_on.set()
        with pytest.raises(OSError, match="no disk"):
            failing.result(10)
        assert waiting.result(10) == 1
    assert latest.get("rows", lambda: 2) == 1
