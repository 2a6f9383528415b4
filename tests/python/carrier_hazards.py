"""What threads do that a carrier may get wrong: python carrier_hazards.py NAME.

(long because it is a list.) Each case switches in the middle of something that CPython or a library
keeps per thread, per stack or per interpreter, and answers verdicts and trace hashes.
test_carrier_hazards.py runs each on both carriers and compares.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import faulthandler
import functools
import gc
import importlib
import json
import os
import socket
import sqlite3
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from carrier_cases import Counter, increment

from frontrun import _core

EXECUTIONS = 60
FILES = {__file__, sys.modules["carrier_cases"].__file__}


def make_explorer(
    threads: Sequence[Callable[[Counter], Any]],
    invariant: Callable[[Counter], Any] = lambda counter: None,
    watchdog: float = 60.0,
) -> _core.Explorer:
    subject = _core.Subject(
        Counter, threads, invariant, traced=lambda name: name in FILES, watchdog=watchdog
    )
    return _core.Explorer(subject)


def walk(
    threads: Sequence[Callable[[Counter], Any]],
    invariant: Callable[[Counter], Any] = lambda counter: None,
    executions: int = EXECUTIONS,
) -> list[tuple[str, int]]:
    """Verdicts and hashes of random walks, all of which pass."""
    explorer = make_explorer(threads, invariant)
    explorer.start_plan(strategy="random", seed=11, executions_max=executions)
    seen = []
    while (verdict := explorer.step()) is not None:
        assert verdict == "pass", explorer.failure
        seen.append((verdict, explorer.trace_hash))
    assert len({trace for _, trace in seen}) > 1  # there were switches
    return seen


def case_imports() -> Any:
    """Two threads import the same module, whose body makes visible operations: it is executed once,
    and nobody sees half of it."""
    directory = tempfile.mkdtemp(prefix="frontrun-hazards-")
    module = Path(directory, "imported_by_threads.py")
    module.write_text(
        "import carrier_cases\nfirst = 1\n"
        "for _ in range(20):\n    carrier_cases.increment(carrier_cases.counter)\nlast = 2\n"
    )
    FILES.add(str(module))
    sys.path.insert(0, directory)
    cases = sys.modules["carrier_cases"]

    def load(counter: Counter) -> None:
        increment(counter)
        import imported_by_threads as loaded  # type: ignore[import-not-found]

        increment(counter)
        assert (loaded.first, loaded.last) == (1, 2)

    def setup_and_judge(counter: Counter) -> None:
        assert cases.counter.value == 20  # type: ignore[attr-defined]
        cases.counter = Counter()  # type: ignore[attr-defined]
        del sys.modules["imported_by_threads"]

    cases.counter = Counter()  # type: ignore[attr-defined]
    importlib.invalidate_caches()
    return walk([load, load], setup_and_judge, 20)


def case_contextvars() -> Any:
    variable = contextvars.ContextVar("variable", default="unset")

    def use(counter: Counter) -> None:
        assert variable.get() == "unset"
        token = variable.set(mine := f"{id(token_of)}-{threading.get_ident()}")
        increment(counter)
        assert variable.get() == mine
        contextvars.copy_context().run(inner, counter, mine)
        assert variable.get() == mine
        variable.reset(token)
        increment(counter)
        assert variable.get() == "unset"

    def inner(counter: Counter, before: str) -> None:
        assert variable.get() == before
        variable.set("inner")
        increment(counter)
        assert variable.get() == "inner"

    token_of = object()
    return walk([use, use])


def case_warnings() -> Any:
    """catch_warnings in one thread, whose filters are everybody's, as with real threads."""

    def catch(counter: Counter) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            increment(counter)
            warnings.warn("mine", UserWarning, stacklevel=1)
            increment(counter)
        assert any(str(warning.message) == "mine" for warning in caught)

    def other(counter: Counter) -> None:
        for _ in range(3):
            increment(counter)

    before = list(warnings.filters)
    seen = walk([catch, other])
    assert list(warnings.filters) == before
    return seen


