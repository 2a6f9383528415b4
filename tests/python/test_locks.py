"""Locks under control: in place, exact deadlocks, the same errors as the real ones."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import _thread
import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from core_harness import explore, is_ours, make_explorer
from frontrun import _core

MODULE_LOCK = threading.Lock()
CAPTURED_ACQUIRE = MODULE_LOCK.acquire
CAPTURED_RELEASE = MODULE_LOCK.release


class State:
    def __init__(self) -> None:
        self.n = 0
        self.a = threading.Lock()
        self.b = threading.Lock()
        self.r = threading.RLock()


def in_order(first: str, second: str) -> Callable[[State], None]:
    def act(state: State) -> None:
        with getattr(state, first):
            with getattr(state, second):
                pass

    return act


def run_alone(act: Callable[[State], Any]) -> Any:
    """What act answers as the only logical thread."""
    answers: list[Any] = []
    explorer = make_explorer(State, [lambda state: answers.append(act(state))])
    explorer.start()
    verdict = explorer.step()
    if verdict == "exception":
        raise explorer.failure.exception
    assert verdict == "pass", verdict
    return answers[0]


# ---------------------------------------------------------------- deadlocks


def test_abba_deadlock() -> None:
    _, verdicts = explore(State, [in_order("a", "b"), in_order("b", "a")])
    assert verdicts["deadlock"] == 1
    assert set(verdicts) == {"deadlock", "pass"}
    _, verdicts = explore(State, [in_order("a", "b"), in_order("a", "b")])
    assert verdicts == {"pass": 2}


def test_waits_name_the_cycle() -> None:
    explorer = make_explorer(State, [in_order("a", "b"), in_order("b", "a")])
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "deadlock"
    waits = explorer.waits()
    assert [(wait.thread, wait.waits_for) for wait in waits] == [(0, 1), (1, 0)]
    trace = explorer.trace()
    for wait in waits:
        assert wait.action == "acquire"
        assert wait.file == __file__
        taken = trace[wait.taken_at]
        assert (taken.kind, taken.thread) == ("acquire", wait.waits_for)


def test_place_of_a_deadlock_is_the_same_in_each_execution() -> None:
    places = set()
    for seed in range(30):
        explorer = make_explorer(State, [in_order("a", "b"), in_order("b", "a")])
        explorer.start_plan(strategy="random", seed=seed)
        if explorer.step() == "deadlock":
            places.add(explorer.failure.place)
    assert len(places) == 1


def test_self_deadlock() -> None:
    explorer, verdicts = explore(State, [in_order("a", "a")])
    assert verdicts == {"deadlock": 1}
    (wait,) = explorer.waits()
    assert wait.thread == 0


def test_three_philosophers() -> None:
    def setup() -> list[threading.Lock]:
        return [threading.Lock() for _ in range(3)]

    def eats(seat: int) -> Callable[[list[threading.Lock]], None]:
        def eat(forks: list[threading.Lock]) -> None:
            left = forks[seat]
            right = forks[(seat + 1) % 3]
            with left, right:
                pass

        return eat

    explorer, verdicts = explore(setup, [eats(0), eats(1), eats(2)])
    assert verdicts == {"pass": 6, "deadlock": 1}
    assert explorer.distinct == 7


def test_a_deadlock_leaves_shared_locks_free() -> None:
    def one(state: State) -> None:
        with MODULE_LOCK, state.a:
            pass

    def other(state: State) -> None:
        with state.a, MODULE_LOCK:
            pass

    _, verdicts = explore(State, [one, other])
    assert verdicts["deadlock"] == 1
    assert not MODULE_LOCK.locked()


def test_lock_held_since_setup() -> None:
    def setup() -> State:
        state = State()
        state.a.acquire()
        return state

    _, verdicts = explore(setup, [in_order("a", "b")])
    assert verdicts == {"deadlock": 1}
    _, verdicts = explore(setup, [in_order("a", "b"), lambda state: state.a.release()])
    assert verdicts == {"pass": 1}


# ---------------------------------------------------------------- every way in


def add(state: State) -> None:
    value = state.n
    state.n = value + 1


def test_captured_methods_are_controlled() -> None:
    def act(state: State) -> None:
        CAPTURED_ACQUIRE()
        add(state)
        CAPTURED_RELEASE()

    _, verdicts = explore(State, [act, act], lambda state: state.n == 2)
    assert verdicts == {"pass": 2}


@pytest.mark.parametrize(
    ("acquire", "release"),
    [("acquire", "release"), ("acquire_lock", "release_lock"), ("__enter__", "__exit__")],
)
def test_every_name_of_the_methods(acquire: str, release: str) -> None:
    nothing = (None,) * 3 if release == "__exit__" else ()

    def act(state: State) -> None:
        getattr(state.a, acquire)()
        add(state)
        getattr(state.a, release)(*nothing)

    _, verdicts = explore(State, [act, act], lambda state: state.n == 2)
    assert verdicts == {"pass": 2}


EARLY = """
import sys, threading
lock = threading.Lock()
acquire, release = lock.acquire, lock.release
for _ in range(3000):
    with lock: pass
