"""A failing execution as the content of a schedule file."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import platform
import traceback
import zlib
from collections.abc import Callable, Sequence

from frontrun import __version__, _core, report, schedule_file


def failure_id(failure: _core.Failure) -> str:
    """Eight hexadecimal digits, the same for the same failure in every process."""
    return f"{zlib.crc32(f'{failure.kind}:{failure.place:016x}'.encode()):08x}"


def where_of(execution: report.Execution, is_traced: Callable[[str], bool]) -> str:
    """The failing place in words: function and source line, or ""."""
    error = execution.failure.exception
    if error is not None:
        for entry in reversed(traceback.extract_tb(error.__traceback__)):
            if is_traced(entry.filename):
                return f"{entry.name}: {entry.line}"
    for wait in execution.waits:
        return f"{wait.function}: {wait.text}"
    return ""


def message_of(error: BaseException) -> str:
    """The message of an exception, even of one that cannot tell it."""
    try:
        return str(error)
    except Exception:
        return ""


def schedule_of(
    execution: report.Execution,
    harness: str,
    names: Sequence[str],
    is_traced: Callable[[str], bool],
) -> schedule_file.Schedule:
    """A failing execution of the harness with this path."""
    error = execution.failure.exception
    return schedule_file.Schedule(
        harness=harness,
        threads=tuple(names),
        failure={
            "kind": execution.failure.kind,
            "id": failure_id(execution.failure),
            "exception": None
            if error is None
            else {"type": type(error).__name__, "message": message_of(error)},
            "where": where_of(execution, is_traced),
        },
        steps=schedule_file.steps_of(execution.blocks, execution.trace, execution.waits),
        preemptions=execution.preemptions,
        trace_hash=execution.trace_hash,
        found_with={"python": platform.python_version(), "frontrun_fuzz": __version__},
        started=dict(list(enumerate(execution.names(names)))[len(names) :]),
    )


def minimized(explorer: _core.Explorer, tries_max: int = 20_000) -> str:
    """Minimises the explorer's last execution; answers what may be said about the result."""
    minimal, tries = explorer.shrink(tries_max)
    n = explorer.preemptions
    tried = f"{tries:,} simpler schedule{'s' * (tries != 1)} tried"
    if n == 0:
        return f"no preemption: no thread has to be interrupted midway ({tried})"
    text = "1 preemption" if n == 1 else f"{n} preemptions"
    text += " (a thread is interrupted midway)"
    if minimal:
        return f"{text}; no schedule with fewer fails so ({tries:,} tried)"
    return f"{text}; {tried}"
