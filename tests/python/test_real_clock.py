"""clock="real" in the library: what passes, what a pass says, and what does not repeat."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path

import pytest

from frontrun import explore, replay_schedule

YEAR_2030 = 1893456000  # where virtual time begins
MOMENT = 0.02


class State:
    def __init__(self) -> None:
        self.made = time.time()
        self.value = 0
        self.seen: list[float] = []
        self.answers: list[object] = []
        self.lock = threading.Lock()
        self.done = threading.Event()


def increment(state: State) -> None:
    value = state.value
    state.value = value + 1


def is_two(state: State) -> bool:
    return state.value == 2


def test_time_is_that_of_the_wall_in_setup_threads_and_invariant() -> None:
    def look(state: State) -> None:
        state.seen += [state.made, time.time()]

    def is_now(state: State) -> bool:
        before = time.time() - 3600
        return all(before < moment < time.time() + 1 for moment in state.seen)

    assert explore(State, [look], is_now, clock="real").exhausted
    assert not explore(State, [look], lambda state: min(state.seen) < YEAR_2030).property_holds


def test_a_sleep_takes_its_time_and_holds_up_everybody() -> None:
    log: list[str] = []

    def sleep(state: State) -> None:
        state.value += 0
        log.append("sleeps")
        before = time.monotonic()
        time.sleep(MOMENT)
        assert time.monotonic() - before >= MOMENT
        log.append("slept")

    begun = time.monotonic()
    result = explore(State, [sleep, increment], clock="real")
    assert result.exhausted and result.num_explored > 1
    assert time.monotonic() - begun >= result.num_explored * MOMENT
    pairs = list(zip(log[::2], log[1::2], strict=True))
    assert set(pairs) == {("sleeps", "slept")}  # nobody's sleep was cut in two


def test_a_timed_acquire_is_obeyed_both_ways() -> None:
    """It never waits for ever, and whether it gets the lock is a matter of the schedule."""
    answers = set()

    def hold(state: State) -> None:
        with state.lock:
            state.value = 1

    def take(state: State) -> None:
        got = state.lock.acquire(timeout=MOMENT)
        answers.add(got)
        if got:
            state.lock.release()

    assert explore(State, [hold, take], clock="real").exhausted
    assert answers == {True, False}


def test_what_is_built_on_timed_waits_gives_up() -> None:
    def wait(state: State) -> None:
        thread = threading.Thread(target=state.done.wait)
        thread.start()
        thread.join(MOMENT)
        state.answers.append(thread.is_alive())
        state.answers.append(state.done.wait(MOMENT))
        try:
            queue.SimpleQueue[int]().get(timeout=MOMENT)
        except queue.Empty:
            state.answers.append("empty")
        state.done.set()
        thread.join()

    result = explore(
        State, [wait], lambda state: state.answers == [True, False, "empty"], clock="real"
    )
    assert result.exhausted, result.explanation


def test_a_race_is_found_minimised_and_replayed(tmp_path: Path) -> None:
    result = explore(State, [increment, increment], is_two, clock="real")
    assert result.failure is not None and result.failure.kind == "invariant"
    assert result.schedule is not None and result.schedule.preemptions == 1
    assert result.reproduction_successes == result.reproduction_attempts == 10
    assert result.explanation is not None and "clock='real'" in result.explanation
    path = result.schedule.save(tmp_path / "real.schedule.json")
    again = replay_schedule(path, State, [increment, increment], is_two, clock="real")
    assert not again.property_holds


def test_a_sleep_does_not_keep_a_race_away() -> None:
    """On the wall the order is nearly certain; the schedule does not ask."""

    def late(state: State) -> None:
        time.sleep(MOMENT)
        increment(state)

    assert not explore(State, [increment, late], is_two, clock="real").property_holds
    assert explore(State, [increment, late], is_two).exhausted  # virtual: timers are on time


@pytest.mark.parametrize(("clock", "repeats"), [("real", False), ("virtual", True)])
def test_a_program_that_goes_by_the_clock_does_not_repeat(clock: str, repeats: bool) -> None:
    moments: set[int] = set()

    def by_the_clock(state: State) -> None:
        moments.add(time.monotonic_ns())
        for _ in range(len(moments) % 2):
            state.value += 1

    result = explore(State, [by_the_clock, increment], clock=clock)
    assert result.property_holds == repeats
    if not repeats:
        assert result.failure is not None and result.failure.kind == "nondeterminism"
        assert not result.exhausted


def test_a_sleep_beyond_the_watchdog_is_a_second_try() -> None:
    """As any other wait in the kernel: others go on, and exhaustion is not claimed."""

    def sleep(state: State) -> None:
        time.sleep(0.6)

    result = explore(State, [sleep, increment], clock="real", deadlock_timeout=0.35)
    assert result.property_holds and result.second_try and not result.exhausted