from frontrun import _core
class State: n = 0
def act(state):
    acquire()
    value = state.n
    state.n = value + 1
    release()
def is_traced(name):
    return name == "<string>"
subject = _core.Subject(State, [act, act], lambda s: s.n == 2, traced=is_traced)
explorer = _core.Explorer(subject)
explorer.start_plan(strategy="dpor")
print(explorer.run(), explorer.distinct)
"""


def test_locks_made_before_the_import_are_controlled() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("exhausted 2\n", "")


def test_types_stay_what_they_are() -> None:
    kinds = run_alone(lambda state: (type(state.a), isinstance(state.a, _thread.LockType)))
    assert kinds == (_thread.LockType, True)


# ---------------------------------------------------------------- trying


def test_try_acquire_sees_both_outcomes() -> None:
    seen: set[bool] = set()

    def attempt(state: State) -> None:
        got = state.a.acquire(False)
        seen.add(got)
        if got:
            state.a.release()

    _, verdicts = explore(State, [in_order("a", "b"), attempt])
    assert seen == {True, False}
    assert verdicts["pass"] == 3  # before, after and while the other one holds it


def test_acquire_with_a_timeout_waits_while_somebody_goes_on() -> None:
    seen: set[bool] = set()

    def attempt(state: State) -> None:
        got = state.a.acquire(timeout=5)
        seen.add(got)
        if got:
            state.a.release()

    explore(State, [in_order("a", "b"), attempt])
    assert seen == {True}  # time stands still meanwhile


def test_locked_is_a_read() -> None:
    seen: set[bool] = set()
    explore(State, [in_order("a", "b"), lambda state: seen.add(state.a.locked())])
    assert seen == {True, False}


# ---------------------------------------------------------------- the same errors


WRONG_CALLS: list[Callable[[Any], Any]] = [
    lambda lock: lock.acquire(False, 3),
    lambda lock: lock.acquire(timeout=-2),
    lambda lock: lock.acquire(timeout=1e300),
    lambda lock: lock.acquire(timeout="soon"),
    lambda lock: lock.acquire(True, 1, 2),
    lambda lock: lock.acquire(nonsense=1),
    lambda lock: lock.release(),
]


@pytest.mark.parametrize("kind", ["a", "r"])
@pytest.mark.parametrize("call", WRONG_CALLS)
def test_errors_are_the_originals(call: Callable[[Any], Any], kind: str) -> None:
    with pytest.raises(Exception) as outside:
        call(getattr(State(), kind))
    with pytest.raises(Exception) as inside:
        run_alone(lambda state: call(getattr(state, kind)))
    assert type(inside.value) is type(outside.value)
    assert str(inside.value) == str(outside.value)


def test_answers_are_the_originals() -> None:
    def act(state: State) -> list[Any]:
        return [
            state.a.acquire(),
            state.a.acquire(blocking=False),
            state.a.locked(),
            state.a.release(),
            state.a.acquire(True, -1),
            state.a.__exit__(None, None, None),
            state.a.locked(),
        ]

    assert run_alone(act) == act(State())


# ---------------------------------------------------------------- RLock


def test_rlock_is_reentrant_and_exclusive() -> None:
    def act(state: State) -> None:
        with state.r:
            with state.r:
                value = state.n
            state.n = value + 1

    _, verdicts = explore(State, [act, act], lambda state: state.n == 2)
    assert verdicts == {"pass": 2}


def test_rlocks_deadlock() -> None:
    def one(state: State) -> None:
        with state.r, state.a:
            pass

    def other(state: State) -> None:
        with state.a, state.r:
            pass

    _, verdicts = explore(State, [one, other])
    assert verdicts["deadlock"] == 1


def test_rlock_of_another_thread_cannot_be_released() -> None:
    def steal(state: State) -> None:
        try:
            state.r.release()
        except RuntimeError:
            return
        raise AssertionError("released a lock of another thread")

    def hold(state: State) -> None:
        with state.r:
            add(state)

    _, verdicts = explore(State, [hold, steal])
    assert set(verdicts) == {"pass"}


def test_condition_hands_over() -> None:
    class Mailbox:
        def __init__(self) -> None:
            self.condition = threading.Condition()
            self.items: list[int] = []

    def put(box: Mailbox) -> None:
        with box.condition:
            box.items.append(1)
            box.condition.notify()

    def get(box: Mailbox) -> None:
        with box.condition:
            while not box.items:
                box.condition.wait()
            box.items.pop()

    _, verdicts = explore(Mailbox, [put, get], lambda box: not box.items)
    assert verdicts == {"pass": 2}


def test_lost_wakeup_is_a_deadlock() -> None:
    def notify(condition: threading.Condition) -> None:
        with condition:
            condition.notify()

    def wait(condition: threading.Condition) -> None:
        with condition:
            condition.wait()

    _, verdicts = explore(threading.Condition, [notify, wait])
    assert verdicts == {"pass": 1, "deadlock": 1}


# ---------------------------------------------------------------- restored


def read_functions(owners: Sequence[Any] = (_thread.LockType, _thread.RLock)) -> list[int]:
    """The C function behind each method: d_method->ml_meth of a descriptor, m_ml->ml_meth."""
    offsets = {
        "method_descriptor": 5 * 8,
        "classmethod_descriptor": 5 * 8,
        "builtin_function_or_method": 2 * 8,
    }
    addresses = []
    for owner in owners:
        for method in vars(owner).values():
            offset = offsets.get(type(method).__name__)
            if offset is not None:
                definition = ctypes.c_void_p.from_address(id(method) + offset).value
                assert definition is not None
                addresses.append(ctypes.c_void_p.from_address(definition + 8).value or 0)
    return addresses


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="offsets of a 64-bit build")
def test_functions_are_put_back_exactly() -> None:
    before = read_functions()
    assert len(before) >= 14
    with _core.Subject(State, [add], lambda state: None, traced=is_ours) as subject:
        explorer = _core.Explorer(subject)
        explorer.start()
        explorer.step()
        assert read_functions() != before
    assert read_functions() == before


# ---------------------------------------------------------------- refused


def test_forking_is_refused() -> None:
    explorer = make_explorer(State, [lambda state: os.fork()])
    explorer.start()
    with pytest.raises(_core.FrontrunError, match="fork"):
        explorer.step()


def test_threads_outside_an_exploration_are_untouched() -> None:
    done: list[int] = []

    def setup() -> State:
        worker = threading.Thread(target=done.append, args=(1,))
        worker.start()
        worker.join()
        return State()

    explorer = make_explorer(setup, [in_order("a", "b")])
    explorer.start()
    assert explorer.step() == "pass"
    assert done == [1]
