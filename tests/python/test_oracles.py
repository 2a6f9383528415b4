"""The judges besides the invariant: each finds what it is there for and nothing else."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
import warnings
from collections import deque
from typing import Any

import frontrun
import pytest
from frontrun.common import InterleavingResult
from frontrun.exploration import serialized
from frontrun.options import Options
from frontrun.oracles import Serializable, snapshot
from frontrun.program import make_program
from library_programs import Counter, always, increments, increments_locked


def every(*arguments: Any, **options: Any) -> InterleavingResult:
    """All interleavings, without a bound."""
    return frontrun.explore(*arguments, preemption_bound=None, **options)


# ----------------------------------------------------------------------------- serializable


@pytest.mark.parametrize("key", [True, lambda counter: counter.value])
def test_an_outcome_of_no_sequential_order_is_a_failure(key: Any) -> None:
    result = every(Counter, increments, count=2, serializable_invariant=key)
    assert not result.property_holds
    assert result.failure is not None
    assert (result.failure.kind, result.failure.exception) == ("invariant", None)
    assert result.explanation is not None
    assert "not serializable: the outcome is " in result.explanation
    assert "setup, workers, invariant, serializable_invariant=...)" in result.explanation


@pytest.mark.parametrize("key", [True, lambda counter: counter.value])
def test_outcomes_of_sequential_orders_pass(key: Any) -> None:
    result = every(Counter, increments_locked, count=3, serializable_invariant=key)
    assert (result.num_explored, result.verdict) == (6, "exhausted")


def test_each_sequential_order_may_have_its_own_outcome() -> None:
    class Log(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.entries: list[int] = []

    def add(log: Log, entry: int) -> None:
        with log.lock:
            log.entries.append(entry)

    workers = [lambda log: add(log, 1), lambda log: add(log, 2), lambda log: add(log, 3)]
    result = every(Log, workers, serializable_invariant=lambda log: log.entries)
    assert (result.num_explored, result.verdict) == (6, "exhausted")


def test_an_order_in_which_a_worker_waits_is_not_sequential() -> None:
    def produce(items: queue.Queue[int]) -> None:
        items.put(1)

    def consume(items: queue.Queue[int]) -> None:
        items.get()

    result = every(
        queue.Queue, [consume, produce], serializable_invariant=lambda items: items.qsize()
    )
    assert result.verdict == "exhausted"
    with pytest.raises(ValueError, match="cannot run one after the other, in no order"):
        every(queue.Queue, [consume], serializable_invariant=True)


def test_what_is_done_before_waiting_is_not_sequential() -> None:
    class Desk(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.items: queue.Queue[int] = queue.Queue()
            self.log: list[str] = []

    def produce(desk: Desk) -> None:
        desk.log.append("produced")
        desk.items.put(1)

    def consume(desk: Desk) -> None:
        desk.log.append("waits")
        desk.items.get()

    options = Options()
    program = make_program(Desk, [consume, produce], None, options)
    oracle = serialized(program, lambda desk: desk.log, options).oracles[0]
    assert isinstance(oracle, Serializable)
    assert oracle.outcomes == [["produced", "waits"]]


def test_the_invariant_is_asked_too() -> None:
    def broken(counter: Counter) -> bool:
        return counter.value == 3

    result = every(Counter, increments_locked, broken, count=2, serializable_invariant=True)
    assert not result.property_holds
    assert result.explanation is not None
    assert "invariant(state) is not true" in result.explanation


def test_too_many_orders_are_refused() -> None:
    with pytest.raises(ValueError, match="8 are too many, 7 are possible"):
        every(Counter, increments_locked, count=8, serializable_invariant=True)


def test_a_snapshot_compares_by_content() -> None:
    class Slotted:
        __slots__ = ("a", "b")

    def state() -> Any:
        slotted = Slotted()
        slotted.a = {"x": [1, {2, 3}], "y": deque([4])}
        counter = Counter()
        counter.value = slotted  # type: ignore[assignment]
        counter.itself = counter  # type: ignore[attr-defined]
        return counter

    one, other = state(), state()
    assert snapshot(one) == snapshot(other)
    other.value.a["x"][1].add(5)
    assert snapshot(one) != snapshot(other)
    third = state()
    third.value.b = 1
    assert snapshot(one) != snapshot(third)


# ----------------------------------------------------------------------------- data races


def raced(*arguments: Any, **options: Any) -> InterleavingResult:
    return every(*arguments, error_on_any_race=True, **options)


def test_a_race_fails_although_the_invariant_holds() -> None:
    result = raced(Counter, increments, always, count=2)
    assert not result.property_holds
    assert result.failure is not None
    assert result.failure.kind == "race"
    assert result.explanation is not None
    assert "Data race: " in result.explanation
    assert "'value'" in result.explanation
    assert "and no lock orders the two." in " ".join(result.explanation.split())


def test_what_a_lock_orders_is_no_race() -> None:
    result = raced(Counter, increments_locked, always, count=3)
    assert (result.num_explored, result.verdict) == (6, "exhausted")


def test_reading_alone_is_no_race() -> None:
    def read(counter: Counter) -> int:
        return counter.value

    assert raced(Counter, read, always, count=3).verdict == "exhausted"


def test_a_lock_that_is_handed_over_orders() -> None:
    class Handed(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.lock.acquire()

    def give(counter: Handed) -> None:
        counter.value = 1
        counter.lock.release()

    def take(counter: Handed) -> None:
        counter.lock.acquire()
        counter.value += 1

    assert raced(Handed, [give, take], always).verdict == "exhausted"


def test_a_barrier_orders() -> None:
    class Meeting(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.barrier = threading.Barrier(2)

    def write(meeting: Meeting) -> None:
        meeting.value = 1
        meeting.barrier.wait()

    def read(meeting: Meeting) -> int:
        meeting.barrier.wait()
        return meeting.value

    assert raced(Meeting, [write, read], always).verdict == "exhausted"


def test_a_lock_that_was_not_got_orders_nothing() -> None:
    def write(counter: Counter) -> None:
        with counter.lock:
            counter.value = 1

    def peek(counter: Counter) -> None:
        if counter.lock.acquire(blocking=False):
            counter.lock.release()
        else:
            _ = counter.value

    result = raced(Counter, [write, peek], always)
    assert result.failure is not None
    assert result.failure.kind == "race"


def test_an_attempt_that_failed_does_not_order_after_an_earlier_release() -> None:
    def write(counter: Counter) -> None:
        with counter.lock:
            counter.value = 1
        with counter.lock:
            pass

    def peek(counter: Counter) -> None:
        if not counter.lock.acquire(blocking=False):
            _ = counter.value

    program = make_program(Counter, [write, peek], None, Options())
    with program.subject(Options()) as subject:
        explorer = program.explorer(subject, Options())
        explorer.start_plan(strategy="replay", segments=[(0, 0, 0, 0)])
        explorer.step()
        mine = [event.index for event in explorer.trace() if event.kind == "acquire"]
        explorer.start_plan(strategy="replay", segments=[(0, mine[1], 0, 0), (1, 0, 0, 0)])
        explorer.step()
        assert explorer.data_race is not None
        first, second = (explorer.trace()[at] for at in explorer.data_race)
    assert (first.thread, second.thread, first.name, second.name) == (0, 1, "value", "value")


def test_different_keys_of_a_dict_are_no_race_but_its_length_is() -> None:
    def store(key: str) -> Any:
        def worker(mapping: dict[str, int]) -> None:
            mapping[key] = 1

        return worker

    def count(mapping: dict[str, int]) -> int:
        return len(mapping)

    def filled() -> dict[str, int]:
        return {"a": 0, "b": 0}

    assert raced(filled, [store("a"), store("b")], always).verdict == "exhausted"
    assert not raced(filled, [store("a"), count], always).property_holds


# ----------------------------------------------------------------------------- warnings


def test_a_warning_is_an_exception_on_request() -> None:
    def warns(counter: Counter) -> None:
        if counter.value == 1:
            warnings.warn("seen in between", stacklevel=1)

    def passes(counter: Counter) -> None:
        counter.value = 1
        counter.value = 2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert every(Counter, [warns, passes]).property_holds
        with pytest.raises(UserWarning, match="seen in between") as caught:
            every(Counter, [warns, passes], warnings_as_errors=True)
    assert caught.value.frontrun_result.failure.kind == "exception"  # type: ignore[attr-defined]
