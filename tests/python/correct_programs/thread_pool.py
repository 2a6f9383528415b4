"""A pool made by hand: workers take jobs until each has met an end marker."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Pool:
    def __init__(self, size: int) -> None:
        self.jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.workers = [threading.Thread(target=self.work) for _ in range(size)]
        self.lock = threading.Lock()
        self.total = 0

    def work(self) -> None:
        while (job := self.jobs.get()) is not None:
            job()

    def run(self, jobs: list[Callable[[], None]]) -> None:
        for worker in self.workers:
            worker.start()
        for job in [*jobs, *[None] * len(self.workers)]:
            self.jobs.put(job)
        for worker in self.workers:
            worker.join()

    def add(self) -> None:
        with self.lock:
            self.total += 1


def setup() -> Pool:
    return Pool(2)


def main(pool: Pool) -> None:
    pool.run([pool.add, pool.add])


threads = [main]


def invariant(pool: Pool) -> bool:
    return pool.total == 2 and not any(worker.is_alive() for worker in pool.workers)
