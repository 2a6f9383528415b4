"""Two threads that take turns, by two semaphores."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class State:
    def __init__(self) -> None:
        self.turn = [threading.Semaphore(1), threading.Semaphore(0)]
        self.said: list[str] = []

    def play(self, me: int, word: str) -> None:
        for _ in range(2):
            self.turn[me].acquire()
            self.said.append(word)
            self.turn[1 - me].release()


def setup() -> State:
    return State()


threads = [lambda state: state.play(0, "ping"), lambda state: state.play(1, "pong")]


def invariant(state: State) -> bool:
    return state.said == ["ping", "pong", "ping", "pong"]
