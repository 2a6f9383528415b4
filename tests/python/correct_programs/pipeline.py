"""Three stages, each a thread that the program starts, with a queue between two."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class State:
    def __init__(self) -> None:
        self.queues: list[queue.SimpleQueue[int | None]] = [queue.SimpleQueue() for _ in range(3)]
        self.results: list[int] = []

    def stage(self, number: int, function: Callable[[int], int]) -> None:
        while (item := self.queues[number].get()) is not None:
            self.queues[number + 1].put(function(item))
        self.queues[number + 1].put(None)


def setup() -> State:
    return State()


def main(state: State) -> None:
    stages = [
        threading.Thread(target=state.stage, args=(0, lambda item: item + 1)),
        threading.Thread(target=state.stage, args=(1, lambda item: item * 10)),
    ]
    for stage in stages:
        stage.start()
    for item in (1, 2, None):
        state.queues[0].put(item)
    while (result := state.queues[2].get()) is not None:
        state.results.append(result)
    for stage in stages:
        stage.join()


threads = [main]


def invariant(state: State) -> bool:
    return state.results == [20, 30]
