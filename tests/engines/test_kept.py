"""What a worker keeps from one task to the next: one thing, made once."""

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from foxml_assets.engines.worker_panel import Kept


class Thing:
    """Something large."""


def test_it_is_made_once_whoever_asks() -> None:
    kept, made = Kept[Thing](), list[Thing]()

    def make() -> Thing:
        made.append(Thing())
        return made[-1]

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: kept.get("panel", make), range(20)))
    assert found == {*made}
    assert len(made) == 1


def test_it_is_gone_before_another_is_made() -> None:
    kept = Kept[Thing]()
    first = weakref.ref(kept.get("panel", Thing))

    def another() -> Thing:
        assert first() is None
        return Thing()

    assert first() is not None
    kept.get("another", another)


def test_what_could_not_be_made_is_tried_again() -> None:
    kept = Kept[Thing]()
    with pytest.raises(ZeroDivisionError):
        kept.get("panel", lambda: [][1 // 0])
    assert kept.get("panel", Thing) is kept.get("panel", Thing)


def test_what_is_forgotten_while_it_is_made_is_not_waited_for_and_not_kept() -> None:
    kept, begun, go_on = Kept[Thing](), threading.Event(), threading.Event()

    def make() -> Thing:
        begun.set()
        assert go_on.wait(10)
        return Thing()

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(kept.get, "panel", make)
        assert begun.wait(10)
        kept.forget("panel")
        assert not asked.done()
        go_on.set()
        made = weakref.ref(asked.result())
    del asked
    assert made() is None
    other = kept.get("panel", Thing)
    kept.forget("another")
    assert kept.get("panel", Thing) is other
    kept.forget("panel")
    assert kept.get("panel", Thing) is not other
