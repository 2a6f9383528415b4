"""One producer, one consumer and an end marker through a queue.Queue."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue


class State:
    def __init__(self) -> None:
        self.queue: queue.Queue[int | None] = queue.Queue()
        self.taken: list[int] = []


def setup() -> State:
    return State()


def produce(state: State) -> None:
    for item in (1, 2):
        state.queue.put(item)
    state.queue.put(None)


def consume(state: State) -> None:
    while (item := state.queue.get()) is not None:
        state.taken.append(item)


threads = [produce, consume]


def invariant(state: State) -> bool:
    return state.taken == [1, 2] and state.queue.empty()
