"""Schedules executed again: does one still fail, and what is the simplest that fails so?"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from frontrun import _core, _fuzz, campaign, recording, report, schedule_file
from frontrun import harness as harness_file
from frontrun.campaign import EXIT_UNUSABLE, complain, say
from frontrun.common import SECOND_TRY
from frontrun.harness import NOTHING_GIVEN, Given, Harness, UnusableError

EXIT_FAILS = 1
EXIT_PASSES = 0
INPUT_SIZE_MAX = 1 << 20


class Replayed(NamedTuple):
    """A schedule or an input, executed again."""

    harness: Harness
    subject: _core.Subject
    explorer: _core.Explorer
    recorded: schedule_file.Schedule | None  # None: a raw input
    is_stale: bool  # it did not fail, and a place it names was never reached


def replay(path: Path, harness_path: str | None, given: Given = NOTHING_GIVEN) -> int:
    """Exit code 1: it still fails, 0: no longer, 2: unusable or stale."""
    done = execute_again(path, harness_path, given)
    if done.explorer.failure is None:
        return tell_no_failure(path, done)
    execution = report.Execution.told(done.explorer)
    tell_second_try(done)
    say(f"still fails: {execution.failure.kind}, trace {execution.trace_hash:016x}{compared(done)}")
    say()
    campaign.explain(done.harness, execution)
    return EXIT_FAILS


def minimize(
    path: Path, harness_path: str | None, out_path: str | None, given: Given = NOTHING_GIVEN
) -> int:
    """Writes the simplest schedule that fails as FILE does; to FILE if that is a schedule file."""
    done = execute_again(path, harness_path, given)
    failure = done.explorer.failure
    if failure is None:
        tell_no_failure(path, done)
        if not done.is_stale:
            complain(f"{path}: does not fail, so there is nothing to minimise; replay shows it")
        return EXIT_UNUSABLE
    effort = recording.minimized(done.explorer)
    execution = report.Execution.told(done.explorer)
    if out_path is not None:
        out = Path(out_path)
    elif done.recorded is not None:
        out = path
    else:
        prefix = os.path.join(path.parent, "")
        out = campaign.schedule_path(prefix, done.harness, execution.failure)
    schedule_file.write(out, campaign.schedule_of(done.harness, execution, out))
    campaign.explain(done.harness, execution)
    say()
    say(effort)
    say(f"schedule  {out}")
    say(f"replay    {campaign.replay_command(done.harness, out)}")
    return 0


def execute_again(path: Path, harness_path: str | None, given: Given = NOTHING_GIVEN) -> Replayed:
    """Executes a schedule file once, or an input until it fails or its budget is spent."""
    content = read_input(path)
    if schedule_file.looks_like_one(path, content):
        return execute_schedule(path, content, harness_path, given)
    if path.suffix == ".py":
        raise UnusableError(
            f"{path}: is a Python file, not a schedule; write frontrun-fuzz {path} to look for a"
            " failure, and replay the file that this leaves behind"
        )
    if harness_path is None:
        raise UnusableError(
            f"{path}: is a raw input, which does not say its harness; add --harness HARNESS.py"
        )
    harness = harness_file.load(harness_path, given)
    subject = harness.subject()
    explorer = _core.Explorer(subject)
    explorer.start(content)
    run(harness, lambda: explorer.run(_fuzz.INPUT_EXECUTIONS_MAX))
    return Replayed(harness, subject, explorer, None, False)


def execute_schedule(
    path: Path, content: bytes, harness_path: str | None, given: Given
) -> Replayed:
    """Executes a schedule file."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise UnusableError(
            f"{path}: is not UTF-8 text; the file is damaged, take it from version control or find"
            " the failure again"
        ) from None
    recorded = schedule_file.parse(text, str(path))
    named = path.resolve().parent / recorded.harness
    if harness_path is None and not named.is_file():
        raise UnusableError(
            f"{path}: its harness {recorded.harness} is not there; add --harness HARNESS.py"
        )
    harness = harness_file.load(named if harness_path is None else harness_path, given)
    check_belongs(path, recorded, harness)
    subject = harness.subject()
    explorer = _core.Explorer(subject)
    segments = recorded.segments()
    explorer.start_plan(strategy="replay", segments=segments)
    run(harness, explorer.step)
    stale = explorer.failure is None and explorer.segments_done < len(segments)
    return Replayed(harness, subject, explorer, recorded, stale)


def check_belongs(path: Path, recorded: schedule_file.Schedule, harness: Harness) -> None:
    """The schedule was found with this harness."""
    if Path(recorded.harness).name != harness.path.name:
        raise UnusableError(
            f"{path}: belongs to the harness {recorded.harness}, not to {harness.path.name}; give"
            ' that one, or correct "harness" in the file if it was renamed'
        )
    if recorded.threads != harness.names:
        raise UnusableError(
            f"{path}: has the threads {', '.join(recorded.threads)}, but {harness.path.name} has"
            f" {', '.join(harness.names)}; it belongs to another harness, or find the failure again"
        )


def run(harness: Harness, execute: Any) -> Any:
    """What executing answers, with the user's mistakes as UnusableError."""
    try:
        return execute()
    except _core.HarnessError as error:
        raise UnusableError(campaign.sentence_of(harness, error)) from None


def compared(done: Replayed) -> str:
    """How what happened compares with what the file recorded."""
    if done.recorded is None:
        return ""
    failure = done.explorer.failure
    assert failure is not None
    if recording.failure_id(failure) != done.recorded.failure["id"]:
        return f" (another failure than the recorded {done.recorded.failure['kind']})"
    if done.explorer.trace_hash != done.recorded.trace_hash:
        return " (the same failure, along another trace than recorded)"
    return " (as recorded)"


def tell_second_try(done: Replayed) -> None:
    """That a thread was blocked in the kernel."""
    if done.subject.second_try:
        say(f"note: {SECOND_TRY}", sys.stderr)


def tell_no_failure(path: Path, done: Replayed) -> int:
    """Fixed, or stale."""
    tell_second_try(done)
    if not done.is_stale:
        say(f"no longer fails: {path}")
        return EXIT_PASSES
    assert done.recorded is not None
    step = done.recorded.steps[done.explorer.segments_done]
    until = step.until
    what = (
        "a thread that it runs was never there"
        if until is None
        else f"{until.function}: {until.line!r} was never about to be reached"
    )
    complain(
        f"{path}: is stale: in step {done.explorer.segments_done + 1}, {what}; the program has"
        " changed there, fuzz again and replace the file"
    )
    return EXIT_UNUSABLE


def read_input(path: Path) -> bytes:
    """The content of a file that is an input or a schedule file."""
    try:
        with open(path, "rb") as stream:
            content = stream.read(INPUT_SIZE_MAX + 1)
    except FileNotFoundError:
        raise UnusableError(f"{path}: there is no such file; give a schedule or an input") from None
    except OSError as error:
        raise UnusableError(f"{path}: cannot be read ({error.strerror}); mend that") from None
    if len(content) > INPUT_SIZE_MAX:
        raise UnusableError(
            f"{path}: has more than {INPUT_SIZE_MAX:,} bytes; give a schedule file or an input of a"
            " campaign"
        )
    return content
