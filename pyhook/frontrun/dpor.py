"""frontrun.dpor: every interleaving that differs, each once."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from frontrun.common import InterleavingResult
from frontrun.exploration import run
from frontrun.options import Options
from frontrun.program import make_program

T = TypeVar("T")


def explore_dpor(
    setup: Callable[[], T],
    threads: Sequence[Callable[[T], None]],
    invariant: Callable[[T], bool],
    max_executions: int | None = None,
    preemption_bound: int | None = 2,
    max_branches: int = 100_000,
    timeout_per_run: float = 5.0,
    stop_on_first: bool = True,
    detect_io: bool = True,
    deadlock_timeout: float = 5.0,
    reproduce_on_failure: int = 10,
    total_timeout: float | None = None,
) -> InterleavingResult:
    """Explores the interleavings of threads by optimal dynamic partial order reduction.

    preemption_bound None: all of them. An exception that leaves a thread or the invariant leaves
    this function, too, with the result as its attribute frontrun_result.
    """
    __tracebackhide__ = True
    options = Options(
        strategy="dpor",
        max_executions=max_executions,
        preemption_bound=preemption_bound,
        max_branches=max_branches,
        timeout_per_run=timeout_per_run,
        stop_on_first=stop_on_first,
        deadlock_timeout=deadlock_timeout,
        reproduce_on_failure=reproduce_on_failure,
        total_timeout=total_timeout,
    )
    return run(make_program(setup, threads, invariant, options), options)
