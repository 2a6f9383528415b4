"""Two phases: each thread writes its own place, then reads the place of the other."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class State:
    def __init__(self) -> None:
        self.barrier = threading.Barrier(2)
        self.first = [0, 0]
        self.second = [0, 0]

    def run(self, me: int) -> None:
        self.first[me] = me + 1
        self.barrier.wait()
        self.second[me] = self.first[1 - me]


def setup() -> State:
    return State()


threads = [lambda state: state.run(0), lambda state: state.run(1)]


def invariant(state: State) -> bool:
    return state.second == [2, 1]
