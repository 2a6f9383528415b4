"""Somebody else's tools at work during an exploration: coexistence.py NAME. Prints JSON.

Each case explores the same small program while another tool watches, and answers verdicts, traces,
and whether the other tool saw what it came for; or the sentence by which we refuse.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import bdb
import json
import sys
import threading
from typing import Any

from frontrun import _core


class Counter:
    def __init__(self) -> None:
        self.value = 0


def increment(counter: Counter) -> None:
    value = counter.value
    counter.value = value + 1


def explore(threads: Any = (increment, increment)) -> list[Any]:
    """Verdicts and hashes of all traces, or what was said instead."""
    subject = _core.Subject(
        Counter, threads, lambda counter: counter.value == 2, traced=lambda name: name == __file__
    )
    explorer = _core.Explorer(subject)
    explorer.start_plan(strategy="dpor")
    seen: list[Any] = []
    try:
        while (verdict := explorer.step()) is not None:
            seen.append([verdict, explorer.trace_hash])
    except _core.FrontrunError as error:
        return [str(error)]
    finally:
        subject.close()
    return sorted(seen)


def case_alone() -> Any:
    return explore()


def case_settrace() -> Any:
    """A trace function of the main thread, as a debugger has."""
    lines = []

    def trace(frame: Any, event: str, _: Any) -> Any:
        lines.append((frame.f_code.co_name, event))
        return trace

    sys.settrace(trace)
    seen = explore()
    still = sys.gettrace() is trace
    sys.settrace(None)
    assert still
    assert ("explore", "line") in lines
    return seen


def case_setprofile() -> Any:
    calls = []
    sys.setprofile(lambda frame, event, _: calls.append(event))
    seen = explore()
    sys.setprofile(None)
    assert "call" in calls
    return seen


def case_threading_settrace() -> Any:
    """For threads that are started later: ours are not started by threading."""
    threading.settrace(lambda frame, event, _: None)
    threading.setprofile(lambda frame, event, _: None)
    try:
        return explore()
    finally:
        threading.settrace(None)  # type: ignore[arg-type]
        threading.setprofile(None)  # type: ignore[arg-type]


def case_bdb() -> Any:
    """A debugger runs the exploration, with a breakpoint in a thread's function."""

    class Debugger(bdb.Bdb):
        stops = 0

        def user_line(self, frame: Any) -> None:
            Debugger.stops += 1
            self.set_continue()

    debugger = Debugger()
    seen: list[Any] = []
    debugger.runcall(lambda: seen.extend(explore()))
    assert Debugger.stops > 0
    return seen


def case_own_settrace() -> Any:
    """A thread of the program sets a trace function itself."""

    def trace(frame: Any, event: str, _: Any) -> Any:
        return trace

    def tracing(counter: Counter) -> None:
        sys.settrace(trace)
        increment(counter)
        sys.settrace(None)

    return explore([tracing, increment])


def case_monitoring() -> Any:
    """Another tool of sys.monitoring asks for lines, calls and instructions of the same code."""
    monitoring = sys.monitoring
    events = monitoring.events
    seen_by_other = []
    monitoring.use_tool_id(2, "other")
    for event in (events.LINE, events.PY_START, events.INSTRUCTION, events.PY_RESUME):
        monitoring.register_callback(2, event, lambda code, at: seen_by_other.append(code.co_name))
    monitoring.set_local_events(2, increment.__code__, events.INSTRUCTION | events.LINE)
    monitoring.set_events(2, events.LINE | events.PY_START | events.PY_RESUME)
    before = explore()
    monitoring.set_events(2, 0)
    monitoring.set_local_events(2, increment.__code__, 0)
    monitoring.free_tool_id(2)
    assert "increment" in seen_by_other
    assert explore() == before
    return before


# What another tool does is no part of the program: code that is not observed.
TOOLS = """
monitoring.use_tool_id(2, "other")

def begin():
    monitoring.set_events(2, monitoring.events.LINE)

def on_line(code, line):
    lines.append(code.co_name)
    return answer

def end():
    monitoring.set_events(2, 0)
    monitoring.free_tool_id(2)

monitoring.register_callback(2, monitoring.events.LINE, on_line)
steps = iter([None, begin, None, end])

def step():
    (next(steps, None) or int)()
"""


def explore_with_tool(answer: object) -> Any:
    """Another tool begins within one execution and ends within another."""
    names: dict[str, Any] = {"monitoring": sys.monitoring, "lines": [], "answer": answer}
    exec(compile(TOOLS, "elsewhere.py", "exec"), names)
    step = names["step"]

    def tooling(counter: Counter) -> None:
        step()
        increment(counter)

    executions = explore([tooling, increment])
    assert "increment" in names["lines"]
    return executions


def case_monitoring_comes_later() -> Any:
    return explore_with_tool(None)


def case_monitoring_disables() -> Any:
    """It answers DISABLE to each line it has seen, as coverage.py does."""
    return explore_with_tool(sys.monitoring.DISABLE)


def case_coverage() -> Any:
    """coverage.py measures the lines of this file, and loses none that it would have seen."""
    import coverage

    measured = coverage.Coverage(data_file=None, include=[__file__], concurrency=["thread"])
    measured.start()
    try:
        seen = explore()
    finally:
        measured.stop()
    executed = measured.get_data().lines(__file__) or []
    assert explore.__code__.co_firstlineno + 5 in executed
    return seen


if __name__ == "__main__":
    print(json.dumps(globals()[f"case_{sys.argv[1]}"]()))
