"""A background thread that is told to stop, through the lock that guards its work."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Ticker:
    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.stopping = False
        self.pending = 0
        self.done = 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        with self.condition:
            while True:
                self.condition.wait_for(lambda: self.pending or self.stopping)
                if not self.pending:
                    return
                self.pending -= 1
                self.done += 1

    def tick(self) -> None:
        with self.condition:
            self.pending += 1
            self.condition.notify()

    def stop(self) -> None:
        with self.condition:
            self.stopping = True
            self.condition.notify()
        self.thread.join()


def setup() -> Ticker:
    return Ticker()


def main(ticker: Ticker) -> None:
    ticker.thread.start()
    ticker.tick()
    ticker.tick()
    ticker.stop()


threads = [main]


def invariant(ticker: Ticker) -> bool:
    return ticker.done == 2
