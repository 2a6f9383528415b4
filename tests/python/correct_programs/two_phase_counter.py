"""Counters for each thread, added up by whoever asks: no lock, and no race on a counter."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Counter:
    def __init__(self) -> None:
        self.local = threading.local()
        self.lock = threading.Lock()
        self.parts: list[list[int]] = []

    def add(self) -> None:
        part = getattr(self.local, "part", None)
        if part is None:
            part = self.local.part = [0]
            with self.lock:
                self.parts.append(part)
        part[0] += 1

    def total(self) -> int:
        with self.lock:
            return sum(part[0] for part in self.parts)


def setup() -> Counter:
    return Counter()


def count(counter: Counter) -> None:
    counter.add()
    counter.add()


threads = [count, count]


def invariant(counter: Counter) -> bool:
    return counter.total() == 4
