"""The search for failing executions: the core executes, every now and then it is looked at."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from frontrun import _core
from frontrun.execution import event_in_words
from frontrun.options import Options
from frontrun.program import Program

ENDINGS = ("running", "exhausted", "bounded", "budget", "once")


class Found(NamedTuple):
    """One failing execution."""

    number: int  # of the execution, from 1
    failure: _core.Failure
    threads: list[int]  # which performed each event
    choices: bytes


class Search(NamedTuple):
    """An exploration that is over."""

    failures: list[Found]
    ending: str
    executions: int
    distinct: int
    estimate: float
    stats: dict[str, Any]
    unrepeatable: str  # how an execution did not repeat, or ""
    settles: bool = False  # and yet from the second execution on it did


def search_failures(program: Program, options: Options, subject: _core.Subject) -> Search:
    """Executions until the first failure, the end or the budget.

    All of them stay in the core. Only the 1st, 2nd, 4th, 8th ... and the last of all are looked at
    from here: they are executed twice, to see whether the program repeats itself.
    """
    explorer = program.explorer(subject, options)
    explorer.start_plan(**options.plan())
    twin = program.explorer(subject, options)
    deadline = None if options.total_timeout is None else time.monotonic() + options.total_timeout
    failures: list[Found] = []
    executed, compared, checkpoint, raised = 0, 0, 1, False
    while True:
        left = 0.0 if deadline is None else max(deadline - time.monotonic(), 1e-6)
        try:
            word = explorer.run(checkpoint - executed, seconds_max=left)
        except _core.DivergedError as error:
            return searched(explorer, "budget", failures, unrepeatable=f"{error}")
        executed = explorer.stats["executions"]
        if word not in ENDINGS:
            if options.switch_points == "any" or not is_out_of_reach(explorer):
                one = found(explorer, executed)
                failures.append(without_exception(one) if raised else one)
                raised |= one.failure.exception is not None
            if failures and options.stop_on_first:
                break
        elif is_to_be_compared(explorer, word, executed, compared, checkpoint):
            compared = executed
            if difference := compare_twice(explorer, twin):
                searched_so_far = searched(explorer, "budget", failures, difference)
                return searched_so_far._replace(settles=has_settled(explorer, twin))
        if word in ENDINGS and word != "running":
            break
        if executed >= checkpoint:
            checkpoint *= 2
        if deadline is not None and time.monotonic() >= deadline:
            break
    return searched(explorer, explorer.ending, failures)


def is_to_be_compared(
    explorer: _core.Explorer, word: str, executed: int, compared: int, checkpoint: int
) -> bool:
    """Is the last execution one to be looked at? One that failed earlier is not."""
    is_last = word in ("exhausted", "bounded")
    return explorer.failure is None and executed > compared and (is_last or executed >= checkpoint)


def is_out_of_reach(explorer: _core.Explorer) -> bool:
    """Is it certain that this interpreter, with its GIL, never executes the last trace?

    "cold" allows all that is not known, too. A trace that is too large to tell is in reach.
    """
    try:
        return explorer.reach("cold") is None
    except _core.FrontrunError:
        return False


def found(explorer: _core.Explorer, number: int) -> Found:
    """The last execution, which failed."""
    assert explorer.failure is not None
    threads = [thread for thread, length in explorer.blocks for _ in range(length)]
    return Found(number, explorer.failure, threads, explorer.schedule)


def without_exception(found: Found) -> Found:
    """There may be very many failures, and an exception holds on to the whole state."""
    return found._replace(failure=found.failure._replace(exception=None))


def searched(
    explorer: _core.Explorer,
    ending: str,
    failures: list[Found] | None = None,
    unrepeatable: str = "",
) -> Search:
    """What the explorer knows at the end. failures None: look at its one execution."""
    stats = explorer.stats
    if failures is None:
        failures = [] if explorer.failure is None else [found(explorer, 1)]
    return Search(
        failures,
        ending,
        stats["executions"],
        explorer.distinct,
        explorer.estimate,
        {
            **stats,
            "chance_new": explorer.chance_new,
            "distinct_is_exact": explorer.distinct_is_exact,
        },
        unrepeatable,
    )


def has_settled(explorer: _core.Explorer, twin: _core.Explorer) -> bool:
    """Do two more executions of the explorer's schedule agree, and the twin's last with them?"""
    hashes = {twin.trace_hash}
    for _ in range(2):
        twin.start(explorer.schedule)
        try:
            twin.step()
        except _core.DivergedError:
            return False
        hashes.add(twin.trace_hash)
    return len(hashes) == 1


def compare_twice(explorer: _core.Explorer, twin: _core.Explorer) -> str:
    """Executes the explorer's last schedule once more: how the two differ, or ""."""
    twin.start(explorer.schedule)
    try:
        twin.step()
    except _core.DivergedError as error:
        return str(error)
    if twin.failure is None and twin.trace_hash == explorer.trace_hash:
        return ""
    if difference := first_difference(explorer.trace(), twin.trace()):
        return difference
    if twin.failure is not None:
        return f"the first passed, the second failed ({twin.failure.kind})"
    return "their accesses met in different orders"


def first_difference(once: Sequence[_core.Event], again: Sequence[_core.Event]) -> str:
    """Where two executions of one schedule part; "" if they do the same."""
    for one, other in zip(once, again, strict=False):
        if (one.thread, one.site, one.accesses) != (other.thread, other.site, other.accesses):
            return f"it was {event_in_words(one)} and then {event_in_words(other)}"
    if len(once) == len(again):
        return ""
    longer = max(once, again, key=len)[min(len(once), len(again))]
    return f"only one of the two came to {event_in_words(longer)}"
