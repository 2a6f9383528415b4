"""Threads that the code under test starts: explored, joined, named, and gone afterwards."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import pytest

from core_harness import explore, make_explorer
from frontrun import _core
from frontrun.report import Execution, explain


class State:
    def __init__(self) -> None:
        self.n = 0
        self.seen: list[Any] = []
        self.lock = threading.Lock()
        self.queue: SimpleQueue[Any] = SimpleQueue()


def increment(state: State) -> None:
    value = state.n
    state.n = value + 1


def increment_locked(state: State) -> None:
    with state.lock:
        value = state.n
        state.n = value + 1


def started(target: Callable[[State], Any], state: State, **options: Any) -> threading.Thread:
    thread = threading.Thread(target=target, args=(state,), **options)
    thread.start()
    return thread


def is_two(state: State) -> bool:
    return state.n == 2


# ---------------------------------------------------------------- exact numbers of traces


def test_two_children_race_as_two_workers_do() -> None:
    def main(state: State) -> None:
        for thread in [started(increment, state), started(increment, state)]:
            thread.join()

    explorer, verdicts = explore(State, [main], is_two)
    assert verdicts == {"pass": 2, "invariant": 2}
    assert explorer.thread_names == {1: "Thread-1 (increment)", 2: "Thread-2 (increment)"}


def test_a_lock_keeps_children_apart() -> None:
    def main(state: State) -> None:
        for thread in [started(increment_locked, state), started(increment_locked, state)]:
            thread.join()

    _, verdicts = explore(State, [main], is_two)
    assert verdicts == {"pass": 2}


def test_start_and_join_order_what_they_should() -> None:
    def main(state: State) -> None:
        increment(state)
        thread = started(increment, state)
        thread.join()
        assert state.n == 2

    _, verdicts = explore(State, [main])
    assert verdicts == {"pass": 1}


def test_without_a_join_the_parent_races() -> None:
    def main(state: State) -> None:
        started(increment, state)
        increment(state)

    _, verdicts = explore(State, [main], is_two)
    assert verdicts == {"pass": 2, "invariant": 2}


def test_grandchildren_and_several_parents() -> None:
    def parent(state: State) -> None:
        started(increment_locked, state).join()

    def grandparent(state: State) -> None:
        started(parent, state).join()

    _, verdicts = explore(State, [grandparent, parent], is_two)
    assert verdicts == {"pass": 2}
    _, verdicts = explore(State, [parent, parent, parent], lambda state: state.n == 3)
    assert verdicts == {"pass": 6}


def test_children_that_outlive_their_parent_are_explored_to_their_end() -> None:
    _, verdicts = explore(State, [lambda state: started(increment, state)] * 2, is_two)
    assert verdicts == {"pass": 2, "invariant": 2}


def test_threads_started_below_threading() -> None:
    def main(state: State) -> None:
        _thread.start_new_thread(increment, (state,))
        _thread.start_new(increment, (state,), {})

    _, verdicts = explore(State, [main], is_two)
    assert verdicts == {"pass": 2, "invariant": 2}


@pytest.mark.skipif(sys.version_info < (3, 13), reason="new in 3.13")
def test_joinable_threads_below_threading() -> None:
    def main(state: State) -> None:
        handle = _thread.start_joinable_thread(lambda: increment(state))
        handle.join()
        assert handle.is_done() and state.n == 1

    _, verdicts = explore(State, [main])
    assert verdicts == {"pass": 1}


def test_wrong_calls_are_refused_as_by_the_original() -> None:
    def main(state: State) -> None:
        for args in [(), (increment,), (increment, [state]), (increment, (state,), 3), (1, ())]:
            with pytest.raises(TypeError):
                _thread.start_new_thread(*args)

    _, verdicts = explore(State, [main])
    assert verdicts == {"pass": 1}


# ---------------------------------------------------------------- asking whether it is over


def test_is_alive_sees_both_answers() -> None:
    seen = set()

    def main(state: State) -> None:
        seen.add(started(increment, state).is_alive())

    _, verdicts = explore(State, [main])
    assert verdicts == {"pass": 2}
    assert seen == {True, False}


@pytest.mark.parametrize(("timeout", "answers"), [(0, {True, False}), (5, {False})])
def test_a_join_with_a_timeout_waits_as_long(timeout: float, answers: set[bool]) -> None:
    seen = set()

    def main(state: State) -> None:
        thread = started(increment, state)
        thread.join(timeout)
        seen.add(thread.is_alive())
        thread.join()
        assert not thread.is_alive()
        thread.join()

    explore(State, [main])
    assert seen == answers


def test_a_thread_is_over_in_the_invariant_and_after_the_execution() -> None:
    kept = []

    def main(state: State) -> None:
        state.thread = started(increment, state)
        kept.append(state.thread)

    def is_over(state: State) -> bool:
        state.thread.join()
        return not state.thread.is_alive()

    _, verdicts = explore(State, [main], is_over)
    assert verdicts == {"pass": 1}
    kept[0].join()
    assert not kept[0].is_alive()
    assert "stopped" in repr(kept[0])


def test_joining_what_cannot_be_joined_raises_as_ever() -> None:
    def main(state: State) -> None:
        with pytest.raises(RuntimeError):
            threading.Thread(target=increment).join()
        with pytest.raises(RuntimeError):
            threading.current_thread().join()
        thread = started(increment, state)
        with pytest.raises(RuntimeError):
            thread.start()

    _, verdicts = explore(State, [main])
    assert verdicts == {"pass": 1}


# ---------------------------------------------------------------- exceptions


def test_an_exception_in_a_child_is_the_failure_of_that_thread(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(state: State) -> None:
        raise KeyError("gone")

    for start in (
        lambda state: started(fail, state),
        lambda state: _thread.start_new_thread(fail, (state,)),
    ):
        explorer = make_explorer(State, [start])
        explorer.start()
        assert explorer.step() == "exception"
        assert explorer.failure.thread == 1
        assert repr(explorer.failure.exception) == "KeyError('gone')"
    assert capfd.readouterr() == ("", "")


def test_an_exit_in_a_child_is_no_failure() -> None:
    _, verdicts = explore(State, [lambda state: started(lambda _: sys.exit(3), state)])
    assert verdicts == {"pass": 1}


def test_a_hook_of_the_program_is_asked() -> None:
    def setup() -> State:
        state = State()
        threading.excepthook = lambda args: state.seen.append(args.exc_type)
        return state

    before = threading.excepthook
    explorer = make_explorer(
        setup,
        [lambda state: started(lambda _: 1 / 0, state)],
        lambda state: state.seen == [ZeroDivisionError],
    )
    explorer.start()
    assert explorer.step() == "pass"
    del explorer
    assert threading.excepthook is before


def test_unwinding_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    def work(state: State) -> None:
        with state.lock, state.lock:
            pass

    def main(state: State) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(work, state)
            started(work, state).join()

    explorer = make_explorer(State, [main])
    explorer.start()
    assert explorer.step() == "deadlock"
    assert explorer.step() in ("deadlock", None)
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- daemons


def test_a_daemon_may_be_left_waiting() -> None:
    def wait(state: State) -> None:
        try:
            state.queue.get()
        finally:
            state.n = 7  # as in a process that ends, nobody sees this

    _, verdicts = explore(
        State, [lambda state: started(wait, state, daemon=True)], lambda state: state.n == 0
    )
    assert verdicts == {"pass": 1}
    explorer, verdicts = explore(State, [lambda state: started(wait, state)])
    assert verdicts == {"deadlock": 1}
    (wait_,) = explorer.waits()
    assert (wait_.thread, wait_.action, wait_.waits_for) == (1, "get", None)


def test_a_daemon_goes_on_until_it_waits() -> None:
    _, verdicts = explore(
        State, [lambda state: started(increment, state, daemon=True)], lambda state: state.n == 1
    )
    assert verdicts == {"pass": 1}


def test_invariant_cannot_wait_for_a_daemon() -> None:
    def hold(state: State) -> None:
        with state.lock:
            state.queue.get()

    def main(state: State) -> None:
        state.thread = started(hold, state, daemon=True)

    for wait in (lambda state: state.lock.acquire(), lambda state: state.thread.join()):
        explorer = make_explorer(State, [main], wait)
        explorer.start()
        assert explorer.step() == "invariant"
        assert "invariant()" in str(explorer.failure.exception)


def test_a_pool_that_was_not_shut_down_may_be_left_waiting() -> None:
    def main(state: State) -> None:
        state.pool = ThreadPoolExecutor(1)
        state.pool.submit(increment, state).result()

    _, verdicts = explore(State, [main], lambda state: state.n == 1)
    assert set(verdicts) == {"pass"}


# ---------------------------------------------------------------- deadlocks


def report(explorer: _core.Explorer, *names: str) -> str:
    return "\n".join(explain(Execution.of(explorer), names))


def test_threads_that_join_each_other() -> None:
    def setup() -> State:
        state = State()
        state.threads = [threading.Thread(target=meet, args=(state, 1 - i)) for i in range(2)]
        return state

    def meet(state: State, other: int) -> None:
        state.queue.get()
        state.threads[other].join()

    def main(state: State) -> None:
        for thread in state.threads:
            thread.start()
        state.queue.put(1)
        state.queue.put(2)

    explorer, verdicts = explore(setup, [main])
    assert set(verdicts) == {"deadlock"}
    assert [(wait.thread, wait.waits_for) for wait in explorer.waits()] == [(1, 2), (2, 1)]
    text = report(explorer, "main")
    assert "Thread-1 (meet) waits for Thread-2 (meet), which waits for Thread-1 (meet)" in text
    assert "(for the end of Thread-1 (meet))" in text


def test_a_joiner_holds_the_lock_that_the_joined_one_wants() -> None:
    def main(state: State) -> None:
        with state.lock:
            started(increment_locked, state).join()

    explorer, verdicts = explore(State, [main])
    assert verdicts == {"deadlock": 1}
    text = report(explorer, "main")
    assert "main waits for Thread-1 (increment_locked), which waits for main" in text
    assert "with state.lock:  (taken by main at line" in text


def test_a_queue_that_nobody_fills() -> None:
    explorer, verdicts = explore(State, [lambda state: state.queue.get()])
    assert verdicts == {"deadlock": 1}
    assert "(for a queue that stays empty)" in report(explorer, "main")


# ---------------------------------------------------------------- current_thread and the tables


def test_a_worker_is_a_thread_like_any_other() -> None:
    def worker(state: State) -> None:
        thread = threading.current_thread()
        assert thread is threading.current_thread()
        assert thread in threading.enumerate() and thread.is_alive()
        assert thread.ident == threading.get_ident()
        state.seen.append((thread.name, thread.daemon, threading.Thread().daemon))

    _, verdicts = explore(
        State, [worker], lambda state: state.seen == [("worker", False, False)]
    )
    assert verdicts == {"pass": 1}


def test_a_worker_can_be_joined() -> None:
    def one(state: State) -> None:
        state.queue.put(threading.current_thread())
        increment(state)

    def other(state: State) -> None:
        state.queue.get().join()
        increment(state)

    _, verdicts = explore(State, [one, other], is_two)
    assert verdicts == {"pass": 1}


def test_names_are_the_same_in_each_execution_and_nothing_is_left() -> None:
    names = set()
    before = (dict(threading._active), threading._counter, threading._DummyThread)

    def main(state: State) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: names.add(threading.current_thread().name))
        names.add(started(increment, state).name)
        _thread.start_new_thread(threading.current_thread, ())

    explorer = make_explorer(State, [main, lambda state: threading.current_thread()])
    explorer.start_plan(strategy="random", executions_max=30)
    assert explorer.run() == "budget"
    assert names == {"ThreadPoolExecutor-0_0", "Thread-2 (increment)"} or names == {
        "ThreadPoolExecutor-0_0",
        "Thread-1 (increment)",
    }
    del explorer
    assert (dict(threading._active), threading._counter, threading._DummyThread) == before
    assert not threading._limbo


def test_thread_locals_of_children_are_their_own() -> None:
    local = threading.local()

    def own(state: State) -> None:
        assert not hasattr(local, "n")
        local.n = 1
        increment_locked(state)

    def main(state: State) -> None:
        local.n = 2
        started(own, state).join()
        assert local.n == 2

    _, verdicts = explore(State, [main, main], is_two)
    assert set(verdicts) == {"pass"}


# ---------------------------------------------------------------- replays


def test_executions_with_several_parents_are_repeated_from_bytes_and_from_blocks() -> None:
    """The numbers of started threads are those of the execution, whatever came before it."""

    def parent(state: State) -> None:
        for _ in range(2):
            started(increment, state)

    explorer = make_explorer(State, [parent, parent], lambda state: state.n == 4)
    fresh = make_explorer(State, [parent, parent], lambda state: state.n == 4)
    for seed in range(30):
        explorer.start_plan(strategy="random", seed=seed)
        for _ in range(4):
            explorer.step()
        before = (explorer.trace_hash, explorer.trace(), explorer.blocks, explorer.thread_names)
        fresh.start(explorer.schedule)
        fresh.step()
        assert (fresh.trace_hash, fresh.trace(), fresh.blocks, fresh.thread_names) == before
        segments = [(thread, events, 0, 0) for thread, events in explorer.blocks]
        fresh.start_plan(strategy="replay", segments=segments)
        fresh.step()
        assert (fresh.trace_hash, fresh.trace(), fresh.blocks, fresh.thread_names) == before


def test_a_failure_with_several_parents_is_minimised() -> None:
    def parent(state: State) -> None:
        for _ in range(2):
            started(increment_locked, state)
        started(increment, state)

    explorer = make_explorer(State, [parent, parent], lambda state: state.n == 6)
    explorer.start_plan(strategy="random", seed=1)
    assert explorer.run() == "invariant"
    minimal, _ = explorer.shrink()
    assert minimal and explorer.preemptions <= 1
