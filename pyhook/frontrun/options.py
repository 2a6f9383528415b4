"""The options of an exploration, and what the core makes of each."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from frontrun.traced import check_patterns

# What a user may write.
STRATEGIES = ("dpor", "random", "pct", "pos", "surw")
ORDERS = ("dfs", "bit-reversal", "round-robin", "stride", "conflict-first", "lowest-first")
CLOCKS = ("virtual", "explored", "real")
SWITCH_POINTS = ("any", "gil")
CARRIERS = ("fiber", "thread")

THREADS_MAX = 64
THREADS_DEFAULT = 16
SEED_BITS = 32
WATCHDOG_MAX = 86_400.0


class UnsupportedError(NotImplementedError):
    """An argument of the original that has no twin here: the recorders of its private modules."""


@dataclass(frozen=True)
class Options:
    """Every option, with the default of frontrun.explore. docs/library.md describes each."""

    strategy: str = "dpor"
    search: str = "dfs"
    preemption_bound: int | None = 2
    depth: int = 3
    seed: int | None = None
    max_executions: int | None = None
    max_attempts: int = 200
    total_timeout: float | None = None
    stop_on_first: bool = True
    max_branches: int = 100_000
    max_ops: int = 300
    timeout_per_run: float = 5.0
    deadlock_timeout: float = 5.0
    reproduce_on_failure: int = 10
    clock: str = "virtual"
    switch_points: str = "any"
    trace_packages: Sequence[str] = ()
    carrier: str | None = None
    error_on_any_race: bool = False
    warnings_as_errors: bool = False

    def __post_init__(self) -> None:
        """ValueError for a value that has no meaning."""
        self.check_words()
        for name in ("max_branches", "max_attempts", "max_ops", "max_executions", "depth"):
            check_whole(name, getattr(self, name), 1, optional=name == "max_executions")
        check_whole("depth", self.depth, 1, 16)
        check_whole("preemption_bound", self.preemption_bound, 0, optional=True)
        check_whole("reproduce_on_failure", self.reproduce_on_failure, 0)
        check_whole("seed", self.seed, -(2**63), 2**64 - 1, optional=True)
        for name in ("timeout_per_run", "deadlock_timeout", "total_timeout"):
            check_seconds(name, getattr(self, name), optional=name == "total_timeout")
        check_patterns(self.trace_packages)

    def check_words(self) -> None:
        """The options that are words."""
        check_word("strategy", self.strategy, STRATEGIES)
        check_word("clock", self.clock, CLOCKS)
        check_word("switch_points", self.switch_points, SWITCH_POINTS)
        if self.carrier is not None:
            check_word("carrier", self.carrier, CARRIERS)
        check_word("search", str(self.search).partition(":")[0], ORDERS)
        self.order()

    # ------------------------------------------------------------------------- for the core

    def order(self) -> tuple[str, int]:
        """search, written "stride:7", as the core's order and where it begins."""
        word, colon, seed = self.search.partition(":")
        if not colon:
            return word, 0
        has_seed = word in ("bit-reversal", "round-robin", "stride")
        if not (has_seed and seed.isascii() and seed.isdecimal()):
            raise ValueError(
                f"search={self.search!r}: a seed is a whole number after bit-reversal:,"
                " round-robin: or stride:"
            )
        return word, int(seed) % 2**64

    def executions_max(self) -> int:
        """The budget; 0: none."""
        if self.strategy == "dpor":
            return self.max_executions or 0
        return self.max_executions or self.max_attempts

    def drawn(self) -> Options:
        """With a seed: what was drawn is told, and repeats the exploration."""
        if self.seed is not None:
            return self
        return replace(self, seed=int.from_bytes(os.urandom(SEED_BITS // 8), "little"))

    def plan(self) -> dict[str, Any]:
        """The arguments of Explorer.start_plan."""
        order, order_seed = self.order()
        is_dpor = self.strategy == "dpor"
        bound = self.preemption_bound if is_dpor else None
        return {
            "strategy": self.strategy,
            "seed": (self.seed or 0) % 2**64,
            "depth": self.depth,
            "order": order,
            "order_seed": order_seed,
            "bound": "none" if bound is None else "preemptions",
            "bound_max": 0 if bound is None else min(bound, 2**31),
            "executions_max": self.executions_max(),
        }

    def limits(self, workers: int) -> dict[str, int]:
        """The arguments of Explorer besides the subject."""
        threads = THREADS_DEFAULT if workers <= THREADS_DEFAULT // 2 else THREADS_MAX
        return {"threads_max": threads, "events_max": min(self.max_branches, 2**32 - 1)}

    def watching(self) -> dict[str, Any]:
        """The arguments of Subject besides the program and which files are traced."""
        return {
            "watchdog": min(self.timeout_per_run, self.deadlock_timeout, WATCHDOG_MAX),
            "run_seconds": self.timeout_per_run,
            "carrier": self.carrier,
            "any_race": self.error_on_any_race,
            "clock": self.clock,
            "switch_points": self.switch_points == "gil",
        }


# ----------------------------------------------------------------------------- checking


def check_word(name: str, value: object, words: Sequence[str]) -> None:
    """value is one of the words."""
    if value not in words:
        raise ValueError(f"{name}={value!r}: it is one of {', '.join(map(repr, words))}")


def check_whole(
    name: str, value: object, low: int, high: int = 2**63, *, optional: bool = False
) -> None:
    """value is an int in low .. high, or None if that is allowed."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name}={value!r}: it is a whole number")
    if not low <= value <= high:
        what = f"at least {low}" if value < low else f"at most {high}"
        raise ValueError(f"{name}={value!r}: it is {what}")


def check_seconds(name: str, value: object, *, optional: bool = False) -> None:
    """value is a number of seconds greater than 0, or None if that is allowed."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ValueError(f"{name}={value!r}: it is a number of seconds greater than 0")
