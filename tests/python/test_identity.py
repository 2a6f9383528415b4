"""Which objects accesses are of: what meets, and what is apart."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import enum
import functools
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import pytest
from observed import Box, conflicts, explore

number = 0
this = sys.modules[__name__]

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

    assert not conflicts(set_a, second, lambda: {"a": 0, "b": 0})


def test_the_order_of_keys() -> None:
    def second(table: dict[Any, int]) -> None:
        table["b"] = 1

    def empty() -> dict[Any, int]:
        return {}

    def full() -> dict[Any, int]:
        return {"a": 0, "b": 0}

    assert conflicts(set_a, second, empty)
    assert conflicts(set_a, lambda table: table.setdefault("b", 1), empty)
    assert conflicts(lambda table: table.pop("a"), lambda table: table.pop("b"), full)
    assert not conflicts(set_a, lambda table: table.get("b"), empty)


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


class Name(str, enum.Enum):
    VALUE = "value"


def test_a_name_of_a_subclass_of_str_is_that_name() -> None:
    def write(box: Box) -> None:
        setattr(box, Name.VALUE, 1)

    def read(box: Box) -> None:
        box.value  # noqa: B018

    assert conflicts(write, read, Box)


def test_a_bound_method_as_an_argument_is_called_by_whoever_gets_it() -> None:
    def rank(scores: dict[str, int]) -> None:
        sorted(["a", "b"], key=scores.get)

    def change(scores: dict[str, int]) -> None:
        scores["a"] = 5

    assert conflicts(rank, change, lambda: {"a": 1, "b": 2})


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


def test_threads_that_are_c_functions() -> None:
    assert explore(list, [].append, [].append).distinct == 1
    shared: list[Any] = []
    assert explore(list, shared.append, shared.append).distinct == 2
    table: dict[str, Any] = {}
    update = functools.partial(dict.update, table)
    assert explore(dict, update, update).distinct == 2
    assert explore(list, list.reverse, list.reverse).distinct == 2


def test_a_thread_that_is_a_c_function_goes_on_after_a_callback() -> None:
    box = Box(1)

    class Key:
        def __lt__(self, other: Any) -> bool:
            return box.value < 0

    def touch(keys: list[Key]) -> None:
        box.value = 2
        len(keys)

    explorer = explore(lambda: [Key(), Key()], list.sort, touch)
    actions = {event.action for event in explorer.trace()}
    assert "resume" in actions


def test_a_module_without_a_dict() -> None:
    """One that is made without __init__ has attributes only since somebody sets one."""

    def empty() -> Any:
        return types.ModuleType.__new__(types.ModuleType)

    def read(module: Any) -> None:
        try:
            module.absent
        except AttributeError:
            pass

    def write(module: Any) -> None:
        module.absent = 1

    assert explore(empty, read, read).distinct == 1
    assert explore(empty, read, write).distinct == 2