def case_asyncio() -> Any:
    """An event loop in each logical thread."""

    async def step(counter: Counter) -> int:
        increment(counter)
        await asyncio.sleep(0)
        increment(counter)
        return threading.get_ident()

    def run(counter: Counter) -> None:
        loop = asyncio.new_event_loop()
        try:
            idents = loop.run_until_complete(gathered(counter))
        finally:
            loop.close()
        assert set(idents) == {threading.get_ident()}

    async def gathered(counter: Counter) -> list[int]:
        return await asyncio.gather(step(counter), step(counter))

    return walk([run, run], executions=20)


def case_ctypes() -> Any:
    """C code that calls back Python code that switches."""
    compare_type = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)
    )
    libraries = (ctypes.CDLL(None), ctypes.PyDLL(None))  # with the GIL let go, and kept

    def sort(counter: Counter) -> None:
        for library in libraries:
            numbers = (ctypes.c_int * 4)(4, 1, 3, 2)

            def compare(a: Any, b: Any) -> int:
                increment(counter)
                return a[0] - b[0]

            library.qsort(numbers, 4, ctypes.sizeof(ctypes.c_int), compare_type(compare))
            assert list(numbers) == [1, 2, 3, 4]

    return walk([sort, sort])


def case_sqlite() -> Any:
    """Functions, a trace callback and a progress handler of connections, each of which switches; a
    connection belongs to its thread."""

    def query(counter: Counter) -> None:
        connection = sqlite3.connect(":memory:")

        def twice(number: int) -> int:
            increment(counter)
            return 2 * number

        connection.create_function("twice", 1, twice)
        connection.set_progress_handler(lambda: increment(counter), 5)
        connection.execute("create table t (n)")
        connection.executemany("insert into t values (?)", [(1,), (2,)])
        assert connection.execute("select sum(twice(n)) from t").fetchone() == (6,)
        counter.log.append(connection)
        for other in [other for other in counter.log if other is not connection]:
            try:
                other.execute("select 1")
            except sqlite3.ProgrammingError as error:
                assert "same thread" in str(error)
            else:
                raise AssertionError("a connection was used in another thread")
        connection.set_progress_handler(None, 0)

    return walk([query, query], executions=20)


@functools.total_ordering
class Slow:
    """Compares and hashes with visible operations."""

    def __init__(self, number: int, counter: Counter) -> None:
        self.number, self.counter = number, counter

    def __lt__(self, other: Slow) -> bool:
        increment(self.counter)
        return self.number < other.number

    def __eq__(self, other: object) -> bool:
        increment(self.counter)
        return isinstance(other, Slow) and self.number == other.number

    def __hash__(self) -> int:
        increment(self.counter)
        return 7  # all meet


def case_protocols() -> Any:
    """Switches within sorted, a dict and a set, that C code drives."""

    def use(counter: Counter) -> None:
        things = [Slow(number, counter) for number in (3, 1, 2)]
        assert [thing.number for thing in sorted(things)] == [1, 2, 3]
        assert [thing.number for thing in sorted(things, key=lambda thing: -thing.number)] == [
            3,
            2,
            1,
        ]
        assert {thing: thing.number for thing in things}[Slow(2, counter)] == 2
        assert len(set(things) | {Slow(1, counter)}) == 3
        assert functools.reduce(lambda a, b: max(a, b), things).number == 3

    return walk([use, use], executions=20)


def case_finalizers() -> Any:
    """The collector runs __del__ of cycles, which switches."""
    died: list[int] = []

    class Cycle:
        def __init__(self, counter: Counter) -> None:
            self.me = self
            self.counter = counter

        def __del__(self) -> None:
            increment(self.counter)
            died.append(1)

    def litter(counter: Counter) -> None:
        for _ in range(3):
            Cycle(counter)
            increment(counter)
        gc.collect()
        increment(counter)

    seen = walk([litter, litter])
    gc.collect()
    assert len(died) == 6 * len(seen)
    return len(seen)


