"""What is observed of Python code: which accesses, in which order, of which objects.

The lists of (action, name) are literals: they must be the same on every CPython, for the hashes of
traces and schedule files go from one to the other.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import functools
import sys
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import pytest

from frontrun import _core

number = 0
others: dict[str, int] = {}
this = sys.modules[__name__]


def is_ours(filename: str) -> bool:
    return filename in (__file__, "<generated>")


def explore(state: Callable[[], Any], *threads: Callable[[Any], Any]) -> _core.Explorer:
    """The explorer after every trace of the threads."""
    subject = _core.Subject(state, threads, lambda state: None, traced=is_ours)
    explorer = _core.Explorer(subject)
    explorer.start_plan(strategy="dpor")
    ending = explorer.run(10_000)
    assert ending == "exhausted", (ending, explorer.failure)
    return explorer


def seen(function: Callable[[Any], Any], state: Callable[[], Any] = list) -> list[tuple[str, str]]:
    """Action and name of the events of one thread."""
    events = explore(state, function).trace()
    return [(event.action, event.name) for event in events]


def conflicts(
    first: Callable[[Any], Any], second: Callable[[Any], Any], state: Callable[[], Any]
) -> bool:
    """Does the order of the two matter? Each must be one event (or an access that is alone in
    touching what the other touches)."""
    return explore(state, first, second).distinct > 1


class Box:
    shared = 0

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def add(self) -> None:
        self.value += 1


class Derived(Box):
    def add(self) -> None:
        super().add()


class Manager:
    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *error: object) -> None:
        return None


# ------------------------------------------------------------------------------ what is seen


def test_attributes() -> None:
    def thread(box: Box) -> None:
        box.value += 1
        del box.value

    assert seen(thread, Box) == [("read", "value"), ("write", "value"), ("delete", "value")]


def test_calls_of_python_methods_are_their_own_accesses() -> None:
    assert seen(lambda box: box.add(), Derived) == [
        ("read", "add"),
        ("read", "super"),
        ("read", "add"),
        ("read", "value"),
        ("write", "value"),
    ]


def test_globals() -> None:
    def thread(_: object) -> None:
        global number
        number += 1

    assert seen(thread) == [("read", "number"), ("write", "number")]


def test_cells() -> None:
    count = 0

    def thread(_: object) -> None:
        nonlocal count
        count += 1

    assert seen(thread) == [("read", "count"), ("write", "count")]


def test_subscripts() -> None:
    def thread(table: dict[str, int]) -> None:
        table["a"] = 1
        table["a"] += 1
        del table["a"]

    assert seen(thread, dict) == [
        ("write", "[]"),
        ("read", "[]"),
        ("write", "[]"),
        ("delete", "[]"),
    ]


def test_slices() -> None:
    def thread(numbers: list[int]) -> None:
        part = numbers[0:1]
        numbers[0:1] = part
        del numbers[0:1]

    assert seen(thread, lambda: [1, 2]) == [("read", "[]"), ("write", "[]"), ("delete", "[]")]


def test_methods_of_containers() -> None:
    def thread(numbers: list[int]) -> None:
        numbers.append(1)
        numbers.sort(key=None)
        numbers.insert(*(0, 1))
        pop = numbers.pop
        pop()

    assert seen(thread) == [
        ("call", "append"),
        ("call", "sort"),
        ("call", "insert"),
        ("call", "()"),
    ]


def test_augmented_assignment_of_a_container() -> None:
    def thread(numbers: list[int]) -> None:
        numbers += [1]

    assert seen(thread) == [("write", "+=")]


def test_iteration_and_membership() -> None:
    def thread(numbers: list[int]) -> None:
        for _ in numbers:
            pass
        if 1 in numbers or numbers:
            first, *rest = numbers

    expected = [("iterate", "")] * 4 + [("read", "in"), ("iterate", "")]
    assert seen(thread, lambda: [1, 2]) == expected


def test_truth_and_text() -> None:
    def thread(numbers: list[int]) -> None:
        while not numbers:
            pass
        text = f"{numbers} {numbers!r:>9}" if numbers else ""
        numbers == text

    assert seen(thread, lambda: [1]) == [
        ("read", "bool"),
        ("read", "bool"),
        ("read", "format"),
        ("read", "format"),
        ("read", "compare"),
    ]


def test_comprehensions_belong_to_their_function() -> None:
    def thread(numbers: list[int]) -> None:
        offset = 1
        [number + offset for number in numbers]

    events = explore(lambda: [1, 2], thread).trace()
    assert [(event.action, event.function) for event in events] == [("iterate", "thread")] * 4


def test_with_lock() -> None:
    def thread(lock: threading.Lock) -> None:
        with lock:
            pass

    assert seen(thread, threading.Lock) == [("acquire", ""), ("release", "")]


def test_with_statement_of_a_python_class() -> None:
    def thread(manager: Manager) -> None:
        with manager as same:
            same.inside = True  # type: ignore[attr-defined]

    assert seen(thread, Manager) == [("write", "inside")]


def test_generators() -> None:
    def values(numbers: list[int]) -> Any:
        yield 0
        yield from numbers

    def thread(numbers: list[int]) -> None:
        for _ in values(numbers):
            pass

    expected = [("read", "values")] + [("iterate", "")] * 3
    assert seen(thread, lambda: [1]) == expected


def test_more_than_256_names() -> None:
    body = "".join(f"    box.name{i} = 1\n" for i in range(300))
    names: dict[str, Any] = {}
    exec(compile("def thread(box):\n" + body, "<generated>", "exec"), names)
    assert seen(names["thread"], Box) == [("write", f"name{i}") for i in range(300)]


def test_code_made_late() -> None:
    def thread(box: Box) -> None:
        names: dict[str, Any] = {}
        exec(compile("def late(box): box.value = 1", "<generated>", "exec"), names)
        names["late"](box)

    assert ("write", "value") in seen(thread, Box)


def test_locals_and_arithmetic_are_no_events() -> None:
    def thread(_: object) -> None:
        total, text = 0, "a"
        while total < 5:
            total += 1
        text += "b" * total

    assert seen(thread) == []


def test_foreign_code_is_not_observed() -> None:
    box = Box()
    source = "def foreign(box): box.value = 1"
    names: dict[str, Any] = {}
    exec(compile(source, "<foreign>", "exec"), names)
    foreign = names["foreign"]
    assert ("write", "value") not in seen(lambda _: foreign(box))


def test_places_have_the_text_of_the_line() -> None:
    def thread(box: Box) -> None:
        box.value = 1

    (event,) = explore(Box, thread).trace()
    assert (event.function, event.text, event.file) == ("thread", "box.value = 1", __file__)
    assert event.line == thread.__code__.co_firstlineno + 1
    # The number goes into schedule files: it must be the same in every process and version.
    assert event.site == explore(Box, thread).trace()[0].site


# ------------------------------------------------------------------------------ which objects


def write_value(box: Box) -> None:
    box.value = 1


def pair() -> tuple[Box, Box]:
    box = Box()
    return box, box


def test_two_names_of_one_object() -> None:
    def first(boxes: tuple[Box, Box]) -> None:
        left, _ = boxes
        left.value = 1

    def second(boxes: tuple[Box, Box]) -> None:
        _, right = boxes
        right.value = 2

    assert conflicts(first, second, pair)
    assert not conflicts(first, second, lambda: (Box(), Box()))


def test_attributes_are_apart() -> None:
    def second(box: Box) -> None:
        box.other = 1  # type: ignore[attr-defined]

    assert not conflicts(write_value, second, Box)


def set_a(table: dict[Any, int]) -> None:
    table["a"] = 1


READERS: list[tuple[str, Callable[[dict[Any, int]], Any]]] = [
    ("subscript", lambda table: table["a"]),
    ("get", lambda table: table.get("a")),
    ("in", lambda table: "a" in table),
    ("len", lambda table: len(table)),
    ("iteration", lambda table: [None for _ in table]),
    ("values", lambda table: [None for _ in table.values()]),
    ("equality", lambda table: table == {}),
    ("truth", lambda table: 1 if table else 0),
    ("unpacking", lambda table: {**table}),
    ("conversion", lambda table: list(table)),
    ("enumerate", lambda table: [None for _ in enumerate(table)]),
    ("zip", lambda table: list(zip(table, table))),
    ("copy", lambda table: table.copy()),
    ("update", lambda table: {}.update(table)),
    ("clear", lambda table: table.clear()),
    ("partial", lambda table: functools.partial(len, table)()),
    ("bound", lambda table: (lambda: table.__len__)()()),
    ("descriptor", lambda table: dict.__len__(table)),
    ("keywords", lambda table: dict(**table)),
    ("format", lambda table: f"{table}"),
    ("argument", lambda table: "{}".format(table)),
]


@pytest.mark.parametrize("reader", [reader for _, reader in READERS], ids=[n for n, _ in READERS])
def test_readers_of_a_dict_conflict_with_a_store(reader: Callable[[Any], Any]) -> None:
    assert conflicts(set_a, reader, lambda: {"a": 0})


def test_elements_of_a_dict_are_apart() -> None:
    def second(table: dict[Any, int]) -> None:
        table["b"] = 1

    assert not conflicts(set_a, second, dict)


@pytest.mark.parametrize("key", [True, 1.0, 1 + 0j], ids=["bool", "float", "complex"])
def test_equal_keys_meet(key: Any) -> None:
    def first(table: dict[Any, int]) -> None:
        table[1] = 1

    def second(table: dict[Any, int]) -> None:
        table[key] = 2

    assert conflicts(first, second, dict)


class Like:
    def __hash__(self) -> int:
        return hash("a")

    def __eq__(self, other: object) -> bool:
        return True


def test_keys_with_an_equality_of_their_own_meet_all() -> None:
    like = Like()

    def second(table: dict[Any, int]) -> None:
        table[like] = 1

    assert conflicts(set_a, second, dict)


def test_list_elements() -> None:
    def first(numbers: list[int]) -> None:
        numbers[1] = 5

    def other(numbers: list[int]) -> None:
        numbers[0] = 5

    def negative(numbers: list[int]) -> None:
        numbers[-1] = 6

    def delete(numbers: list[int]) -> None:
        del numbers[0]

    def state() -> list[int]:
        return [1, 2]

    assert not conflicts(first, other, state)
    assert conflicts(first, negative, state)
    assert conflicts(other, delete, state)
    assert conflicts(first, lambda numbers: numbers.append(1), state)


CONTAINERS: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
    (list, lambda c: c.append(1)),
    (set, lambda c: c.add(1)),
    (bytearray, lambda c: c.append(1)),
    (deque, lambda c: c.append(1)),
    (OrderedDict, lambda c: c.update(x=1)),
    (Counter, lambda c: c.update("x")),
    (lambda: defaultdict(int), lambda c: c["x"]),
]


@pytest.mark.parametrize(("make", "change"), CONTAINERS)
def test_changes_of_containers_conflict_with_len(
    make: Callable[[], Any], change: Callable[[Any], Any]
) -> None:
    assert conflicts(change, lambda container: len(container), make)
    assert conflicts(change, change, make)


def test_a_shared_iterator_is_advanced() -> None:
    def thread(iterator: Any) -> None:
        next(iterator, None)

    assert conflicts(thread, thread, lambda: iter((1, 2)))


def test_a_memoryview_is_its_exporter() -> None:
    def state() -> tuple[bytearray, memoryview]:
        data = bytearray(2)
        return data, memoryview(data)

    def first(both: tuple[bytearray, memoryview]) -> None:
        _, view = both
        view[0] = 1

    def second(both: tuple[bytearray, memoryview]) -> None:
        data, _ = both
        data[0]

    assert conflicts(first, second, state)


def test_a_class_attribute_meets_the_read_through_an_instance() -> None:
    def first(box: Box) -> None:
        type(box).shared = 1

    def second(box: Box) -> None:
        box.shared

    assert conflicts(first, second, Box)


def test_setattr_and_getattr() -> None:
    def second(box: Box) -> None:
        getattr(box, "value")

    assert conflicts(lambda box: setattr(box, "value", 1), second, Box)
    assert conflicts(lambda box: object.__setattr__(box, "value", 1), second, Box)


def test_a_global_is_an_attribute_of_its_module() -> None:
    module = this

    def first(_: object) -> None:
        global number
        number = 1

    assert conflicts(first, lambda _: module.number, list)
    assert conflicts(first, lambda _: number, list)
    names = globals()
    assert conflicts(first, lambda _: names["number"], list)


def test_cells_of_two_closures() -> None:
    def state() -> tuple[Callable[[], None], Callable[[], int]]:
        count = 0

        def write() -> None:
            nonlocal count
            count = 1

        def read() -> int:
            return count

        return write, read

    def first(both: Any) -> None:
        write, _ = both
        write()

    def second(both: Any) -> None:
        _, read = both
        read()

    assert conflicts(first, second, state)
    assert not conflicts(second, second, state)


def test_objects_of_one_execution_have_addresses_of_their_own() -> None:
    """Objects that are gone must not lend their identity to new ones: every pair is apart."""

    def thread(_: object) -> None:
        for _ in (1, 2, 3, 4):
            Box()

    assert explore(list, thread, thread).distinct == 1


# ------------------------------------------------------------------------------ other tracers


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="3.12 has a slot for each tool")
def test_a_stolen_trace_function_is_said_aloud() -> None:
    def thread(box: Box) -> None:
        sys.settrace(None)
        box.value = 1

    with pytest.raises(_core.FrontrunError, match="trace function"):
        explore(Box, thread)


def test_a_tracer_of_the_controlling_thread_does_no_harm() -> None:
    def thread(box: Box) -> None:
        box.value += 1

    before = sys.gettrace()
    sys.settrace(lambda frame, event, argument: None)
    try:
        assert seen(thread, Box) == [("read", "value"), ("write", "value")]
    finally:
        sys.settrace(before)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is of 3.12")
def test_other_tools_that_come_later_do_no_harm() -> None:
    monitoring = sys.monitoring  # type: ignore[attr-defined]

    def thread(box: Box) -> None:
        monitoring.use_tool_id(2, "late")
        monitoring.register_callback(2, monitoring.events.LINE, lambda code, line: None)
        monitoring.set_events(2, monitoring.events.LINE)
        sys.settrace(lambda frame, event, argument: None)
        box.value = 1
        sys.settrace(None)
        box.value = 2
        monitoring.set_events(2, 0)
        monitoring.free_tool_id(2)
        box.value = 3

    assert [event for event in seen(thread, Box) if event == ("write", "value")] == [
        ("write", "value")
    ] * 3
