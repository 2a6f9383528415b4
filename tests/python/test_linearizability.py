"""A sequential model explains the calls, or it does not: all overlaps, and only those."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import queue
import threading
from typing import Any

import frontrun
import pytest
from frontrun.common import InterleavingResult
from frontrun.linearizability import Call, explains


def every(*arguments: Any, **options: Any) -> InterleavingResult:
    """All interleavings, without a bound."""
    return frontrun.explore(*arguments, preemption_bound=None, **options)


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
