"""A lock that code which is not traced takes around what it was given."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from typing import Any

import pytest
from observed import is_ours, seen

from frontrun import _core

LIBRARY: dict[str, Any] = {}
exec(
    compile(
        "def add(items, lock):\n    with lock:\n        items.append(len(items))\n"
        "def add_again(items, lock):\n    with lock, lock:\n        items.append(len(items))\n",
        "/elsewhere/library.py",
        "exec",
    ),
    LIBRARY,
)


class State:
    def __init__(self, lock: Any) -> None:
        self.lock = lock
        self.items: list[int] = []
        self.before = self.after = 0


def outcomes(lock: Any, one: Any, two: Any) -> tuple[set[Any], set[str]]:
    """What the lists and counts were in the end, and the verdicts."""
    found = set()

    def invariant(state: State) -> bool:
        found.add((tuple(state.items), state.before, state.after))
        return True

    subject = _core.Subject(lambda: State(lock()), [one, two], invariant, traced=is_ours)
    explorer = _core.Explorer(subject)
    explorer.start_plan(strategy="dpor")
    verdicts = set()
    while (verdict := explorer.step()) is not None:
        verdicts.add(verdict)
    assert explorer.ending == "exhausted"
    return found, verdicts


def look(state: State) -> None:
    with state.lock:
        state.before = len(state.items)
    state.after = len(state.items)


def test_what_is_written_under_a_lock_of_the_library_is_seen_there() -> None:
    def add(state: State) -> None:
        LIBRARY["add"](state.items, state.lock)

    found, verdicts = outcomes(threading.Lock, look, add)
    assert found == {((0,), 0, 0), ((0,), 0, 1), ((0,), 1, 1)}
    assert verdicts == {"pass"}


def test_a_lock_that_is_taken_again() -> None:
    def add(state: State) -> None:
        LIBRARY["add_again"](state.items, state.lock)

    found, verdicts = outcomes(threading.RLock, look, add)
    assert found == {((0,), 0, 0), ((0,), 0, 1), ((0,), 1, 1)}
    assert verdicts == {"pass"}


def test_both_use_the_library_under_its_lock() -> None:
    def add(state: State) -> None:
        LIBRARY["add"](state.items, state.lock)

    found, verdicts = outcomes(threading.Lock, add, add)
    assert found == {((0, 1), 0, 0)}
    assert verdicts == {"pass"}


def test_a_lock_is_given_back_when_the_execution_is_given_up() -> None:
    shared = threading.Lock()
    stuck = threading.Lock()

    def add(state: State) -> None:
        LIBRARY["add"](state.items, shared)

    def wait(state: State) -> None:
        len(state.items)
        with stuck, stuck:
            pass

    _, verdicts = outcomes(threading.Lock, add, wait)
    assert verdicts == {"deadlock"}
    assert not shared.locked()


@pytest.mark.parametrize("lock", [threading.Lock, threading.RLock])
def test_what_was_given_is_announced_again_under_the_lock(lock: Any) -> None:
    own = lock()
    actions = [action for action, _ in seen(lambda items: LIBRARY["add"](items, own))]
    assert actions[-4:] == ["call", "acquire", "resume", "release"]


def test_a_lock_that_traced_code_takes_announces_nothing_again() -> None:
    lock = threading.Lock()

    def add(items: list[int]) -> None:
        with lock:
            items.append(1)

    assert "resume" not in [action for action, _ in seen(add)]
