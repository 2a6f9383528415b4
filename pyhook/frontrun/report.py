"""The explanation of a failing execution: its pattern in one sentence, its lines side by side."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from frontrun import _core
from frontrun.execution import (
    LOCKING,
    Execution,
    event_in_words,
    is_half,
    kind_and_name,
    name_of,
    shared_objects,
    values_in_words,
)
from frontrun.harness import describe
from frontrun.patterns import cycle_of, find_pattern, is_asleep
from frontrun.traced import fixed_directories

__all__ = ["Execution", "event_in_words", "explain", "find_pattern", "interleaving"]

ROWS_MAX = 22  # of the interleaving; with what stands around it, the report has 30 lines
WIDTH = 100
SOURCE_MIN = 24  # characters of a source line that must be left if values are shown behind it
# What a thread that sleeps waits for, by the kind of object.
SLEEPS = {
    "Condition": "to be notified",
    "Event": "for the event to be set",
    "Semaphore": "for a release",
    "BoundedSemaphore": "for a release",
    "Barrier": "for the others to arrive",
    "Future": "for the result",
    "not_empty": "for an item",  # of a queue
    "not_full": "for room",
    "all_tasks_done": "for task_done()",
}
COLUMNS_MAX = 4  # more threads than this are written below each other


def explain(
    execution: Execution, names: Sequence[str], *, colour: bool = False, complaint: str = ""
) -> list[str]:
    """The lines of the explanation: what failed, the pattern, the interleaving.

    complaint: what an oracle said, instead of what is known without it.
    """
    names = execution.names(names)
    pattern = find_pattern(execution, names)
    said, *more = (complaint or what_failed(execution.failure, names)).splitlines()
    lines = [emphasised(f"FAILED: {said}", colour), *more]
    if pattern.name:
        lines.append(f"{pattern.name}: {pattern.sentence}")
    elif not complaint:
        lines.append(pattern.sentence)
    lines.append("")
    if execution.failure.kind in ("deadlock", "blocked"):
        lines += [*deadlock_lines(execution, names), ""]
    return lines + interleaving(execution, names, pattern.marked, ROWS_MAX - len(more))


def emphasised(text: str, colour: bool) -> str:
    """Bold, on a terminal."""
    return f"\x1b[1m{text}\x1b[0m" if colour else text


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
        "timeout": "the threads of one execution took longer than timeout_per_run",
        "race": "two threads access the same data, and no lock orders them",
    }.get(failure.kind, failure.kind)


# ----------------------------------------------------------------------------- deadlocks


def deadlock_lines(execution: Execution, names: Sequence[str]) -> list[str]:
    """For each waiting thread: where it waits, and who took what it waits for, where."""
    cycle = cycle_of(execution.waits)
    order = {thread: at for at, thread in enumerate(cycle)}
    waits = sorted(execution.waits, key=lambda wait: order.get(wait.thread, len(order)))
    width = max((len(name_of(wait.thread, names)) for wait in waits), default=0)
    lines = []
    for wait in waits:
        waits_at = "goes round at" if wait.action == "spin" else "waits at"
        where = f"{os.path.basename(wait.file)}:{wait.line}"
        line = f"  {name_of(wait.thread, names):<{width}}  {waits_at} {where}: "
        reason = waits_because(execution, wait, names)
        line += cut(wait.text, max(SOURCE_MIN, WIDTH - len(line) - len(reason)))
        lines.append(line + reason)
    return lines


def waits_because(execution: Execution, wait: _core.Wait, names: Sequence[str]) -> str:
    """What a thread waits for, in brackets; "" if that is not known."""
    thing = unsaid(wait)
    if is_asleep(execution, wait):
        kind = kind_and_name(wait.object)[0].rpartition(".")[2]
        reason = SLEEPS.get(kind, "to be woken up")
        return f"  ({reason}: {thing})" if thing else f"  ({reason})"
    if wait.taken_at is not None:
        event = execution.trace[wait.taken_at]
        file = "" if event.file == wait.file else f" of {os.path.basename(event.file)}"
        taken = f"taken by {name_of(event.thread, names)} at line {event.line}{file}"
        return f"  ({thing}, {taken})" if thing else f"  ({taken})"
    if wait.waits_for is not None:
        return f"  (for the end of {name_of(wait.waits_for, names)})"
    if wait.action == "get":
        return f"  (for {f'{thing}, a queue' if thing else 'a queue'} that stays empty)"
    return f"  (for {thing})" if thing else ""


# ----------------------------------------------------------------------------- side by side


class Row(NamedTuple):
    """One source line, executed by one thread without an interruption."""

    thread: int
    line: int
    text: str
    marked: bool
    file: str
    waits: bool = False
    note: str = ""  # the values that it read and stored, the lock that it took


def rows_of(execution: Execution, marked: frozenset[int]) -> list[Row]:
    """The source lines that matter, in the order of the execution, then the lines that wait."""
    shared = shared_objects(execution.trace)
    rows: list[Row] = []
    events: list[list[_core.Event]] = []  # of each row
    for at, event in enumerate(execution.trace):
        if at not in marked and (
            is_of_library(event) or not any(number in shared for number, _ in event.accesses)
        ):
            continue
        if is_half(execution.trace, at):
            continue
        leaves = event.kind == "release" and event.text.startswith("with ")
        text = f"{event.text}  (leaves)" if leaves else event.text
        row = Row(event.thread, event.line, text, at in marked, event.file)
        if rows and rows[-1][:3] == row[:3]:
            rows[-1] = rows[-1]._replace(marked=rows[-1].marked or row.marked)
            events[-1].append(event)
        else:
            rows.append(row)
            events.append([event])
    rows = [
        row._replace(note=note_of(mine, shared)) for row, mine in zip(rows, events, strict=True)
    ]
    rows += [
        Row(wait.thread, wait.line, wait.text, True, wait.file, True, waits_note(wait))
        for wait in execution.waits
    ]
    return rows


def is_of_library(event: _core.Event) -> bool:
    """Is it a lock that a thread of the library takes, which no line of the program is behind?"""
    _, libraries = fixed_directories()
    return event.kind in LOCKING and any(event.file.startswith(path) for path in libraries)


def note_of(events: Sequence[_core.Event], shared: set[int]) -> str:
    """What is behind a line: its values, or which lock it takes if the line does not say."""
    locks = [kind_and_name(event.object)[1] for event in events if event.kind == "acquire"]
    taken = [name for name in locks if name and not says(events[0].text, name)]
    values = values_in_words(events, shared)
    return values or (f"takes {', '.join(dict.fromkeys(taken))}" if taken else "")


def waits_note(wait: _core.Wait) -> str:
    """What a thread waits for, if the line does not say."""
    name = unsaid(wait)
    return f"for {name}" if name else ""


def unsaid(wait: _core.Wait) -> str:
    """The name of what a thread waits for; "" if its line says it."""
    _, name = kind_and_name(wait.object)
    return "" if says(wait.text, name) else name


def says(text: str, name: str) -> bool:
    """Does the line say that it is this lock, and no other?"""
    return name in text and "," not in text


def interleaving(
    execution: Execution,
    names: Sequence[str],
    marked: frozenset[int],
    rows_max: int = ROWS_MAX,
    heads: Sequence[str] | None = None,
) -> list[str]:
    """The rows as text, a column for each thread."""
    rows = rows_of(execution, marked)
    if not rows:
        return []
    files = sorted({os.path.basename(row.file) for row in rows})
    title = f"  {', '.join(files)}, from top to bottom; * marks what matters"
    threads = sorted({row.thread for row in rows})
    shown = shorten(rows, rows_max)
    if len(threads) > COLUMNS_MAX or are_too_wide(shown, len(threads)):
        return [title, *below_each_other(shown, {t: name_of(t, names) for t in threads})]
    above = [f"  {name_of(thread, heads or names)}" for thread in threads]
    return [title, *side_by_side(shown, threads, above, rows_max)]


def are_too_wide(shown: Sequence[Row | None], columns: int) -> bool:
    """Would several columns cut most source lines?"""
    width = (WIDTH - 2) // columns - 2
    cut_ones = [row is not None and len(source_of(row)) > width for row in shown]
    return columns > 2 and 2 * sum(cut_ones) > len(shown)


def below_each_other(shown: Sequence[Row | None], names: Mapping[int, str]) -> list[str]:
    """One line for each row, after the name of its thread."""
    width = max(map(len, names.values()))
    return [
        "  ..."
        if row is None
        else f"  {names[row.thread]:<{width}}  {cell(row, WIDTH - width - 4)[0]}"
        for row in shown
    ]


def side_by_side(
    shown: Sequence[Row | None], threads: Sequence[int], heads: Sequence[str], lines_max: int
) -> list[str]:
    """A column for each thread. Notes that do not fit get lines of their own, if there is room."""
    natural = [len(source_of(row) + note_in(row)) for row in shown if row is not None]
    widest = max([*natural, *map(len, heads)])
    width = min(widest, (WIDTH - 2) // len(threads) - 2)
    cells = [[] if row is None else cell(row, width, split=True) for row in shown]
    if sum(max(1, len(lines)) for lines in cells) > lines_max:
        cells = [[] if row is None else cell(row, width) for row in shown]
    lines = ["  " + "  ".join(head[:width].ljust(width) for head in heads)]
    for row, mine in zip(shown, cells, strict=True):
        if row is None:
            lines.append("  ...")
            continue
        margin = " " * ((width + 2) * threads.index(row.thread) + 2)
        lines += [margin + line for line in mine]
    return [line.rstrip() for line in lines]


def source_of(row: Row) -> str:
    """The mark, the number and the source of a row's line."""
    return f"{'*' if row.marked else ' '}{row.line:>4} {row.text}"


