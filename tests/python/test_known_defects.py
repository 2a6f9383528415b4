"""What the original frontrun got wrong, measured, is right here."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from frontrun.bytecode import explore_interleavings
from frontrun.dpor import explore_dpor
from library_programs import (
    Counter,
    TwoLocks,
    ab,
    always,
    ba,
    increments_locked,
    incrementing,
)


@pytest.mark.parametrize(
    ("threads", "times", "traces"), [(2, 1, 4), (3, 1, 36), (2, 2, 34), (2, 3, 328)]
)
def test_every_trace_once(threads: int, times: int, traces: int) -> None:
    result = explore_dpor(
        Counter,
        [incrementing(times)] * threads,
        lambda c: c.value == threads * times,
        preemption_bound=None,
        stop_on_first=False,
    )
    assert result.num_explored == result.unique_interleavings == traces
    assert result.redundant == 0
    assert result.exhausted
    assert result.verdict == "failed"
    assert not result.property_holds
    assert len(result.failures) == result.stats["failures"] > 1
    numbers = [number for number, _ in result.failures]
    assert numbers == sorted(set(numbers))


def test_preemption_bounds_differ_and_are_not_exhaustion() -> None:
    explored = []
    for bound in (0, 1, 2, None):
        result = explore_dpor(Counter, [incrementing(2)] * 2, always, preemption_bound=bound)
        explored.append(result.num_explored)
        assert result.property_holds
        assert result.exhausted is (bound is None)
        assert result.verdict == ("exhausted" if bound is None else "bounded")
    assert explored == sorted(set(explored))
    assert explored[-1] == 34


def test_a_bound_that_hides_nothing_is_exhaustion() -> None:
    result = explore_dpor(Counter, [increments_locked] * 2, always, preemption_bound=2)
    assert result.verdict == "exhausted"


def test_three_threads_behind_one_lock() -> None:
    result = explore_dpor(Counter, [increments_locked] * 3, lambda c: c.value == 3)
    assert result.property_holds
    assert result.num_explored == 6
    assert result.verdict == "exhausted"


def test_abba_is_a_deadlock() -> None:
    result = explore_dpor(TwoLocks, [ab, ba], always)
    assert not result.property_holds
    assert result.failure is not None
    assert result.failure.kind == "deadlock"
    assert result.deadlocks == 1
    assert result.explanation is not None
    assert "Deadlock: ab waits for ba, which waits for ab." in result.explanation
    random = explore_interleavings(TwoLocks, [ab, ba], always)
    assert random.failure is not None
    assert random.failure.kind == "deadlock"


def test_three_philosophers() -> None:
    def philosopher(number: int) -> Callable[[list[Any]], None]:
        def eat(forks: list[Any]) -> None:
            with forks[number], forks[(number + 1) % 3]:
                pass

        return eat

    result = explore_dpor(
        lambda: [threading.Lock() for _ in range(3)],
        [philosopher(number) for number in range(3)],
        always,
        preemption_bound=None,
        stop_on_first=False,
    )
    assert (result.num_explored, result.deadlocks, len(result.failures)) == (7, 1, 1)
    assert result.exhausted
    assert not result.property_holds


def test_the_race_after_a_barrier_is_found() -> None:
    class Meeting(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.barrier = threading.Barrier(2)

    def worker(meeting: Meeting) -> None:
        meeting.barrier.wait()
        meeting.increment()

    result = explore_dpor(Meeting, [worker] * 2, lambda m: m.value == 2)
    assert not result.property_holds
    assert result.explanation is not None
    assert "Lost update" in result.explanation


def test_threads_that_the_tested_code_starts_are_explored() -> None:
    def worker(counter: Counter) -> None:
        threads = [threading.Thread(target=counter.increment) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    result = explore_dpor(Counter, [worker], lambda counter: counter.value == 2)
    assert not result.property_holds
    assert result.explanation is not None
    assert "Lost update" in result.explanation


def test_a_timeout_of_acquire_is_obeyed() -> None:
    class Taken(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.lock.acquire()
            self.got: bool | None = None

    def worker(state: Taken) -> None:
        state.got = state.lock.acquire(timeout=30)

    result = explore_dpor(Taken, [worker], lambda state: state.got is False)
    assert result.property_holds, result.explanation
    assert result.verdict == "exhausted"


def test_a_nested_condition_is_legal() -> None:
    def worker(condition: threading.Condition) -> None:
        with condition, condition:
            condition.notify_all()

    result = explore_dpor(threading.Condition, [worker] * 2, always)
    assert result.property_holds, result.explanation
    assert result.verdict == "exhausted"


def test_a_property_is_evaluated_once() -> None:
    class Reader:
        def __init__(self) -> None:
            self.reads = 0

        @property
        def value(self) -> int:
            self.reads += 1
            return self.reads

    def read(reader: Reader) -> None:
        _ = reader.value

    result = explore_dpor(Reader, [read], lambda reader: reader.reads == 1)
    assert result.property_holds, result.explanation
    assert result.num_explored == 1


def test_a_budget_is_not_exhaustion() -> None:
    few = explore_dpor(Counter, [incrementing(3)] * 2, always, max_executions=5)
    assert (few.num_explored, few.verdict, few.exhausted) == (5, "budget", False)
    assert few.property_holds
    short = explore_dpor(
        Counter, [incrementing(50)] * 4, always, preemption_bound=None, total_timeout=0.05
    )
    assert (short.verdict, short.exhausted) == ("budget", False)
    assert short.num_explored >= 1


def test_the_exact_budget_is_exhaustion() -> None:
    result = explore_dpor(Counter, [increments_locked] * 2, always, max_executions=2)
    assert result.num_explored == 2
    assert result.verdict in ("exhausted", "budget")
    assert result.exhausted is (result.verdict == "exhausted")


def test_an_execution_that_does_not_end_is_no_pass() -> None:
    class Endless:
        n = 0

    def count(endless: Endless) -> None:
        while endless.n >= 0:
            endless.n += 1

    result = explore_dpor(Endless, [count], always, max_branches=500)
    assert not result.property_holds
    assert result.failure is not None
    assert result.failure.kind == "step-limit"
