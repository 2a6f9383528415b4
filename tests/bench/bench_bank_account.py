"""Executions per second of harnesses/bank_account.py, against calling its functions bare.

Prints one table row for this interpreter; --header prints the head of the table first. Bare and
explored calls take turns in one process, and the ratios are medians over the rounds, so that a
machine that slows down for a while slows both.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import platform
import runpy
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from frontrun import _core

HARNESS = Path(__file__).resolve().parents[2] / "harnesses" / "bank_account.py"
ROUNDS = 5
SAMPLE_SECONDS = 0.2
COLUMNS = "{:<8} {:>8} {:>11} {:>13} {:>13} {:>10} {:>10}"
HEADER = COLUMNS.format(
    "Python", "carrier", "bare/s", "dpor exec/s", "random exec/s", "dpor cost", "random cost"
)


class Bank:
    """The harness, to be executed bare or by a strategy; each method runs about n executions."""

    def __init__(self, path: Path) -> None:
        names = runpy.run_path(str(path), run_name="bank_account")
        self.setup = names["setup"]
        self.threads = names["threads"]
        self.invariant = names["invariant"]
        subject = _core.Subject(
            self.setup, self.threads, self.invariant, traced=lambda name: name == str(path)
        )
        self.explorer = _core.Explorer(subject)

    def bare(self, n: int) -> int:
        """What one execution does, without a scheduler: one thread after the other."""
        setup, threads, invariant = self.setup, self.threads, self.invariant
        for _ in range(n):
            state = setup()
            for thread in threads(state) if callable(threads) else threads:
                thread(state)
            invariant(state)
        return n

    def random(self, n: int) -> int:
        """n random walks."""
        self.explorer.start_plan(strategy="random", seed=1, executions_max=n)
        return self.run_to("budget")

    def dpor(self, n: int) -> int:
        """All traces, again and again: there are only a few."""
        done = 0
        while done < n:
            self.explorer.start_plan(strategy="dpor")
            done += self.run_to("exhausted")
        return done

    def run_to(self, ending: str) -> int:
        """Executes what was started; answers how many executions that took."""
        before = self.explorer.stats["executions"]
        if (reached := self.explorer.run(stop_on_failure=False)) != ending:
            sys.exit(f"{HARNESS.name}: {reached}, not {ending}: nothing to measure")
        return self.explorer.stats["executions"] - before


def seconds_each(run: Callable[[int], int], n: int) -> float:
    """Seconds per execution."""
    start = time.perf_counter()
    done = run(n)
    return (time.perf_counter() - start) / done


def executions_per_sample(run: Callable[[int], int]) -> int:
    """How many executions make a sample; warms up on the way."""
    n = 10
    while (each := seconds_each(run, n)) * n < SAMPLE_SECONDS / 10:
        n *= 4
    return max(1, round(SAMPLE_SECONDS / each))


def main() -> None:
    """Measures, and prints the row."""
    bank = Bank(HARNESS)
    runs = (bank.bare, bank.dpor, bank.random)
    sizes = [executions_per_sample(run) for run in runs]
    rounds = [[seconds_each(run, n) for run, n in zip(runs, sizes)] for _ in range(ROUNDS)]
    bare, dpor, random = (statistics.median(column) for column in zip(*rounds))
    if "--header" in sys.argv[1:]:
        print(HEADER)
    print(
        COLUMNS.format(
            platform.python_version(),
            _core.carrier_name(),
            f"{1 / bare:,.0f}",
            f"{1 / dpor:,.0f}",
            f"{1 / random:,.0f}",
            f"{statistics.median(row[1] / row[0] for row in rounds):.1f} x",
            f"{statistics.median(row[2] / row[0] for row in rounds):.1f} x",
        )
    )


if __name__ == "__main__":
    main()
