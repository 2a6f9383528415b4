"""Whole executions of a counter with two threads: explore_dpor against bare and plain Python.

Prints one table row for this interpreter; --header prints the head of the table first. All kinds of
runs take turns in one process, and the ratios are medians over the rounds, so that a machine that
slows down for a while slows all. Times are of the processor, as others share the machine. The plain
Python scheduler waits for its hand-overs besides, which takes time but no processor: so its ratio
is told by the clock, too, which says little on a machine that is not quiet.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from counter_program import THREADS, Counter, increments_thrice, is_positive
from settrace_scheduler import Explorer as PlainExplorer

from frontrun import _core, explore
from frontrun.dpor import explore_dpor

# bare/s     setup, both functions and the invariant, called one after the other
# search/s   executions/s of one exploration: random schedules, so that it can be as long as needed
# dpor/s     executions/s through explore_dpor: whole calls, each thread increments three times, so
#            that there are 328 executions in a call, of three times the length
# small/s    the same with one increment: 4 executions, each call with all that begins and ends it
# plain/s    executions/s of settrace_scheduler.py
# search/plain   by the processor, and by the clock
ROUNDS = 5
SAMPLE_SECONDS = 0.2
COLUMNS = "{:<8} {:>8} {:>10} {:>9} {:>8} {:>8} {:>8} {:>11} {:>12} {:>12}"
HEADER = COLUMNS.format(
    *("Python", "carrier", "bare/s", "search/s", "dpor/s", "small/s", "plain/s"),
    *("search cost", "search/plain", "by the clock"),
)
FILE = sys.modules[Counter.__module__].__file__


def run_bare(n: int) -> int:
    """What one execution does, without a scheduler."""
    for _ in range(n):
        state = Counter()
        for thread in THREADS:
            thread(state)
        is_positive(state)
    return n


def run_search(n: int) -> int:
    """One exploration of n executions."""
    result = explore(
        Counter, THREADS, is_positive, strategy="random", max_executions=n, seed=1
    )
    return result.num_explored


def run_small(n: int) -> int:
    """Whole explorations, of four executions each."""
    return explore_all(THREADS, n)


def run_dpor(n: int) -> int:
    """Whole explorations, of 328 executions each."""
    return explore_all((increments_thrice, increments_thrice), n)


def explore_all(threads: tuple[Callable[[Counter], None], ...], n: int) -> int:
    """All traces, again and again; answers how many executions that took, at least n."""
    done = 0
    while done < n:
        result = explore_dpor(Counter, threads, is_positive, preemption_bound=None)
        assert result.property_holds
        done += result.num_explored
    return done


def run_plain(n: int) -> int:
    """n executions under the plain Python scheduler."""
    PlainExplorer(Counter, THREADS, is_positive, lambda name: name == FILE).run(n)
    return n


RUNS = (run_bare, run_search, run_dpor, run_small, run_plain)


class Seconds(NamedTuple):
    """Per execution."""

    processor: float
    clock: float


def seconds_each(run: Callable[[int], int], n: int) -> Seconds:
    """n executions, or a few more."""
    processor, clock = time.process_time(), time.perf_counter()
    done = run(n)
    return Seconds(
        (time.process_time() - processor) / done, (time.perf_counter() - clock) / done
    )


def executions_per_sample(run: Callable[[int], int]) -> int:
    """How many executions make a sample; warms up on the way."""
    n = 10
    while (each := seconds_each(run, n).processor) * n < SAMPLE_SECONDS / 10:
        n *= 4
    return max(1, round(SAMPLE_SECONDS / each))


def main() -> None:
    """Measures, and prints the row."""
    sizes = [executions_per_sample(run) for run in RUNS]
    rounds = [[seconds_each(run, n) for run, n in zip(RUNS, sizes)] for _ in range(ROUNDS)]
    medians = [statistics.median(each.processor for each in column) for column in zip(*rounds)]

    def ratio(of: int, over: int, by: int = 0) -> str:
        return f"{statistics.median(row[of][by] / row[over][by] for row in rounds):,.1f} x"

    if "--header" in sys.argv[1:]:
        print(HEADER)
    print(
        COLUMNS.format(
            platform.python_version(),
            _core.carrier_name(),
            *(f"{1 / median:,.0f}" for median in medians),
            ratio(1, 0),
            ratio(4, 1),
            ratio(4, 1, by=1),
        )
    )


if __name__ == "__main__":
    main()
