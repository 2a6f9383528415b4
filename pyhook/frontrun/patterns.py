"""The pattern of a failure: the name that people have for it, in one sentence."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from frontrun import _core
from frontrun.execution import (
    Execution,
    conflict,
    data_accesses,
    did,
    is_half,
    kind_and_name,
    meeting,
    met_at,
    mine_after,
    name_of,
    objects_of,
    reads_of,
    reads_only,
    shared_objects,
    thing_at,
    thing_of,
    touches,
    writes,
)

# How far back patterns are looked for: in a longer trace, what matters is near its end.
EVENTS_MAX = 300
# What CPython says when a container changes under an iterator.
INVALIDATED = re.compile(r"changed (size )?during iteration|mutated during iteration")
# ... and when a lock or a semaphore is released once too often.
RELEASED_TWICE = re.compile(
    r"release unlocked lock|cannot release un-acquired lock|released too many times"
)
LOCKS = {"lock", "RLock", "SimpleQueue"}  # kinds of what a thread waits for without sleeping
DECIDES = re.compile(r"^(if|elif|while|assert|match)\b|\bnot in\b|\b if .+ else ")


class Pattern(NamedTuple):
    """What went wrong: its name, the sentence, and the positions in the trace that matter."""

    name: str
    sentence: str
    marked: frozenset[int]


def find_pattern(execution: Execution, names: Sequence[str]) -> Pattern:
    """The best known name for what happened."""
    kind = execution.failure.kind
    if kind == "deadlock":
        asleep = all(is_asleep(execution, wait) for wait in execution.waits)
        # The others remember that they were told: only a notification can be lost.
        kinds = {kind_and_name(wait.object)[0] for wait in execution.waits}
        is_lost = asleep and execution.waits and kinds <= {"Condition", ""}
        name = "lost wakeup" if is_lost else "deadlock"
        return Pattern(name, deadlock_sentence(execution, names), deadlock_marks(execution))
    if kind in ("step-limit", "blocked", "timeout"):
        return Pattern("", last_sentence(execution, names), frozenset())
    if kind == "race" and execution.race is not None:
        return race_pattern(execution, names, execution.race)
    if kind == "exception" and (found := pattern_of_exception(execution, names)):
        return found
    near = positions_that_matter(execution.trace)
    if kind == "exception" and (found := what_the_raiser_met(execution, names, near)):
        return found
    triples = list(stale_reads(execution.trace, near))
    best = min(triples, key=lambda triple: rank(execution, triple), default=None)
    if best is not None and is_lost_update(execution.trace, best):
        return stale_pattern(execution, names, best)
    if torn := torn_read(execution, names, near):
        return torn
    if best is not None:
        return stale_pattern(execution, names, best)
    if pair := last_conflict(execution.trace, near):
        first, second = pair
        earlier = did(execution, first, second, names)
        later = did(execution, second, first, names)
        return Pattern(
            "order violation",
            f"{earlier} before {later}, and nothing orders the two.",
            frozenset(pair),
        )
    sentence = "no two threads touch a common object: it fails in every order."
    return Pattern("", sentence, frozenset())


def positions_that_matter(trace: Sequence[_core.Event]) -> list[int]:
    """The last events that touch what threads share, in their order."""
    shared = shared_objects(trace)
    near = [
        at
        for at in range(len(trace))
        if any(number in shared for number in objects_of(trace[at])) and not is_half(trace, at)
    ]
    return near[-EVENTS_MAX:]


def last_sentence(execution: Execution, names: Sequence[str]) -> str:
    """What was seen last of an execution that did not end."""
    if not execution.trace:
        return "no access to anything shared was seen before."
    last = execution.trace[-1]
    who, where = name_of(last.thread, names), f"{os.path.basename(last.file)}:{last.line}"
    return f"the last that was seen is {who} at {where}: {last.text}"


def race_pattern(execution: Execution, names: Sequence[str], race: tuple[int, int]) -> Pattern:
    """Two accesses that no lock, start or join orders."""
    first, second = race
    one, other = did(execution, first, second, names), did(execution, second, first, names)
    return Pattern(
        "data race",
        f"{one} and {other}, and no lock orders the two.",
        frozenset(race),
    )


# ----------------------------------------------------------------------------- stale reads

Triple = tuple[int, int, int]


def stale_reads(trace: Sequence[_core.Event], near: Sequence[int]) -> Iterable[Triple]:
    """Positions (a, b, c): a reads, b of another thread writes the same object, c follows a.

    c is a's thread's next access to the object, or else the next thing it does.
    """
    for a in near:
        first = trace[a]
        read = {thing: mode for thing, mode in data_accesses(first) if "read" in mode}
        later = [at for at in near if at > a and trace[at].thread == first.thread]
        follows = later or [
            at for at in range(a + 1, len(trace)) if trace[at].thread == first.thread
        ]
        for thing, mode in read.items():
            again = next((at for at in later if thing in objects_of(trace[at])), None)
            for b in near:
                if b <= a or (again is not None and b >= again):
                    continue
                if trace[b].thread == first.thread or not any(
                    number == thing and "write" in how and conflict(mode, how)
                    for number, how in data_accesses(trace[b])
                ):
                    continue
                after = (at for at in (*follows, *mine_after(trace, b, first.thread)) if at > b)
                c = again if again is not None else next(after, None)
                if c is not None:
                    yield a, b, c


def is_lost_update(trace: Sequence[_core.Event], triple: Triple) -> bool:
    """Is what was read written back?"""
    a, b, c = triple
    return trace[c].action == "write" and any(
        touches(trace[c], thing, "write") and not touches(trace[c], thing, "read")
        for thing in meeting(trace[a], trace[b])
    )


def rank(execution: Execution, triple: Triple) -> tuple[bool, bool, int]:
    """The least is told: of the thread that raised, a lost update, the shortest."""
    a, _, c = triple
    mine = execution.trace[a].thread == execution.failure.thread
    return (not mine, not is_lost_update(execution.trace, triple), c - a)


def stale_pattern(execution: Execution, names: Sequence[str], triple: Triple) -> Pattern:
    """Lost update if what was read is written back, else what was done on its grounds."""
    trace = execution.trace
    a, b, c = triple
    one, other = (name_of(trace[at].thread, names) for at in (a, b))
    what = met_at(execution, a, b)
    if is_lost_update(trace, triple) and not DECIDES.search(trace[a].text):
        sentence = (
            f"{one} read {what} (line {trace[a].line}), {other} wrote it (line {trace[b].line}),"
            f" then {one} wrote over that (line {trace[c].line})."
        )
        return Pattern("lost update", sentence, frozenset(triple))
    common = meeting(trace[a], trace[b]) & objects_of(trace[c])
    if common or DECIDES.search(trace[a].text) or not writes(trace[c]):
        sentence = (
            f"{one} looked at {what} (line {trace[a].line}), {other} changed it (line"
            f" {trace[b].line}), then {one} went on with what it had seen (line {trace[c].line})."
        )
        return Pattern("check-then-act", sentence, frozenset(triple))
    sentence = (
        f"{one} took a copy of {what} (line {trace[a].line}), {other} changed it (line"
        f" {trace[b].line}), then {one} stored what it made of the old one (line {trace[c].line})."
    )
    return Pattern("stale snapshot", sentence, frozenset(triple))


def both_read_first(execution: Execution, triple: Triple) -> bool:
    """A lost update of two threads that both read before either wrote: the textbook's."""
    trace = execution.trace
    a, b, _ = triple
    things = meeting(trace[a], trace[b])
    return any(
        trace[at].thread == trace[b].thread and bool(reads_only(trace[at]) & things)
        for at in range(b)
    )


