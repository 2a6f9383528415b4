"""Loops that look again and again, under a lock or after a while: explored exactly, or reported."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from frontrun.execution import Execution
from frontrun.patterns import deadlock_sentence
from frontrun.report import deadlock_lines
from time_harness import elapsed, explore, explorer_of

Act = Callable[[Any], Any]


class State:
    def __init__(self) -> None:
        self.flag = False
        self.other = False
        self.n = 0
        self.lock = threading.Lock()
        self.rlock = threading.RLock()
        self.condition = threading.Condition()
        self.event = threading.Event()
        self.semaphore = threading.Semaphore(0)
        self.queue: queue.Queue[int] = queue.Queue()
        self.simple: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.log: list[Any] = []


def nothing(state: State) -> None:
    pass


def raise_flag(state: State) -> None:
    state.flag = True


# ---------------------------------------------------------------- every kind of loop


def sleeping(state: State) -> None:
    while not state.flag:
        time.sleep(0.1)


def sleeping_twice(state: State) -> None:
    while not state.flag:
        time.sleep(0.1)
        if state.other:
            return
        time.sleep(0.2)


def locked(state: State) -> None:
    while True:
        with state.lock:
            if state.flag:
                break


def locked_by_hand(state: State) -> None:
    while True:
        state.lock.acquire()
        ready = state.flag
        state.lock.release()
        if ready:
            return


def locked_rlock(state: State) -> None:
    while True:
        with state.rlock:
            if state.flag:
                return


def locked_and_sleeping(state: State) -> None:
    while True:
        with state.lock:
            if state.flag:
                return
        time.sleep(0.1)


def conditional(state: State) -> None:
    with state.condition:
        while not state.flag:
            state.condition.wait(0.1)


def conditional_for(state: State) -> None:
    with state.condition:
        while not state.condition.wait_for(lambda: state.flag, 0.1):
            pass


def on_event(state: State) -> None:
    while not state.event.wait(0.1):
        pass


def on_semaphore(state: State) -> None:
    while not state.semaphore.acquire(timeout=0.1):
        pass


def on_queue(state: State) -> None:
    while True:
        try:
            state.queue.get(timeout=0.1)
            return
        except queue.Empty:
            continue


def on_simple_queue(state: State) -> None:
    while True:
        try:
            state.simple.get(timeout=0.1)
            return
        except queue.Empty:
            continue


def on_lock(state: State) -> None:
    while not state.lock.acquire(timeout=0.1):
        pass
    state.lock.release()


def on_lock_sleeping(state: State) -> None:
    while not state.lock.acquire(blocking=False):
        time.sleep(0.1)
    state.lock.release()


def raise_locked(state: State) -> None:
    with state.lock:
        state.flag = True


def raise_rlocked(state: State) -> None:
    with state.rlock:
        state.flag = True


def raise_notified(state: State) -> None:
    with state.condition:
        state.flag = True
        state.condition.notify()


def hold(state: State) -> None:
    state.lock.acquire()


def hold_for_a_while(state: State) -> None:
    with state.lock:
        time.sleep(1)


# name: (the loop, who ends it, a program that leaves it without an end)
POLLS: dict[str, tuple[Act, Act, Act]] = {
    "sleep": (sleeping, raise_flag, nothing),
    "two sleeps": (sleeping_twice, raise_flag, nothing),
    "lock": (locked, raise_locked, nothing),
    "lock by hand": (locked_by_hand, raise_locked, nothing),
    "RLock": (locked_rlock, raise_rlocked, nothing),
    "lock and sleep": (locked_and_sleeping, raise_locked, nothing),
    "Condition.wait": (conditional, raise_notified, nothing),
    "Condition.wait_for": (conditional_for, raise_notified, nothing),
    "Event.wait": (on_event, lambda state: state.event.set(), nothing),
    "Semaphore.acquire": (on_semaphore, lambda state: state.semaphore.release(), nothing),
    "Queue.get": (on_queue, lambda state: state.queue.put(1), nothing),
    "SimpleQueue.get": (on_simple_queue, lambda state: state.simple.put(1), nothing),
    "Lock.acquire": (on_lock, hold_for_a_while, hold),
    "try and sleep": (on_lock_sleeping, hold_for_a_while, hold),
}


@pytest.mark.parametrize("name", POLLS)
def test_a_poll_ends_when_somebody_ends_it(name: str) -> None:
    loop, end, _ = POLLS[name]
    verdicts = explore([loop, end], setup=State)
    assert set(verdicts) == {"pass"}
    assert sum(verdicts.values()) <= 12


# Where a round waits twice, each is made.
@pytest.mark.parametrize("name", sorted(set(POLLS) - {"two sleeps"}))
def test_a_poll_that_ends_after_an_hour_is_not_made_every_time(name: str) -> None:
    loop, end, _ = POLLS[name]

    def late(state: State) -> None:
        if end is hold_for_a_while:
            with state.lock:
                time.sleep(3600)
        else:
            time.sleep(3600.05)
            end(state)

    explorer = explorer_of([late, loop], lambda state: None, State, events_max=400)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "exhausted"


@pytest.mark.parametrize("name", POLLS)
def test_a_poll_that_nobody_ends_is_a_livelock_at_once(name: str) -> None:
    loop, _, other = POLLS[name]
    explorer = explorer_of([other, loop], lambda state: None, State, events_max=400)
    explorer.start_plan(strategy="dpor")
    found = False
    while (verdict := explorer.step()) is not None:
        assert verdict == "deadlock" or other is hold
        if verdict == "deadlock" and not found:
            found = True
            (wait,) = explorer.waits()
            assert (wait.thread, wait.action, wait.function) == (1, "spin", loop.__name__)
            execution = Execution.of(explorer)
            assert "goes round" in deadlock_sentence(execution, ["other", "poller"])
            (line,) = deadlock_lines(execution, ["other", "poller"])
            assert line.startswith("  poller  goes round at test_polls.py:")
    assert found
    assert explorer.ending == "exhausted"


# ---------------------------------------------------------------- at their moments


def test_a_poll_sees_what_is_there_when_it_looks() -> None:
    def poller(period: float) -> Act:
        def poll(state: State) -> None:
            while not state.flag:
                time.sleep(period)
            state.log.append((period, round(elapsed(), 3)))

        return poll

    def late(state: State) -> None:
        time.sleep(100.25)
        state.flag = True

    verdicts = explore(
        [poller(0.5), poller(3), late],
        lambda state: state.log == [(0.5, 100.5), (3, 102)],
        State,
    )
    assert verdicts == {"pass": 1}


def test_at_the_very_moment_it_may_be_too_early_or_not() -> None:
    seen: set[float] = set()

    def poll(state: State) -> None:
        while not state.flag:
            time.sleep(0.5)
        seen.add(elapsed())

    def late(state: State) -> None:
        time.sleep(50)
        state.flag = True

    assert explore([poll, late], setup=State) == {"pass": 2}
    assert seen == {50, 50.5}


def test_two_looks_in_a_round_keep_their_distance() -> None:
    def poll(state: State) -> None:
        while True:
            time.sleep(1)
            if state.flag:
                break
            time.sleep(2)
            if state.other:
                break
        state.log.append(elapsed())

    def late(name: str) -> Act:
        def act(state: State) -> None:
            time.sleep(99.5)
            setattr(state, name, True)

        return act

    assert set(explore([poll, late("flag")], lambda s: s.log == [100], State)) == {"pass"}
    assert set(explore([poll, late("other")], lambda s: s.log == [102], State)) == {"pass"}


def test_a_limit_in_time_ends_a_poll() -> None:
    def poll(state: State) -> None:
        end = time.monotonic() + 5
        while not state.flag and time.monotonic() < end:
            time.sleep(0.5)
        state.log.append(elapsed())

    assert explore([poll], lambda state: state.log == [5], State) == {"pass": 1}


def test_pollers_that_wake_each_other_are_no_livelock() -> None:
    """They go round until they meet: at 6 seconds one of them may find the lock held."""
    seen: set[bool] = set()

    def look(state: State) -> None:
        for _ in range(3):
            time.sleep(2)
            with state.lock:
                if state.flag:
                    return

    def ask(state: State) -> None:
        for _ in range(2):
            time.sleep(3)
            if not state.lock.acquire(blocking=False):
                seen.add(True)
                return
            state.lock.release()

    assert set(explore([look, ask], setup=State)) == {"pass"}
    assert seen == {True}


# ---------------------------------------------------------------- what a lock in a round means


def test_two_poll_under_one_lock() -> None:
    assert set(explore([locked, locked, raise_locked], setup=State)) == {"pass"}
    assert set(explore([locked, locked], setup=State)) == {"deadlock"}


def test_a_poll_does_not_wait_while_it_holds_its_lock() -> None:
    """It begins to go round while it holds the lock, after it has done something there."""

    def poll(state: State) -> None:
        while True:
            state.lock.acquire()
            if state.n == 0:
                state.n = 1
            ready = state.flag
            state.lock.release()
            if ready:
                return

    assert set(explore([poll, raise_locked], setup=State)) == {"pass"}


def test_who_sleeps_with_a_lock_and_gives_it_back_is_no_livelock() -> None:
    """Whoever waits for it gets it at last, if not in this schedule."""

    def poll(state: State) -> None:
        while True:
            with state.lock:
                if state.flag:
                    return
                time.sleep(0.1)

    explorer = explorer_of([poll, raise_locked], lambda state: None, State, events_max=200)
    explorer.start_plan(strategy="dpor", executions_max=50)
    while (verdict := explorer.step()) is not None:
        assert verdict in ("pass", "step-limit")


def test_what_another_one_asks_of_a_polled_lock_is_not_claimed_to_be_complete() -> None:
    def ask(state: State) -> None:
        time.sleep(1)
        if state.lock.acquire(blocking=False):
            state.lock.release()
        raise_flag(state)

    explorer = explorer_of([locked, ask], lambda state: None, State)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "bounded"
    # Whoever holds it knows what he asks.
    explorer = explorer_of([locked, lambda s: [hold(s), s.lock.locked(), raise_flag(s),
                                               s.lock.release()]], lambda state: None, State)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "exhausted"


# ---------------------------------------------------------------- what is progress


def back_off(state: State) -> None:
    delay = 1
    while not state.flag:
        time.sleep(delay)
        delay += 1


def count_rounds(state: State) -> None:
    while not state.flag:
        state.n += 1
        time.sleep(1)


def give_and_take(state: State) -> None:
    while not state.flag:
        state.simple.put(state.simple.get(timeout=1))


@pytest.mark.parametrize("loop", [back_off, count_rounds, give_and_take])
def test_loops_with_progress_end_at_the_limit(loop: Act) -> None:
    def setup() -> State:
        state = State()
        state.simple.put(1)
        state.simple.put(2)
        return state

    explorer = explorer_of([loop], lambda state: None, setup, events_max=300)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "step-limit"


@pytest.mark.parametrize("name", ["sleep", "Event.wait", "Queue.get"])
def test_a_daemon_that_polls_for_ever_keeps_nobody(name: str) -> None:
    loop = POLLS[name][0]

    def main(state: State) -> None:
        threading.Thread(target=loop, args=(state,), daemon=True).start()

    assert set(explore([main], setup=State)) == {"pass"}
