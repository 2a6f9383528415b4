"""What is observed of Python code: which accesses, in which order, of which objects.

The lists of (action, name) are literals: they must be the same on every CPython, for the hashes of
traces and schedule files go from one to the other.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import linecache
import sys
import threading
from typing import Any

import pytest
from observed import Box, Derived, Manager, explore, seen

from frontrun import _core

number = 0

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
        ("insert", "[]"),
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


def test_all_code_may_be_observed_at_once() -> None:
    """Reading source lines and asking the filter runs Python code, which is observed as well."""
    linecache.clearcache()
    subject = _core.Subject(
        list, [lambda state: linecache.getline(__file__, 1)] * 2, bool, traced=lambda name: True
    )
    explorer = _core.Explorer(subject)
    explorer.start_plan(strategy="random", seed=1, executions_max=5)
    verdicts = [explorer.step() for _ in range(5)]
    assert verdicts == ["invariant"] * 5
    assert {event.function for event in explorer.trace()} >= {"getline", "getlines"}
    subject.close()


def test_observation_alone_sees_the_same_and_leaves_nothing_behind() -> None:
    def thread(box: Box) -> None:
        box.value = 1
        box.value += 1

    def traced(name: str) -> bool:
        return name == __file__

    subject = _core.Subject(Box, [thread], bool, traced=traced)
    explorer = _core.Explorer(subject)
    explorer.start_plan(strategy="random", seed=1, executions_max=2)
    explorer.step()
    with pytest.raises(RuntimeError, match="observation has begun already"):
        _core.observe_alone(thread, Box(), traced)
    explorer.step()
    assert explorer.stats["events"] == 2 * 3
    subject.close()
    box = Box()
    assert _core.observe_alone(thread, box, traced) == 3
    assert box.value == 2
    with pytest.raises(ZeroDivisionError):
        _core.observe_alone(lambda _: 1 // 0, box, traced)
    assert seen(thread, Box) == [("write", "value"), ("read", "value"), ("write", "value")]
