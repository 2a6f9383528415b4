"""Executions of a varied program: endurance.py hashes | memory EXECUTIONS.

hashes prints the trace hashes of fixed schedules; memory prints the resident KiB after a tenth of
the executions and after all.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frontrun import _core

# Strategy, bound, seed and choices in all kinds: every byte string is a schedule.
SCHEDULES = [
    b"",
    *(bytes([kind, 0, seed, 200, seed * 7 % 256, kind]) for kind in range(8) for seed in (1, 77)),
    *(bytes((n * n * step) % 256 for n in range(40)) for step in (3, 5, 11)),
]
EXECUTIONS_PER_SCHEDULE = 5


class State:
    """Attributes, keys that are strings, a set, a lock, cells."""

    def __init__(self) -> None:
        self.value = 0
        self.table: dict[str, int] = {"alpha": 1, "beta": 2}
        self.names = {"gamma", "delta", "epsilon"}
        self.lock = threading.Lock()


def numbers(state: State) -> Iterator[int]:
    for _ in range(2):
        state.value += 1
        yield state.value


def first(state: State) -> None:
    seen = list(numbers(state))
    state.table["alpha"] = len(seen)
    with state.lock:
        state.names.add("zeta")

    def count() -> int:
        nonlocal seen
        seen = [*seen, 1]
        return len(seen)

    count()


def second(state: State) -> None:
    try:
        state.table["omega"]
    except KeyError as error:
        state.value = len(str(error))
    with state.lock:
        state.names.discard("gamma")
    state.table["beta"] = state.value


def make_explorer() -> _core.Explorer:
    subject = _core.Subject(
        State, [first, second, first], lambda state: None, traced=lambda name: name == __file__
    )
    return _core.Explorer(subject)


def case_hashes() -> Any:
    explorer = make_explorer()
    hashes = []
    for schedule in SCHEDULES:
        explorer.start(schedule)
        for _ in range(EXECUTIONS_PER_SCHEDULE):
            if explorer.step() is None:
                break
            hashes.append(f"{explorer.trace_hash:016x}")
    return hashes


def resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


def case_memory(executions: int) -> Any:
    """In batches, each a search of its own, so that what a search remembers is not counted."""
    explorer = make_explorer()
    resident = []
    done = 0
    while done < executions:
        explorer.start_plan(strategy="random", seed=done + 1, executions_max=executions // 50)
        explorer.run()
        done += executions // 50
        resident.append(resident_kib())
    return [resident[4], resident[-1], explorer.stats["executions"]]


if __name__ == "__main__":
    case = globals()[f"case_{sys.argv[1]}"]
    print(json.dumps(case(*map(int, sys.argv[2:]))))
