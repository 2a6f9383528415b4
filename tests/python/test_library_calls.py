"""What the library calls for the program in its threads is observed, even if it is C code."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import _thread
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from core_harness import explore


class State:
    def __init__(self) -> None:
        self.items: list[Any] = []
        self.table: dict[Any, Any] = {}
        self.condition = threading.Condition()


def join_all(*threads: threading.Thread) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def by_thread(state: State) -> None:
    join_all(*(threading.Thread(target=state.items.append, args=(n,)) for n in (1, 2)))


def by_keywords(state: State) -> None:
    threads = [threading.Thread(target=state.table.update, kwargs={"a": n}) for n in (1, 2)]
    join_all(*threads)
    state.items.extend([state.table["a"]] * 2)


def by_timer(state: State) -> None:
    join_all(*(threading.Timer(1, state.items.append, (n,)) for n in (1, 2)))


def below_threading(state: State) -> None:
    for n in (1, 2):
        _thread.start_new_thread(state.items.append, (n,))


def by_pool(state: State) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(state.items.append, 2)
        pool.shutdown(wait=False)
        state.items.append(1)


def by_initializer(state: State) -> None:
    with ThreadPoolExecutor(1, initializer=state.items.append, initargs=(2,)) as pool:
        pool.submit(int)
        pool.shutdown(wait=False)
        state.items.append(1)


def by_callback(state: State) -> None:
    future: Future[int] = Future()
    future.add_done_callback(state.items.append)
    thread = threading.Thread(target=future.set_result, args=(1,))
    thread.start()
    state.items.append(1)
    thread.join()


def by_run(state: State) -> None:
    state.items.append(0)
    thread = threading.Thread()
    thread.run = state.items.clear  # type: ignore[method-assign]
    thread.start()
    state.items.append(1)
    thread.join()


@pytest.mark.parametrize(
    "main",
    [
        by_thread,
        by_keywords,
        by_timer,
        below_threading,
        by_pool,
        by_initializer,
        by_callback,
        by_run,
    ],
)
def test_both_orders_are_seen(main: Callable[[State], None]) -> None:
    seen = set()

    def note(state: State) -> None:
        seen.add(tuple("future" if isinstance(n, Future) else n for n in state.items))

    _, verdicts = explore(State, [main], note)
    assert set(verdicts) == {"pass"}
    assert len(seen) == 2


def test_a_function_of_the_library_reads_what_it_is_given() -> None:
    seen = set()

    def main(state: State) -> None:
        thread = threading.Thread(target=json.dump, args=(state.items, Sink(seen)))
        thread.start()
        state.items.append(1)
        thread.join()

    explore(State, [main])
    assert seen == {"[]", "[1]"}


class Sink:
    """A file for json.dump that keeps what is written."""

    def __init__(self, seen: set[str]) -> None:
        self.seen = seen
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text
        if text.endswith("]"):
            self.seen.add(self.text)


def test_what_a_predicate_answers_is_looked_at() -> None:
    """wait_for asks whether the list is empty; the append is not under the lock."""

    def wait(state: State) -> None:
        with state.condition:
            assert state.condition.wait_for(lambda: state.items, timeout=1)

    def notify(state: State) -> None:
        state.items.append(1)
        with state.condition:
            state.condition.notify()

    _, verdicts = explore(State, [wait, notify])
    assert verdicts == {"pass": 3}


def test_a_lock_around_it_keeps_c_functions_apart() -> None:
    """What is announced in another thread is no event of the one that waits for it."""

    def main(state: State) -> None:
        join_all(threading.Thread(target=state.items.append, args=(1,)))
        join_all(threading.Thread(target=state.items.append, args=(2,)))

    _, verdicts = explore(State, [main], lambda state: state.items == [1, 2])
    assert verdicts == {"pass": 1}


def test_giving_something_to_a_pool_is_no_access_of_it() -> None:
    def main(state: State) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(id, state.items)

    def append(state: State) -> None:
        state.items.append(1)

    _, alone = explore(State, [main])
    _, together = explore(State, [main, append])
    assert alone == together
