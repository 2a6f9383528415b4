"""The explanation of a failing execution: its pattern in one sentence, its lines side by side."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from frontrun import _core
from frontrun.execution import Execution, event_in_words, is_half, name_of, shared_objects
from frontrun.harness import describe
from frontrun.patterns import cycle_of, find_pattern, is_asleep

__all__ = ["Execution", "event_in_words", "explain", "find_pattern", "interleaving"]

ROWS_MAX = 22  # of the interleaving; with what stands around it, the report has 30 lines
WIDTH = 100
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
    if execution.failure.kind == "deadlock":
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
        file = os.path.basename(wait.file)
        waits_at = "goes round at" if wait.action == "spin" else "waits at"
        name = f"{name_of(wait.thread, names):<{width}}"
        line = f"  {name}  {waits_at} {file}:{wait.line}: {wait.text}"
        if is_asleep(execution, wait):
            line += "  (to be woken up)"
        elif wait.taken_at is not None:
            event = execution.trace[wait.taken_at]
            line += f"  (taken by {name_of(event.thread, names)} at line {event.line})"
        elif wait.waits_for is not None:
            line += f"  (for the end of {name_of(wait.waits_for, names)})"
        elif wait.action == "get":
            line += "  (for a queue that stays empty)"
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


def rows_of(execution: Execution, marked: frozenset[int]) -> list[Row]:
    """The source lines that matter, in the order of the execution, then the lines that wait."""
    shared = shared_objects(execution.trace)
    rows: list[Row] = []
    for at, event in enumerate(execution.trace):
        if at not in marked and not any(number in shared for number, _ in event.accesses):
            continue
        if is_half(execution.trace, at):
            continue
        leaves = event.kind == "release" and event.text.startswith("with ")
        text = f"{event.text}  (leaves)" if leaves else event.text
        row = Row(event.thread, event.line, text, at in marked, event.file)
        if rows and rows[-1][:3] == row[:3]:
            rows[-1] = rows[-1]._replace(marked=rows[-1].marked or row.marked)
        else:
            rows.append(row)
    rows += [
        Row(wait.thread, wait.line, wait.text, True, wait.file, True) for wait in execution.waits
    ]
    return rows


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
    threads = sorted({row.thread for row in rows})
    files = sorted({os.path.basename(row.file) for row in rows})
    title = f"  {', '.join(files)}, from top to bottom; * marks what matters"
    shown = shorten(rows, rows_max)
    if len(threads) > COLUMNS_MAX:
        width = max(len(name_of(thread, names)) for thread in threads)
        return [title] + [
            "  ..." if row is None else f"  {name_of(row.thread, names):<{width}}  {cell(row)}"
            for row in shown
        ]
    above = [f"  {name_of(thread, heads or names)}" for thread in threads]
    widest = max([len(cell(row)) for row in rows] + [len(head) for head in above])
    width = min(widest, (WIDTH - 2) // len(threads) - 2)
    lines = [title, "  " + "  ".join(head[:width].ljust(width) for head in above)]
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
