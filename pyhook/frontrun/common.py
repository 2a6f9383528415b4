"""What the explorers answer, and the steps of a schedule that is written by hand."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from frontrun import schedule_file

SHOWN_STEPS_MAX = 10
# What people are told when an exploration went on with threads that can be set aside.
SECOND_TRY = (
    "a thread was blocked in the kernel, so this went on with OS threads, where others run"
    " meanwhile; when a blocked thread returns is left to the kernel, and not explored"
)
SHOWN_STEPS = 5


@dataclass(frozen=True)
class Step:
    """A thread (or task) arrives at a marker."""

    execution_name: str
    marker_name: str


class Schedule:
    """The order in which markers are reached."""

    def __init__(self, steps: list[Step]) -> None:
        if not steps:
            raise ValueError("Schedule must contain at least one step")
        self.steps = list(steps)

    def __repr__(self) -> str:
        return f"Schedule({self.steps!r})"


class Failure(NamedTuple):
    """Why an execution failed."""

    # "invariant", "exception", "deadlock", "step-limit", "blocked", "timeout", "race" or
    # "nondeterminism"
    kind: str
    thread: int | None  # which raised, for "exception"
    exception: BaseException | None  # of the thread, or raised by invariant()
    place: str  # function and source line where it showed; "" if there is none


class FoundSchedule(NamedTuple):
    """The minimised schedule of a failure: to be saved, and replayed with replay_schedule."""

    content: schedule_file.Schedule  # its harness is an absolute path
    choices: bytes  # the same as schedule bytes

    @property
    def preemptions(self) -> int:
        """Switches away from a thread that could have gone on."""
        return self.content.preemptions

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes a schedule file (docs/schedule-format.md), whole or not at all."""
        from frontrun import schedule_file

        file = Path(path)
        home = os.path.dirname(os.path.realpath(file))
        harness = Path(os.path.relpath(self.content.harness, home)).as_posix()
        schedule_file.write(file, self.content._replace(harness=harness))
        return file


@dataclass(repr=False)
class InterleavingResult:
    """What came of an exploration. Only verdict "exhausted" speaks about every interleaving."""

    property_holds: bool  # no execution failed
    # The minimised failing execution: the thread of each of its steps.
    counterexample: list[int] | None = None
    num_explored: int = 0  # executions
    unique_interleavings: int = 0  # of them with a trace that none before had
    # (number of the execution, its schedule) of each that failed.
    failures: list[tuple[int, list[int]]] = field(default_factory=list)
    explanation: str | None = None
    reproduction_attempts: int = 0
    reproduction_successes: int = 0
    # "exhausted": every trace was executed, none failed; "bounded": every trace within the bound
    # was; "budget": executions or time are spent; "failed".
    verdict: str = "budget"
    exhausted: bool = False  # every trace was executed, whatever the verdict
    distinct_traces: int = 0
    redundant: int = 0  # executions that repeated a trace
    deadlocks: int = 0  # executions that ended in a deadlock
    failure: Failure | None = None  # the first one
    schedule: FoundSchedule | None = None  # of the first failure, minimised
    estimate: float | None = None  # about how many executions exhaust it, if that is known
    # A thread was blocked in the kernel: the sentence that says what was done, and what it means.
    second_try: str | None = None
    stats: dict[str, Any] = field(default_factory=dict)
    # Looks for the answer of reachable_with_gil(); afterwards the answer.
    _reach: Callable[[], str] | str | None = field(default=None, compare=False)

    def reachable_with_gil(self) -> str | None:
        """Whether this interpreter, with its GIL, can fail so, in one line; None: nothing failed.

        The first call executes the program again, for up to some seconds.
        """
        if callable(self._reach):
            self._reach = self._reach()
        return self._reach

    def assert_holds(self) -> None:
        """AssertionError with the explanation, unless executions took place and none failed."""
        __tracebackhide__ = True
        if self.num_explored == 0:
            raise AssertionError("nothing was executed: nothing is known")
        if not self.property_holds:
            raise AssertionError(self.explanation or repr(self))

    def __repr__(self) -> str:
        parts = [
            f"property_holds={self.property_holds}",
            f"verdict={self.verdict!r}",
            f"counterexample={shown_steps(self.counterexample)}",
            f"num_explored={self.num_explored}",
            f"unique_interleavings={self.unique_interleavings}",
        ]
        if self.failure is not None:
            parts.append(f"failure={self.failure.kind!r}")
        if self.failures:
            parts.append(f"failures={len(self.failures)}")
        if self.second_try is not None:
            parts.append("second_try=True")
        if self.reproduction_attempts:
            parts.append(
                f"reproduced={self.reproduction_successes}/{self.reproduction_attempts}"
            )
        return f"InterleavingResult({', '.join(parts)})"


def shown_steps(steps: Sequence[int] | None) -> str:
    """A long schedule is cut."""
    if steps is None or len(steps) <= SHOWN_STEPS_MAX:
        return repr(steps)
    head = ", ".join(map(str, steps[:SHOWN_STEPS]))
    return f"[{head}, ...({len(steps)} steps)]"