def note_in(row: Row) -> str:
    """What is said behind the source."""
    if row.waits:
        return f"  (waits {row.note})" if row.note else "  (waits)"
    return f"  # {row.note}" if row.note else ""


def cell(row: Row, width: int, *, split: bool = False) -> list[str]:
    """A row in its column: the note behind the source, which is cut if need be; split: below it."""
    source, note = source_of(row), note_in(row)
    if len(source) + len(note) <= width:
        return [source + note]
    if split and note and not row.waits:
        return [cut(source, width), cut(f"       {note}", width)]
    if width - len(note) < min(len(source), SOURCE_MIN):
        note = "  (waits)" if row.waits else ""
    return [cut(cut(source, width - len(note)) + note, width)]


def cut(text: str, width: int) -> str:
    """At most width characters."""
    return text if len(text) <= width else text[: width - 3] + "..."


def shorten(rows: list[Row], rows_max: int) -> list[Row | None]:
    """At most rows_max rows: marked ones and their neighbours; None stands for what is left out."""
    if len(rows) <= rows_max:
        return list(rows)
    marks = [at for at, row in enumerate(rows) if row.marked] or [len(rows) - 1]
    nearness = sorted(range(len(rows)), key=lambda at: (min(abs(at - m) for m in marks), -at))
    # Each row that stays may cost a row of dots before it, in the worst case.
    kept = sorted(nearness[: rows_max - min(len(marks) + 1, rows_max // 2)])
    shown: list[Row | None] = []
    for before, at in zip([-1, *kept], kept, strict=False):
        if at != before + 1:
            shown.append(None)
        shown.append(rows[at])
    if kept[-1] != len(rows) - 1:
        shown.append(None)
    return shown[:rows_max]
