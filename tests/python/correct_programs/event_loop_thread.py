"""A thread that owns the state; others send it messages and wait for a Future."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future


class Server:
    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[tuple[int, Future[int]] | None] = queue.SimpleQueue()
        self.total = 0
        self.thread = threading.Thread(target=self.serve, name="server")

    def serve(self) -> None:
        while (message := self.inbox.get()) is not None:
            amount, future = message
            self.total += amount
            future.set_result(self.total)

    def add(self, amount: int) -> int:
        future: Future[int] = Future()
        self.inbox.put((amount, future))
        return future.result()


def setup() -> Server:
    return Server()


def main(server: Server) -> None:
    server.thread.start()
    server.add(2)
    server.inbox.put(None)
    server.thread.join()


threads = [main]


def invariant(server: Server) -> bool:
    return server.total == 2
