"""However an exploration ends, the interpreter is left exactly as it was."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import _posixsubprocess
import _queue
import _thread
import builtins
import concurrent.futures
import contextlib
import ctypes
import datetime
import gc
import logging
import os
import posix
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import frontrun
import pytest

from test_locks import read_functions

OWNERS = [
    _thread,
    _thread.LockType,
    _thread.RLock,
    _queue.SimpleQueue,
    posix,
    _posixsubprocess,
    time,
    datetime.datetime,
    datetime.date,
    select,
    select.epoll,
    type(select.poll()),
]
if sys.version_info >= (3, 13):
    OWNERS.append(_thread._ThreadHandle)

TABLES = [
    builtins,
    threading,
    threading.Thread,
    threading.Condition,
    concurrent.futures.thread,
    concurrent.futures._base,
    concurrent.futures.Future,
    ThreadPoolExecutor,
    logging,
]


def tools() -> list[Any]:
    """Who uses sys.monitoring, for which events."""
    if sys.version_info < (3, 12):
        return []
    known = [(n, sys.monitoring.get_tool(n)) for n in range(6)]
    return [(n, tool, sys.monitoring.get_events(n)) for n, tool in known if tool is not None]


def snapshot() -> dict[str, Any]:
    """Everything that an exploration touches; modules by the identity of what they contain."""
    tables = [{k: id(v) for k, v in vars(table).items()} for table in TABLES]
    return {
        "functions": [read_functions([owner]) for owner in OWNERS],
        "tables": tables,
        "threads": (dict(threading._active), dict(threading._limbo), threading.enumerate()),
        "gc": (gc.isenabled(), gc.get_threshold(), list(gc.callbacks), gc.get_freeze_count()),
        "tools": tools(),
        "trace": (sys.gettrace(), sys.getprofile(), threading._trace_hook),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook),
        "import": (list(sys.meta_path), list(sys.path_hooks), list(sys.path)),
        "signals": [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGALRM, signal.SIGTERM)],
        "warnings": list(warnings.filters),
        "interval": sys.getswitchinterval(),
        "recursion": sys.getrecursionlimit(),
        "processors": os.sched_getaffinity(0),
        "logger": logging.getLogger("concurrent.futures").disabled,
    }


class State:
    def __init__(self) -> None:
        self.n = 0
        self.lock = threading.Lock()
        self.other = threading.Lock()


def add(state: State) -> None:
    value = state.n
    state.n = value + 1


def add_in_a_pool(state: State) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(add, state)
    thread = threading.Thread(target=add, args=(state,))
    thread.start()
    thread.join(timeout=5)
    time.sleep(1)


def nest(first: str, second: str) -> Callable[[State], None]:
    def act(state: State) -> None:
        with getattr(state, first), getattr(state, second):
            threading.current_thread()

    return act


def fail(state: State) -> None:
    raise KeyError("gone")


def interrupt(state: State) -> None:
    signal.raise_signal(signal.SIGINT)
    add(state)


def explore_inside(state: State) -> None:
    frontrun.explore(State, [add])


def setup_that_fails() -> State:
    raise KeyError("no state")


CALLS = 0


def setup_that_differs() -> State:
    global CALLS
    CALLS += 1
    state = State()
    state.n = CALLS
    return state


def differ(state: State) -> None:
    for _ in range(1 + state.n % 5):
        add(state)


def is_two(state: State) -> bool:
    return state.n == 2


# what is executed, by name: setup, workers, invariant, and the end: what leaves explore(), or
# whether the property holds
PROGRAMS: dict[str, tuple[Any, Any, Any, Any]] = {
    "passes": (State, [add_in_a_pool], is_two, "passes"),
    "fails": (State, [add, add], is_two, "failed"),
    "deadlocks": (State, [nest("lock", "other"), nest("other", "lock")], None, "failed"),
    "raises": (State, [add_in_a_pool, fail], None, KeyError),
    "raises in setup": (setup_that_fails, [add], None, KeyError),
    "is interrupted": (State, [interrupt, add], None, KeyboardInterrupt),
    "explores inside": (State, [explore_inside], None, frontrun.FrontrunError),
    "does not repeat itself": (setup_that_differs, [differ, differ], None, "failed"),
}


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="offsets of a 64-bit build")
@pytest.mark.parametrize("carrier", ["fiber", "thread"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_everything_is_as_it_was(name: str, carrier: str) -> None:
    setup, workers, invariant, end = PROGRAMS[name]
    threading.current_thread()
    frontrun.explore(State, [add], max_executions=1)  # what is imported and learned at first
    before = snapshot()
    assert sum(map(len, before["functions"])) > 250
    leaves = contextlib.nullcontext() if isinstance(end, str) else pytest.raises(end)
    with leaves:
        result = frontrun.explore(setup, workers, invariant, carrier=carrier)
        assert end == ("passes" if result.property_holds else "failed")
    gc.collect()
    after = snapshot()
    assert {k: v for k, v in after.items() if v != before[k]} == {}


def test_the_snapshot_is_another_one_meanwhile() -> None:
    """What is compared does change, or the comparison means nothing."""
    changed: set[str] = set()
    before = snapshot()

    def look(state: State) -> None:
        changed.update(k for k, v in snapshot().items() if v != before[k])

    frontrun.explore(State, [look], max_executions=1)
    assert {"functions", "tables"} <= changed
