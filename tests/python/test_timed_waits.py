"""Waits with a time-out in threads, pools and queues: a racy and a correct program for each.

In virtual time a wait succeeds if what it waits for comes first; in explored time it may give up
whenever it would have to wait.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent import futures
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from time_harness import elapsed, explore

Act = Callable[[Any], Any]


class Program(NamedTuple):
    """What waits; it answers whether it was in time. And what it waits for, some seconds later."""

    wait: Act
    fulfil: Act


def setup() -> Any:
    state = SimpleNamespace(simple=queue.SimpleQueue(), queue=queue.Queue(), seen=[], done=False)
    state.future = futures.Future()
    state.condition = threading.Condition()
    return state


def take(name: str) -> Act:
    def act(state: Any) -> bool:
        try:
            getattr(state, name).get(timeout=5)
        except queue.Empty:
            return False
        return True

    return act


def put(name: str) -> Act:
    return lambda state: getattr(state, name).put(1)


def result(state: Any) -> bool:
    try:
        state.future.result(timeout=5)
    except futures.TimeoutError:
        return False
    return True


def some(state: Any) -> bool:
    return bool(futures.wait([state.future], timeout=5).done)


def completed(state: Any) -> bool:
    try:
        return bool(list(futures.as_completed([state.future], timeout=5)))
    except futures.TimeoutError:
        return False


def settle(state: Any) -> None:
    state.future.set_result(1)


def wait_for(state: Any) -> bool:
    with state.condition:
        return bool(state.condition.wait_for(lambda: state.done, timeout=5))


def notify(state: Any) -> None:
    with state.condition:
        state.done = True
        state.condition.notify()


PROGRAMS = {
    "SimpleQueue.get": Program(take("simple"), put("simple")),
    "Queue.get": Program(take("queue"), put("queue")),
    "Future.result": Program(result, settle),
    "futures.wait": Program(some, settle),
    "futures.as_completed": Program(completed, settle),
    "Condition.wait_for": Program(wait_for, notify),
}


def answers(program: Program, delay: float, clock: str) -> set[tuple[bool, float]]:
    """(was in time, when it went on) over all traces, with what is waited for after delay."""
    seen = set()

    def wait(state: Any) -> None:
        state.seen.append((program.wait(state), round(elapsed(), 2)))

    def fulfil(state: Any) -> None:
        time.sleep(delay)
        program.fulfil(state)

    verdicts = explore(
        [wait, fulfil], lambda state: seen.update(state.seen), setup=setup, clock=clock
    )
    assert set(verdicts) == {"pass"}
    return seen


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_virtual_time_a_wait_lasts_as_long_as_it_says(name: str) -> None:
    assert answers(PROGRAMS[name], 3, "virtual") == {(True, 3)}
    assert answers(PROGRAMS[name], 9, "virtual") == {(False, 5)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_at_one_moment_both_come_first(name: str) -> None:
    assert {when for when, _ in answers(PROGRAMS[name], 5, "virtual")} == {True, False}


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_explored_time_a_wait_may_give_up_early(name: str) -> None:
    assert {when for when, _ in answers(PROGRAMS[name], 3, "explored")} == {True, False}


@pytest.mark.parametrize("clock", ["virtual", "explored"])
def test_a_wait_for_what_is_there_succeeds(clock: str) -> None:
    for program in PROGRAMS.values():

        def both(state: Any, program: Program = program) -> None:
            program.fulfil(state)
            assert program.wait(state)

        assert explore([both], setup=setup, clock=clock) == {"pass": 1}


# ---------------------------------------------------------------- threads


def sleeper(seconds: float) -> threading.Thread:
    thread = threading.Thread(target=time.sleep, args=(seconds,))
    thread.start()
    return thread


@pytest.mark.parametrize(("clock", "outlives"), [("virtual", {False}), ("explored", {True, False})])
def test_join_with_a_timeout(clock: str, outlives: set[bool]) -> None:
    seen = set()

    def main(state: Any) -> None:
        thread = sleeper(3)
        thread.join(timeout=5)
        seen.add(thread.is_alive())
        thread.join()

    assert set(explore([main], setup=setup, clock=clock)) == {"pass"}
    assert seen == outlives


def test_join_gives_up_in_virtual_time() -> None:
    def main(state: Any) -> None:
        thread = sleeper(9)
        thread.join(5)
        assert thread.is_alive() and elapsed() == 5
        thread.join(5)
        assert not thread.is_alive() and elapsed() == 9

    assert explore([main], setup=setup) == {"pass": 1}


@pytest.mark.parametrize(("clock", "late"), [("virtual", {False}), ("explored", {True, False})])
def test_a_timer_that_is_cancelled_before_its_moment(clock: str, late: set[bool]) -> None:
    seen = set()

    def main(state: Any) -> None:
        timer = threading.Timer(5, setattr, (state, "done", True))
        timer.start()
        time.sleep(3)
        timer.cancel()
        timer.join()
        seen.add(state.done)

    assert set(explore([main], setup=setup, clock=clock)) == {"pass"}
    assert seen == late


@pytest.mark.parametrize("wait", [True, False])
def test_shutdown_of_a_pool_waits_if_it_is_to(wait: bool) -> None:
    seen = set()

    def main(state: Any) -> None:
        pool = futures.ThreadPoolExecutor(1)
        pool.submit(time.sleep, 3)
        pool.shutdown(wait=wait)
        seen.add(elapsed())

    assert set(explore([main], setup=setup)) == {"pass"}
    assert seen == ({3} if wait else {0})


# ---------------------------------------------------------------- arguments of SimpleQueue.get


@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"timeout": "1"}, {"block": 2, "when": 1}])
def test_get_refuses_what_the_original_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(Exception) as outside:
        queue.SimpleQueue().get(**wrong)

    def main(state: Any) -> None:
        with pytest.raises(type(outside.value)) as inside:
            state.simple.get(**wrong)
        assert str(inside.value) == str(outside.value)

    assert explore([main], setup=setup) == {"pass": 1}


def test_a_timeout_of_no_time_and_of_a_call_that_does_not_wait() -> None:
    def main(state: Any) -> None:
        for given in [{"timeout": 0}, {"block": False, "timeout": 5}, {"block": False}]:
            with pytest.raises(queue.Empty):
                state.simple.get(**given)
        assert elapsed() == 0

    assert explore([main], setup=setup) == {"pass": 1}


def test_two_that_wait_share_what_comes() -> None:
    seen = set()

    def wait(state: Any) -> None:
        state.seen.append(PROGRAMS["SimpleQueue.get"].wait(state))

    def fulfil(state: Any) -> None:
        time.sleep(1)
        state.simple.put(1)

    def note(state: Any) -> None:
        seen.add(tuple(sorted(state.seen)))

    assert set(explore([wait, wait, fulfil], note, setup=setup)) == {"pass"}
    assert seen == {(False, True)}
