"""A ring of one place with two conditions on one lock."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Buffer:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.has_room = threading.Condition(self.lock)
        self.has_items = threading.Condition(self.lock)
        self.items: list[int] = []
        self.taken: list[int] = []

    def put(self, item: int) -> None:
        with self.has_room:
            while self.items:
                self.has_room.wait()
            self.items.append(item)
            self.has_items.notify()

    def take(self) -> int:
        with self.has_items:
            while not self.items:
                self.has_items.wait()
            self.has_room.notify()
            return self.items.pop()


def setup() -> Buffer:
    return Buffer()


def produce(buffer: Buffer) -> None:
    buffer.put(1)
    buffer.put(2)


def consume(buffer: Buffer) -> None:
    buffer.taken += [buffer.take(), buffer.take()]


threads = [produce, consume]


def invariant(buffer: Buffer) -> bool:
    return buffer.taken == [1, 2] and not buffer.items
