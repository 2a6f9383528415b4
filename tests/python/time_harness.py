"""What the tests of time share: a state, explorations under a clock, and what time it is."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
import time
from collections import Counter as Tally
from collections.abc import Callable
from typing import Any

from core_harness import is_ours
from frontrun import _core

EPOCH = 1893456000  # 2030-01-01T00:00:00Z, as CLOCK_EPOCH of clock.h
MONOTONIC_EPOCH = 1_000_000


class State:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.other = threading.Lock()
        self.rlock = threading.RLock()
        self.event = threading.Event()
        self.flag = False
        self.n = 0
        self.log: list[Any] = []


def explorer_of(
    threads: Any,
    invariant: Callable[[Any], Any] = lambda state: None,
    setup: Callable[[], Any] = State,
    clock: str = "virtual",
    events_max: int = 100_000,
) -> _core.Explorer:
    subject = _core.Subject(setup, threads, invariant, traced=is_ours, clock=clock)
    return _core.Explorer(subject, events_max=events_max)


def explore(
    threads: Any,
    invariant: Callable[[Any], Any] = lambda state: None,
    setup: Callable[[], Any] = State,
    clock: str = "virtual",
) -> Tally[str]:
    """The verdicts of every trace, each executed once."""
    explorer = explorer_of(threads, invariant, setup, clock)
    explorer.start_plan(strategy="dpor")
    verdicts: Tally[str] = Tally()
    while (verdict := explorer.step()) is not None:
        verdicts[verdict] += 1
    assert explorer.ending == "exhausted"
    assert explorer.stats["redundant"] == 0
    assert explorer.distinct == sum(verdicts.values())
    return verdicts


def run_alone(act: Callable[[State], Any], clock: str = "virtual") -> Any:
    """What act answers as the only logical thread."""
    answers: list[Any] = []
    explorer = explorer_of([lambda state: answers.append(act(state))], clock=clock)
    explorer.start()
    verdict = explorer.step()
    if verdict == "exception":
        raise explorer.failure.exception
    assert verdict == "pass", verdict
    return answers[0]


def elapsed() -> float:
    return time.monotonic() - MONOTONIC_EPOCH
