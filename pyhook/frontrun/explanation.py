"""The explanation that a result carries: what went wrong, in at most 30 lines."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from frontrun.execution import Execution, met_at
from frontrun.oracles import shown
from frontrun.patterns import Pattern, both_read_first, find_pattern
from frontrun.report import WIDTH, deadlock_lines, interleaving, what_failed

LINES_MAX = 30
HEADS = {
    "deadlock": "Deadlock found",
    "step-limit": "An execution that does not end was found",
    "blocked": "A thread that blocks was found",
    "timeout": "An execution that takes too long was found",
    "exception": "An exception was found",
    "race": "Race condition found",
    "invariant": "Race condition found",
}


class Told(NamedTuple):
    """What is known about a failure."""

    execution: Execution  # the minimised one
    names: Sequence[str]
    interleavings: int  # executions until it was found
    complaint: str  # of an oracle; ""
    effort: str  # what the minimisation says
    attempts: int
    successes: int
    arguments: str = "setup, workers, invariant"  # that a replay needs
    state: Any = None  # at the end


def explain(told: Told) -> str:
    """The text."""
    execution, names = told.execution, told.execution.names(told.names)
    pattern = find_pattern(execution, names)
    # "1 interleavings", too: tests look for these words.
    head = HEADS.get(execution.failure.kind, "A failure was found")
    lines = [f"{head} after {told.interleavings} interleavings.", ""]
    if pattern.name or not told.complaint:
        lines += wrapped(sentence_of(execution, names, pattern))
    if execution.failure.kind == "deadlock":
        lines += ["", *deadlock_lines(execution, names)[: LINES_MAX // 3]]
    else:
        said = told.complaint or what_failed(execution.failure, names) + at_the_end(told, pattern)
        lines += [f"  {line}" for line in said.splitlines()[: LINES_MAX // 3]]
    if execution.failure.kind == "blocked":
        lines += deadlock_lines(execution, names)[: LINES_MAX // 3]
    lines.append("")
    tail = ["", *reproduced(told), f"  {told.effort}", *how_to_replay(told)]
    # The interleaving has a title and perhaps a head besides its rows.
    rows_max = LINES_MAX - len(lines) - len(tail) - 2
    heads = [head_of(number, name) for number, name in enumerate(names)]
    shown_rows = interleaving(execution, names, pattern.marked, rows_max, heads)
    return "\n".join([*lines, *shown_rows, *tail])


def head_of(number: int, name: str) -> str:
    """The head of a column: the number that schedules use, and the name if there is one."""
    return f"Thread {number}" if name == f"thread-{number}" else f"Thread {number}: {name}"


def wrapped(text: str) -> list[str]:
    """Lines that fit."""
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def at_the_end(told: Told, pattern: Pattern) -> str:
    """What the attributes that matter were in the end, if they are values that say something."""
    own = getattr(told.state, "__dict__", None) or {}
    names = dict.fromkeys(
        told.execution.trace[at].name
        for at in sorted(pattern.marked)
        if told.execution.trace[at].action in ("read", "write")
    )
    plain = (bool, int, float, str, bytes, tuple, list, dict, set, frozenset, type(None))
    values = [
        f"{name} = {shown(own[name])}" for name in names if name in own and type(own[name]) in plain
    ]
    return f"; in the end, {', '.join(values)}" if values else ""


def how_to_replay(told: Told) -> list[str]:
    """What to write."""
    return [
        '  To replay it: result.schedule.save("NAME.schedule.json"), and then',
        f'  frontrun.replay_schedule("NAME.schedule.json", {told.arguments})',
    ]


def reproduced(told: Told) -> list[str]:
    """How often it came again."""
    if told.attempts == 0:
        return []
    percent = round(100 * told.successes / told.attempts)
    return [f"  Reproduced {told.successes}/{told.attempts} times ({percent}%)"]


def sentence_of(execution: Execution, names: Sequence[str], pattern: Pattern) -> str:
    """The pattern as a sentence. Of a textbook's lost update, the words that people know."""
    if pattern.name == "lost update" and len(pattern.marked) == 3:
        a, b, c = sorted(pattern.marked)
        if both_read_first(execution, (a, b, c)):
            one, other = sorted({execution.trace[at].thread for at in (a, b)})
            what = met_at(execution, a, b).strip("'")
            return (
                f"Lost update: threads {one} and {other} both read {what} before either wrote it"
                " back."
            )
    if not pattern.name:
        return pattern.sentence[:1].upper() + pattern.sentence[1:]
    return f"{pattern.name.capitalize()}: {pattern.sentence}"
