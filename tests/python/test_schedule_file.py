"""Schedule files: written and read back, and every way in which one can be wrong."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from frontrun import _core, schedule_file
from frontrun.harness import UnusableError
from frontrun.schedule_file import Place, Schedule, Step, format_schedule, parse
from hypothesis import given
from hypothesis import strategies as st

text = st.text(st.characters())  # halves of surrogate pairs, too
actions = st.from_regex("[a-z-]+", fullmatch=True)
places = st.builds(Place, text, text, actions, text, st.integers(1, 1000))
steps = st.builds(Step, st.integers(0, 63), st.none() | places)
exceptions = st.none() | st.fixed_dictionaries({"type": text, "message": text})
schedules = st.builds(
    Schedule,
    harness=text,
    threads=st.lists(text, min_size=1, max_size=4).map(tuple),
    failure=st.fixed_dictionaries(
        {
            "kind": text,
            "id": st.integers(0, 2**32 - 1).map("{:08x}".format),
            "exception": exceptions,
            "where": text,
        }
    ),
    steps=st.lists(steps, min_size=1, max_size=5).map(tuple),
    preemptions=st.integers(0, 100),
    trace_hash=st.integers(0, 2**64 - 1),
    found_with=st.fixed_dictionaries({"python": text, "frontrun_fuzz": text}),
    started=st.just({}),
)

EXAMPLE = Schedule(
    harness="bank.py",
    threads=("one", "two"),
    failure={"kind": "invariant", "id": "0badcafe", "exception": None, "where": ""},
    steps=(
        Step(0, Place("deposit", "self.x = y", "write", "x", 1)),
        Step(1, None),
        Step(0, None),
    ),
    preemptions=1,
    trace_hash=255,
    found_with={"python": "3.11.7", "frontrun_fuzz": "0.1.0"},
)


@given(schedules)
def test_what_is_written_is_read(schedule: Schedule) -> None:
    written = format_schedule(schedule).encode("utf-8").decode("utf-8")
    assert parse(written, "x") == schedule
    assert len(schedule.segments()) == len(schedule.steps)


def test_the_text_is_for_people() -> None:
    assert format_schedule(EXAMPLE).splitlines() == [
        "{",
        '  "format": "frontrun-schedule",',
        '  "version": 1,',
        '  "harness": "bank.py",',
        '  "threads": ["one", "two"],',
        '  "failure": {"kind": "invariant", "id": "0badcafe", "exception": null, "where": ""},',
        '  "steps": [',
        '    {"thread": 0, "name": "one",',
        '     "until": {"function": "deposit", "line": "self.x = y", "action": "write",'
        ' "name": "x", "nth": 1}},',
        '    {"thread": 1, "name": "two",',
        '     "until": "end"},',
        '    {"thread": 0, "name": "one",',
        '     "until": "end"}',
        "  ],",
        '  "preemptions": 1,',
        '  "trace_hash": "00000000000000ff",',
        '  "found_with": {"python": "3.11.7", "frontrun_fuzz": "0.1.0"}',
        "}",
    ]


def test_a_thread_that_was_started_has_its_name() -> None:
    schedule = EXAMPLE._replace(steps=(Step(0, None), Step(2, None)), started={2: "alice"})
    written = format_schedule(schedule)
    assert '{"thread": 2, "name": "alice",' in written
    assert parse(written, "x") == schedule
    assert parse(written, "x").name_of(3) == "thread-3"


def test_a_file_with_numbers_for_names_is_read() -> None:
    before = format_schedule(EXAMPLE._replace(steps=(Step(2, None),)))
    assert '"name": "thread-2"' in before
    assert parse(before, "x").started == {}


def test_every_cut_is_noticed() -> None:
    whole = format_schedule(EXAMPLE)
    for size in range(len(whole.rstrip())):
        with pytest.raises(UnusableError, match="damaged or cut short|is not a schedule file"):
            parse(whole[:size], "x")


@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    whole = format_schedule(EXAMPLE)
    at = data.draw(st.integers(0, len(whole) - 1))
    size = data.draw(st.integers(0, 3))
    damaged = whole[:at] + data.draw(st.text(max_size=3)) + whole[at + size :]
    try:
        parse(damaged, "x").segments()
    except UnusableError:
        pass


def wrong(path: str, value: Any) -> str:
    """The example with one value replaced; ... removes it."""
    data = json.loads(format_schedule(EXAMPLE))
    *parents, last = path.split(".")
    at = data
    for key in parents:
        at = at[int(key) if key.isdigit() else key]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("format", "other", "is not a schedule file"),
        ("version", 2, "has version 2 of the format"),
        ("version", True, "has version True"),
        ("harness", 3, '"harness" is not a string'),
        ("harness", ..., '"harness" is not there'),
        ("threads", [], '"threads" is not a list with at least one entry'),
        ("threads", [1], r'"threads\[0\]" is not a string'),
        ("more", 1, '"more" is not a key of this format'),
        ("failure", "invariant", '"failure" is not an object'),
        ("failure.kind", None, '"failure.kind" is not a string'),
        ("failure.id", "xyz", '"failure.id" is not 8 hexadecimal digits'),
        ("failure.exception", {"type": "A"}, '"failure.exception.message" is not there'),
        ("steps", None, '"steps" is not a list'),
        ("steps.0.thread", 64, r'"steps\[0\].thread" is not a whole number from 0 to 63'),
        ("steps.0.thread", True, r'"steps\[0\].thread" is not a whole number'),
        ("steps.0.until", "finish", r'"steps\[0\].until" is not an object'),
        ("steps.0.until.nth", 0, r'"steps\[0\].until.nth" is not a whole number'),
        ("steps.0.until.action", "re\0d", r'"steps\[0\].until.action" is not a word'),
        ("steps.0.until.line", ..., r'"steps\[0\].until.line" is not there'),
        ("preemptions", -1, '"preemptions" is not a whole number'),
        ("trace_hash", "ff", '"trace_hash" is not 16 hexadecimal digits'),
        ("found_with", {}, '"found_with.python" is not there'),
    ],
)
def test_a_wrong_value_is_named(path: str, value: Any, said: str) -> None:
    with pytest.raises(UnusableError, match=said):
        parse(wrong(path, value), "x")


@given(st.recursive(st.none() | st.integers() | text, lambda inner: st.lists(inner), max_leaves=5))
def test_any_json_is_refused_in_one_sentence(value: Any) -> None:
    with pytest.raises(UnusableError):
        parse(json.dumps(value), "x")


def test_segments_name_the_sites_of_the_core() -> None:
    site = _core.site("deposit", "self.x = y", "write", "x")
    assert EXAMPLE.segments() == [(0, 0, site, 1), (1, 0, 0, 0), (0, 0, 0, 0)]


def test_writing_leaves_nothing_half_done(tmp_path: Path) -> None:
    path = tmp_path / "a.schedule.json"
    schedule_file.write(path, EXAMPLE)
    schedule_file.write(path, EXAMPLE)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.schedule.json"]
    blocked = tmp_path / "directory"
    (blocked / "inside").mkdir(parents=True)
    with pytest.raises(UnusableError, match="cannot be written"):
        schedule_file.write(blocked, EXAMPLE)
    with pytest.raises(UnusableError, match="cannot be written"):
        schedule_file.write(tmp_path / "missing" / "b.json", EXAMPLE)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.schedule.json", "directory"]


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(UnusableError):
        parse(format_schedule(EXAMPLE).replace('"nth": 1', '"nth": ' + "9" * 10_000), "x")
