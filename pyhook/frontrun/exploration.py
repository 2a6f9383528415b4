"""frontrun.explore: the interleavings of a few functions, in whole executions of the core."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from frontrun import _core, gil, recording, report, schedule_file
from frontrun.common import SECOND_TRY, Failure, FoundSchedule, InterleavingResult
from frontrun.explanation import Told, explain
from frontrun.options import Options
from frontrun.oracles import Serializable, key_of, orders_of
from frontrun.program import Program, make_program
from frontrun.search import Found, Search, is_out_of_reach, search_failures, searched

# Candidates of the minimisation. A long execution gets fewer, so that all take about as long.
SHRINK_TRIES_MAX = 5_000
SHRINK_TRIES_MIN = 20
SHRINK_EVENTS = 1_000_000


def explore(
    setup: Callable[[], Any],
    workers: Sequence[Callable[[Any], Any]] | Callable[[Any], Any],
    invariant: Callable[[Any], Any] | None = None,
    *,
    count: int | None = None,
    strategy: str = "dpor",
    search: str | None = None,
    preemption_bound: int | None = 2,
    depth: int = 3,
    seed: int | None = None,
    max_executions: int | None = None,
    max_attempts: int = 200,
    total_timeout: float | None = None,
    stop_on_first: bool = True,
    max_branches: int = 100_000,
    max_ops: int | None = None,
    timeout_per_run: float = 5.0,
    deadlock_timeout: float = 5.0,
    reproduce_on_failure: int = 10,
    detect_io: bool = True,
    clock: str = "virtual",
    switch_points: str = "any",
    trace_packages: Sequence[str] | None = None,
    carrier: str | None = None,
    serializable_invariant: bool | Callable[[Any], Any] = False,
    spec: Callable[[], Any] | None = None,
    error_on_any_race: bool = False,
    warnings_as_errors: bool = False,
    debug: bool = False,
    # Of the original. Nothing here depends on them.
    detect_sql: bool = False,
    warn_nondeterministic_sql: bool = True,
    lock_timeout: int | None = None,
    track_dunder_dict_accesses: bool = False,
    patch_sleep: bool = True,
) -> InterleavingResult:
    """Executes the workers in many interleavings, each on a fresh setup().

    workers is a list of functions of the state, or one function and count. docs/library.md
    describes every parameter. An exception that leaves a worker or the invariant leaves explore,
    too, with the result as its attribute frontrun_result. search says in which order strategy
    "dpor" comes to the traces, which never changes what is found in the end; with
    preemption_bound=None there is one order only, and search does nothing.
    """
    __tracebackhide__ = True
    options = Options(
        strategy=strategy,
        search=search or Options.search,
        preemption_bound=preemption_bound,
        depth=depth,
        seed=seed,
        max_executions=max_executions,
        max_attempts=max_attempts,
        total_timeout=total_timeout,
        stop_on_first=stop_on_first,
        max_branches=max_branches,
        max_ops=Options.max_ops if max_ops is None else max_ops,
        timeout_per_run=timeout_per_run,
        deadlock_timeout=deadlock_timeout,
        reproduce_on_failure=reproduce_on_failure,
        clock=clock,
        switch_points=switch_points,
        trace_packages=() if trace_packages is None else trace_packages,
        carrier=carrier,
        error_on_any_race=error_on_any_race,
        warnings_as_errors=warnings_as_errors,
    )
    program = make_program(setup, workers, invariant, options, count)
    return run(judged(program, options, serializable_invariant, spec), options, debug)


def explore_random(
    setup: Callable[[], Any],
    threads: Sequence[Callable[[Any], Any]],
    invariant: Callable[[Any], Any],
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
    """Random interleavings, until one fails or max_attempts are made."""
    from frontrun.bytecode import explore_interleavings

    return explore_interleavings(
        setup,
        threads,
        invariant,
        max_attempts,
        max_ops,
        timeout_per_run,
        seed,
        debug,
        detect_io,
        deadlock_timeout,
        reproduce_on_failure,
        total_timeout,
    )


def replay_schedule(
    schedule: FoundSchedule | str | os.PathLike[str],
    setup: Callable[[], Any],
    workers: Sequence[Callable[[Any], Any]] | Callable[[Any], Any],
    invariant: Callable[[Any], Any] | None = None,
    *,
    count: int | None = None,
    trace_packages: Sequence[str] = (),
    serializable_invariant: bool | Callable[[Any], Any] = False,
    spec: Callable[[], Any] | None = None,
    error_on_any_race: bool = False,
    clock: str = "virtual",
) -> InterleavingResult:
    """Executes one schedule again: a result's schedule, or a schedule file.

    ValueError if the file is none or is stale: a place that it names was never reached.
    """
    options = Options(
        trace_packages=trace_packages, error_on_any_race=error_on_any_race, clock=clock
    )
    program = make_program(setup, workers, invariant, options, count)
    program = judged(program, options, serializable_invariant, spec)
    if isinstance(schedule, FoundSchedule):
        content = schedule.content
    else:
        content = schedule_file.read(schedule)
    if len(content.threads) != len(program.workers):
        raise ValueError(
            f"the schedule has {len(content.threads)} threads, not {len(program.workers)}: it"
            " belongs to another program"
        )
    segments = content.segments()
    with program.subject(options) as subject, unwrapped():
        explorer = program.explorer(subject, options)
        explorer.start_plan(strategy="replay", segments=segments)
        explorer.step()
        if explorer.failure is None and explorer.segments_done < len(segments):
            raise ValueError(
                f"the schedule is stale: the place of its step {explorer.segments_done + 1} was"
                " never reached; the program has changed there, explore again"
            )
        return result_of(program, options, subject, searched(explorer, "once"))


# ----------------------------------------------------------------------------- running


def run(program: Program, options: Options, debug: bool = False) -> InterleavingResult:
    """The exploration and what is told of it. Raises what left a worker or the invariant.

    debug: it is told on stderr, too.
    """
    __tracebackhide__ = True
    options = options.drawn()
    with strict_warnings(options), program.subject(options) as subject, unwrapped():
        found = search_failures(program, options, subject)
        result = result_of(program, options, subject, found)
    if debug:
        print(result.explanation or result, file=sys.stderr)
    return result


@contextlib.contextmanager
def unwrapped() -> Iterator[None]:
    """An exception of setup() leaves as it is."""
    try:
        yield
    except _core.HarnessError as error:
        if error.__cause__ is None:
            raise
        raise error.__cause__ from None


@contextlib.contextmanager
def strict_warnings(options: Options) -> Iterator[None]:
    """Warnings of the program are exceptions in it, if that was asked for."""
    if not options.warnings_as_errors:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def judged(
    program: Program,
    options: Options,
    serializable: bool | Callable[[Any], Any],
    spec: Callable[[], Any] | None,
) -> Program:
    """The program with the judges that were asked for besides its invariant."""
    if serializable is not False:
        program = serialized(program, key_of(serializable), options)
    return program if spec is None else program.specified_by(spec)


def serialized(program: Program, key: Callable[[Any], Any], options: Options) -> Program:
    """The program, judged by the outcomes of its workers one after the other."""
    outcomes: list[Any] = []

    def keep(state: Any) -> None:
        outcome = key(state)
        if not any(outcome == known for known in outcomes):
            outcomes.append(outcome)

    errors = []
    with program._replace(invariant=keep).subject(options) as subject, unwrapped():
        explorer = program.explorer(subject, options)
        for order in orders_of(len(program.workers)):
            explorer.start_plan(strategy="replay", segments=[(t, 0, 0, 0) for t in order])
            known = len(outcomes)
            explorer.step()
            if explorer.failure is not None:
                errors.append(explorer.failure)
            elif len(explorer.blocks) != len({thread for thread, _ in explorer.blocks}):
                del outcomes[known:]  # one waited for another: not one after the other
    if not outcomes:
        for failure in errors:
            if failure.exception is not None:
                raise failure.exception
        raise ValueError(
            "serializable_invariant: the workers cannot run one after the other, in no order"
        )
    return program.judged_by(Serializable(key, outcomes))


# ----------------------------------------------------------------------------- the result


def result_of(
    program: Program, options: Options, subject: _core.Subject, searched: Search
) -> InterleavingResult:
    """What is answered, or attached to the exception that leaves."""
    __tracebackhide__ = True
    result = InterleavingResult(
        property_holds=not searched.failures and not searched.unrepeatable,
        num_explored=searched.executions,
        unique_interleavings=searched.distinct,
        failures=[(each.number, each.threads) for each in searched.failures],
        verdict=verdict_of(searched),
        exhausted=searched.ending == "exhausted",
        distinct_traces=searched.distinct,
        redundant=max(0, searched.executions - searched.distinct),
        deadlocks=searched.stats["deadlocks"],
        estimate=searched.estimate or None,
        second_try=SECOND_TRY if subject.second_try else None,
        stats={**searched.stats, "seed": options.seed},
    )
    if searched.failures:
        tell_failure(result, program, options, subject, searched.failures[0])
    elif searched.unrepeatable:
        tell_unrepeatable(result, searched)
    errors = (each.failure.exception for each in searched.failures)
    error = next((error for error in errors if error is not None), None)
    if error is not None:
        raise with_result(error, result)
    return result


def verdict_of(searched: Search) -> str:
    """Only what was exhausted is called so."""
    if searched.failures or searched.unrepeatable:
        return "failed"
    return searched.ending if searched.ending in ("exhausted", "bounded") else "budget"


UNSETTLED = (
    "Usual causes: it looks at the time, at random numbers, at id() or at the order of a set; or"
    " something survives setup(): a module's global, a cache that fills up, a class attribute."
)
SETTLED = (
    "From the second execution on it does: something is made once and survives setup(), such as a"
    " module's global or a cache. Make it anew in setup(), so that what makes it is tested, too;"
    " or, if that does not matter, make it before: call each thread's function once, above the"
    " test."
)


def tell_unrepeatable(result: InterleavingResult, searched: Search) -> None:
    """The same schedule gave two executions."""
    result.failure = Failure("nondeterminism", None, None, "")
    result.explanation = (
        "The program does not repeat itself: the same schedule was executed twice, and"
        f" {searched.unrepeatable}.\n\nNothing can be said about its interleavings until it does."
        f" {SETTLED if searched.settles else UNSETTLED}"
    )


def tell_failure(
    result: InterleavingResult,
    program: Program,
    options: Options,
    subject: _core.Subject,
    first: Found,
) -> None:
    """Minimises the first failure, explains it, and tries how often it comes again."""
    result.counterexample = first.threads
    result.failure = Failure(first.failure.kind, first.failure.thread, first.failure.exception, "")
    explorer = program.explorer(subject, options)
    explorer.start(first.choices)
    try:
        explorer.step()
        again = explorer.failure
        if again is None or (again.kind, again.place) != (first.failure.kind, first.failure.place):
            raise _core.DivergedError("the execution that failed did not fail again")
        affordable = SHRINK_EVENTS // max(1, len(first.threads))
        tries = max(SHRINK_TRIES_MIN, min(SHRINK_TRIES_MAX, affordable))
        # Each try takes as long as the watchdog's patience.
        is_slow = again.kind in ("blocked", "timeout")
        effort = "not minimised" if is_slow else recording.minimized(explorer, tries)
        if again.kind == "blocked" and not subject.second_try:
            effort += "; no second try on OS threads, since fibers were asked for"
        if options.switch_points == "gil" and is_out_of_reach(explorer):
            explorer.start(first.choices)
            explorer.step()
            effort = "not minimised: what is simpler cannot be with the GIL"
        choices = explorer.schedule
        execution = report.Execution.told(explorer)
    except _core.DivergedError as error:
        result.explanation = (
            f"It failed after {first.number} interleavings ({first.failure.kind}), but {error}."
        )
        return
    complaint = program.complaint()
    content = recording.schedule_of(execution, program.home, program.names, program.is_traced)
    result.schedule = FoundSchedule(content, choices)
    result.failure = result.failure._replace(place=content.failure["where"])
    result.counterexample = [t for t, length in execution.blocks for _ in range(length)]
    result._reach = lambda: reach_of(program, options, execution, subject.second_try)
    if not is_slow:
        reproduce(result, explorer, execution, options.reproduce_on_failure)
    told = Told(
        execution,
        program.names,
        interleavings=first.number,
        complaint=complaint,
        effort=effort,
        attempts=result.reproduction_attempts,
        successes=result.reproduction_successes,
        arguments=program.arguments(options),
        state=final_state(program, options, result.schedule, subject.second_try)
        if execution.failure.kind == "invariant"
        else None,
    )
    result.explanation = explain(told)


def reach_of(
    program: Program, options: Options, execution: report.Execution, second_try: bool
) -> str:
    """The line that says whether a build with the GIL can fail so, too."""
    watched = replace(options, switch_points="gil")
    with (
        strict_warnings(options),
        program.subject(watched, second_try=second_try) as subject,
        unwrapped(),
    ):
        return gil.reachable(subject, execution.failure, execution.blocks).line()


def final_state(
    program: Program, options: Options, schedule: FoundSchedule, second_try: bool
) -> Any:
    """The state at the end of the execution that a schedule repeats; None if it does not."""
    states: list[Any] = []

    def make() -> Any:
        states.append(program.setup())
        return states[-1]

    with program._replace(setup=make).subject(options, second_try=second_try) as subject:
        explorer = program.explorer(subject, options)
        explorer.start(schedule.choices)
        with contextlib.suppress(_core.DivergedError):
            explorer.step()
    return states[-1] if explorer.failure is not None else None


def reproduce(
    result: InterleavingResult,
    explorer: _core.Explorer,
    execution: report.Execution,
    attempts: int,
) -> None:
    """Executes the minimised schedule again and counts how often it fails so."""
    assert result.schedule is not None
    for _ in range(attempts):
        result.reproduction_attempts += 1
        explorer.start(result.schedule.choices)
        with contextlib.suppress(_core.DivergedError):
            explorer.step()
            again = explorer.failure
            if again is not None and again.place == execution.failure.place:
                result.reproduction_successes += 1


def with_result(error: BaseException, result: InterleavingResult) -> BaseException:
    """The exception, with the result as an attribute and the explanation as its note."""
    with contextlib.suppress(AttributeError):  # __slots__
        error.frontrun_result = result  # type: ignore[attr-defined]
    if hasattr(error, "add_note") and result.explanation is not None:
        error.add_note(result.explanation)
    return error
