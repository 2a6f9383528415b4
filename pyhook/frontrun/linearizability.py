"""Linearizability: could the calls, as they overlapped, have happened one at a time?"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from frontrun.harness import UnusableError
from frontrun.history import (
    call_observed,
    get_observed,
    mark_call,
    mark_return,
    set_observed,
)
from frontrun.oracles import shown, snapshot

# Special methods are looked up on the type, where a proxy has to have them. These are calls of the
# object as its named methods are ...
RECORDED = ("__call__", "__contains__", "__delitem__", "__getitem__", "__len__", "__setitem__")
# ... and these are passed on without being one: what they do is another call's or nobody's.
PASSED = ("__enter__", "__exit__", "__iter__")
CALLS_SHOWN_MAX = 8


# No dataclasses here: their methods are code made from strings, and that is observed.


class Call:
    """One call of the object: when it began and ended in the history, and what came of it."""

    def __init__(
        self,
        thread: int,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        began: int,
        ended: int = -1,
        value: Any = None,
    ) -> None:
        self.thread = thread
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self.began = began
        self.ended = ended  # -1: it has not
        self.value = value
        self.error: type[BaseException] | None = None

    def __str__(self) -> str:
        words = [shown(arg) for arg in self.args]
        words += [f"{name}={shown(value)}" for name, value in self.kwargs.items()]
        came = shown(self.value) if self.error is None else f"raises {self.error.__name__}"
        return f"{self.name}({', '.join(words)}) -> {came}"


class Recorded:
    """An object, and the history of the calls on it in one execution."""

    def __init__(self, target: Any) -> None:
        self.target = target
        self.calls: list[Call] = []
        self.moments = 0  # beginnings and ends so far
        self.returned: dict[int, Any] = {}  # see history.py

    def perform(self, thread: int, name: str, method: Any, args: Any, kwargs: Any) -> Any:
        """Calls a method. A mark and what follows it happen in one turn."""
        mark_call(self.returned)
        call = Call(thread, name, args, kwargs, self.moment())
        self.calls.append(call)
        self.returned[call.began] = False  # the mark must not insert a key: inserts have an order
        try:
            call.value = call_observed(method, args, kwargs)
        except Exception as error:
            call.error = type(error)
            raise
        finally:
            mark_return(self.returned, call.began)
            call.ended = self.moment()
        return call.value

    def moment(self) -> int:
        """The next one."""
        self.moments += 1
        return self.moments


class Proxy:
    """Stands for the object in one worker, and records its calls."""

    def __init__(self, recorded: Recorded, thread: int) -> None:
        self.__dict__["_recorded"] = recorded
        self.__dict__["_thread"] = thread

    def __getattr__(self, name: str) -> Any:
        value = get_observed(self._recorded.target, name)
        if not callable(value) or name.startswith("__"):
            return value
        recorded, thread = self._recorded, self._thread

        def call(*args: Any, **kwargs: Any) -> Any:
            return recorded.perform(thread, name, value, args, kwargs)

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        set_observed(self._recorded.target, name, value)


PROXIES: dict[type, type[Proxy]] = {}


def proxy_of(recorded: Recorded, thread: int) -> Proxy:
    """A proxy with the special methods that the object has."""
    kind = type(recorded.target)
    if kind not in PROXIES:
        methods: dict[str, Any] = {
            name: recording(name) for name in RECORDED if hasattr(kind, name)
        }
        methods |= {name: passing(name) for name in PASSED if hasattr(kind, name)}
        PROXIES[kind] = type(f"Recorded{kind.__name__}", (Proxy,), methods)
    return PROXIES[kind](recorded, thread)


def recording(name: str) -> Callable[..., Any]:
    """A special method that is a call."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(self._recorded.target, name)
        return self._recorded.perform(self._thread, name, method, args, kwargs)

    return method


def passing(name: str) -> Callable[..., Any]:
    """A special method that is not."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call_observed(getattr(self._recorded.target, name), args, kwargs)

    return method


# ----------------------------------------------------------------------------- the check


class Linearizable:
    """The oracle: some order of the calls gives the same results on the sequential model.

    In it, a call that had ended when another one began comes before that one.
    """

    argument = "spec=..."

    def __init__(self, spec: Callable[[], Any], names: Sequence[str]) -> None:
        if not callable(spec):
            raise TypeError(f"spec is {spec!r}; give a class, the sequential model of the state")
        self.spec = spec
        self.names = names
        self.complaint = ""

    def holds(self, state: State) -> bool:
        """Is the history linearizable?"""
        self.complaint = ""
        calls = state[0].calls
        if explains(calls, self.spec()):
            return True
        lines = [
            f"  {call.began:>3}-{call.ended:<3} {self.names[call.thread]}: {call}"
            for call in calls[-CALLS_SHOWN_MAX:]
        ]
        left_out = ["  ..."] if len(calls) > CALLS_SHOWN_MAX else []
        head = "not linearizable: one at a time, in no order, these calls give these results"
        self.complaint = "\n".join([head, *left_out, *lines])
        return False


def explains(calls: Sequence[Call], model: Any) -> bool:
    """Wing and Gong's search (1993), with Lowe's memory of what was tried (2017)."""
    everything = (1 << len(calls)) - 1
    tried: set[tuple[int, str]] = set()
    stack = [(0, model)]
    while stack:
        done, current = stack.pop()
        if done == everything:
            return True
        open_calls = [n for n in range(len(calls)) if not done >> n & 1]
        first_end = min(calls[n].ended for n in open_calls)
        for n in open_calls:
            if calls[n].began > first_end:
                continue  # another one had ended before it began
            after = copy.deepcopy(current)
            if not agrees(calls[n], after):
                continue
            state = (done | 1 << n, repr(snapshot(after)))
            if state not in tried:
                tried.add(state)
                stack.append((done | 1 << n, after))
    return False


def agrees(call: Call, model: Any) -> bool:
    """Does the model answer as the object did? The model then is after the call."""
    method = getattr(model, call.name, None)
    if method is None:
        raise UnusableError(
            f"spec: the model {type(model).__name__} has no method {call.name}, which was called"
        )
    try:
        value = method(*copy.deepcopy(call.args), **copy.deepcopy(call.kwargs))
    except Exception as error:
        return call.error is type(error)
    return call.error is None and bool(value == call.value)


# ----------------------------------------------------------------------------- a program of it

# The state of such a program. A function that is not observed may change the attributes of what it
# is given, and the workers made here are such functions: a tuple has none.
State = tuple[Recorded]
Parts = tuple[Callable[[], Any], tuple[Callable[[Any], Any], ...], Callable[[Any], Any]]


def recorded_parts(
    setup: Callable[[], Any],
    workers: Sequence[Callable[[Any], Any]],
    invariant: Callable[[Any], Any] | None,
    oracle: Linearizable,
) -> Parts:
    """setup, workers and invariant of the same program with recorded calls, judged by oracle."""

    def make() -> State:
        return (Recorded(setup()),)

    def as_worker(number: int, worker: Callable[[Any], Any]) -> Callable[[State], Any]:
        return lambda state: worker(proxy_of(state[0], number))

    def judge(state: State) -> Any:
        if not oracle.holds(state):
            return False
        return True if invariant is None else invariant(state[0].target)

    return make, tuple(as_worker(n, worker) for n, worker in enumerate(workers)), judge
