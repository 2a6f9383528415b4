"""A program under exploration: setup, workers, what it is judged by, and what is observed of it."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

from frontrun import _core, harness, traced
from frontrun.linearizability import Linearizable, recorded_parts
from frontrun.options import THREADS_MAX, Options
from frontrun.oracles import Oracle

SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Program(NamedTuple):
    """What the core executes again and again."""

    setup: Callable[[], Any]
    workers: tuple[Callable[[Any], Any], ...]
    invariant: Callable[[Any], Any]
    names: tuple[str, ...]
    is_traced: Callable[[str], bool]
    home: str  # the file that setup() is written in; "" if there is none
    oracles: tuple[Oracle, ...] = ()

    def subject(self, options: Options, *, second_try: bool = False) -> _core.Subject:
        """For an Explorer. second_try: it is known that threads block in the kernel."""
        return _core.Subject(
            self.setup,
            self.workers,
            self.invariant,
            traced=self.is_traced,
            second_try=second_try,
            **options.watching(),
        )

    def explorer(self, subject: _core.Subject, options: Options) -> _core.Explorer:
        """An explorer with the options' limits."""
        return _core.Explorer(subject, **options.limits(len(self.workers)))

    def judged_by(self, oracle: Oracle) -> Program:
        """With one more oracle, which speaks before the others and before the invariant."""
        invariant = self.invariant

        def judge(state: Any) -> Any:
            return invariant(state) if oracle.holds(state) else False

        return self._replace(invariant=judge, oracles=(oracle, *self.oracles))

    def specified_by(self, spec: Callable[[], Any]) -> Program:
        """Judged by a sequential model of the state, too: the calls on it are linearizable."""
        oracle = Linearizable(spec, self.names)
        setup, workers, invariant = recorded_parts(
            self.setup, self.workers, self.invariant, oracle
        )
        return self._replace(
            setup=setup, workers=workers, invariant=invariant, oracles=(oracle, *self.oracles)
        )

    def arguments(self, options: Options) -> str:
        """What a replay needs, as a user would write it."""
        words = ["setup", "workers", "invariant", *(oracle.argument for oracle in self.oracles)]
        if options.error_on_any_race:
            words.append("error_on_any_race=True")
        if options.clock != Options.clock:
            words.append(f"clock={options.clock!r}")
        if options.trace_packages:
            words.append("trace_packages=...")
        return ", ".join(words)

    def complaint(self) -> str:
        """What the oracles said of the last execution that was judged."""
        return next((oracle.complaint for oracle in self.oracles if oracle.complaint), "")


def fine(_: Any) -> None:
    """The invariant of those who have none."""


def make_program(
    setup: Callable[[], Any],
    workers: Sequence[Callable[[Any], Any]] | Callable[[Any], Any],
    invariant: Callable[[Any], Any] | None,
    options: Options,
    count: int | None = None,
) -> Program:
    """Checks the parts. ValueError or TypeError says what is wrong with them."""
    listed = list_workers(workers, count)
    check_callable("setup", setup)
    if invariant is not None:
        check_callable("invariant", invariant)
    code = getattr(harness.underlying(setup), "__code__", None) or getattr(
        harness.underlying(listed[0]), "__code__", None
    )
    return Program(
        setup,
        listed,
        fine if invariant is None else invariant,
        harness.thread_names(listed),
        traced.traced_files(None, tuple(options.trace_packages)),
        "" if code is None else str(Path(code.co_filename).absolute()),
    )


def list_workers(
    workers: Sequence[Callable[[Any], Any]] | Callable[[Any], Any], count: int | None
) -> tuple[Callable[[Any], Any], ...]:
    """A list as it is; one callable, count times."""
    if callable(workers):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError("workers is one callable: say with count= how many threads call it")
        listed = (workers,) * count
    elif count is not None:
        raise ValueError("count goes with one callable; workers is a list here")
    elif isinstance(workers, (str, bytes)) or not isinstance(workers, Sequence):
        raise TypeError(f"workers is {harness.kind_of(workers)}; give a list of functions")
    else:
        listed = tuple(workers)
    if not 1 <= len(listed) <= THREADS_MAX:
        raise ValueError(f"there are {len(listed)} workers; 1 to {THREADS_MAX} are possible")
    for number, worker in enumerate(listed):
        check_callable(f"worker {number}", worker)
    return listed


def check_callable(what: str, value: Any) -> None:
    """A plain function, or something like it."""
    if not callable(value):
        raise TypeError(f"{what} is {harness.kind_of(value)}, not a function")
    plain = harness.underlying(value)
    if isinstance(plain, FunctionType) and not (plain.__code__.co_flags & SUSPENDS or vars(plain)):
        return  # what the questions below say of it, at a fifth of the cost
    if inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain):
        raise TypeError(f"{what} is a coroutine function; only threads are explored so far")
    if inspect.isgeneratorfunction(plain):
        raise TypeError(f"{what} is a generator function: calling it runs nothing of it")
