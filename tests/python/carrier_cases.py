"""Small explorations whose outcome must not depend on the carrier: python carrier_cases.py NAME.

Prints one JSON value. test_carrier.py runs each case once per carrier and compares.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from frontrun import _core


class Counter:
    def __init__(self) -> None:
        self.value = 0
        self.log: list[Any] = []


def increment(counter: Counter) -> None:
    value = counter.value
    counter.value = value + 1


def make_explorer(
    threads: Sequence[Callable[[Counter], Any]],
    invariant: Callable[[Counter], Any] = lambda counter: None,
    watchdog: float = 60.0,
) -> _core.Explorer:
    subject = _core.Subject(
        Counter,
        threads,
        invariant,
        traced=lambda filename: filename == __file__,
        watchdog=watchdog,
    )
    return _core.Explorer(subject)


def explore(
    threads: Sequence[Callable[[Counter], Any]],
    invariant: Callable[[Counter], Any] = lambda counter: None,
) -> list[tuple[str, int]]:
    """Verdict and trace hash of every execution."""
    explorer = make_explorer(threads, invariant)
    explorer.start_plan(strategy="dpor")
    seen = []
    while (verdict := explorer.step()) is not None:
        seen.append((verdict, explorer.trace_hash))
    assert explorer.ending == "exhausted"
    return seen


def count_tasks() -> int:
    return len(os.listdir("/proc/self/task"))


def measure_rss_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


def case_lost_update() -> Any:
    return explore([increment, increment, increment], lambda counter: counter.value == 3)


def case_random() -> Any:
    explorer = make_explorer([increment, increment])
    explorer.start_plan(strategy="random", seed=7, executions_max=200)
    hashes = []
    while explorer.step() is not None:
        hashes.append(explorer.trace_hash)
    return hashes


def case_exceptions() -> Any:
    """What one thread handles is invisible to the other, at each switch."""

    def handle(counter: Counter) -> None:
        try:
            raise ValueError("mine")
        except ValueError:
            increment(counter)
            counter.log.append(repr(sys.exc_info()[1]))
            try:
                increment(counter)
                raise
            except ValueError as error:
                counter.log.append(str(error))

    def look(counter: Counter) -> None:
        increment(counter)
        counter.log.append(repr(sys.exc_info()[1]))

    wanted = ["None", "ValueError('mine')", "mine"]
    return explore([handle, look], lambda counter: sorted(counter.log) == wanted)


def case_uncaught() -> Any:
    def fail(counter: Counter) -> None:
        increment(counter)
        raise KeyError(counter.value)

    explorer = make_explorer([fail, increment])
    explorer.start()
    verdict = explorer.step()
    assert explorer.failure is not None
    return [verdict, explorer.failure.thread, repr(explorer.failure.exception), explorer.trace_hash]


def case_thread_local() -> Any:
    """Each execution starts with fresh thread-local storage; its objects die with the thread."""
    local = threading.local()
    died = []

    class Owned:
        def __del__(self) -> None:
            died.append(1)

    def own(counter: Counter) -> None:
        assert not hasattr(local, "number")
        local.number, local.owned = id(counter), Owned()
        increment(counter)
        assert local.number == id(counter)

    seen = explore([own, own])
    gc.collect()
    assert not hasattr(local, "number")
    assert len(died) == 2 * len(seen)
    return seen


def case_identity() -> Any:
    """Logical threads have names of their own, as real threads have."""

    def tell(counter: Counter) -> None:
        before = threading.get_ident()
        increment(counter)
        assert threading.get_ident() == before
        counter.log.append(before)

    def are_distinct(counter: Counter) -> bool:
        return len({*counter.log, threading.get_ident()}) == 4

    return explore([tell, tell, tell], are_distinct)[:1]


def case_generators() -> Any:
    def numbers(counter: Counter) -> Any:
        for number in range(2):
            increment(counter)
            yield number

    def consume(counter: Counter) -> None:
        assert list(numbers(counter)) == [0, 1]

    explorer = make_explorer([consume, consume])
    explorer.start_plan(strategy="random", seed=1, executions_max=100)
    return explorer.run()


def case_recursion() -> Any:
    def descend(counter: Counter, depth: int) -> int:
        if depth % 100 == 0:
            increment(counter)
        return 0 if depth == 0 else 1 + descend(counter, depth - 1)

    def run(counter: Counter) -> None:
        assert descend(counter, 800) == 800
        try:
            descend(counter, 10**6)
        except RecursionError:
            return
        raise AssertionError("no limit")

    explorer = make_explorer([run, run])
    explorer.start_plan(strategy="random", seed=2, executions_max=10)
    return explorer.run()


def case_collector() -> Any:
    class Cycle:
        def __init__(self) -> None:
            self.me = self

    def litter(counter: Counter) -> None:
        for _ in range(20):
            Cycle()
            increment(counter)
        gc.collect()

    explorer = make_explorer([litter, litter])
    explorer.start_plan(strategy="random", seed=3, executions_max=50)
    return explorer.run()


def case_endurance() -> Any:
    """No OS thread and no memory is left behind by 10,000 executions."""
    explorer = make_explorer([increment, increment])
    explorer.start_plan(strategy="random", seed=5)
    explorer.run(2_000)
    tasks, rss = count_tasks(), measure_rss_kib()
    explorer.run(10_000)
    assert count_tasks() == tasks
    assert measure_rss_kib() - rss < 1024, f"{rss} KiB became {measure_rss_kib()}"
    return explorer.stats["executions"]


def case_fork() -> Any:
    """The child of a fork may explore anew; its parent is not disturbed."""
    before = case_lost_update()
    child = os.fork()
    if child == 0:
        same = case_lost_update() == before
        os._exit(0 if same else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert case_lost_update() == before
    return before


def case_blocked() -> Any:
    """A thread that blocks in the kernel for good is a verdict; the next executions are sound, also
    after it woke up."""
    here, there = socket.socketpair()
    touched = []

    def receive(counter: Counter) -> None:
        increment(counter)
        here.recv(1)
        touched.append(1)
        increment(counter)

    explorer = make_explorer([receive, increment], watchdog=0.3)
    explorer.start()
    verdicts = [explorer.step()]
    before = case_lost_update()
    there.send(b"x")
    assert [case_lost_update() for _ in range(20)] == [before] * 20
    assert touched == []
    return [verdicts, before]


def case_exit() -> Any:
    """A blocked thread does not keep the process from ending."""
    here, there = socket.socketpair()
    explorer = make_explorer([lambda counter: here.recv(1), increment], watchdog=0.3)
    explorer.start()
    print(json.dumps(explorer.step()))
    sys.stdout.flush()
    keep = (here, there)
    sys.exit(3 if keep else 0)


if __name__ == "__main__":
    answer = globals()[f"case_{sys.argv[1]}"]()
    print(json.dumps([_core.carrier_name(), answer]))
