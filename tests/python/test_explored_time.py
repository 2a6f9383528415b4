"""clock="explored": programs that trust a timer, and the same ones that do not."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any, NamedTuple

import pytest

from time_harness import explore


class Program(NamedTuple):
    """What the tested code does, trusting timers and not, and what must hold."""

    racy: list[Callable[[Any], Any]]
    correct: list[Callable[[Any], Any]]
    invariant: Callable[[Any], Any]


class State:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ready = threading.Event()
        self.value: int | None = None
        self.seen: list[Any] = []
        self.filled_at: float | None = None
        self.fills = 0
        self.future: futures.Future[int] = futures.Future()


# ---------------------------------------------------------------- a timer


def use(state: State) -> None:
    state.seen.append(state.value)


def start_then_fill(state: State) -> None:
    timer = threading.Timer(5, use, (state,))
    timer.start()
    state.value = 1  # within five seconds, surely
    timer.join()


def fill_then_start(state: State) -> None:
    state.value = 1
    timer = threading.Timer(5, use, (state,))
    timer.start()
    timer.join()


# ---------------------------------------------------------------- a cache


def is_fresh(state: State) -> bool:
    return state.filled_at is not None and time.monotonic() - state.filled_at < 10


def get_if_fresh(state: State) -> None:
    """Looks twice, and takes it for granted that the value is as fresh as a moment ago."""
    with state.lock:
        if not is_fresh(state):
            state.filled_at = time.monotonic()
            state.value = 1
        state.seen.append(state.value if is_fresh(state) else None)


def get_once_looked(state: State) -> None:
    with state.lock:
        if not is_fresh(state):
            state.filled_at = time.monotonic()
            state.value = 1
        state.seen.append(state.value)


def pass_time(state: State) -> None:
    time.sleep(20)


# ---------------------------------------------------------------- retries


def serve_late(state: State) -> None:
    time.sleep(2)
    state.value = 1
    state.ready.set()


def retry(state: State) -> None:
    for _ in range(4):
        if state.value is not None:
            break
        time.sleep(1)
    state.seen.append(state.value)


def retry_then_wait(state: State) -> None:
    for _ in range(2):
        if state.value is not None:
            break
        time.sleep(1)
    else:
        state.ready.wait()
    state.seen.append(state.value)


# ---------------------------------------------------------------- futures


def settle_late(state: State) -> None:
    time.sleep(2)
    state.future.set_result(1)


def complete(state: State) -> None:
    for future in futures.as_completed([state.future], timeout=5):
        state.seen.append(future.result())


def complete_or_give_up(state: State) -> None:
    try:
        complete(state)
    except futures.TimeoutError:
        state.seen.append(1)


def sees_it(state: State) -> bool:
    return set(state.seen) == {1}


PROGRAMS = {
    "Timer": Program([start_then_fill], [fill_then_start], sees_it),
    "TTL cache": Program([get_if_fresh, pass_time], [get_once_looked, pass_time], sees_it),
    "retries": Program([retry, serve_late], [retry_then_wait, serve_late], sees_it),
    "as_completed": Program([complete, settle_late], [complete_or_give_up, settle_late], sees_it),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_virtual_time_timers_keep_their_word(name: str) -> None:
    program = PROGRAMS[name]
    assert set(explore(program.racy, program.invariant, State)) == {"pass"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_explored_time_who_trusts_a_timer_is_found_out(name: str) -> None:
    program = PROGRAMS[name]
    verdicts = explore(program.racy, program.invariant, State, "explored")
    assert "pass" in verdicts
    assert set(verdicts) & {"invariant", "exception"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_explored_time_who_does_not_passes(name: str) -> None:
    program = PROGRAMS[name]
    assert set(explore(program.correct, program.invariant, State, "explored")) == {"pass"}
