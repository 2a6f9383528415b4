"""Two connections for three users: a bounded semaphore counts, a lock guards the list."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Pool:
    def __init__(self) -> None:
        self.permits = threading.BoundedSemaphore(2)
        self.lock = threading.Lock()
        self.free = ["a", "b"]

    @contextmanager
    def connection(self) -> Iterator[str]:
        with self.permits:
            with self.lock:
                connection = self.free.pop()
            try:
                yield connection
            finally:
                with self.lock:
                    self.free.append(connection)


def setup() -> Pool:
    return Pool()


def use(pool: Pool) -> None:
    with pool.connection() as connection:
        assert connection in ("a", "b")


threads = [use, use, use]


def invariant(pool: Pool) -> bool:
    return sorted(pool.free) == ["a", "b"]
