"""Values and names in explanations: what a line read and stored, what a thread waits for."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import collections
import enum
import threading
from collections.abc import Callable
from typing import Any

import deadlock_programs
import frontrun
import pytest
from frontrun import _core, _naming
from frontrun.execution import Execution

STUCK = {
    name.lower(): program
    for name, program in vars(deadlock_programs).items()
    if isinstance(program, deadlock_programs.Stuck)
}


class Colour(enum.Enum):
    RED = 1


class Noisy:
    """Says so if anybody asks for its text or compares it."""

    def __repr__(self) -> str:
        raise AssertionError("__repr__ was called")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("__eq__ was called")

    def __hash__(self) -> int:
        raise AssertionError("__hash__ was called")


class Slotted:
    __slots__ = ("value",)


class Box:
    shared: Any = None

    def __init__(self) -> None:
        self.value: Any = 0
        self.items: Any = {"a": 1}
        self.asked = 0

    @property
    def computed(self) -> int:
        self.asked += 1
        return 7

    @computed.setter
    def computed(self, value: int) -> None:
        self.value = value


def told(
    setup: Callable[[], Any], *workers: Callable[[Any], Any], invariant: Callable[[Any], Any]
) -> list[_core.Event]:
    """The trace of the only execution of workers one after the other, with its values."""
    subject = _core.Subject(
        setup, workers, invariant, traced=lambda filename: filename == __file__
    )
    explorer = _core.Explorer(subject)
    explorer.start()
    explorer.step(values=True)
    return explorer.trace()


def known(*arguments: Any, **keywords: Any) -> list[tuple[str, str | None, str | None]]:
    """Of the events that have values: the name, what was there, what was stored."""
    events = told(*arguments, invariant=lambda state: True, **keywords)
    return [
        (event.name, event.found, event.stored)
        for event in events
        if (event.found, event.stored) != (None, None) and event.name != "queue"
    ]


counter = 0


def test_attributes_items_globals_and_cells() -> None:
    cell = 5

    def work(box: Box) -> None:
        global counter
        nonlocal cell
        box.value = box.value + 1
        box.items["a"] = 2
        box.items["b"] = [3]
        del box.items["a"]
        if "b" not in box.items:
            return
        counter = 8
        cell = 6

    values = known(Box, work)
    assert ("value", "0", None) in values
    assert ("value", "0", "1") in values
    assert ("[]", "1", "2") in values
    assert ("[]", None, "[3]") in values
    assert ("[]", "2", None) in values
    assert ("in", "False", None) in values
    assert ("counter", "0", "8") in values
    assert ("cell", "5", "6") in values
    global counter
    counter = 0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (True, "True"),
        (1.5, "1.5"),
        (b"ab", "b'ab'"),
        ((1, "a"), "(1, 'a')"),
        ([], "[]"),
        ({"k": 1}, "{'k': 1}"),
        ({1}, "{1}"),
        ({1, 2}, "set"),
        (set(), "set()"),
        ("x" * 1_000_000, f"'{'x' * 26}..."),
        (10**5000, "int"),
        (-(10**18), "-1000000000000000000"),
        ([[1]], "list"),
        (list(range(100)), "list"),
        (Colour.RED, "Colour"),
        (Noisy(), "Noisy"),
        ([Noisy()], "list"),
        ({"k": Noisy()}, "dict"),
        (int, "int"),
        (print, "builtin_function_or_method"),
        ("a\nb", r"'a\nb'"),
        ("\ud800", r"'\ud800'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_plain_values_are_shown_as_they_are(value: Any, words: str) -> None:
    def work(box: Box) -> None:
        box.value = value

    stored = [stored for _, _, stored in known(Box, work) if stored is not None]
    assert stored == [words]


def test_what_a_call_changes_is_looked_at_before_others_run() -> None:
    def first(queue: Any) -> None:
        queue.append(3)

    def second(queue: Any) -> None:
        queue.append(4)
        queue.clear()

    for kind in (list, collections.deque):
        values = known(kind, first, second)
        assert values == [
            ("append", "[]", "[3]"),
            ("append", "[3]", "[3, 4]"),
            ("clear", "[3, 4]", "[]"),
        ]


def test_a_call_that_is_not_over_has_changed_nothing_yet() -> None:
    def work(box: Box) -> None:
        def key(number: int) -> int:
            box.asked = number  # while it is sorted the list is empty
            return number

        box.value.sort(key=key)

    def make() -> Box:
        box = Box()
        box.value = [3, 1]
        return box

    values = known(make, work)
    assert ("sort", "[3, 1]", None) in values
    assert ("asked", "0", "3") in values


def test_looking_runs_nothing_of_the_program() -> None:
    def work(box: Box) -> None:
        box.computed = box.computed + 1
        box.value = box.shared

    seen: list[int] = []
    events = told(Box, work, invariant=lambda box: seen.append(box.asked) or True)
    assert seen == [1]
    assert [event.found for event in events if event.name == "computed"] == [None, None]
    assert [event.stored for event in events if event.name == "computed"] == [None, "8"]
    assert [event.found for event in events if event.name == "shared"] == ["None"]


def test_slots_and_attributes_that_are_not_there() -> None:
    def work(slotted: Slotted) -> None:
        slotted.value = 1
        slotted.value = slotted.value + 1

    assert known(Slotted, work) == [
        ("value", None, "1"),
        ("value", "1", None),
        ("value", "1", "2"),
    ]


def test_nothing_is_told_unless_it_is_asked_for() -> None:
    def work(box: Box) -> None:
        with lock:
            box.value = box.value + 1

    lock = threading.Lock()
    subject = _core.Subject(
        Box, [work], lambda box: True, traced=lambda filename: filename == __file__
    )
    explorer = _core.Explorer(subject)
    seen = []
    for values in (False, True, False):
        explorer.start()
        explorer.step(values=values)
        trace = explorer.trace()
        seen.append((explorer.trace_hash, [event[:-3] for event in trace]))
        assert any(event.found for event in trace) is values
        assert any(event.object == "lock lock" for event in trace) is values
    assert seen[0] == seen[1] == seen[2]


def test_a_failure_is_told_with_the_hash_that_it_had() -> None:
    def work(box: Box) -> None:
        box.value = box.value + 1

    subject = _core.Subject(
        Box, [work, work], lambda box: box.value == 2, traced=lambda name: name == __file__
    )
    explorer = _core.Explorer(subject)
    explorer.start_plan()
    assert explorer.run() == "invariant"
    before = explorer.trace_hash, explorer.blocks, explorer.schedule
    execution = Execution.told(explorer)
    assert (explorer.trace_hash, explorer.blocks, explorer.schedule) == before
    assert [event.stored for event in execution.trace if event.stored] == ["1", "1"]


# ----------------------------------------------------------------------------- names


def test_the_name_is_the_one_that_the_line_says() -> None:
    lock = threading.Lock()
    pair = {"lock": lock, "all": [lock]}
    both: dict[str, Any] = {"pair": pair, "lock": lock}
    assert _naming.name_of(lock, both, {}, "with lock:") == "lock lock"
    assert _naming.name_of(lock, {"pair": pair}, {}, "take(pair['all'][0])") == (
        "lock pair['all'][0]"
    )
    assert _naming.name_of(lock, {}, {"lock": lock}, "lock.acquire()") == "lock lock"
    assert _naming.name_of(lock, {}, {"lock": lock}, "other.acquire()") == ""


def test_a_name_is_found_without_running_the_program() -> None:
    class Meta(type):
        def __getattribute__(cls, name: str) -> Any:
            raise AssertionError("__getattribute__ of the metaclass was called")

    class Proud(metaclass=Meta):
        def __init__(self) -> None:
            self.lock = threading.Lock()

        def __getattribute__(self, name: str) -> Any:
            raise AssertionError("__getattribute__ was called")

    class Held:
        __slots__ = ("empty", "lock", "noise")

    proud, held = Proud(), Held()
    lock = held.lock = threading.Lock()
    held.noise = Noisy()
    inner = object.__getattribute__(proud, "__dict__")["lock"]
    assert _naming.name_of(inner, {"proud": proud}, {}, "") == "lock proud.lock"
    assert _naming.name_of(lock, {"held": held}, {}, "") == "lock held.lock"


def test_a_ring_of_objects_comes_to_an_end() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert _naming.name_of(threading.Lock(), {"ring": ring}, {}, "") == ""


# ----------------------------------------------------------------------------- deadlocks


@pytest.mark.parametrize("carrier", ["fiber", "thread"])
@pytest.mark.parametrize("name", STUCK)
def test_a_deadlock_report_names_line_and_object(name: str, carrier: str) -> None:
    program = STUCK[name]
    result = frontrun.explore(
        program.setup, program.workers, lambda desk: True, carrier=carrier
    )
    assert result.failure is not None and result.failure.kind == "deadlock"
    assert result.explanation is not None
    lines = [line for line in result.explanation.splitlines() if " waits at " in line]
    assert len(lines) == len(program.says)
    for line, said in zip(lines, program.says, strict=True):
        assert line.endswith(said)


def test_only_a_notification_can_be_lost() -> None:
    def head(name: str) -> str:
        program = STUCK[name]
        explanation = frontrun.explore(program.setup, program.workers).explanation
        assert explanation is not None
        return explanation.splitlines()[2]

    assert head("condition").startswith("  Lost wakeup:")
    assert head("event").startswith("  Deadlock:")


def test_a_lock_that_is_kept_is_said_so() -> None:
    def keep(lock: Any) -> None:
        lock.acquire()

    result = frontrun.explore(threading.Lock, [keep, keep])
    assert result.explanation is not None
    assert "waits for a lock that thread-0 took and never released" in result.explanation
