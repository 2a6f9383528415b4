"""Readers share, a writer excludes: a readers-writer lock of a condition and a count."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class ReadersWriter:
    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.readers = 0
        self.left = 0
        self.right = 0

    def read(self) -> tuple[int, int]:
        with self.condition:
            self.readers += 1
        try:
            return self.left, self.right
        finally:
            with self.condition:
                self.readers -= 1
                self.condition.notify_all()

    def write(self, value: int) -> None:
        with self.condition:
            while self.readers:
                self.condition.wait()
            self.left = value
            self.right = value


def setup() -> ReadersWriter:
    return ReadersWriter()


def reader(state: ReadersWriter) -> None:
    left, right = state.read()
    assert left == right


def writer(state: ReadersWriter) -> None:
    state.write(1)


threads = [reader, reader, writer]


def invariant(state: ReadersWriter) -> bool:
    return (state.left, state.right, state.readers) == (1, 1, 0)