def case_frames() -> Any:
    """Every logical thread is there for sys._current_frames and faulthandler."""
    dump = tempfile.TemporaryFile()

    def stand(counter: Counter) -> None:
        counter.log.append(threading.get_ident())
        increment(counter)
        frames = sys._current_frames()
        assert frames[threading.get_ident()].f_code.co_name == "stand", frames
        assert len(frames) >= 2, frames  # with the main thread
        for ident in counter.log:
            assert ident not in frames or frames[ident].f_code.co_filename
        os.ftruncate(dump.fileno(), 0)
        faulthandler.dump_traceback(dump, all_threads=True)
        increment(counter)

    seen = walk([stand, stand, stand])
    assert b"in stand" in os.pread(dump.fileno(), 1 << 20, 0)
    return seen


def case_async_exception() -> Any:
    """An exception that somebody raises in a logical thread from outside arrives there."""

    class Outside(Exception):
        pass

    def victim(counter: Counter) -> None:
        counter.log.append(threading.get_ident())
        try:
            for _ in range(50):
                increment(counter)
        except Outside:
            counter.log.append("arrived")

    def sender(counter: Counter) -> None:
        increment(counter)
        for ident in list(counter.log):
            if isinstance(ident, int):
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(ident), ctypes.py_object(Outside)
                )

    explorer = make_explorer([victim, sender])
    explorer.start_plan(strategy="random", seed=3, executions_max=30)
    verdicts, arrived = [], 0
    while (verdict := explorer.step()) is not None:
        verdicts.append(verdict)
    arrived = verdicts.count("pass")
    return [len(verdicts), arrived > 0, sorted(set(verdicts) - {"pass", "exception"})]


def own_number() -> int:
    """CPython's number of the calling thread's thread state, each of which has another."""
    api = ctypes.pythonapi
    api.PyThreadState_Get.restype = ctypes.c_void_p
    api.PyThreadState_GetID.restype = ctypes.c_uint64
    return int(api.PyThreadState_GetID(ctypes.c_void_p(api.PyThreadState_Get())))


def case_fresh() -> Any:
    """A thread state that is used again is as good as new, whatever its last thread left in it."""
    variable = contextvars.ContextVar("variable", default="unset")
    local = threading.local()
    loop = asyncio.new_event_loop()
    numbers: set[int] = set()
    hook = lambda *_: None  # noqa: E731

    def check(counter: Counter) -> None:
        assert own_number() not in numbers
        numbers.add(own_number())
        assert sys.exc_info() == (None, None, None) and sys.getprofile() is None
        assert sys.version_info < (3, 12) or sys.gettrace() is None  # our own, there
        assert sys.get_coroutine_origin_tracking_depth() == 0
        assert sys.get_asyncgen_hooks() == (None, None)
        assert variable.get() == "unset" and not hasattr(local, "value")
        assert asyncio._get_running_loop() is None
        counter.log.append(threading.get_ident())
        increment(counter)

    def leave(counter: Counter) -> None:
        check(counter)
        variable.set("left")
        local.value = counter
        asyncio._set_running_loop(loop)
        sys.set_asyncgen_hooks(hook, hook)
        sys.setprofile(hook)

    def leave_more(counter: Counter) -> None:
        leave(counter)
        sys.set_coroutine_origin_tracking_depth(3)

    def disturb(counter: Counter) -> None:
        """What reaches all thread states does not reach those of threads that are over."""
        send, exception = ctypes.pythonapi.PyThreadState_SetAsyncExc, ctypes.py_object(ValueError)
        assert not any(send(ctypes.c_ulong(ident), exception) for ident in counter.log)
        if sys.version_info >= (3, 12):
            threading.setprofile_all_threads(hook)
            threading.settrace_all_threads(hook)
            for forget in (sys.setprofile, sys.settrace, threading.setprofile, threading.settrace):
                forget(None)  # type: ignore[operator]

    seen = [walk([leave, check])]
    assert sum(number >= 1 << 62 for number in numbers) > 0.9 * len(numbers)
    seen += [walk([leave_more, check]), walk([leave, check], disturb)]
    return seen


