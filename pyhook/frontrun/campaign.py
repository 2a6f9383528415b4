"""A campaign as people see it: progress, what a failure leaves behind, how it ended."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from frontrun import _core, _fuzz, gil, recording, report, schedule_file
from frontrun.common import SECOND_TRY
from frontrun.harness import Harness, UnusableError, describe
from frontrun.recording import failure_id, minimized

if TYPE_CHECKING:
    from frontrun._fuzz import Stats

EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130


class Settings(NamedTuple):
    """How a campaign was called, as far as it matters after a failure."""

    artifact_prefix: str = "./"
    exact_artifact_path: str = ""
    exit_code_of_failure: int = 77
    save_artifact: bool = True  # not if the input is a file already
    quiet: bool = False  # a step of libFuzzer's own tools: only what they read
    minimize: bool = True
    corpus: Path | None = None  # where our own loop keeps inputs


# ----------------------------------------------------------------------------- failures


def schedule_of(
    harness: Harness, execution: report.Execution, path: Path
) -> schedule_file.Schedule:
    """A failing execution as the content of the schedule file at path."""
    relative = os.path.relpath(harness.path.resolve(), path.resolve().parent)
    name = Path(relative).as_posix()
    return recording.schedule_of(execution, name, harness.names, harness.is_traced)


def replay_command(harness: Harness, path: Path) -> str:
    """What a user types to see a schedule fail again."""
    return " ".join(["frontrun-fuzz replay", shlex.quote(str(path)), *harness.flags])


def with_gil(harness: Harness, execution: report.Execution, *, second_try: bool) -> str:
    """The line that says whether a build with the GIL can fail so, too."""
    with harness.subject(switch_points=True, second_try=second_try) as subject:
        return gil.reachable(subject, execution.failure, execution.blocks).line()


def schedule_path(prefix: str, harness: Harness, failure: _core.Failure) -> Path:
    """NAME-<id>.schedule.json; prefix is a directory or the beginning of a name, as libFuzzer's."""
    return Path(f"{prefix}{harness.name}-{failure_id(failure)}{schedule_file.SUFFIX}")


def say(text: str = "", stream: TextIO | None = None) -> None:
    """A line that is out at once: the process may end without Python's clean-up."""
    out = stream or sys.stdout
    try:
        print(text, file=out, flush=True)
    except BrokenPipeError:
        # Nobody reads any more; files are still to be written and an exit code to be given.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


def complain(error: object) -> None:
    """The one line on stderr for what cannot be done."""
    sys.stdout.flush()
    say(f"frontrun-fuzz: {' '.join(str(error).split())}", sys.stderr)


def sentence_of(harness: Harness, error: BaseException) -> str:
    """Why a campaign or a replay cannot go on, in one sentence."""
    cause = error.__cause__
    if isinstance(error, _core.HarnessError) and cause is not None:
        return (
            f"{harness.path.name}: setup() raised {describe(cause, harness.path)};"
            " it must make a fresh state for each execution without an exception"
        )
    if isinstance(error, (_core.FrontrunError, UnusableError)):
        return str(error)
    return f"{harness.path.name}: {describe(error, harness.path)}"


def explain(harness: Harness, execution: report.Execution) -> None:
    """Prints the explanation."""
    for line in report.explain(
        execution, harness.names, colour=sys.stdout.isatty(), complaint=harness.complaint
    ):
        say(line)


# ----------------------------------------------------------------------------- the listener


def number_of_traces(stats: Stats) -> str:
    """Exact as long as all are remembered."""
    return f"{'' if stats['is_exact'] else 'about '}{stats['traces']:,}"