# ----------------------------------------------------------------------------- torn reads


def torn_read(
    execution: Execution, names: Sequence[str], near: Sequence[int]
) -> Pattern | None:
    """One thread reads two things, one before and one after another thread changes both."""
    trace = execution.trace
    for at, first in enumerate(near):
        one = trace[first]
        second = next((p for p in near[at + 1 :] if trace[p].thread == one.thread), None)
        if second is None or not reads_only(one) or not reads_only(trace[second]):
            continue
        mine = [p for p in near if p > second and trace[p].thread == one.thread]
        back = set().union(*(writes(trace[p]) for p in mine), set())
        for x in reads_only(one) - reads_only(trace[second]) - back:
            for y in reads_only(trace[second]) - reads_only(one) - back:
                if pair := writes_around(trace, near, (first, second), (x, y)):
                    return torn_pattern(trace, names, (first, second), pair)
    return None


def writes_around(
    trace: Sequence[_core.Event],
    near: Sequence[int],
    reads: tuple[int, int],
    things: tuple[int, int],
) -> tuple[int, int] | None:
    """Where another thread writes both things so that the reads see one old and one new."""
    first, second = reads
    x, y = things
    for b in near:
        if trace[b].thread == trace[first].thread or x not in meeting(trace[first], trace[b]):
            continue
        for d in near:
            if trace[d].thread != trace[b].thread or y not in meeting(trace[second], trace[d]):
                continue
            if (first < b and d < second and d > first) or (b < first and second < d):
                return b, d
    return None


