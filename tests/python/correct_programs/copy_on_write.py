"""Readers walk over a tuple that writers replace as a whole, under a lock."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Listeners:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.all: tuple[int, ...] = ()

    def add(self, listener: int) -> None:
        with self.lock:
            self.all = (*self.all, listener)


def setup() -> Listeners:
    return Listeners()


def read(listeners: Listeners) -> None:
    seen = listeners.all
    assert len(set(seen)) == len(seen)


threads = [lambda listeners: listeners.add(1), lambda listeners: listeners.add(2), read]


def invariant(listeners: Listeners) -> bool:
    return sorted(listeners.all) == [1, 2]
