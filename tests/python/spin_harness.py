"""What the tests of loops share: a state that they look at, and who raises its flag."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from collections import deque


class State:
    def __init__(self) -> None:
        self.flag = False
        self.other = False
        self.turn = 0
        self.n = 0
        self.event = threading.Event()
        self.lock = threading.Lock()
        self.rlock = threading.RLock()
        self.items: list[int] = []
        self.table: dict[str, int] = {"flag": 0}
        self.queue: deque[int] = deque()


def raise_flag(state: State) -> None:
    state.flag = True
