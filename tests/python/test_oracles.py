"""The judges besides the invariant: each finds what it is there for and nothing else."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import queue
import threading
import warnings
from collections import deque
from typing import Any

import frontrun
import pytest
from frontrun.common import InterleavingResult
from frontrun.exploration import serialized
from frontrun.linearizability import Call, explains
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


# ----------------------------------------------------------------------------- linearizability


class Queue:
    """A queue that two can take the same item from."""

    def __init__(self) -> None:
        self.items: tuple[int, ...] = ()

    def put(self, item: int) -> None:
        self.items = (*self.items, item)

    def take(self) -> int | None:
        items = self.items
        if not items:
            return None
        self.items = items[1:]
        return items[0]


class LockedQueue(Queue):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def put(self, item: int) -> None:
        with self.lock:
            super().put(item)

    def take(self) -> int | None:
        with self.lock:
            return super().take()


class Model:
    """The sequential queue."""

    def __init__(self) -> None:
        self.items: list[int] = []

    def put(self, item: int) -> None:
        self.items.append(item)

    def take(self) -> int | None:
        return self.items.pop(0) if self.items else None


def produce(items: Queue) -> None:
    items.put(1)
    items.take()


def consume(items: Queue) -> None:
    items.take()


def test_a_racy_queue_is_not_linearizable() -> None:
    result = every(Queue, [produce, consume], spec=Model)
    assert not result.property_holds
    assert result.explanation is not None
    assert "not linearizable: one at a time, in no order, these calls give" in result.explanation
    assert "produce: take() -> 1" in result.explanation
    assert "consume: take() -> 1" in result.explanation
    assert "history.py" not in result.explanation
    assert len(result.explanation.splitlines()) <= 30
    assert result.schedule is not None
    again = frontrun.replay_schedule(result.schedule, Queue, [produce, consume], spec=Model)
    assert not again.property_holds


def test_a_locked_queue_is_linearizable() -> None:
    result = every(LockedQueue, [produce, consume], spec=Model)
    assert result.verdict == "exhausted", result.explanation


def test_a_queue_of_the_standard_library_is_linearizable() -> None:
    class Sequential(Model):
        def get(self) -> int | None:
            if not self.items:
                raise LookupError  # it would have waited
            return self.take()

    result = every(
        queue.Queue, [lambda q: q.put(1), lambda q: q.put(2), lambda q: q.get()], spec=Sequential
    )
    assert result.verdict == "exhausted", result.explanation


def test_only_the_order_of_calls_tells() -> None:
    class Register:
        """What is written stays in a buffer for ever: no access is common to both."""

        def __init__(self) -> None:
            self.buffer = self.value = 0

        def write(self, value: int) -> None:
            self.buffer = value

        def read(self) -> int:
            return self.value

    class Sequential:
        value = 0

        def write(self, value: int) -> None:
            self.value = value

        def read(self) -> int:
            return self.value

    workers = [lambda r: r.read(), lambda r: r.write(1)]
    result = every(Register, workers, spec=Sequential, stop_on_first=False)
    # The read ends before the write begins, overlaps with it, or begins after its end.
    assert (result.num_explored, len(result.failures)) == (3, 1)


@pytest.mark.parametrize(("calls", "orders"), [(1, 1), (2, 3), (3, 19)])
def test_every_overlap_of_calls_is_executed_once(calls: int, orders: int) -> None:
    class Nothing:
        def touch(self) -> None: ...

    result = every(Nothing, lambda nothing: nothing.touch(), count=calls, spec=Nothing)
    assert (result.num_explored, result.verdict) == (orders, "exhausted")


def test_an_exception_is_a_result() -> None:
    def pop(items: Any) -> None:
        try:
            items.pop()
        except IndexError:
            items.append(7)

    assert every(list, pop, count=2, spec=list).verdict == "exhausted"


def test_another_exception_is_another_result() -> None:
    class Lookup(dict[str, int]):
        def find(self) -> int:
            return self["nothing"]

    class Sequential:
        def find(self) -> int:
            raise IndexError

    def find(lookup: Any) -> None:
        with contextlib.suppress(LookupError):
            lookup.find()

    assert not every(Lookup, [find], spec=Sequential).property_holds


def test_special_methods_and_attributes_of_the_proxy() -> None:
    class Box(dict[str, int]):
        label = "box"

    def use(box: Any) -> None:
        box["a"] = 1
        assert "a" in box
        assert box["a"] == 1
        assert len(box) == 1
        assert list(box) == ["a"]
        assert box.label == "box"
        box.label = "mine"
        assert box.label == "mine"

    assert every(Box, [use], spec=dict).verdict == "exhausted"


def test_attributes_of_the_object_are_observed_through_the_proxy() -> None:
    class Plain:
        n = 0
        looked = 0

        @property
        def once(self) -> int:
            self.looked += 1
            return self.looked

    def add(plain: Any) -> None:
        plain.n = plain.n + 1

    result = every(Plain, add, lambda plain: plain.n == 2, count=2, spec=Plain)
    assert not result.property_holds

    def look(plain: Any) -> None:
        assert plain.once == 1

    assert every(Plain, [look], spec=Plain).property_holds


def test_methods_of_c_are_observed_through_the_proxy() -> None:
    def look(items: Any) -> None:
        seen.add(len(items))

    def add(items: Any) -> None:
        items.append(1)
        items.append(2)

    seen: set[int] = set()
    alone = every(list, [add, lambda items: None], spec=list)
    both = every(list, [add, look], spec=list)
    assert both.verdict == "exhausted", both.explanation
    assert both.num_explored > alone.num_explored
    assert seen == {0, 1, 2}


def test_a_model_without_the_method_is_told() -> None:
    with pytest.raises(ValueError, match="the model list has no method put"):
        every(Queue, [produce], spec=list)
    with pytest.raises(TypeError, match="spec is 3; give a class"):
        every(Queue, [produce], spec=3)


def test_the_invariant_gets_the_object_itself() -> None:
    def is_queue(items: Any) -> bool:
        return type(items) is LockedQueue

    assert every(LockedQueue, [produce, consume], is_queue, spec=Model).property_holds


def history(*calls: tuple[str, tuple[Any, ...], Any, int, int]) -> list[Call]:
    return [
        Call(0, name, args, {}, began, ended, value) for name, args, value, began, ended in calls
    ]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([], True),
        ([("put", (1,), None, 1, 2), ("take", (), 1, 3, 4)], True),
        ([("take", (), 1, 1, 2), ("put", (1,), None, 3, 4)], False),
        ([("take", (), 1, 1, 3), ("put", (1,), None, 2, 4)], True),
        ([("put", (1,), None, 1, 2), ("put", (2,), None, 3, 4), ("take", (), 2, 5, 6)], False),
        ([("put", (1,), None, 1, 3), ("put", (2,), None, 2, 4), ("take", (), 2, 5, 6)], True),
        ([("put", (1,), None, 1, 6), ("take", (), None, 2, 3), ("take", (), 1, 4, 5)], True),
        ([("put", (1,), None, 1, 6), ("take", (), 1, 2, 3), ("take", (), 1, 4, 5)], False),
    ],
)
def test_histories(calls: Any, expected: bool) -> None:
    assert explains(history(*calls), Model()) is expected


def test_a_long_history_does_not_take_for_ever() -> None:
    # Twelve puts that all overlap: 12! orders, but 2^12 states are remembered.
    puts = [("put", (1,), None, n + 1, 100 + n) for n in range(12)]
    assert not explains(history(*puts, ("take", (), 2, 200, 201)), Model())
