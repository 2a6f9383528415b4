"""Each primitive of the standard library twice: a program with a race, and one without.

(long because it is a list.) `python primitive_cases.py` prints a row of docs/primitives.md for
each; scripts/primitives collects them.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from types import SimpleNamespace
from typing import Any, NamedTuple

from frontrun import _core

EXECUTIONS_MAX = 1000

State = Any
Thread = Callable[[State], Any]
Program = tuple[Sequence[Thread], Callable[[State], Any]]


class Case(NamedTuple):
    """setup, the program with a race and what it fails with, and the program without."""

    setup: Callable[[], State]
    racy: Program
    fails: str
    correct: Program
    since: tuple[int, int] = (3, 10)
    library: str = ""  # a file of the standard library that is observed too


class Result(NamedTuple):
    verdict: str  # of the failure, or how the exploration ended ("running": EXECUTIONS_MAX)
    executions: int
    seconds: float
    failure: _core.Failure | None


CASES: dict[str, Callable[[], Case]] = {}


def case(function: Callable[[], Case]) -> Callable[[], Case]:
    CASES[function.__name__] = function
    return function


def explore(made: Case, program: Program) -> Result:
    """DPOR until the first failure, the end or EXECUTIONS_MAX."""
    threads, invariant = program

    def is_traced(filename: str) -> bool:
        return filename in (__file__, made.library)

    with _core.Subject(made.setup, threads, invariant, traced=is_traced) as subject:
        explorer = _core.Explorer(subject)
        explorer.start_plan(strategy="dpor")
        begin = time.perf_counter()
        verdict = explorer.run(EXECUTIONS_MAX)
        seconds = time.perf_counter() - begin
        assert explorer.stats["redundant"] == 0
        assert explorer.distinct == explorer.stats["executions"]
        return Result(verdict, explorer.stats["executions"], seconds, explorer.failure)


# ----------------------------------------------------------------------------- what they share


def with_n(**members: Any) -> Callable[[], State]:
    """A setup: n is 0, and each member is made anew."""
    return lambda: SimpleNamespace(n=0, items=[], **{k: make() for k, make in members.items()})


def increment(state: State) -> None:
    value = state.n
    state.n = value + 1


def n_is(wanted: int) -> Callable[[State], bool]:
    return lambda state: state.n == wanted


def anything(state: State) -> None:
    pass


def guarded(name: str) -> Thread:
    """Increments inside `with state.NAME`."""

    def act(state: State) -> None:
        with getattr(state, name):
            increment(state)

    return act


def run_threads(state: State, *targets: Thread) -> None:
    threads = [threading.Thread(target=target, args=(state,)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ----------------------------------------------------------------------------- locks


@case
def lock() -> Case:
    one, two = with_n(lock=threading.Lock), n_is(2)
    return Case(one, ([guarded("lock"), increment], two), "invariant", ([guarded("lock")] * 2, two))


@case
def lock_order() -> Case:
    def act(*names: str) -> Thread:
        def nested(state: State) -> None:
            with getattr(state, names[0]), getattr(state, names[1]):
                increment(state)

        return nested

    return Case(
        with_n(a=threading.Lock, b=threading.Lock),
        ([act("a", "b"), act("b", "a")], anything),
        "deadlock",
        ([act("a", "b"), act("a", "b")], n_is(2)),
    )


@case
def rlock() -> Case:
    def nested(state: State) -> None:
        with state.lock:
            with state.lock:
                value = state.n
            state.n = value + 1

    def broken(state: State) -> None:
        with state.lock:
            value = state.n
        with state.lock:
            state.n = value + 1

    one, two = with_n(lock=threading.RLock), n_is(2)
    return Case(one, ([broken] * 2, two), "invariant", ([nested] * 2, two))


@case
def semaphore() -> Case:
    setup = with_n(one=lambda: threading.Semaphore(1), two=lambda: threading.Semaphore(2))
    return Case(
        setup, ([guarded("two")] * 2, n_is(2)), "invariant", ([guarded("one")] * 2, n_is(2))
    )


@case
def bounded_semaphore() -> Case:
    def finish_once(state: State) -> None:
        with state.lock:
            done, state.n = state.n, 1
        if not done:
            state.permits.release()

    def finish(state: State) -> None:
        if not state.n:
            state.n = 1
            state.permits.release()

    def setup() -> State:
        state = with_n(permits=threading.BoundedSemaphore, lock=threading.Lock)()
        state.permits.acquire()
        return state

    return Case(setup, ([finish] * 2, anything), "exception", ([finish_once] * 2, anything))


# ----------------------------------------------------------------------------- condition, event


def put(state: State) -> None:
    with state.condition:
        state.items.append(1)
        state.condition.notify()


def take(state: State) -> None:
    with state.condition:
        while not state.items:
            state.condition.wait()
        state.items.pop()


@case
def condition_wait() -> Case:
    def take_without_loop(state: State) -> None:
        with state.condition:
            if not state.items:
                state.condition.wait()
            state.items.pop()

    return Case(
        with_n(condition=threading.Condition),
        ([take_without_loop, take, put, put], anything),
        "exception",
        ([take, put], lambda state: not state.items),
    )


@case
def condition_lost_wakeup() -> Case:
    def wait(state: State) -> None:
        with state.condition:
            state.condition.wait()

    def notify(state: State) -> None:
        with state.condition:
            state.condition.notify()

    setup = with_n(condition=threading.Condition)
    return Case(setup, ([wait, notify], anything), "deadlock", ([take, put], anything))


@case
def condition_wait_for() -> Case:
    def wait_until(wanted: int) -> Thread:
        def wait(state: State) -> None:
            with state.condition:
                state.condition.wait_for(lambda: state.n >= wanted)

        return wait

    def raise_by(method: str) -> Thread:
        def act(state: State) -> None:
            for _ in range(2):
                with state.condition:
                    state.n += 1
                    getattr(state.condition, method)()

        return act

    waiters = [wait_until(1), wait_until(2)]
    return Case(
        with_n(condition=threading.Condition),
        ([*waiters, raise_by("notify")], anything),
        "deadlock",
        ([*waiters, raise_by("notify_all")], n_is(2)),
    )


@case
def condition_nested() -> Case:
    def take_nested(state: State) -> None:
        with state.condition, state.condition:
            while not state.items:
                state.condition.wait()
            state.items.pop()

    def take_under_a_lock(state: State) -> None:
        with state.lock:
            take(state)

    def put_under_a_lock(state: State) -> None:
        with state.lock:
            put(state)

    return Case(
        with_n(condition=threading.Condition, lock=threading.Lock),
        ([take_under_a_lock, put_under_a_lock], anything),
        "deadlock",
        ([take_nested, put], lambda state: not state.items),
    )


@case
def event() -> Case:
    def produce(state: State) -> None:
        state.n = 7
        state.event.set()

    def produce_late(state: State) -> None:
        state.event.set()
        state.n = 7

    def consume(state: State) -> None:
        state.event.wait()
        assert state.n == 7

    setup = with_n(event=threading.Event)
    return Case(
        setup, ([produce_late, consume], anything), "exception", ([produce, consume], anything)
    )


# ----------------------------------------------------------------------------- barrier


@case
def barrier() -> Case:
    def meet(state: State) -> None:
        with state.lock:
            increment(state)
        state.barrier.wait()
        assert state.n == 2

    def look_first(state: State) -> None:
        with state.lock:
            increment(state)
        assert state.n == 2
        state.barrier.wait()

    setup = with_n(barrier=lambda: threading.Barrier(2), lock=threading.Lock)
    return Case(setup, ([look_first] * 2, anything), "exception", ([meet] * 2, anything))


@case
def barrier_abort() -> Case:
    def wait(state: State) -> None:
        state.barrier.wait()

    def wait_or_stop(state: State) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            state.barrier.wait()

    def abort(state: State) -> None:
        state.barrier.abort()

    def is_broken(state: State) -> bool:
        return bool(state.barrier.broken)

    setup = with_n(barrier=lambda: threading.Barrier(2))
    return Case(setup, ([wait, abort], anything), "exception", ([wait_or_stop, abort], is_broken))


@case
def barrier_reset() -> Case:
    def wait(state: State) -> None:
        state.barrier.wait()

    def wait_on(state: State) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            state.barrier.wait()
            return
        state.barrier.wait()

    def reset(state: State) -> None:
        state.barrier.reset()

    def reset_and_wait(state: State) -> None:
        state.barrier.reset()
        state.barrier.wait()

    setup = with_n(barrier=lambda: threading.Barrier(2))
    return Case(
        setup,
        ([wait, wait, reset], anything),
        "exception",
        ([wait_on, reset_and_wait], lambda state: state.barrier.n_waiting == 0),
    )


# ----------------------------------------------------------------------------- queues


def queue_case(make: Callable[[], Any]) -> Case:
    """Looking before taking; and task_done and join."""

    def setup() -> State:
        state = with_n(queue=make, lock=threading.Lock)()
        state.queue.put(1)
        return state

    def take_if_there(state: State) -> None:
        if not state.queue.empty():
            state.queue.get_nowait()

    def work(state: State) -> None:
        state.n += state.queue.get()
        state.queue.task_done()

    def join(state: State) -> None:
        state.queue.put(2)
        state.queue.join()
        assert state.n in (1, 2, 3)

    def work_twice(state: State) -> None:
        work(state)
        work(state)

    return Case(
        setup, ([take_if_there] * 2, anything), "exception", ([work_twice, join], n_is(3))
    )


@case
def queue_fifo() -> Case:
    return queue_case(queue.Queue)


@case
def queue_lifo() -> Case:
    return queue_case(queue.LifoQueue)


@case
def queue_priority() -> Case:
    return queue_case(queue.PriorityQueue)


@case
def queue_bounded() -> Case:
    def produce(state: State) -> None:
        for item in (1, 2):
            state.queue.put(item)

    def consume(state: State) -> None:
        assert [state.queue.get(), state.queue.get()] == [1, 2]

    def put_if_room(state: State) -> None:
        if not state.queue.full():
            state.queue.put_nowait(1)

    setup = with_n(queue=lambda: queue.Queue(maxsize=1))
    return Case(
        setup, ([put_if_room] * 2, anything), "exception", ([produce, consume], anything)
    )


@case
def queue_shutdown() -> Case:
    def work(state: State) -> None:
        with contextlib.suppress(queue.ShutDown):
            while True:
                state.n += state.queue.get()

    def work_on(state: State) -> None:
        state.n += state.queue.get()

    def close(state: State) -> None:
        state.queue.put(1)
        state.queue.shutdown()

    setup = with_n(queue=queue.Queue)
    return Case(
        setup, ([work, work_on, close], anything), "exception", ([work, close], n_is(1)), (3, 13)
    )


@case
def simple_queue() -> Case:
    def take_if_there(state: State) -> None:
        if not state.queue.empty():
            state.queue.get_nowait()

    def setup() -> State:
        state = with_n(queue=queue.SimpleQueue, lock=threading.Lock)()
        state.queue.put(1)
        return state

    def drain(state: State) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                item = state.queue.get_nowait()
                with state.lock:
                    state.n += item

    def give(state: State) -> None:
        state.queue.put(2)
        drain(state)

    return Case(setup, ([take_if_there] * 2, anything), "exception", ([drain, give], n_is(3)))


# ----------------------------------------------------------------------------- futures, pools


@case
def future() -> Case:
    def settle(state: State) -> None:
        if not state.future.done():
            state.future.set_result(1)

    def settle_once(state: State) -> None:
        if state.lock.acquire(blocking=False):
            state.future.set_result(1)

    def wait(state: State) -> None:
        assert state.future.result() == 1

    setup = with_n(future=futures.Future, lock=threading.Lock)
    return Case(
        setup, ([settle, settle], anything), "exception", ([settle_once] * 2 + [wait], anything)
    )


@case
def pool_submit() -> Case:
    def submit(act: Thread) -> Thread:
        def main(state: State) -> None:
            with futures.ThreadPoolExecutor(2) as pool:
                pool.submit(act, state)
                pool.submit(act, state)

        return main

    return Case(
        with_n(lock=threading.Lock),
        ([submit(increment)], n_is(2)),
        "invariant",
        ([submit(guarded("lock"))], n_is(2)),
    )


@case
def pool_map() -> Case:
    def add(state: State, item: int) -> int:
        state.n += item
        return item

    def main(state: State) -> None:
        with futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(functools.partial(add, state), [1, 2]))

    def main_pure(state: State) -> None:
        with futures.ThreadPoolExecutor(1) as pool:
            state.n = sum(pool.map(abs, [-1, -2]))

    return Case(with_n(), ([main], n_is(3)), "invariant", ([main_pure], n_is(3)))


@case
def pool_shutdown() -> Case:
    def submit(state: State) -> None:
        state.pool.submit(int)

    def submit_if_open(state: State) -> None:
        with contextlib.suppress(RuntimeError):
            state.pool.submit(int)

    def shutdown(state: State) -> None:
        state.pool.shutdown()

    setup = with_n(pool=lambda: futures.ThreadPoolExecutor(1))
    return Case(
        setup, ([submit, shutdown], anything), "exception", ([submit_if_open, shutdown], anything)
    )


@case
def futures_wait() -> Case:
    def main(return_when: str) -> Thread:
        def wait(state: State) -> None:
            both = [futures.Future(), futures.Future()]
            setters = [threading.Thread(target=f.set_result, args=(1,)) for f in both]
            for setter in setters:
                setter.start()
            futures.wait(both, return_when=return_when)
            assert all(f.done() for f in both)

        return wait

    return Case(
        with_n(),
        ([main(futures.FIRST_COMPLETED)], anything),
        "exception",
        ([main(futures.ALL_COMPLETED)], anything),
    )


@case
def futures_as_completed() -> Case:
    def main(in_order: bool) -> Thread:
        def collect(state: State) -> None:
            both = [futures.Future(), futures.Future()]
            setters = [
                threading.Thread(target=f.set_result, args=(n,)) for n, f in enumerate(both)
            ]
            for setter in setters:
                setter.start()
            results = [f.result() for f in futures.as_completed(both)]
            assert (results if in_order else sorted(results)) == [0, 1]

        return collect

    return Case(
        with_n(), ([main(True)], anything), "exception", ([main(False)], anything)
    )


# ----------------------------------------------------------------------------- threads


@case
def timer() -> Case:
    def main(join: bool) -> Thread:
        def act(state: State) -> None:
            alarm = threading.Timer(0, increment, (state,))
            alarm.start()
            if join:
                alarm.join()
            increment(state)

        return act

    return Case(with_n(), ([main(False)], n_is(2)), "invariant", ([main(True)], n_is(2)))


@case
def thread_local() -> Case:
    def setup() -> State:
        return with_n(local=threading.local, shared=SimpleNamespace, lock=threading.Lock)()

    def act(name: str) -> Thread:
        def own(state: State) -> None:
            place = getattr(state, name)
            place.mine = threading.get_ident()
            with state.lock:
                state.n += 1
            assert place.mine == threading.get_ident()

        return own

    return Case(
        setup, ([act("shared")] * 2, anything), "exception", ([act("local")] * 2, n_is(2))
    )


@case
def thread_join() -> Case:
    def join(state: State) -> None:
        run_threads(state, increment)
        increment(state)

    def leave(state: State) -> None:
        threading.Thread(target=increment, args=(state,)).start()
        increment(state)

    return Case(with_n(), ([leave], n_is(2)), "invariant", ([join], n_is(2)))


@case
def thread_daemon() -> Case:
    def serve(state: State) -> None:
        while True:
            state.n += state.queue.get()
            state.answer.put(None)

    def ask(state: State) -> None:
        threading.Thread(target=serve, args=(state,), daemon=True).start()
        state.queue.put(1)
        state.answer.get()

    def ask_and_run(state: State) -> None:
        threading.Thread(target=serve, args=(state,), daemon=True).start()
        state.queue.put(1)
        assert state.n == 1

    setup = with_n(queue=queue.SimpleQueue, answer=queue.SimpleQueue)
    return Case(setup, ([ask_and_run], anything), "exception", ([ask], n_is(1)))


# ----------------------------------------------------------------------------- further libraries


@case
def exit_stack() -> Case:
    def act(*names: str) -> Thread:
        def enter(state: State) -> None:
            with contextlib.ExitStack() as stack:
                for name in names:
                    stack.enter_context(getattr(state, name))
                increment(state)

        return enter

    return Case(
        with_n(a=threading.Lock, b=threading.Lock),
        ([act("a", "b"), act("b", "a")], anything),
        "deadlock",
        ([act("a", "b")] * 2, n_is(2)),
    )


@case
def cached_property() -> Case:
    class Config:
        def __init__(self) -> None:
            self.loads = 0
            self.lock = threading.Lock()

        @functools.cached_property
        def loaded(self) -> int:
            self.loads += 1
            return self.loads

    def look(state: Config) -> None:
        if state.loads == 0:
            assert state.loaded >= 1

    def look_locked(state: Config) -> None:
        with state.lock:
            assert state.loaded == 1

    def once(state: Config) -> bool:
        return state.loads == 1

    # Up to 3.11 cached_property has a lock of its own.
    fails = "invariant" if sys.version_info >= (3, 12) else "exhausted"
    return Case(
        Config,
        ([look] * 2, once),
        fails,
        ([look_locked] * 2, once),
    )


@case
def singledispatch() -> Case:
    def setup() -> State:
        @functools.singledispatch
        def show(value: object) -> str:
            return "object"

        return SimpleNamespace(show=show, ready=threading.Event())

    def register(state: State) -> None:
        state.show.register(int, lambda value: "int")
        state.ready.set()

    def call(state: State) -> None:
        assert state.show(1) == "int"

    def call_later(state: State) -> None:
        state.ready.wait()
        call(state)

    return Case(
        setup,
        ([register, call], anything),
        "exception",
        ([register, call_later], anything),
        library=functools.__file__,
    )


class Counting(logging.Handler):
    """Counts what it is given; emit() is called with the handler's lock held."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state

    def emit(self, record: logging.LogRecord) -> None:
        increment(self.state)


