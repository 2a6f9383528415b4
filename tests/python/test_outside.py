"""What takes no part: threads of setup(), older pools, imports, processes; and too many threads."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import pytest

from core_harness import explore, make_explorer
from frontrun import _core
from test_threads import State, increment, increment_locked, is_two, started


def test_setup_may_make_a_pool_and_leave_threads_unstarted() -> None:
    def setup() -> State:
        state = State()
        state.pool = ThreadPoolExecutor(1)
        state.thread = threading.Thread(target=increment, args=(state,))
        return state

    def main(state: State) -> None:
        state.pool.submit(increment, state).result()
        state.thread.start()
        state.thread.join()

    _, verdicts = explore(setup, [main], is_two)
    assert set(verdicts) == {"pass"}


def test_setup_must_not_leave_a_thread_running() -> None:
    done = threading.Event()

    def setup() -> State:
        state = State()
        started(lambda _: done.wait(10), state, name="left behind", daemon=True)
        return state

    explorer = make_explorer(setup, [increment])
    explorer.start()
    with pytest.raises(_core.HarnessError, match=r"setup\(\) left a thread running \(left behind"):
        explorer.step()
    done.set()


def test_a_pool_that_was_used_before_is_refused() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(int).result() == 0
        explorer = make_explorer(State, [lambda state: pool.submit(increment, state).result()])
        explorer.start()
        with pytest.raises(_core.FrontrunError, match="a pool whose threads were started before"):
            explorer.step()
        del explorer


def test_a_module_must_not_start_threads_while_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "starts_a_thread.py").write_text(
        "import threading\nthreading.Thread(target=print).start()\n"
    )
    sys.path.insert(0, str(tmp_path))

    def load(state: State) -> None:
        import starts_a_thread  # noqa: F401

    try:
        explorer = make_explorer(State, [load])
        explorer.start()
        with pytest.raises(_core.FrontrunError, match="starts a thread while it is being imported"):
            explorer.step()
    finally:
        sys.path.remove(str(tmp_path))


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda state: os.fork(), "forks the process"),
        (lambda state: subprocess.run(["true"], close_fds=True), "starts another process"),
    ],
)
def test_processes_are_refused(act: Callable[[State], Any], words: str) -> None:
    explorer = make_explorer(State, [act])
    explorer.start()
    with pytest.raises(_core.FrontrunError, match=words):
        explorer.step()


def test_what_waits_in_the_kernel_is_refused() -> None:
    async def wait(state: State) -> None:
        await asyncio.to_thread(increment, state)

    setup = ThreadPool._setup_queues
    for act, words in [
        (lambda state: ThreadPool(1), "through pipes"),
        (lambda state: asyncio.run(wait(state)), "through a socket"),
    ]:
        explorer = make_explorer(State, [act])
        explorer.start()
        with pytest.raises(_core.FrontrunError, match=words):
            explorer.step()
        del explorer
    assert ThreadPool._setup_queues is setup


def test_too_many_threads_is_a_sentence() -> None:
    def main(state: State) -> None:
        for _ in range(20):
            started(increment_locked, state)

    explorer = make_explorer(State, [main])
    explorer.start()
    with pytest.raises(_core.FrontrunError, match="limit was reached"):
        explorer.step()
    explorer = make_explorer(State, [main], lambda state: state.n == 20, threads_max=30)
    explorer.start_plan(strategy="random", executions_max=20)
    assert explorer.run() == "budget"
