"""A cache that computes each value once, with a lock for each key."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Cache:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.locks: dict[str, threading.Lock] = {}
        self.values: dict[str, int] = {}
        self.computed: list[str] = []

    def get(self, key: str) -> int:
        with self.lock:
            key_lock = self.locks.setdefault(key, threading.Lock())
        with key_lock:
            with self.lock:
                if key in self.values:
                    return self.values[key]
            value = len(key)
            with self.lock:
                self.values[key] = value
                self.computed.append(key)
            return value


def setup() -> Cache:
    return Cache()


def use(cache: Cache) -> None:
    assert cache.get("abc") == 3


threads = [use, use]


def invariant(cache: Cache) -> bool:
    return cache.computed == ["abc"]
