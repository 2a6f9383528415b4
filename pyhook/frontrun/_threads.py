"""What the threading and concurrent.futures modules keep about threads, true for logical ones.

Called by frontrun._core only. Between enable() and disable() an exploration is open; each of its
executions begins with the tables as they were, names of threads counted from 1.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import functools
import itertools
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

from frontrun import _core

# Most of what is needed here is private to the library and in no stub.
_library: Any = threading
_DummyThread = threading._DummyThread
# The attribute of a Thread that holds its handle; before 3.13 there is none.
_HANDLE = "_os_thread_handle" if sys.version_info >= (3, 14) else "_handle"
_saved: dict[str, Any] = {}
_silenced: list[logging.Logger] = []


# ----------------------------------------------------------------------------- names


def _numbers(first: int, otherwise: Callable[[], int]) -> Callable[[], int]:
    """Numbers for names: from `first` in each execution; elsewhere those of `otherwise`."""
    execution = 0
    numbers = itertools.count(first)

    def number() -> int:
        nonlocal execution, numbers
        current = _core._execution()
        if current is None:
            return otherwise()
        if current[0] != execution:
            execution, numbers = current[0], itertools.count(first)
        return next(numbers)

    return number


# ----------------------------------------------------------------------------- order of objects


class _Numbered:
    """A class whose instances are hashed by number, not by address.

    concurrent.futures keeps futures and threads in sets, and sorts futures by id(): locks are
    taken, threads joined and results handed out in that order. Those made in an execution are
    numbered per thread instead; others keep their hash.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.init = init = kind.__dict__["__init__"]
        self.execution = 0
        self.made: dict[int, int] = {}  # by each thread

        @functools.wraps(init)
        def make(new: Any, *args: Any, **kwargs: Any) -> None:
            self.number(new)
            # The library's own tables, which it writes to here, are no part of the program.
            _core._call_closed(functools.partial(init, new, *args, **kwargs))

        kind.__init__ = make
        kind.__hash__ = _hash_of

    def number(self, new: Any) -> None:
        """Gives an object that is being made its number, if it is made in an execution."""
        current = _core._execution()
        if current is None:
            return
        execution, thread = current
        if execution != self.execution:
            self.execution, self.made = execution, {}
        n = self.made[thread] = self.made.get(thread, 0) + 1
        new._frontrun_order = (thread + 1) << 32 | n

    def restore(self) -> None:
        """The class as it was."""
        self.kind.__init__ = self.init
        del self.kind.__hash__


def _order_of(thing: Any) -> int:
    order = getattr(thing, "_frontrun_order", None)
    return id(thing) if order is None else order


def _hash_of(thing: Any) -> int:
    order = getattr(thing, "_frontrun_order", None)
    return object.__hash__(thing) if order is None else order


# ----------------------------------------------------------------------------- refused

# What waits in the kernel for something that another logical thread does: module, class, method.
REFUSED = (
    (
        "multiprocessing.pool",
        "ThreadPool",
        "_setup_queues",
        "multiprocessing.pool.ThreadPool waits for its threads through pipes, which are not under"
        " control; use concurrent.futures.ThreadPoolExecutor in the tested code",
    ),
    (
        "asyncio.base_events",
        "BaseEventLoop",
        "run_in_executor",
        "asyncio.to_thread and run_in_executor wake their event loop through a socket, which is not"
        " under control; give the function to a thread of the harness instead",
    ),
)


def _refusing(function: Callable[..., Any], sentence: str) -> Callable[..., Any]:
    """The function, refused in logical threads."""

    @functools.wraps(function)
    def refuse(*args: Any, **kwargs: Any) -> Any:
        _core._refuse(sentence)
        return function(*args, **kwargs)

    return refuse


def _refuse_all() -> list[tuple[type, str, Any]]:
    """Puts the refusals in place; answers what was there."""
    found = []
    for module, owner, name, sentence in REFUSED:
        if module in sys.modules:
            kind = getattr(sys.modules[module], owner)
            found.append((kind, name, kind.__dict__[name]))
            setattr(kind, name, _refusing(kind.__dict__[name], sentence))
    return found


# ----------------------------------------------------------------------------- current_thread()


def _enter_worker(number: int, callable_: Any) -> Any:
    """The Thread object of a worker of the harness: a thread like those the program starts."""
    name = getattr(callable_, "__name__", "")
    name = name if isinstance(name, str) and name.isidentifier() else f"thread-{number}"
    thread: Any = threading.Thread(name=name, daemon=False)
    thread._set_ident()
    if hasattr(thread, _HANDLE):
        _core._set_handle(getattr(thread, _HANDLE))
    else:
        thread._set_tstate_lock()
    if hasattr(thread, "_set_native_id"):
        thread._set_native_id()
    thread._started.set()
    with _library._active_limbo_lock:
        _library._active[thread._ident] = thread
    return thread


