"""Waiting under control: sleeps, time-outs, polling, and the programs made of them."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import queue
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from time_harness import EPOCH, State, elapsed, explore, explorer_of, run_alone



# ---------------------------------------------------------------- who goes when


def test_sleep_sort() -> None:
    def sleeper(seconds: float) -> Callable[[State], None]:
        def act(state: State) -> None:
            time.sleep(seconds)
            state.log.append(seconds)

        return act

    verdicts = explore(
        [sleeper(3), sleeper(1), sleeper(2)], lambda state: state.log == [1, 2, 3]
    )
    assert verdicts == {"pass": 1}


def test_sleep_hides_nothing_at_one_instant() -> None:
    def act(state: State) -> None:
        time.sleep(1)
        value = state.n
        state.n = value + 1

    verdicts = explore([act, act], lambda state: state.n == 2)
    assert verdicts["pass"] >= 2
    assert verdicts["invariant"] >= 1


def test_two_periods_interleave_as_time_says() -> None:
    def ticker(period: float, name: str) -> Callable[[State], None]:
        def act(state: State) -> None:
            for _ in range(3):
                time.sleep(period)
                state.log.append((name, elapsed()))

        return act

    def in_order(state: State) -> bool:
        return [when for _, when in state.log] == [2, 3, 4, 6, 6, 9]

    assert explore([ticker(2, "a"), ticker(3, "b")], in_order) == {"pass": 2}  # twice at 6


def test_periodic_polling_ends() -> None:
    def poll(state: State) -> None:
        while not state.flag:
            time.sleep(0.5)
        state.n = elapsed()

    def raise_flag(state: State) -> None:
        time.sleep(60.2)
        state.flag = True

    explorer = explorer_of([poll, raise_flag], lambda state: state.n == 60.5)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "exhausted"


def test_polling_the_clock_moves_it() -> None:
    def act(state: State) -> float:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pass
        return elapsed()

    assert 60 <= run_alone(act) < 62


def test_polling_beside_other_work_moves_the_clock() -> None:
    def act(state: State) -> int:
        end = time.time() + 0.5
        while time.time() < end:
            state.n += 1
        return state.n

    assert run_alone(act) > 256


def test_sleeping_no_time_moves_the_clock_at_last() -> None:
    def act(state: State) -> float:
        end = time.monotonic() + 1
        while True:
            time.sleep(0)
            if time.monotonic() > end:
                return elapsed()

    assert 1 <= run_alone(act) < 1.1


def test_another_thread_goes_on_while_one_polls() -> None:
    def poll(state: State) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            pass
        state.log.append("polled")

    def work(state: State) -> None:
        time.sleep(5)
        state.log.append("slept")

    assert explore([poll, work], lambda state: state.log == ["slept", "polled"]) == {"pass": 1}


# ---------------------------------------------------------------- waits with a time-out


def hold(seconds: float, name: str = "lock") -> Callable[[State], None]:
    def act(state: State) -> None:
        with getattr(state, name):
            time.sleep(seconds)

    return act


@pytest.mark.parametrize("kind", ["lock", "rlock"])
def test_a_timed_acquire_gets_a_lock_that_is_released_in_time(kind: str) -> None:
    def attempt(state: State) -> None:
        assert getattr(state, kind).acquire(timeout=5)
        getattr(state, kind).release()

    assert set(explore([hold(3, kind), attempt])) == {"pass"}


@pytest.mark.parametrize("kind", ["lock", "rlock"])
def test_a_timed_acquire_gives_up_in_time(kind: str) -> None:
    answers: set[tuple[bool, float]] = set()

    def attempt(state: State) -> None:
        time.sleep(1)
        answers.add((getattr(state, kind).acquire(timeout=5), elapsed()))

    assert explore([hold(10, kind), attempt]) == {"pass": 1}
    assert answers == {(False, 6)}


def test_a_release_at_the_very_instant_races_with_the_time_out() -> None:
    answers: set[bool] = set()

    def attempt(state: State) -> None:
        time.sleep(1)
        answers.add(state.lock.acquire(timeout=2))

    explore([hold(3), attempt])
    assert answers == {True, False}


def test_time_outs_break_a_ring() -> None:
    def eat(first: str, second: str) -> Callable[[State], None]:
        def act(state: State) -> None:
            with getattr(state, first):
                if getattr(state, second).acquire(timeout=1):
                    getattr(state, second).release()
                else:
                    state.flag = True

        return act

    rings: list[bool] = []
    verdicts = explore(
        [eat("lock", "other"), eat("other", "lock")], lambda state: rings.append(state.flag)
    )
    assert set(verdicts) == {"pass"}
    assert set(rings) == {True, False}


def test_waiting_for_ever_is_a_deadlock() -> None:
    for timeout in (None, threading.TIMEOUT_MAX):
        verdicts = explore([hold(0), lambda state, t=timeout: state.event.wait(t)])
        assert set(verdicts) == {"deadlock"}


def test_condition_wait_times_out_or_is_notified() -> None:
    def setup() -> threading.Condition:
        return threading.Condition()

    answers: set[tuple[bool, float]] = set()

    def wait(condition: threading.Condition) -> None:
        with condition:
            answers.add((condition.wait(timeout=4), elapsed()))

    def notify(condition: threading.Condition) -> None:
        time.sleep(1)
        with condition:
            condition.notify()

    assert set(explore([wait, notify], setup=setup)) == {"pass"}
    assert answers == {(True, 1)}
    answers.clear()
    assert set(explore([wait], setup=setup)) == {"pass"}
    assert answers == {(False, 4)}


WAITS: list[Callable[[State], Any]] = [
    lambda state: state.event.wait(2.5),
    lambda state: threading.Semaphore(0).acquire(timeout=2.5),
    lambda state: queue.Queue(1).get(timeout=2.5),
    lambda state: [q := queue.Queue(1), q.put(1), q.put(2, timeout=2.5)],
    lambda state: queue.PriorityQueue().get(True, 2.5),
    lambda state: threading.Barrier(2, timeout=2.5).wait(),
    lambda state: [state.lock.acquire(), state.lock.acquire(True, 2.5)],
    lambda state: select.select([], [], [], 2.5),
    lambda state: select.poll().poll(2500),
    lambda state: select.epoll().poll(2.5),
    lambda state: select.epoll().poll(timeout=2.5, maxevents=3),
]


@pytest.mark.parametrize("number", range(len(WAITS)))
def test_every_timed_wait_ends_in_virtual_time(number: int) -> None:
    def act(state: State) -> float:
        try:
            WAITS[number](state)
        except (queue.Empty, queue.Full, threading.BrokenBarrierError):
            pass
        return elapsed()

    assert run_alone(act) == 2.5


def test_select_answers_what_is_ready() -> None:
    def act(state: State) -> list[Any]:
        near, far = socket.socketpair()
        with near, far, select.epoll() as epoll:
            poll = select.poll()
            for kind in (poll, epoll):
                kind.register(near, select.POLLIN)
            before = select.select([near], [], [], 3)[0], poll.poll(1000), epoll.poll(1)
            far.send(b"x")
            after = select.select([near], [], [], 3)[0], poll.poll(1000), epoll.poll(1)
            assert before == ([], [], [])
            return [len(answer) for answer in after] + [elapsed()]

    assert run_alone(act) == [1, 1, 1, 5]


def test_asyncio_runs_in_virtual_time() -> None:
    async def main() -> list[str]:
        async def after(seconds: float, name: str) -> str:
            await asyncio.sleep(seconds)
            return name

        return await asyncio.gather(after(3600, "late"), after(60, "early"))

    def act(state: State) -> tuple[list[str], float]:
        return asyncio.run(main()), elapsed()

    names, passed = run_alone(act)
    assert names == ["late", "early"]
    assert 3600 <= passed < 3600.1


# ---------------------------------------------------------------- programs with time in them


class Cache:
    """Keeps a value for ten seconds."""

    def __init__(self, check_again: bool) -> None:
        self.lock = threading.Lock()
        self.check_again = check_again
        self.filled_at: float | None = None
        self.fills = 0

    def is_fresh(self) -> bool:
        return self.filled_at is not None and time.monotonic() - self.filled_at < 10

    def get(self) -> None:
        if self.is_fresh():
            return
        with self.lock:
            if self.check_again and self.is_fresh():
                return
            self.fills += 1
            self.filled_at = time.monotonic()


@pytest.mark.parametrize("check_again", [False, True])
def test_ttl_cache(check_again: bool) -> None:
    def use(cache: Cache) -> None:
        cache.get()
        time.sleep(15)
        cache.get()

    verdicts = explore(
        [use, use], lambda cache: cache.fills == 2, lambda: Cache(check_again)
    )
    assert set(verdicts) == ({"pass"} if check_again else {"pass", "invariant"})


class Server:
    """Answers the third request, or each one later than that."""

    def __init__(self) -> None:
        self.requests = 0
        self.lock = threading.Lock()
        self.answered: list[float] = []

    def ask(self) -> bool:
        with self.lock:
            self.requests += 1
            return self.requests > 2


def test_retry_with_backoff() -> None:
    def retry(server: Server) -> None:
        delay = 1.0
        while not server.ask():
            time.sleep(delay)
            delay *= 2
        server.answered.append(elapsed())

    assert run_alone(lambda state: [s := Server(), retry(s), s.answered[0]][2]) == 3
    verdicts = explore([retry, retry], lambda s: s.requests == 4, Server)
    assert set(verdicts) == {"pass"}


@pytest.mark.parametrize("loops", [False, True])
def test_a_timed_wait_must_be_looped(loops: bool) -> None:
    """A waiter that takes every return of wait() for the item it waits for."""

    class Box:
        def __init__(self) -> None:
            self.condition = threading.Condition()
            self.items: list[int] = []

    def put(box: Box) -> None:
        time.sleep(5)
        with box.condition:
            box.items.append(1)
            box.condition.notify()

    def get(box: Box) -> None:
        with box.condition:
            if loops:
                while not box.items:
                    box.condition.wait(timeout=2)
            elif not box.items:
                box.condition.wait(timeout=2)
            box.items.pop()

    verdicts = explore([put, get], setup=Box)
    assert set(verdicts) == ({"pass"} if loops else {"exception"})


# ---------------------------------------------------------------- clock="explored"


def test_explored_a_sleep_may_end_at_any_point() -> None:
    orders: set[tuple[str, ...]] = set()

    def slow(state: State) -> None:
        time.sleep(10)
        state.log.append("slow")

    def fast(state: State) -> None:
        time.sleep(1)
        state.log.append("fast")

    def note(state: State) -> None:
        orders.add(tuple(state.log))

    explore([slow, fast], note, clock="virtual")
    assert orders == {("fast", "slow")}
    explore([slow, fast], note, clock="explored")
    assert orders == {("fast", "slow"), ("slow", "fast")}


def test_explored_both_outcomes_of_a_timed_acquire() -> None:
    answers: set[bool] = set()
    explore(
        [hold(1), lambda state: answers.add(state.lock.acquire(timeout=5))], clock="explored"
    )
    assert answers == {True, False}


def test_explored_the_clock_is_a_variable() -> None:
    seen: set[float] = set()
    explore(
        [lambda state: seen.add(elapsed()), lambda state: time.sleep(7)], clock="explored"
    )
    assert seen == {0, 7}


def test_explored_a_time_out_moves_the_clock() -> None:
    def act(state: State) -> float:
        state.lock.acquire()
        assert not state.lock.acquire(timeout=4)
        time.sleep(1)
        return elapsed()

    assert run_alone(act, "explored") == 5


def test_explored_polling_moves_the_clock() -> None:
    def act(state: State) -> float:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            pass
        return elapsed()

    assert run_alone(act, "explored") >= 1


# ---------------------------------------------------------------- clock="real"


def test_real_leaves_time_alone() -> None:
    def act(state: State) -> tuple[float, bool]:
        start = time.perf_counter()
        time.sleep(0.001)
        return time.time(), time.perf_counter() - start >= 0.001

    now, slept = run_alone(act, "real")
    assert now < EPOCH
    assert slept


def test_real_a_timed_acquire_is_an_attempt() -> None:
    answers: set[bool] = set()
    explore([hold(0), lambda state: answers.add(state.lock.acquire(timeout=5))], clock="real")
    assert answers == {True, False}