@case
def logging_contention() -> Case:
    def setup(handlers: int) -> State:
        state = SimpleNamespace(n=0)
        shared = Counting(state)
        state.loggers = []
        for number in range(2):
            logger = logging.Logger(f"logger-{number}")
            logger.addHandler(shared if handlers == 1 else Counting(state))
            state.loggers.append(logger)
        state.rival = [logging.Logger("rival"), Counting(state)]
        state.rival[0].addHandler(state.rival[1])
        return state

    def log(number: int) -> Thread:
        return lambda state: state.loggers[number].warning("hello")

    def log_elsewhere(state: State) -> None:
        state.rival[0].warning("hello")

    return Case(
        functools.partial(setup, 1),
        ([log(0), log_elsewhere], n_is(2)),
        "invariant",
        ([log(0), log(1)], n_is(2)),
    )


# ----------------------------------------------------------------------------- the table


def main() -> None:
    """One line per case: name, and verdict, executions and milliseconds of both programs."""
    for name, make in CASES.items():
        if make().since > sys.version_info:
            continue
        made = make()
        cells = []
        for program in (made.racy, made.correct):
            result = explore(made, program)
            word = {"running": "bound"}.get(result.verdict, result.verdict)
            cells.append(f"{word}\t{result.executions}\t{1000 * result.seconds:.0f}")
        print(name, *cells, sep="\t")


if __name__ == "__main__":
    main()
