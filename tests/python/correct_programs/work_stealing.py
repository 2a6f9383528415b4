"""Two workers with a deque each; who has nothing left takes from the other."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from collections import deque


class State:
    def __init__(self) -> None:
        self.locks = [threading.Lock(), threading.Lock()]
        self.work = [deque([1, 2]), deque[int]()]
        self.done = [0, 0]

    def take(self, mine: int) -> int | None:
        for owner in (mine, 1 - mine):
            with self.locks[owner]:
                if self.work[owner]:
                    return self.work[owner].pop() if owner == mine else self.work[owner].popleft()
        return None

    def run(self, mine: int) -> None:
        while (item := self.take(mine)) is not None:
            self.done[mine] += item


def setup() -> State:
    return State()


threads = [lambda state: state.run(0), lambda state: state.run(1)]


def invariant(state: State) -> bool:
    return sum(state.done) == 3
