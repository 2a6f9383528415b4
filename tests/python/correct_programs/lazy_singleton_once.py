"""A function that runs once: the first one in runs it, the others wait for the result."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Once:
    def __init__(self) -> None:
        self.permit = threading.Lock()
        self.ready = threading.Event()
        self.runs = 0
        self.value = 0

    def get(self) -> int:
        if self.permit.acquire(blocking=False):
            self.runs += 1
            self.value = 42
            self.ready.set()
        self.ready.wait()
        return self.value


def setup() -> Once:
    return Once()


def use(once: Once) -> None:
    assert once.get() == 42


threads = [use, use]


def invariant(once: Once) -> bool:
    return once.runs == 1
