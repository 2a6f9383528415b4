"""Objects die when they would without us, and whoever comes after them is another one."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import collections
import contextvars
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from observed import Box, explore, is_ours

from frontrun import _core

# ------------------------------------------------------------------------------ when they die


class Noting:
    """Writes down in which order such objects die."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    def __del__(self) -> None:
        self.log.append(self.name)


def test_an_object_dies_with_its_last_reference() -> None:
    def thread(log: list[str]) -> None:
        first = Noting("first", log)
        first.name = "first again"
        del first
        log.append("after del")
        second = Noting("second", log)
        reference = weakref.ref(second)
        second.name += "!"
        holder = {"it": second}
        second = None  # type: ignore[assignment]
        log.append("held" if reference() is not None else "gone")
        holder.clear()
        log.append("held" if reference() is not None else "gone")

    logs: list[list[str]] = []

    def state() -> list[str]:
        logs.append([])
        return logs[-1]

    explore(state, thread)
    assert logs == [["first again", "after del", "held", "second!", "gone"]]


def test_a_finalizer_may_save_its_object() -> None:
    """It is the same object afterwards: what two threads do to it is not independent."""

    class Saved:
        value = 0

        def __init__(self, keep: list[Any]) -> None:
            self.keep = keep

        def __del__(self) -> None:
            self.keep.append(self)

    def first(keep: list[Any]) -> None:
        saved = Saved(keep)
        saved.value = 1
        other = saved
        keep.append(other)
        del saved, other
        keep.pop()
        keep[0].value += 1
        assert keep[0].value == 2

    def state() -> list[Any]:
        return []

    explore(state, first)


def test_weak_references_count_what_they_counted() -> None:
    def thread(box: Box) -> None:
        box.value = 1
        items = [box, box]
        items.append(box)
        # Since 3.14 a call borrows what its caller's variable holds.
        assert sys.getrefcount(items) == (1 if sys.version_info >= (3, 14) else 2)
        assert weakref.getweakrefcount(box) == 0

    explore(Box, thread)


# ------------------------------------------------------------------------------ who comes after


class Large:
    """More than the small blocks hold."""

    __slots__ = [f"a{n}" for n in range(90)]


SHORT: list[tuple[str, Callable[[], Any], Callable[[Any], Any]]] = [
    ("instance", Box, lambda box: setattr(box, "value", 1)),
    ("list", lambda: [0], lambda items: items.append(1)),
    ("dict", lambda: {"a": 0}, lambda table: table.update(a=1)),
    ("set", lambda: {0}, lambda items: items.add(1)),
    ("deque", lambda: collections.deque([0]), lambda items: items.append(1)),
    ("bytearray", lambda: bytearray(1), lambda data: data.append(1)),
    ("list iterator", lambda: iter([0]), lambda items: next(items, None)),
    ("tuple iterator", lambda: iter((0, 1)), lambda items: next(items, None)),
    ("range iterator", lambda: iter(range(2)), lambda items: next(items, None)),
    ("generator", lambda: (n for n in (0, 1)), lambda items: next(items, None)),
    ("lock", threading.Lock, lambda lock: lock.acquire()),
    ("rlock", threading.RLock, lambda lock: lock.acquire()),
    ("context", contextvars.copy_context, lambda context: context.run(len, ())),
    ("dict subclass", collections.Counter, lambda counter: counter.update("a")),
    ("large", Large, lambda large: setattr(large, "a1", 1)),
]


@pytest.mark.parametrize(
    ("make", "touch"), [case[1:] for case in SHORT], ids=[case[0] for case in SHORT]
)
def test_the_next_in_the_same_memory_is_another(
    make: Callable[[], Any], touch: Callable[[Any], Any]
) -> None:
    """Two threads make, share and drop objects of their own again and again: they never meet."""
    addresses: list[dict[str, Any]] = []

    def act(places: dict[str, Any], name: str) -> None:
        seen = []
        for _ in range(3):
            places[name] = [make()]
            touch(places[name][0])
            seen.append(id(places[name][0]))
            places[name] = None
        places[name] = seen

    def state() -> dict[str, Any]:
        addresses.append({"one": None, "two": None})
        return addresses[-1]

    explorer = explore(
        state, lambda places: act(places, "one"), lambda places: act(places, "two")
    )
    assert explorer.distinct == 1
    used = addresses[0]["one"] + addresses[0]["two"]
    assert len(set(used)) < len(used), "no memory was used twice: the test says nothing"


def test_many_nested_containers_die_without_recursion() -> None:
    def thread(_: object) -> None:
        nested: Any = []
        for _ in range(100_000):
            nested = [(nested, {"in": nested})]
        nested = None

    explore(list, thread)


def test_whoever_watches_the_allocator_too() -> None:
    """tracemalloc comes and goes during an execution, before and after it."""

    def thread(log: list[Any]) -> None:
        tracemalloc.start()
        box = Box()
        box.value = 1
        del box
        tracemalloc.stop()
        log.append(threading.Lock())

    explore(list, thread)
    tracemalloc.start()
    explore(list, lambda log: log.append(1))
    tracemalloc.stop()
    explore(list, thread)


def test_nothing_is_kept() -> None:
    """Neither by the execution that ran nor by the next ones."""

    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    high = []

    class Counted:
        def __init__(self) -> None:
            self.n = 0
            alive.add(self)

    def thread(state: dict[str, Any]) -> None:
        for n in range(200):
            counted = Counted()
            counted.n = n
            state["it"] = counted
        high.append(len(alive))

    def state() -> dict[str, Any]:
        return {}

    subject = _core.Subject(state, [thread], lambda state: None, traced=is_ours)
    explorer = _core.Explorer(subject)
    explorer.start_plan(strategy="random", seed=1, executions_max=3)
    while explorer.step() is not None:
        assert len(alive) == 0
    subject.close()
    assert high == [1, 1, 1]


def test_nothing_is_said_of_an_abort_in_a_finalizer(capfd: pytest.CaptureFixture[str]) -> None:
    class Waiting:
        def __init__(self, lock: Any) -> None:
            self.lock = lock

        def __del__(self) -> None:
            self.lock.acquire()

    def state() -> dict[str, Any]:
        lock = threading.Lock()
        lock.acquire()
        return {"lock": lock, "it": Waiting(lock)}

    def thread(state: dict[str, Any]) -> None:
        state["it"] = None

    hook = sys.unraisablehook
    subject = _core.Subject(state, [thread], lambda state: None, traced=is_ours)
    explorer = _core.Explorer(subject)
    explorer.start_plan(strategy="dpor")
    assert explorer.step() == "deadlock"
    subject.close()
    assert sys.unraisablehook is hook
    assert capfd.readouterr().err == ""