class _Unknown(_DummyThread):
    """Takes the place of threading._DummyThread: what current_thread() makes of an unknown one."""

    def __new__(cls) -> Any:
        current = _core._current_thread()
        if current is None or not current[2]:
            return _core._call_closed(_DummyThread)
        return _core._call_closed(lambda: _enter_worker(current[0], current[1]))

    def __init__(self) -> None:
        pass


def bootstrap(thread: Any) -> None:
    """Thread._bootstrap, with operations that count in run() only.

    What the library does around it (the handshake with start()) may be observed too, and would let
    others in between before the thread is known.
    """
    run = thread.run
    before = thread.__dict__.get("run")

    def opened() -> None:
        if before is None:
            del thread.run
        else:
            thread.run = before
        _core._call_open(run)

    thread.run = opened
    thread._bootstrap()


def unstart(thread: threading.Thread) -> None:
    """start() of this Thread was given up halfway."""
    _library._limbo.pop(thread, None)


def leave(_: None = None) -> None:
    """The calling logical thread, for which current_thread() made an entry, is about to end."""
    with _library._active_limbo_lock:
        _library._active.pop(threading.get_ident(), None)


# ----------------------------------------------------------------------------- one execution


def hush(on: bool) -> None:
    """While threads are unwound nobody is told that they raise."""
    if on:
        threading.excepthook = threading.__excepthook__
        if "concurrent.futures" in sys.modules:
            logger = logging.getLogger("concurrent.futures")
            if not logger.disabled:
                logger.disabled = True
                _silenced.append(logger)
    else:
        while _silenced:
            _silenced.pop().disabled = False


def is_pool_worker(thread: threading.Thread) -> bool:
    """Does the interpreter wake this thread before it joins it at exit?"""
    pools = sys.modules.get("concurrent.futures.thread")
    return pools is not None and thread in pools._threads_queues


def tidy(records: list[tuple[Any, Any]]) -> None:
    """Forgets the threads of an execution (a Thread or None), given with their handles."""
    threading.excepthook = threading.__excepthook__
    pools = sys.modules.get("concurrent.futures.thread")
    for thread, handle in records:
        if thread is not None:
            if _library._active.get(thread._ident) is thread:
                del _library._active[thread._ident]
            _library._limbo.pop(thread, None)
            if pools is not None:
                pools._threads_queues.pop(thread, None)
            if handle is not None and hasattr(thread, _HANDLE):
                over = _library._make_thread_handle(thread._ident or 0)
                over._set_done()
                setattr(thread, _HANDLE, over)
        if handle is not None and hasattr(_library, "_shutdown_locks"):
            _library._shutdown_locks.discard(handle)


# ----------------------------------------------------------------------------- an exploration


def enable() -> type[threading.Thread]:
    """An exploration begins; answers the class of threads."""
    _saved["hook"], threading.excepthook = threading.excepthook, threading.__excepthook__
    _saved["counter"] = _library._counter
    _library._counter = _numbers(1, _library._counter)
    _library._DummyThread = _Unknown
    pools = sys.modules.get("concurrent.futures.thread")
    if pools is not None:
        _saved["pools"] = pools.ThreadPoolExecutor.__dict__["_counter"]
        numbers = _numbers(0, pools.ThreadPoolExecutor._counter)
        pools.ThreadPoolExecutor._counter = staticmethod(numbers)
    _saved["refused"] = _refuse_all()
    _saved["numbered"] = [_Numbered(threading.Thread)]
    base: Any = sys.modules.get("concurrent.futures._base")
    if base is not None:
        _saved["numbered"].append(_Numbered(base.Future))
        base.id = _order_of
    return threading.Thread


def disable() -> None:
    """The exploration is over: everything as it was."""
    threading.excepthook = _saved.pop("hook")
    _library._counter = _saved.pop("counter")
    _library._DummyThread = _DummyThread
    if "pools" in _saved:
        sys.modules["concurrent.futures.thread"].ThreadPoolExecutor._counter = _saved.pop("pools")
    for kind, name, function in _saved.pop("refused"):
        setattr(kind, name, function)
    for numbered in _saved.pop("numbered"):
        numbered.restore()
    base = sys.modules.get("concurrent.futures._base")
    if base is not None and base.__dict__.get("id") is _order_of:
        del base.id


def foreign_queues() -> list[Any]:
    """Queues of pools whose threads were started before the exploration."""
    pools = sys.modules.get("concurrent.futures.thread")
    if pools is None:
        return []
    return [queue for thread, queue in pools._threads_queues.items() if thread.is_alive()]
