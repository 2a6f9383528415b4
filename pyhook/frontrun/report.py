"""The explanation of a failing execution: its pattern in one sentence, its lines side by side."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from frontrun import _core
from frontrun.harness import describe

ROWS_MAX = 22  # of the interleaving; with what stands around it, the report has 30 lines
WIDTH = 100
COLUMNS_MAX = 4  # more threads than this are written below each other
LOCKING = {"acquire", "try-acquire", "release"}


class Execution(NamedTuple):
    """All that is told about the last execution of an explorer."""

    failure: _core.Failure
    trace: Sequence[_core.Event]
    waits: Sequence[_core.Wait]
    blocks: Sequence[tuple[int, int]]
    preemptions: int
    trace_hash: int

    @classmethod
    def of(cls, explorer: _core.Explorer) -> Execution:
        """The last execution, which failed."""
        assert explorer.failure is not None
        return cls(
            explorer.failure,
            explorer.trace(),
            explorer.waits(),
            explorer.blocks,
            explorer.preemptions,
            explorer.trace_hash,
        )


class Pattern(NamedTuple):
    """What went wrong: its name, the sentence, and the positions in the trace that matter."""

    name: str
    sentence: str
    marked: frozenset[int]


def explain(execution: Execution, names: Sequence[str], *, colour: bool = False) -> list[str]:
    """The lines of the explanation: what failed, the pattern, the interleaving."""
    pattern = find_pattern(execution, names)
    lines = [
        emphasised(f"FAILED: {what_failed(execution.failure, names)}", colour),
        f"{pattern.name}: {pattern.sentence}" if pattern.name else pattern.sentence,
        "",
    ]
    if execution.failure.kind == "deadlock":
        lines += [*deadlock_lines(execution, names), ""]
    return lines + interleaving(execution, names, pattern.marked)


def emphasised(text: str, colour: bool) -> str:
    """Bold, on a terminal."""
    return f"\x1b[1m{text}\x1b[0m" if colour else text


def name_of(thread: int, names: Sequence[str]) -> str:
    """The name of a thread; those that the program started itself have a number only."""
    return names[thread] if thread < len(names) else f"thread-{thread}"


def what_failed(failure: _core.Failure, names: Sequence[str]) -> str:
    """The failure, without its reasons."""
    if failure.kind == "invariant":
        if failure.exception is None:
            return "invariant(state) is not true"
        return f"invariant(state) raised {describe(failure.exception)}"
    if failure.kind == "exception" and failure.exception is not None:
        who = "a thread" if failure.thread is None else name_of(failure.thread, names)
        return f"{who} raised {describe(failure.exception)}"
    return {
        "deadlock": "every thread that is left waits for ever",
        "step-limit": "the execution does not end: it reached the limit of events",
        "blocked": "a thread blocks outside of the scheduler's control",
    }.get(failure.kind, failure.kind)


# ----------------------------------------------------------------------------- patterns


def conflict(one: str, other: str) -> bool:
    """Do two modes of access to one object conflict? As enum fr_mode in fr.h has it."""
    weak = {"weak read", "weak write"}
    if one in weak and other in weak:
        return False
    if "weak write" in (one, other):
        return True
    return "write" in (one, other)


def data_accesses(event: _core.Event) -> Iterable[tuple[int, str]]:
    """The accesses of an event to data; a lock is not data."""
    return () if event.kind in LOCKING else event.accesses


def touches(event: _core.Event, thing: int, word: str) -> bool:
    """Does the event read or write ("read", "write") this object?"""
    return any(number == thing and word in mode for number, mode in data_accesses(event))


def objects_of(event: _core.Event) -> set[int]:
    """The objects that an event touches."""
    return {number for number, _ in event.accesses}


def find_pattern(execution: Execution, names: Sequence[str]) -> Pattern:
    """The best known name for what happened."""
    if execution.failure.kind == "deadlock":
        return Pattern("deadlock", deadlock_sentence(execution, names), deadlock_marks(execution))
    if execution.failure.kind in ("step-limit", "blocked"):
        return Pattern("", last_sentence(execution, names), frozenset())
    if triples := list(stale_reads(execution.trace)):
        return stale_pattern(execution, names, triples)
    if pair := last_conflict(execution.trace):
        first, second = (execution.trace[at] for at in pair)
        return Pattern(
            "order violation",
            f"{did(first, names)} before {did(second, names)}, and nothing orders the two.",
            frozenset(pair),
        )
    sentence = "no two threads touch a common object: it fails in every order."
    return Pattern("", sentence, frozenset())


def last_sentence(execution: Execution, names: Sequence[str]) -> str:
    """What was seen last of an execution that did not end."""
    if not execution.trace:
        return "no access to anything shared was seen before."
    last = execution.trace[-1]
    who, where = name_of(last.thread, names), f"{os.path.basename(last.file)}:{last.line}"
    return f"the last that was seen is {who} at {where}: {last.text}"


def stale_reads(trace: Sequence[_core.Event]) -> Iterable[tuple[int, int, int]]:
    """Positions (a, b, c): a reads, b of another thread writes the same object, c follows a.

    c is a's thread's next access to the object, or else the next thing it does.
    """
    for a, first in enumerate(trace):
        read = {thing: mode for thing, mode in data_accesses(first) if "read" in mode}
        later = [at for at in range(a + 1, len(trace)) if trace[at].thread == first.thread]
        for thing, mode in read.items():
            again = next((at for at in later if thing in objects_of(trace[at])), None)
            for b in range(a + 1, len(trace) if again is None else again):
                if trace[b].thread == first.thread or not any(
                    number == thing and "write" in how and conflict(mode, how)
                    for number, how in data_accesses(trace[b])
                ):
                    continue
                c = again if again is not None else next((at for at in later if at > b), None)
                if c is not None:
                    yield a, b, c


def stale_pattern(
    execution: Execution, names: Sequence[str], triples: list[tuple[int, int, int]]
) -> Pattern:
    """Lost update if what was read is written back, else check-then-act."""
    trace = execution.trace

    def is_lost_update(triple: tuple[int, int, int]) -> bool:
        a, b, c = triple
        return trace[c].action == "write" and any(
            touches(trace[c], thing, "write") and not touches(trace[c], thing, "read")
            for thing in objects_of(trace[a]) & objects_of(trace[b])
        )

    def rank(triple: tuple[int, int, int]) -> tuple[bool, bool, int]:
        a, _, c = triple
        mine = trace[a].thread == execution.failure.thread
        return (not mine, not is_lost_update(triple), c - a)

    a, b, c = best = min(triples, key=rank)
    one, other = (name_of(trace[at].thread, names) for at in (a, b))
    what = thing_of(trace[a])
    if is_lost_update(best):
        sentence = (
            f"{one} read {what} (line {trace[a].line}), {other} wrote it (line {trace[b].line}),"
            f" then {one} wrote over that (line {trace[c].line})."
        )
        return Pattern("lost update", sentence, frozenset(best))
    sentence = (
        f"{one} looked at {what} (line {trace[a].line}), {other} changed it (line"
        f" {trace[b].line}), then {one} went on with what it had seen (line {trace[c].line})."
    )
    return Pattern("check-then-act", sentence, frozenset(best))


def last_conflict(trace: Sequence[_core.Event]) -> tuple[int, int] | None:
    """The last two conflicting accesses of different threads, nearest to each other."""
    for b in range(len(trace) - 1, -1, -1):
        for a in range(b - 1, -1, -1):
            if trace[a].thread != trace[b].thread and any(
                one == other and conflict(how, so)
                for one, how in data_accesses(trace[a])
                for other, so in data_accesses(trace[b])
            ):
                return a, b
    return None


def thing_of(event: _core.Event) -> str:
    """What an event touches: an attribute or variable that its line names; a container has none."""
    is_word = event.name.isidentifier() and not keyword.iskeyword(event.name)
    is_plain = event.action in ("read", "write", "delete")
    if is_word and is_plain and re.search(rf"\b{event.name}\b", event.text):
        return f"'{event.name}'"
    return "a shared object"


def did(event: _core.Event, names: Sequence[str]) -> str:
    """ "A wrote 'x' (line 3)"."""
    wrote = any("write" in mode for _, mode in event.accesses)
    verb = "wrote" if wrote else "read"
    return f"{name_of(event.thread, names)} {verb} {thing_of(event)} (line {event.line})"


# ----------------------------------------------------------------------------- deadlocks


def cycle_of(waits: Sequence[_core.Wait]) -> list[int]:
    """Threads that wait for each other in a circle, each for the next one; [] if none do."""
    waits_for = {wait.thread: wait.waits_for for wait in waits}
    for start in sorted(waits_for):
        path: list[int] = []
        thread: int | None = start
        while thread is not None and thread not in path:
            path.append(thread)
            thread = waits_for.get(thread)
        if thread is not None and thread in waits_for:
            return path[path.index(thread) :]
    return []


def deadlock_sentence(execution: Execution, names: Sequence[str]) -> str:
    """Who waits for whom."""
    cycle = cycle_of(execution.waits)
    if len(cycle) == 1:
        return f"{name_of(cycle[0], names)} waits for itself."
    if cycle:
        links = ", which waits for ".join(name_of(thread, names) for thread in cycle[1:])
        first = name_of(cycle[0], names)
        return f"{first} waits for {links}, which waits for {first}."
    who = ", ".join(name_of(wait.thread, names) for wait in execution.waits)
    verb = "waits" if len(execution.waits) == 1 else "wait"
    return f"{who} {verb} for something that nobody is left to do."


def deadlock_marks(execution: Execution) -> frozenset[int]:
    """Where the locks that are waited for were taken."""
    return frozenset(wait.taken_at for wait in execution.waits if wait.taken_at is not None)


def deadlock_lines(execution: Execution, names: Sequence[str]) -> list[str]:
    """For each waiting thread: where it waits, and who took what it waits for, where."""
    cycle = cycle_of(execution.waits)
    order = {thread: at for at, thread in enumerate(cycle)}
    waits = sorted(execution.waits, key=lambda wait: order.get(wait.thread, len(order)))
    width = max((len(name_of(wait.thread, names)) for wait in waits), default=0)
    lines = []
    for wait in waits:
        file = os.path.basename(wait.file)
        line = f"  {name_of(wait.thread, names):<{width}}  waits at {file}:{wait.line}: {wait.text}"
        if wait.taken_at is not None:
            event = execution.trace[wait.taken_at]
            line += f"  (taken by {name_of(event.thread, names)} at line {event.line})"
        elif wait.waits_for is not None:
            line += f"  (for the end of {name_of(wait.waits_for, names)})"
        lines.append(line)
    return lines


# ----------------------------------------------------------------------------- side by side


class Row(NamedTuple):
    """One source line, executed by one thread without an interruption."""

    thread: int
    line: int
    text: str
    marked: bool
    file: str
    waits: bool = False


def shared_objects(trace: Sequence[_core.Event]) -> set[int]:
    """Objects that two threads touch, one of them writing (a lock counts as written)."""
    users: dict[int, set[int]] = {}
    written = set()
    for event in trace:
        for number, mode in event.accesses:
            users.setdefault(number, set()).add(event.thread)
            if "write" in mode or event.kind in LOCKING:
                written.add(number)
    return {number for number in written if len(users[number]) > 1}


def rows_of(execution: Execution, marked: frozenset[int]) -> list[Row]:
    """The source lines that matter, in the order of the execution, then the lines that wait."""
    shared = shared_objects(execution.trace)
    rows: list[Row] = []
    for at, event in enumerate(execution.trace):
        if at not in marked and not any(number in shared for number, _ in event.accesses):
            continue
        row = Row(event.thread, event.line, event.text, at in marked, event.file)
        if rows and rows[-1][:3] == row[:3]:
            rows[-1] = rows[-1]._replace(marked=rows[-1].marked or row.marked)
        else:
            rows.append(row)
    rows += [
        Row(wait.thread, wait.line, wait.text, True, wait.file, True) for wait in execution.waits
    ]
    return rows


def interleaving(
    execution: Execution, names: Sequence[str], marked: frozenset[int]
) -> list[str]:
    """The rows as text, a column for each thread."""
    rows = rows_of(execution, marked)
    if not rows:
        return []
    threads = sorted({row.thread for row in rows})
    files = sorted({os.path.basename(row.file) for row in rows})
    title = f"  {', '.join(files)}, from top to bottom; * marks what matters"
    shown = shorten(rows)
    if len(threads) > COLUMNS_MAX:
        width = max(len(name_of(thread, names)) for thread in threads)
        return [title] + [
            "  ..." if row is None else f"  {name_of(row.thread, names):<{width}}  {cell(row)}"
            for row in shown
        ]
    widest = max(len(cell(row)) for row in rows)
    width = min(widest, (WIDTH - 2) // len(threads) - 2)
    heads = (f"  {name_of(thread, names)}"[:width].ljust(width) for thread in threads)
    lines = [title, "  " + "  ".join(heads)]
    for row in shown:
        if row is None:
            lines.append("  ...")
            continue
        cells = [cell(row) if thread == row.thread else "" for thread in threads]
        lines.append("  " + "  ".join(cut(text, width).ljust(width) for text in cells))
    return [line.rstrip() for line in lines]


def cell(row: Row) -> str:
    """What a row says, without its column."""
    return f"{'*' if row.marked else ' '}{row.line:>4} {row.text}{'  (waits)' if row.waits else ''}"


def cut(text: str, width: int) -> str:
    """At most width characters."""
    return text if len(text) <= width else text[: width - 3] + "..."


def shorten(rows: list[Row]) -> list[Row | None]:
    """At most ROWS_MAX rows: marked ones and their neighbours; None stands for what is left out."""
    if len(rows) <= ROWS_MAX:
        return list(rows)
    marks = [at for at, row in enumerate(rows) if row.marked] or [len(rows) - 1]
    nearness = sorted(range(len(rows)), key=lambda at: (min(abs(at - m) for m in marks), -at))
    # Each row that stays may cost a row of dots before it, in the worst case.
    kept = sorted(nearness[: ROWS_MAX - min(len(marks) + 1, ROWS_MAX // 2)])
    shown: list[Row | None] = []
    for before, at in zip([-1, *kept], kept, strict=False):
        if at != before + 1:
            shown.append(None)
        shown.append(rows[at])
    if kept[-1] != len(rows) - 1:
        shown.append(None)
    return shown[:ROWS_MAX]