def case_recursion_limit() -> Any:
    """Each thread gets as deep as the limit allows that holds when it starts."""
    names: dict[str, Any] = {}
    source = """
def descend(depth=1):
    try:
        return descend(depth + 1)
    except RecursionError:
        return depth
"""
    exec(compile(source, "elsewhere.py", "exec"), names)
    left = set()

    def measure(counter: Counter) -> None:
        increment(counter)
        left.add(sys.getrecursionlimit() - names["descend"]())

    def change(counter: Counter) -> None:
        sys.setrecursionlimit(400 + (sys.getrecursionlimit() + 211) % 600)

    seen = walk([measure, measure], change)
    assert len(left) == 1, left
    return seen


def case_stack() -> Any:
    """C recursion as deep as Python allows it, in three threads at once."""

    # In code that is not observed, as it makes a million instructions.
    names: dict[str, Any] = {}
    source = """
def build():
    nested = []
    for _ in range(400_000):
        nested = [nested]
    return nested
def take_apart(nested):
    while nested:
        nested = nested.pop()
"""
    exec(compile(source, "elsewhere.py", "exec"), names)

    def nest(counter: Counter) -> None:
        nested, other = names["build"](), names["build"]()
        increment(counter)
        try:
            nested == other  # noqa: B015  (repr would look at all levels again at each one)
        except RecursionError:
            increment(counter)
        else:
            raise AssertionError("no limit")
        names["take_apart"](nested)
        names["take_apart"](other)

    return walk([nest, nest, nest], executions=5)


def case_abandoned() -> Any:
    """Threads that cannot be unwound are left behind, again and again."""
    ends = []

    def receive(counter: Counter) -> None:
        here, there = socket.socketpair()
        ends.append((here, there))
        increment(counter)
        here.recv(1)

    verdicts = []
    for _ in range(5):
        explorer = make_explorer([receive, increment, increment], watchdog=0.05)
        explorer.start()
        verdicts.append(explorer.step())
    assert len(sys._current_frames()) > 5  # they are still there
    gc.collect()
    after = walk([increment, increment])
    for _, there in ends:
        there.send(b"x")
    assert walk([increment, increment]) == after
    return [verdicts, after]


def case_subinterpreter() -> Any:
    """Another interpreter inside a logical thread: what it does is not observed, and it ends."""
    create, destroy, run = subinterpreters()

    def visit(counter: Counter) -> None:
        increment(counter)
        other = create()
        run(other, "import threading\nwith threading.Lock(): pass\nvalue = [1]; value.append(2)")
        increment(counter)
        destroy(other)
        increment(counter)

    return walk([visit, visit], executions=10)


def subinterpreters() -> tuple[Callable[[], Any], Callable[[Any], Any], Callable[..., Any]]:
    """create, destroy and run_string, whatever the module is called in this version."""
    try:
        import _interpreters as module  # type: ignore[import-not-found]
    except ImportError:
        import _xxsubinterpreters as module  # type: ignore[import-not-found,no-redef]

    def run(interpreter: Any, script: str) -> None:
        error = module.run_string(interpreter, script)
        assert error is None, error

    return module.create, module.destroy, run


if __name__ == "__main__":
    answer = globals()[f"case_{sys.argv[1]}"]()
    print(json.dumps([_core.carrier_name(), answer]), flush=True)
    if sys.argv[1] == "abandoned":
        # Those left behind have just come back. Before 3.14 a thread that wants the GIL when the
        # process ends runs its thread-local destructors beside OpenSSL's exit handler, and crashes.
        os._exit(0)
