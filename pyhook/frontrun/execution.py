"""One failing execution, and words for its parts."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import keyword
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from frontrun import _core, history

NAME_MAX = 40  # characters of a Thread.name that are shown
LOCKING = {"acquire", "try-acquire", "release"}
MARKS = {history.mark_call.__name__, history.mark_return.__name__}


class Execution(NamedTuple):
    """All that is told about the last execution of an explorer."""

    failure: _core.Failure
    trace: Sequence[_core.Event]
    waits: Sequence[_core.Wait]
    blocks: Sequence[tuple[int, int]]
    preemptions: int
    trace_hash: int
    race: tuple[int, int] | None = None  # positions of two accesses that nothing orders
    started: Mapping[int, str] = {}  # names of threads that the program started, by number
    resources: Mapping[int, str] = {}  # names of objects outside the process: "file a.txt"

    @classmethod
    def told(cls, explorer: _core.Explorer) -> Execution:
        """The last execution, which failed, executed once more to see the values in it.

        As it was if it does not come again, or if that would take as long as it did.
        """
        before = cls.of(explorer)
        if before.failure.kind == "blocked":
            return before
        schedule = explorer.schedule
        for values in (True, False):
            explorer.start(schedule)
            with contextlib.suppress(_core.DivergedError):
                explorer.step(values=values)
                if explorer.failure is not None and explorer.trace_hash == before.trace_hash:
                    return cls.of(explorer)
        return before

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
            explorer.data_race,
            explorer.thread_names,
            explorer.resources(),
        )

    def names(self, workers: Sequence[str]) -> Sequence[str]:
        """A name for every thread: those of the harness, then what Thread.name says."""
        last = max(self.started, default=-1)
        more = (
            " ".join(self.started.get(n, "").split())[:NAME_MAX] or f"thread-{n}"
            for n in range(len(workers), last + 1)
        )
        return (*workers, *more)


# ----------------------------------------------------------------------------- accesses


def conflict(one: str, other: str) -> bool:
    """Do two modes of access to one object conflict? As enum fr_mode in fr.h has it."""
    weak = {"weak read", "weak write"}
    if one in weak and other in weak:
        return False
    if "weak write" in (one, other):
        return True
    return "write" in (one, other)


def is_mark(event: _core.Event) -> bool:
    """Is it a mark of a call or a return, which is not of the program?"""
    return event.function in MARKS and event.file == history.__file__


def data_accesses(event: _core.Event) -> Iterable[tuple[int, str]]:
    """The accesses of an event to data; a lock is not data."""
    return () if event.kind in LOCKING or is_mark(event) else event.accesses


def touches(event: _core.Event, thing: int, word: str) -> bool:
    """Does the event read or write ("read", "write") this object?"""
    return any(number == thing and word in mode for number, mode in data_accesses(event))


def writes(event: _core.Event) -> set[int]:
    """The data that an event writes."""
    return {number for number, mode in data_accesses(event) if "write" in mode}


def reads_of(event: _core.Event) -> set[int]:
    """The data that an event reads."""
    return {number for number, mode in data_accesses(event) if "read" in mode}


def reads_only(event: _core.Event) -> set[int]:
    """The data that an event reads and does not write."""
    return reads_of(event) - writes(event)


def objects_of(event: _core.Event) -> set[int]:
    """The objects that an event touches."""
    return {number for number, _ in event.accesses}


def meeting(one: _core.Event, other: _core.Event) -> set[int]:
    """The data on which two events conflict."""
    return {
        number
        for number, mode in data_accesses(one)
        if any(number == also and conflict(mode, how) for also, how in data_accesses(other))
    }


def shared_objects(trace: Sequence[_core.Event]) -> set[int]:
    """Objects on which two threads conflict (a lock counts as written)."""
    uses: dict[int, set[tuple[int, str]]] = {}
    for event in trace:
        for number, mode in () if is_mark(event) else event.accesses:
            how = "write" if event.kind in LOCKING else mode
            uses.setdefault(number, set()).add((event.thread, how))
    return {number for number, users in uses.items() if are_in_conflict(users)}


def are_in_conflict(users: set[tuple[int, str]]) -> bool:
    """Does one of these threads conflict with another?"""
    return any(
        thread < other and conflict(mode, how) for thread, mode in users for other, how in users
    )


def mine_after(trace: Sequence[_core.Event], position: int, thread: int) -> Iterable[int]:
    """What a thread does after a position, whatever it touches."""
    later = range(position + 1, len(trace))
    return (at for at in later if trace[at].thread == thread and not is_mark(trace[at]))


def is_half(trace: Sequence[_core.Event], at: int) -> bool:
    """Is it the first half of an insertion? A new key is announced twice, and then stored."""
    event = trace[at]
    after = next((trace[n] for n in mine_after(trace, at, event.thread)), None)
    return (
        after is not None
        and after.action == "insert" != event.action
        and (after.file, after.line, after.name) == (event.file, event.line, event.name)
        and set(event.accesses) <= set(after.accesses)
    )


# ----------------------------------------------------------------------------- words


def kind_and_name(object: str | None) -> tuple[str, str]:
    """Of a lock, queue ...: what it is, and what the program calls it; "" if that is not known."""
    kind, _, name = (object or "").partition(" ")
    return kind, name


def name_of(thread: int, names: Sequence[str]) -> str:
    """The name of a thread; one without a name has its number."""
    return names[thread] if thread < len(names) else f"thread-{thread}"


def thing_of(event: _core.Event) -> str:
    """What an event touches: an attribute or variable that its line names; a container has none."""
    is_word = event.name.isidentifier() and not keyword.iskeyword(event.name)
    is_plain = event.action in ("read", "write", "delete")
    if is_word and is_plain and re.search(rf"\b{event.name}\b", event.text):
        return f"'{event.name}'"
    return "a shared object"


def thing_at(trace: Sequence[_core.Event], at: int) -> str:
    """As thing_of; of a container, the attribute or variable that its line finds it in."""
    event = trace[at]
    # What stands around the container's name in the source, by what is done to it.
    around = {
        "[]": r"\b{}\[",
        "in": r"\bin [\w.]*\b{}\b",
        "bool": r"\b{}\b",
    }.get(event.name)
    if event.action == "call":
        around = rf"\b{{}}\.{re.escape(event.name)}\("
    elif event.action == "iterate":
        around = r"\bin [\w.]*\b{}\b"
    said = thing_of(event)
    for before in reversed(trace[:at]):
        if before.thread != event.thread:
            continue
        if around is None or (before.file, before.line) != (event.file, event.line):
            break
        named = thing_of(before) != said and before.action == "read"
        if named and re.search(around.format(before.name), event.text):
            return thing_of(before)
    return said


def met_at(execution: Execution, one: int, other: int) -> str:
    """On what two events conflict: something outside the process by its name, else as thing_at."""
    trace = execution.trace
    found = {execution.resources.get(number, "") for number in meeting(trace[one], trace[other])}
    # A directory changes with each of its files: what they mean is the file.
    named = sorted(found - {""}, key=lambda name: (name.startswith("directory"), name))
    return named[0] if named else thing_at(trace, one)


def did(execution: Execution, at: int, other: int, names: Sequence[str]) -> str:
    """ "A wrote 'x' (line 3)": what an event did to what it has in common with another one."""
    event = execution.trace[at]
    verb = "wrote" if writes(event) else "read"
    what = met_at(execution, at, other)
    return f"{name_of(event.thread, names)} {verb} {what} (line {event.line})"


def values_in_words(events: Iterable[_core.Event], shared: set[int]) -> str:
    """What a line read and stored of what threads share: "reads 0", "0 -> 1"; "" if unknown."""
    values: dict[str, tuple[str | None, str | None]] = {}  # name -> first found, last stored
    for event in events:
        known = [words for words in (event.found, event.stored) if words is not None]
        if all(map(is_type_name, known)) and len(known) < 2:
            continue
        if any(number in shared for number, _ in data_accesses(event)):
            found, stored = values.get(event.name, (event.found, None))
            stored = "nothing" if event.action == "delete" else event.stored or stored
            values[event.name] = (found, stored)
    said = {
        name: f"is {value[0]}" if name == "in" else change_in_words(*value)
        for name, value in values.items()
    }
    if len(said) == 1:
        return next(iter(said.values()))
    return ", ".join(
        f"{name}: {words}" if name.isidentifier() else words for name, words in said.items()
    )


def is_type_name(words: str) -> bool:
    """Do these words stand for an object that has no short text of its own?"""
    return words.isidentifier() and words not in ("None", "True", "False")


def change_in_words(found: str | None, stored: str | None) -> str:
    """One value that was read, or replaced."""
    if stored is None:
        return f"reads {found}"
    return f"sets {stored}" if found is None else f"{found} -> {stored}"


def event_in_words(event: _core.Event) -> str:
    """ "thread 0 at bank.py:7: self.value = 1"."""
    return f"thread {event.thread} at {os.path.basename(event.file)}:{event.line}: {event.text}"
