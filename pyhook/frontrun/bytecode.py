"""frontrun.bytecode: random interleavings, and single ones that a list of thread numbers says."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from frontrun import _core, report
from frontrun.common import InterleavingResult
from frontrun.execution import event_in_words
from frontrun.exploration import run, unwrapped
from frontrun.options import Options, UnsupportedError, check_seconds
from frontrun.patterns import cycle_of, find_pattern
from frontrun.program import Program, make_program

T = TypeVar("T")


def explore_interleavings(
    setup: Callable[[], T],
    threads: Sequence[Callable[[T], None]],
    invariant: Callable[[T], bool],
    max_attempts: int = 200,
    max_ops: int = 300,
    timeout_per_run: float = 5.0,
    seed: int | None = None,
    debug: bool = False,
    detect_io: bool = True,
    deadlock_timeout: float = 5.0,
    reproduce_on_failure: int = 10,
    total_timeout: float | None = None,
) -> InterleavingResult:
    """Random interleavings, until one fails or max_attempts are made.

    The same seed makes the same attempts. debug: a failure is told on stderr, too. An exception
    that leaves a thread or the invariant leaves this function, with the result as its attribute
    frontrun_result.
    """
    __tracebackhide__ = True
    options = Options(
        strategy="random",
        max_attempts=max_attempts,
        max_ops=max_ops,
        timeout_per_run=timeout_per_run,
        seed=seed,
        deadlock_timeout=deadlock_timeout,
        reproduce_on_failure=reproduce_on_failure,
        total_timeout=total_timeout,
    )
    return run(make_program(setup, threads, invariant, options), options, debug)


def run_with_schedule(
    schedule: list[int],
    setup: Callable[[], T],
    threads: Sequence[Callable[[T], None]],
    timeout: float = 5.0,
    detect_io: bool = True,
    debug: bool = False,
    deadlock_timeout: float = 5.0,
    trace_recorder: Any = None,
) -> T:
    """One execution in the order that schedule says; answers the state at its end.

    schedule holds the thread of each step, as InterleavingResult.counterexample; steps of a thread
    that has ended or waits are passed over, and after the last the threads go on in turn. What a
    thread raises leaves this function; a deadlock is a TimeoutError. debug: each step is told on
    stderr.
    """
    refuse_recorder(trace_recorder)
    check_seconds("timeout", timeout)
    states: list[T] = []

    def make() -> T:
        states[:] = [setup()]
        return states[0]

    options = Options(timeout_per_run=timeout, deadlock_timeout=deadlock_timeout)
    program = make_program(make, threads, None, options)
    execute(program, options, schedule, debug)
    return states[0]


@contextlib.contextmanager
def controlled_interleaving(
    schedule: list[int], num_threads: int = 2
) -> Iterator[BytecodeShuffler]:
    """What runs functions in the order that schedule says."""
    yield BytecodeShuffler(OpcodeScheduler(schedule, num_threads))


def schedule_strategy(num_threads: int, max_ops: int = 300) -> Any:
    """A hypothesis strategy for run_with_schedule: rounds, each a permutation of the threads."""
    from hypothesis import strategies

    rounds = strategies.lists(
        strategies.permutations(range(num_threads)),
        min_size=1,
        max_size=max(1, max_ops // num_threads),
    )
    return rounds.map(lambda chosen: list(itertools.chain.from_iterable(chosen)))


# ----------------------------------------------------------------------------- one execution


def segments_of(schedule: Sequence[int], workers: int) -> list[tuple[int, int, int, int]]:
    """Steps of one thread in a row, as the engine replays them."""
    for step in schedule:
        if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step < workers:
            raise ValueError(
                f"the schedule has a step {step!r}; the threads are 0 to {workers - 1}"
            )
    return [(thread, len(list(steps)), 0, 0) for thread, steps in itertools.groupby(schedule)]


def execute(
    program: Program, options: Options, schedule: Sequence[int], debug: bool = False
) -> None:
    """One execution. What a thread raised is raised; a deadlock is a TimeoutError."""
    segments = segments_of(schedule, len(program.workers))
    with program.subject(options) as subject, unwrapped():
        explorer = program.explorer(subject, options)
        explorer.start_plan(strategy="replay", segments=segments)
        explorer.step()
        if debug:
            for event in explorer.trace():
                print(event_in_words(event), file=sys.stderr)
        failure = explorer.failure
        if failure is None:
            return
        if failure.exception is not None:
            raise failure.exception
        raise TimeoutError(why_it_stopped(report.Execution.told(explorer), program.names))


def why_it_stopped(execution: report.Execution, names: Sequence[str]) -> str:
    """Why the threads did not come to their end."""
    names = execution.names(names)
    pattern = find_pattern(execution, names)
    if execution.failure.kind == "deadlock":
        cycle = cycle_of(execution.waits)
        head = "Lock-ordering deadlock detected" if len(cycle) > 1 else "Deadlock"
        lines = report.deadlock_lines(execution, names)
        return "\n".join([f"{head}: {pattern.sentence}", *lines])
    return f"Threads did not complete within timeout: {pattern.sentence}"


def refuse_recorder(trace_recorder: object) -> None:
    """The recorders of the original's private modules have no twin."""
    if trace_recorder is not None:
        raise UnsupportedError("trace_recorder is not supported; debug=True tells each step")