def torn_pattern(
    trace: Sequence[_core.Event],
    names: Sequence[str],
    reads: tuple[int, int],
    pair: tuple[int, int],
) -> Pattern:
    """In words."""
    first, second = (trace[at] for at in reads)
    reader, writer = name_of(first.thread, names), name_of(trace[pair[0]].thread, names)
    old, new = ("before", "after") if reads[0] < min(pair) else ("after", "before")
    sentence = (
        f"{reader} read {thing_of(first)} {old} (line {first.line}) and {thing_of(second)} {new}"
        f" (line {second.line}) {writer} changed them (lines {trace[pair[0]].line},"
        f" {trace[pair[1]].line}): the two do not belong together."
    )
    return Pattern("torn read", sentence, frozenset({*reads, *pair}))


def last_conflict(trace: Sequence[_core.Event], near: Sequence[int]) -> tuple[int, int] | None:
    """The last two conflicting accesses of different threads, nearest to each other."""
    for index in range(len(near) - 1, -1, -1):
        for a in reversed(near[:index]):
            b = near[index]
            if trace[a].thread != trace[b].thread and any(
                one == other and conflict(how, so)
                for one, how in data_accesses(trace[a])
                for other, so in data_accesses(trace[b])
            ):
                return a, b
    return None


# ----------------------------------------------------------------------------- exceptions


def pattern_of_exception(execution: Execution, names: Sequence[str]) -> Pattern | None:
    """What an exception of the interpreter itself tells."""
    error, thread = execution.failure.exception, execution.failure.thread
    if not isinstance(error, (RuntimeError, ValueError)) or thread is None:
        return None
    text = " ".join(str(part) for part in error.args)
    if INVALIDATED.search(text):
        return invalidated_iterator(execution, names, thread)
    if RELEASED_TWICE.search(text):
        return double_release(execution, names, thread)
    return None


def what_the_raiser_met(
    execution: Execution, names: Sequence[str], near: Sequence[int]
) -> Pattern | None:
    """What another thread had done to what the raising line read, since the raiser's own access."""
    trace, thread = execution.trace, execution.failure.thread
    mine = [at for at in near if trace[at].thread == thread]
    if not mine or torn_read(execution, names, near):
        return None
    last = trace[mine[-1]]
    here = [at for at in mine if (trace[at].file, trace[at].line) == (last.file, last.line)]
    for c in reversed(here):
        for b in reversed(near):
            if b >= c or trace[b].thread == thread:
                continue
            if things := meeting(trace[b], trace[c]) & writes(trace[b]) & reads_of(trace[c]):
                before = (a for a in reversed(mine) if a < b and objects_of(trace[a]) & things)
                a = next(before, None)
                return None if a is None else undone_pattern(execution, names, (a, b, c))
    return None


def undone_pattern(execution: Execution, names: Sequence[str], triple: Triple) -> Pattern | None:
    """What the thread wrote, or looked at, was gone when it came back to use it."""
    trace = execution.trace
    a, b, c = triple
    if not meeting(trace[a], trace[b]) & writes(trace[a]):
        return stale_pattern(execution, names, triple)
    one, other = (name_of(trace[at].thread, names) for at in (a, b))
    sentence = (
        f"{one} wrote {thing_at(trace, a)} (line {trace[a].line}), {other} wrote over it (line"
        f" {trace[b].line}), then {one} came to use what it had written (line {trace[c].line})."
    )
    return Pattern("overwritten", sentence, frozenset(triple))


