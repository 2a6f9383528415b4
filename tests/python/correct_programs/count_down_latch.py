"""A latch: one waits until all others have counted down."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Latch:
    def __init__(self, count: int) -> None:
        self.condition = threading.Condition()
        self.count = count
        self.total = [0, 0]

    def count_down(self) -> None:
        with self.condition:
            self.count -= 1
            if self.count == 0:
                self.condition.notify_all()

    def wait(self) -> None:
        with self.condition:
            self.condition.wait_for(lambda: self.count == 0)


def setup() -> Latch:
    return Latch(2)


def work(number: int, latch: Latch) -> None:
    latch.total[number] = 1
    latch.count_down()


def wait(latch: Latch) -> None:
    latch.wait()
    assert latch.total == [1, 1]


threads = [lambda latch: work(0, latch), lambda latch: work(1, latch), wait]


def invariant(latch: Latch) -> bool:
    return latch.count == 0
