"""Schedule files: a failing schedule as text. docs/schedule-format.md is normative."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from frontrun import _core
from frontrun.harness import UnusableError

FORMAT = "frontrun-schedule"
VERSION = 1
SUFFIX = ".schedule.json"


class Place(NamedTuple):
    """What a thread is about to do, in words that survive edits elsewhere; nth counts from 1."""

    function: str
    line: str
    action: str
    name: str
    nth: int


class Step(NamedTuple):
    """Run a thread until it is about to do something, or (None) as far as it goes."""

    thread: int
    until: Place | None


class Schedule(NamedTuple):
    """What a schedule file holds. harness is relative to the file."""

    harness: str
    threads: tuple[str, ...]  # of the harness
    failure: dict[str, Any]  # kind, id, exception ({type, message} or None), where
    steps: tuple[Step, ...]
    preemptions: int
    trace_hash: int
    found_with: dict[str, str]
    started: Mapping[int, str] = {}  # names of threads that these started, by number

    def name_of(self, thread: int) -> str:
        """The name of a thread, for people: a replay goes by the number."""
        if thread < len(self.threads):
            return self.threads[thread]
        return self.started.get(thread, f"thread-{thread}")

    def segments(self) -> list[tuple[int, int, int, int]]:
        """The steps as the engine replays them."""
        return [
            (step.thread, 0, 0, 0)
            if step.until is None
            else (step.thread, 0, _core.site(*step.until[:4]), step.until.nth)
            for step in self.steps
        ]


# ----------------------------------------------------------------------------- from an execution


def steps_of(
    blocks: Sequence[tuple[int, int]],
    trace: Sequence[_core.Event],
    waits: Sequence[_core.Wait],
) -> tuple[Step, ...]:
    """An execution's blocks as steps: each ends where its thread's next event is announced."""
    mine: dict[int, list[_core.Event]] = {}
    for event in trace:
        mine.setdefault(event.thread, []).append(event)
    done: Counter[int] = Counter()
    steps = []
    until: Place | None
    for thread, length in blocks:
        done[thread] += length
        events = mine[thread]
        if done[thread] < len(events):
            pending = events[done[thread]]
            nth = sum(event.site == pending.site for event in events[: done[thread] + 1])
            until = Place(pending.function, pending.text, pending.action, pending.name, nth)
        else:
            until = waiting_place(thread, events, waits)
        steps.append(Step(thread, until))
    return tuple(steps)


def waiting_place(
    thread: int, events: Sequence[_core.Event], waits: Sequence[_core.Wait]
) -> Place | None:
    """Where a thread without a further event is stuck; None if it simply ended."""
    for wait in waits:
        if wait.thread == thread:
            site = _core.site(wait.function, wait.text, wait.action, wait.name)
            nth = 1 + sum(event.site == site for event in events)
            return Place(wait.function, wait.text, wait.action, wait.name, nth)
    return None


# ----------------------------------------------------------------------------- as text


def format_schedule(schedule: Schedule) -> str:
    """The text of a file: stable order of keys, one step per few lines, newline at the end."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "harness": schedule.harness,
        "threads": list(schedule.threads),
        "failure": schedule.failure,
    }
    tail = {
        "preemptions": schedule.preemptions,
        "trace_hash": f"{schedule.trace_hash:016x}",
        "found_with": schedule.found_with,
    }
    steps = ",\n".join(format_step(step, schedule.name_of(step.thread)) for step in schedule.steps)
    return (
        "{\n"
        + "".join(f"  {dump(key)}: {dump(value)},\n" for key, value in head.items())
        + f'  "steps": [\n{steps}\n  ],\n'
        + ",\n".join(f"  {dump(key)}: {dump(value)}" for key, value in tail.items())
        + "\n}\n"
    )


def format_step(step: Step, name: str) -> str:
    """One step: who runs on the first line, until where on the second."""
    who = f'    {{"thread": {step.thread}, "name": {dump(name)},'
    until = "end" if step.until is None else step.until._asdict()
    return f'{who}\n     "until": {dump(until)}}}'


def dump(value: Any) -> str:
    """JSON on one line; text for people stays readable, as far as UTF-8 can hold it."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(value)
    return text


# ----------------------------------------------------------------------------- strict parsing


class Reader:
    """Takes values out of parsed JSON; says which file and which key is wrong."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def fail(self, key: str, expected: str) -> UnusableError:
        """The error of a key."""
        return UnusableError(
            f'{self.shown}: "{key}" is not {expected}; the file is damaged or was edited wrongly,'
            " take it from version control or find the failure again"
        )

    def object(self, value: Any, key: str, keys: Sequence[str]) -> dict[str, Any]:
        """An object with exactly these keys."""
        if not isinstance(value, dict):
            raise self.fail(key, "an object")
        for missing in keys:
            if missing not in value:
                raise self.fail(f"{key}.{missing}".lstrip("."), "there")
        for unknown in value:
            if unknown not in keys:
                raise self.fail(f"{key}.{unknown}".lstrip("."), "a key of this format")
        return value

    def text(self, value: Any, key: str) -> str:
        """A string."""
        if not isinstance(value, str):
            raise self.fail(key, "a string")
        return value

    def number(self, value: Any, key: str, low: int, high: int) -> int:
        """An integer in low .. high."""
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fail(key, f"a whole number from {low} to {high}")
        return value

    def items(self, value: Any, key: str) -> list[Any]:
        """A list that is not empty."""
        if not isinstance(value, list) or not value:
            raise self.fail(key, "a list with at least one entry")
        return value