def invalidated_iterator(
    execution: Execution, names: Sequence[str], thread: int
) -> Pattern | None:
    """A container changed while the thread that raised went through it."""
    trace = execution.trace
    mine = [at for at in range(len(trace)) if trace[at].thread == thread]
    for b in range(len(trace) - 1, -1, -1):
        if trace[b].thread == thread:
            continue
        for a in mine:
            if a < b and meeting(trace[a], trace[b]) & reads_only(trace[a]):
                c = next((at for at in mine if at > b), None)
                who, other = name_of(thread, names), name_of(trace[b].thread, names)
                sentence = (
                    f"{who} went through a container (line {trace[a].line}), and {other} changed"
                    f" it (line {trace[b].line}) before {who} was through."
                )
                marks = {a, b} if c is None else {a, b, c}
                return Pattern("iterator invalidated", sentence, frozenset(marks))
    return None


def double_release(execution: Execution, names: Sequence[str], thread: int) -> Pattern | None:
    """A lock was released that somebody else had released already."""
    trace = execution.trace
    releases = [at for at in range(len(trace)) if trace[at].kind == "release"]
    last = next((at for at in reversed(releases) if trace[at].thread == thread), None)
    if last is None:
        return None
    things = objects_of(trace[last])
    earlier = (at for at in reversed(releases) if at < last)
    before = next((at for at in earlier if objects_of(trace[at]) & things), None)
    who = name_of(thread, names)
    if before is None:
        sentence = f"{who} released a lock (line {trace[last].line}) that was not taken."
        return Pattern("double release", sentence, frozenset({last}))
    other = name_of(trace[before].thread, names)
    sentence = (
        f"{other} released the lock (line {trace[before].line}), then {who} released it again"
        f" (line {trace[last].line})."
    )
    return Pattern("double release", sentence, frozenset({before, last}))


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


def is_asleep(execution: Execution, wait: _core.Wait) -> bool:
    """Does the thread wait for a notification?

    Conditions, and all that is made of them, take a lock twice at one place to wait for another
    thread to release it.
    """
    kind, _ = kind_and_name(wait.object)
    if kind:
        return kind not in LOCKS
    if wait.taken_at is None or wait.waits_for != wait.thread:
        return False
    if wait.text.startswith("with ") or ".acquire(" in wait.text:
        return False  # it takes the lock itself
    taken = execution.trace[wait.taken_at]
    return (taken.file, taken.line, taken.function) == (wait.file, wait.line, wait.function)


def deadlock_sentence(execution: Execution, names: Sequence[str]) -> str:
    """Who waits for whom."""
    cycle = cycle_of([wait for wait in execution.waits if not is_asleep(execution, wait)])
    if len(cycle) == 1:
        return f"{name_of(cycle[0], names)} waits for itself."
    if cycle:
        links = ", which waits for ".join(name_of(thread, names) for thread in cycle[1:])
        first = name_of(cycle[0], names)
        return f"{first} waits for {links}, which waits for {first}."
    who = ", ".join(name_of(wait.thread, names) for wait in execution.waits)
    if any(wait.action == "spin" for wait in execution.waits):
        loops = "goes" if len(execution.waits) == 1 else "wait or go"
        return f"{who} {loops} round in a loop that nobody is left to end (a livelock)."
    verb = "waits" if len(execution.waits) == 1 else "wait"
    if all(is_asleep(execution, wait) for wait in execution.waits):
        return f"{who} {verb} to be woken up, and nobody is left to do it."
    taken = [wait.taken_at for wait in execution.waits if wait.taken_at is not None]
    if taken and len(taken) == len(execution.waits):
        takers = sorted({execution.trace[at].thread for at in taken})
        by = ", ".join(name_of(thread, names) for thread in takers)
        return f"{who} {verb} for a lock that {by} took and never released."
    return f"{who} {verb} for something that nobody is left to do."


def deadlock_marks(execution: Execution) -> frozenset[int]:
    """Where the locks that are waited for were taken."""
    return frozenset(
        wait.taken_at
        for wait in execution.waits
        if wait.taken_at is not None and not is_asleep(execution, wait)
    )
