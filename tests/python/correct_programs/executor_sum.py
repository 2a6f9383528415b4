"""A ThreadPoolExecutor whose tasks share nothing; their results are added up."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor


class State:
    def __init__(self) -> None:
        self.total = 0


def setup() -> State:
    return State()


def main(state: State) -> None:
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(pow, 2, n) for n in (1, 2)]
        state.total = sum(future.result() for future in futures)


threads = [main]


def invariant(state: State) -> bool:
    return state.total == 6
