"""Small programs that the tests of the library share."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any



class Counter:
    def __init__(self) -> None:
        self.value = 0
        self.lock = threading.Lock()

    def increment(self) -> None:
        temp = self.value
        self.value = temp + 1

    def increment_locked(self) -> None:
        with self.lock:
            self.value += 1


def incrementing(times: int) -> Callable[[Counter], None]:
    def worker(counter: Counter) -> None:
        for _ in range(times):
            counter.increment()

    return worker


def increments(counter: Counter) -> None:
    counter.increment()


def increments_locked(counter: Counter) -> None:
    counter.increment_locked()


class TwoLocks:
    def __init__(self) -> None:
        self.a = threading.Lock()
        self.b = threading.Lock()


def ab(state: TwoLocks) -> None:
    with state.a, state.b:
        pass


def ba(state: TwoLocks) -> None:
    with state.b, state.a:
        pass


def always(_: Any) -> bool:
    return True
