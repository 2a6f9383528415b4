"""The report: the right name for what happened, and lines that a person can follow."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest
from frontrun import _core, report
from frontrun.execution import Execution, conflict, thing_at

NAMES = ("A", "B", "C")


def event(
    thread: int,
    line: int,
    *accesses: tuple[int, str],
    kind: str = "access",
    action: str = "",
    name: str = "x",
) -> _core.Event:
    """An event of a made-up trace; line N has the text "line N of NAME"."""
    if not action:
        action = "write" if any("write" in mode for _, mode in accesses) else "read"
    return _core.Event(
        thread=thread,
        index=1,
        kind=kind,
        action=action,
        name=name,
        function="f",
        text=f"line {line} of {name}",
        file="f.py",
        line=line,
        site=line,
        hash=0,
        outcome=True,
        accesses=accesses,
        found=None,
        stored=None,
        object=None,
    )


def execution(
    *trace: _core.Event,
    kind: str = "invariant",
    thread: int | None = None,
    exception: BaseException | None = None,
    waits: tuple[_core.Wait, ...] = (),
) -> Execution:
    """A failing execution with this trace."""
    return Execution(_core.Failure(kind, thread, exception, 7), trace, waits, (), 1, 0)


def wait(thread: int, waits_for: int | None, line: int, taken_at: int | None) -> _core.Wait:
    """A thread that waits for a lock."""
    return _core.Wait(
        thread, waits_for, "acquire", "f", f"line {line}", "f.py", line, taken_at, "", None
    )


LOST_UPDATE = execution(
    event(0, 1, (0, "read")),
    event(1, 1, (0, "read")),
    event(1, 2, (0, "write")),
    event(0, 2, (0, "write")),
)


def test_lost_update() -> None:
    lines = report.explain(LOST_UPDATE, NAMES)
    assert lines[0] == "FAILED: invariant(state) is not true"
    assert lines[1] == (
        "lost update: A read 'x' (line 1), B wrote it (line 2), then A wrote over that (line 2)."
    )
    assert lines[3:] == [
        "  f.py, from top to bottom; * marks what matters",
        "    A                  B",
        "  *   1 line 1 of x",
        "                         1 line 1 of x",
        "                     *   2 line 2 of x",
        "  *   2 line 2 of x",
    ]


def test_check_then_act_of_the_thread_that_raised() -> None:
    found = report.find_pattern(
        execution(
            event(0, 1, (0, "read"), name="in"),
            event(1, 5, (0, "write")),
            event(0, 2, (0, "read"), name="[]"),
            kind="exception",
            thread=0,
            exception=KeyError("k"),
        ),
        NAMES,
    )
    assert found.name == "check-then-act"
    assert found.sentence.startswith("A looked at a shared object (line 1), B changed it (line 5)")
    assert found.marked == {0, 1, 2}


def test_a_decision_is_check_then_act_and_a_copy_is_a_stale_snapshot() -> None:
    def found(text: str) -> str:
        looked = event(0, 1, (0, "read"))._replace(text=text)
        changed = event(1, 5, (0, "write"), (1, "read"))
        return report.find_pattern(
            execution(looked, changed, event(0, 2, (1, "write"), name="y")), NAMES
        ).name

    assert found("if state.x:") == "check-then-act"
    assert found("while not state.x:") == "check-then-act"
    assert found("copy = state.x") == "stale snapshot"


def test_a_lost_update_is_told_before_what_is_shorter() -> None:
    found = report.find_pattern(
        execution(
            event(0, 1, (0, "read")),
            event(0, 2, (1, "read"), name="y"),
            event(1, 5, (1, "write"), name="y"),
            event(0, 3, (1, "read"), name="y"),
            event(1, 6, (0, "write")),
            event(0, 4, (0, "write")),
        ),
        NAMES,
    )
    assert found.name == "lost update"


def test_a_read_that_is_repeated_is_no_lost_update() -> None:
    found = report.find_pattern(
        execution(
            event(0, 1, (0, "read")),
            event(1, 2, (0, "write")),
            event(0, 3, (0, "read")),
            event(0, 4, (0, "write")),
        ),
        NAMES,
    )
    assert found.name == "check-then-act"


def test_a_call_does_not_write_back_what_was_read() -> None:
    found = report.find_pattern(
        execution(
            event(0, 1, (0, "read"), name="len"),
            event(1, 4, (0, "write"), action="call", name="append"),
            event(0, 4, (0, "write"), action="call", name="append"),
        ),
        NAMES,
    )
    assert found.name == "check-then-act"


def test_order_violation() -> None:
    found = report.find_pattern(
        execution(event(1, 5, (0, "read"), name="ready"), event(0, 2, (0, "write"), name="ready")),
        NAMES,
    )
    assert found.name == "order violation"
    assert found.sentence == (
        "B read 'ready' (line 5) before A wrote 'ready' (line 2), and nothing orders the two."
    )


def test_no_common_object_is_no_race() -> None:
    found = report.find_pattern(
        execution(event(0, 1, (0, "write")), event(1, 2, (1, "write"))), NAMES
    )
    assert found.name == ""
    assert "no two threads touch a common object" in found.sentence


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("read", "read", False),
        ("read", "write", True),
        ("write", "write", True),
        ("weak read", "read", False),
        ("weak read", "write", True),
        ("weak write", "read", True),
        ("weak write", "write", True),
        ("weak write", "weak write", False),
        ("weak write", "weak read", False),
    ],
)
def test_conflicts_are_those_of_the_engine(one: str, other: str, expected: bool) -> None:
    assert conflict(one, other) is expected
    assert conflict(other, one) is expected


def test_deadlock_names_its_cycle_and_its_lines() -> None:
    locks = [event(t, 10 + t, (t, "write"), kind="acquire", action="acquire") for t in (0, 1)]
    text = report.explain(
        execution(*locks, kind="deadlock", waits=(wait(0, 1, 20, 1), wait(1, 0, 21, 0))), NAMES
    )
    assert text[1] == "deadlock: A waits for B, which waits for A."
    assert "  A  waits at f.py:20: line 20  (taken by B at line 11)" in text
    assert "  B  waits at f.py:21: line 21  (taken by A at line 10)" in text
    assert any("* " in line and "20 line 20  (waits)" in line for line in text)


def test_a_wait_without_a_cycle_is_said_so() -> None:
    found = report.find_pattern(
        execution(kind="deadlock", waits=(wait(2, None, 20, None),)), NAMES
    )
    assert found.sentence == "C waits for something that nobody is left to do."
    itself = report.find_pattern(execution(kind="deadlock", waits=(wait(0, 0, 5, None),)), NAMES)
    assert itself.sentence == "A waits for itself."


def test_a_long_trace_is_shortened_around_what_matters() -> None:
    noise = [event(t % 3, 100 + t, (1, "write")) for t in range(300)]
    lines = report.explain(execution(*noise[:150], *LOST_UPDATE.trace, *noise[150:]), NAMES)
    assert len(lines) <= 30
    assert sum("*" in line for line in lines) >= 3
    assert "  ..." in lines
    assert all(len(line) <= 100 for line in lines[3:])


def test_many_threads_are_written_below_each_other() -> None:
    names = tuple("ABCDEF")
    trace = [event(thread, thread, (0, "write")) for thread in range(6)]
    lines = report.explain(execution(*trace), names)
    assert "  F  *   5 line 5 of x" in lines


def test_threads_with_long_lines_are_written_below_each_other() -> None:
    trace = [
        event(thread, thread, (0, "write"), name=f"a_name_that_needs_its_room_{thread}")
        for thread in range(3)
    ]
    lines = report.explain(execution(*trace), NAMES)
    assert "  C  *   2 line 2 of a_name_that_needs_its_room_2" in lines
    short = report.explain(execution(*(each._replace(text="short") for each in trace)), NAMES)
    assert any(line.split() == ["A", "B", "C"] for line in short)


def test_values_stand_behind_the_source_or_below_it() -> None:
    def told(text: str) -> list[str]:
        wrote = event(0, 1, (0, "write"))._replace(text=text, found="1", stored="2")
        read = event(1, 2, (0, "read"))._replace(text="y = x", found="2")
        return report.explain(execution(wrote, read), NAMES)[4:]

    assert "  *   1 x += 1  # 1 -> 2" in told("x += 1")
    lines = told("x = something_long(enough, not_to, fit)")
    assert lines[1] == "  *   1 x = something_long(enough, not_to, fit)"
    assert lines[2] == "           # 1 -> 2"
    assert lines[3].endswith("*   2 y = x  # reads 2")


def test_a_container_has_the_name_that_its_line_finds_it_in() -> None:
    def named(text: str, action: str, name: str) -> str:
        attribute = event(0, 1, (1, "read"), name="items")._replace(text=text)
        touched = event(0, 1, (0, "read"), action=action, name=name)._replace(text=text)
        return thing_at((attribute, event(1, 1, (0, "write")), touched), 2)

    assert named("self.items[key] = 1", "write", "[]") == "'items'"
    assert named("if key in self.items:", "read", "in") == "'items'"
    assert named("for x in self.items:", "iterate", "") == "'items'"
    assert named("self.items.append(1)", "call", "append") == "'items'"
    assert named("while not self.items:", "read", "bool") == "'items'"
    # Read on the line, but not what is touched.
    assert named("other[self.items] = 1", "write", "[]") == "a shared object"
    assert named("other.append(self.items)", "call", "append") == "a shared object"


def test_rows_leave_out_what_only_one_thread_touches() -> None:
    private = event(0, 50, (9, "write"))
    lines = report.explain(execution(private, *LOST_UPDATE.trace), NAMES)
    assert not any("line 50" in line for line in lines)