# ----------------------------------------------------------------------------- the classes


class OpcodeScheduler:
    """Lets threads that ask for their turn go on in the order of a schedule."""

    def __init__(
        self,
        schedule: list[int],
        num_threads: int,
        *,
        deadlock_timeout: float = 5.0,
        max_ops: int = 0,
        trace_recorder: Any = None,
    ) -> None:
        refuse_recorder(trace_recorder)
        check_seconds("deadlock_timeout", deadlock_timeout)
        self.schedule = list(schedule)
        self.num_threads = num_threads
        self.deadlock_timeout = deadlock_timeout
        self.max_ops = max_ops
        self.error: Exception | None = None
        self._index = 0
        self._done: set[int] = set()
        self._turn = threading.Condition()

    @property
    def had_error(self) -> bool:
        """Has an error been reported?"""
        return self.error is not None

    def wait_for_turn(self, thread_id: int) -> bool:
        """Waits until the schedule wants this thread. False: nothing is to be waited for any more.

        TimeoutError if another thread is wanted that does not come.
        """
        with self._turn:
            deadline = time.monotonic() + self.deadlock_timeout
            while not self.had_error:
                wanted = self._wanted()
                if wanted is None:
                    return False
                if wanted == thread_id:
                    self._index += 1
                    self._turn.notify_all()
                    return True
                index = self._index
                if not self._turn.wait(max(0.0, deadline - time.monotonic())):
                    error = TimeoutError(
                        f"Deadlock: schedule wants thread {wanted} at index"
                        f" {self._index}/{len(self.schedule)}"
                    )
                    self.report_error(error)
                    raise error
                if self._index != index:
                    deadline = time.monotonic() + self.deadlock_timeout
            return False

    def _wanted(self) -> int | None:
        """The thread of the next step that is not done; the steps of those that are pass."""
        limit = len(self.schedule) if self.max_ops <= 0 else min(len(self.schedule), self.max_ops)
        while self._index < limit and self.schedule[self._index] in self._done:
            self._index += 1
        return self.schedule[self._index] if self._index < limit else None

    def mark_done(self, thread_id: int) -> None:
        """The thread has ended."""
        with self._turn:
            self._done.add(thread_id)
            self._turn.notify_all()

    def report_error(self, error: Exception) -> None:
        """Lets every thread go; the first error is kept."""
        with self._turn:
            self.error = self.error or error
            self._turn.notify_all()


class BytecodeShuffler:
    """Runs functions as threads, in the order of a scheduler's schedule."""

    def __init__(self, scheduler: OpcodeScheduler, detect_io: bool = True) -> None:
        self.scheduler = scheduler
        self.detect_io = detect_io

    def run(
        self,
        funcs: list[Callable[..., None]],
        args: list[tuple[Any, ...]] | None = None,
        kwargs: list[dict[str, Any]] | None = None,
        timeout: float = 10.0,
    ) -> None:
        """One execution, each function with its own arguments."""
        check_seconds("timeout", timeout)
        options = Options(
            timeout_per_run=timeout, deadlock_timeout=self.scheduler.deadlock_timeout
        )
        program = make_program(
            lambda: None,
            [
                called_with(func, (args or [()] * len(funcs))[n], (kwargs or [{}] * len(funcs))[n])
                for n, func in enumerate(funcs)
            ],
            None,
            options,
        )
        try:
            execute(program, options, self.scheduler.schedule)
        except _core.FrontrunError:
            raise
        except Exception as error:
            self.scheduler.report_error(error)
            raise
        for number in range(len(funcs)):
            self.scheduler.mark_done(number)


def called_with(
    func: Callable[..., None], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[None], None]:
    """The function as a worker: it gets its own arguments instead of the state."""

    def call(_: None) -> None:
        func(*args, **kwargs)

    return call