class Campaign:
    """Listens to a campaign of frontrun._fuzz."""

    def __init__(self, harness: Harness, subject: _core.Subject, settings: Settings) -> None:
        self.harness = harness
        self.subject = subject
        self.settings = settings
        self.begun = time.monotonic()
        self.last = (self.begun, 0)
        self.has_told_second_try = False

    def status(self, stats: Stats, rate: float) -> str:
        """One line for people."""
        return (
            f"{stats['executions']:,} execution{'s' * (stats['executions'] != 1)}"
            f" ({rate:,.0f}/s) · {number_of_traces(stats)} distinct"
            f" trace{'s' * (stats['traces'] != 1)} · corpus {stats['corpus']:,}"
        )

    def outlook(self, stats: Stats) -> str:
        """The end of the line while there may be more to see."""
        return f" · chance of a new trace {100 * stats['chance_new']:.1f} %"

    def tell_second_try(self) -> None:
        """Once, if there was one."""
        if self.subject.second_try and not self.has_told_second_try:
            self.has_told_second_try = True
            say(f"note: {SECOND_TRY}", sys.stderr)

    def progress(self, stats: Stats) -> None:
        """Called about every two seconds."""
        self.tell_second_try()
        now, executions = time.monotonic(), stats["executions"]
        rate = (executions - self.last[1]) / max(now - self.last[0], 1e-6)
        self.last = (now, executions)
        say(self.status(stats, rate) + self.outlook(stats), sys.stderr)

    def summary(self, stats: Stats, *, is_exhausted: bool = False) -> None:
        """The last line of progress: the average over the whole campaign."""
        self.tell_second_try()
        seconds = max(time.monotonic() - self.begun, 1e-6)
        line = self.status(stats, stats["executions"] / seconds)
        say(line if is_exhausted else line + self.outlook(stats), sys.stderr)

    def exhausted(self, stats: Stats) -> int:
        """Every trace was executed."""
        self.summary(stats, is_exhausted=True)
        traces = stats["traces"]
        if traces == 1:
            say(
                "exhausted: the only trace was executed and did not fail; no two threads met in an"
                " access that is observed, so there was no order to try (see docs/limits.md)"
            )
            return 0
        say(
            f"exhausted: all {number_of_traces(stats)} traces were executed and none failed;"
            " the invariant holds for every interleaving of what is observed"
        )
        return 0

    def finished(self, stats: Stats) -> int:
        """The fuzzer's budget is spent."""
        if stats["executions"] == 0 or self.settings.quiet:
            return 0
        self.summary(stats)
        inputs = "1 input" if stats["inputs"] == 1 else f"{stats['inputs']:,} inputs"
        say(
            f"budget: {inputs} ran and none failed; the space is not exhausted,"
            " nothing is said about interleavings that were not executed"
        )
        return 0

    def stopped(self, stats: Stats, sentence: str, exception: BaseException | None) -> int:
        """Something that we cannot do, or the user's interrupt."""
        if isinstance(exception, KeyboardInterrupt):
            self.summary(stats)
            say("interrupted: none failed so far; the space is not exhausted")
            return EXIT_INTERRUPTED
        complain(sentence if exception is None else sentence_of(self.harness, exception))
        return EXIT_UNUSABLE

    def keep(self, schedule: bytes) -> None:
        """An input of our own loop that is worth keeping."""
        if self.settings.corpus is not None:
            name = hashlib.sha1(schedule).hexdigest()
            schedule_file.write_whole(self.settings.corpus / name, schedule)

    # ------------------------------------------------------------------------- a failure

    def failed(self, stats: Stats, schedule: bytes, in_whole_space: bool) -> int:
        """Keeps the input, minimises the execution, explains it."""
        # What follows is not the input's time: libFuzzer's alarm would call it a hang.
        signal.setitimer(signal.ITIMER_REAL, 0)
        if not self.settings.quiet:
            self.summary(stats)
        try:
            artifact = self.save_artifact(schedule)
        except UnusableError as error:
            complain(error)
            artifact = None
        try:
            self.tell_failure(schedule, artifact)
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
        except (_core.FrontrunError, UnusableError) as error:
            complain(f"it failed, but that cannot be told: {sentence_of(self.harness, error)}")
        return self.settings.exit_code_of_failure

    def save_artifact(self, schedule: bytes) -> Path | None:
        """The input as libFuzzer names it."""
        settings = self.settings
        if not settings.save_artifact:
            return None
        path = Path(
            settings.exact_artifact_path
            or f"{settings.artifact_prefix}crash-{hashlib.sha1(schedule).hexdigest()}"
        )
        schedule_file.write_whole(path, schedule)
        return path

    def tell_failure(self, schedule: bytes, artifact: Path | None) -> None:
        """Finds the failure again in this process, and says what can be said."""
        explorer = _core.Explorer(self.subject)
        explorer.start(schedule)
        explorer.run(_fuzz.INPUT_EXECUTIONS_MAX)
        failure = explorer.failure
        if failure is None:
            say(
                "FAILED, but not again with the same schedule: something that is not under"
                " control (time, randomness, other threads, state that setup() does not make"
                " anew) decides, too"
            )
            if artifact is not None:
                say(f"input     {artifact}")
            return
        if not self.settings.save_artifact or self.settings.quiet:
            # libFuzzer's -minimize_crash compares this line, so as not to slide to another failure.
            say(f"DEDUP_TOKEN: {failure.kind}-{failure_id(failure)}", sys.stderr)
        if self.settings.quiet:
            return
        # Each try of a failure that blocks takes as long as the watchdog's patience.
        may = self.settings.minimize and failure.kind != "blocked"
        effort = minimized(explorer) if may else "not minimised"
        execution = report.Execution.told(explorer)
        path = schedule_path(self.settings.artifact_prefix, self.harness, execution.failure)
        explain(self.harness, execution)
        say()
        say(effort)
        say(with_gil(self.harness, execution, second_try=self.subject.second_try))
        schedule_file.write(path, schedule_of(self.harness, execution, path))
        if artifact is not None:
            say(f"input     {artifact}")
        say(f"schedule  {path}")
        say(f"replay    {replay_command(self.harness, path)}")