KEYS = (
    "format",
    "version",
    "harness",
    "threads",
    "failure",
    "steps",
    "preemptions",
    "trace_hash",
    "found_with",
)


def parse(text: str, shown: str) -> Schedule:
    """A schedule file's text; UnusableError names the key that is wrong."""
    try:
        data = json.loads(text)
    except ValueError as error:  # with a line if it is a JSONDecodeError
        raise UnusableError(
            f"{shown}:{getattr(error, 'lineno', 1)}: is not whole JSON ({error}); the file is"
            " damaged or cut short, take it from version control or find the failure again"
        ) from None
    except RecursionError:
        raise UnusableError(f"{shown}: is nested too deeply; it is not a schedule file") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise UnusableError(
            f'{shown}: is not a schedule file, its "format" is not "{FORMAT}"; give a *{SUFFIX}'
            " file or a raw input"
        )
    if data.get("version") != VERSION or isinstance(data.get("version"), bool):
        raise UnusableError(
            f"{shown}: has version {data.get('version')!r} of the format, this frontrun-fuzz reads"
            f" version {VERSION}; use the frontrun-fuzz that wrote it"
        )
    reader = Reader(shown)
    reader.object(data, "", KEYS)
    steps = reader.items(data["steps"], "steps")
    threads = tuple(
        reader.text(name, f"threads[{number}]")
        for number, name in enumerate(reader.items(data["threads"], "threads"))
    )
    return Schedule(
        harness=reader.text(data["harness"], "harness"),
        threads=threads,
        failure=parse_failure(reader, data["failure"]),
        steps=tuple(
            parse_step(reader, step, f"steps[{number}]")
            for number, step in enumerate(steps)
        ),
        preemptions=reader.number(data["preemptions"], "preemptions", 0, 2**31),
        trace_hash=parse_hex(reader, data["trace_hash"], "trace_hash", 16),
        found_with={
            reader.text(key, "found_with"): reader.text(value, f"found_with.{key}")
            for key, value in reader.object(
                data["found_with"], "found_with", ("python", "frontrun_fuzz")
            ).items()
        },
        started={
            step["thread"]: step["name"]
            for step in steps
            if step["thread"] >= len(threads) and step["name"] != f"thread-{step['thread']}"
        },
    )


def parse_failure(reader: Reader, value: Any) -> dict[str, Any]:
    """The "failure" object."""
    failure = reader.object(value, "failure", ("kind", "id", "exception", "where"))
    reader.text(failure["kind"], "failure.kind")
    parse_hex(reader, failure["id"], "failure.id", 8)
    reader.text(failure["where"], "failure.where")
    if failure["exception"] is not None:
        exception = reader.object(
            failure["exception"], "failure.exception", ("type", "message")
        )
        reader.text(exception["type"], "failure.exception.type")
        reader.text(exception["message"], "failure.exception.message")
    return failure


def parse_step(reader: Reader, value: Any, key: str) -> Step:
    """One entry of "steps"."""
    step = reader.object(value, key, ("thread", "name", "until"))
    thread = reader.number(step["thread"], f"{key}.thread", 0, 63)
    reader.text(step["name"], f"{key}.name")
    if step["until"] == "end":
        return Step(thread, None)
    until = reader.object(step["until"], f"{key}.until", Place._fields)
    for field in Place._fields[:4]:
        reader.text(until[field], f"{key}.until.{field}")
    if not re.fullmatch("[a-z?-]+", until["action"]):
        raise reader.fail(f"{key}.until.action", "a word in lower case")
    reader.number(until["nth"], f"{key}.until.nth", 1, 2**31)
    return Step(thread, Place(**until))


def parse_hex(reader: Reader, value: Any, key: str, digits: int) -> int:
    """A number written as that many hexadecimal digits."""
    text = reader.text(value, key)
    if len(text) != digits or any(digit not in "0123456789abcdef" for digit in text):
        raise reader.fail(key, f"{digits} hexadecimal digits")
    return int(text, 16)


# ----------------------------------------------------------------------------- files


def read(path: str | os.PathLike[str]) -> Schedule:
    """A schedule file's content; UnusableError if there is none or it is damaged."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableError(
            f"{path}: cannot be read ({error.strerror}); give a schedule file"
        ) from None
    except UnicodeDecodeError:
        raise UnusableError(f"{path}: is not UTF-8 text; give a schedule file") from None
    return parse(text, str(path))


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that it is there whole or not at all; UnusableError if it cannot."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), 0o644)
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        raise UnusableError(
            f"{path}: cannot be written ({error.strerror}); choose a place that can be"
        ) from None


def write(path: Path, schedule: Schedule) -> None:
    """Writes a schedule file, whole or not at all."""
    write_whole(path, format_schedule(schedule).encode("utf-8"))


def looks_like_one(path: Path, content: bytes) -> bool:
    """Is this a schedule file, whole or damaged, rather than a raw input?"""
    return path.name.endswith(".json") or content.lstrip()[:1] == b"{"
