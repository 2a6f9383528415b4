"""What observation adds to shared and other instructions, and to foreign code.

Prints one table row for this interpreter; --header prints the head of the table first. One logical
thread runs a loop, bare and observed in turns; figures are medians over the rounds, of the
processor's time.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import dis
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from frontrun import _core

# shared ns   added per event: a shared access with its way through the engine, nobody to switch to
# alone ns    of that, what observation takes up to the door: CPython's call, the operands, their
#             locations. What CPython no longer specialises in observed code is in it
# local ns    added per instruction that touches nothing shared, in observed code
# foreign     time of code in files that are not observed, relative to bare
ROUNDS = 7
TURNS = 30_000
COLUMNS = "{:<8} {:>10} {:>10} {:>10} {:>10}"
HEADER = COLUMNS.format("Python", "shared ns", "alone ns", "local ns", "foreign")


class Box:
    """Something to share."""

    def __init__(self) -> None:
        self.value = 0


def use_shared(box: Box) -> None:
    """Six events in each turn."""
    for _ in range(TURNS):
        box.value = 1
        box.value = 2
        box.value = 3
        box.value = 4
        box.value = 5
        box.value = 6


LOCAL = """\
def use_locals(_):
    a, b, c = 1, 2, 3
    for n in range({turns}):
        a = b + c
        b = a - n
        c = a ^ b
        a = c + n
        b = a - c
        c = b ^ n
"""


def compiled(filename: str) -> Callable[[Any], None]:
    """The loop without shared memory, as code of a file."""
    names: dict[str, Any] = {}
    exec(compile(LOCAL.format(turns=TURNS), filename, "exec"), names)
    return names["use_locals"]


def seconds_bare(function: Callable[[Any], None]) -> float:
    """Without observation."""
    function(Box())  # warm: a session that ends leaves code unspecialised
    start = time.process_time()
    function(Box())
    return time.process_time() - start


def is_traced(name: str) -> bool:
    """This file, and what compiled() compiles to be observed."""
    return name in (__file__, "<observed>")


def observed_alone(function: Callable[[Any], None]) -> tuple[float, int]:
    """Seconds and events up to the door."""
    start = time.process_time()
    events = _core.observe_alone(function, Box(), is_traced)
    return time.process_time() - start, events


def observed(function: Callable[[Any], None]) -> tuple[float, int]:
    """Seconds and events of the only thread of an execution."""
    subject = _core.Subject(
        Box,
        [function],
        lambda box: None,
        traced=is_traced,
    )
    explorer = _core.Explorer(subject, events_max=10 * TURNS)
    explorer.start_plan(strategy="random", seed=1, executions_max=2)
    explorer.step()  # warm
    before = explorer.stats["events"]
    start = time.process_time()
    explorer.step()
    seconds = time.process_time() - start
    subject.close()
    return seconds, explorer.stats["events"] - before


def added(
    function: Callable[[Any], None],
    measured: Callable[[Callable[[Any], None]], tuple[float, int]] = observed,
) -> tuple[float, float, int]:
    """Seconds that observation adds, relative to bare too, and the number of events."""
    pairs = []
    events = 0
    for _ in range(ROUNDS):
        bare = seconds_bare(function)
        seconds, events = measured(function)
        pairs.append((bare, seconds))
    return (
        statistics.median(seconds - bare for bare, seconds in pairs),
        statistics.median(seconds / bare for bare, seconds in pairs),
        events,
    )


def instructions_per_turn(function: Callable[[Any], None]) -> int:
    """Of the loop's body: between its first instruction and the jump back."""
    offsets = [entry.offset for entry in dis.get_instructions(function)]
    names = [entry.opname for entry in dis.get_instructions(function)]
    start = names.index("FOR_ITER")
    end = next(n for n in range(start, len(names)) if names[n].startswith("JUMP"))
    assert offsets[start] < offsets[end]
    return end - start + 1


def main() -> None:
    """Measures, and prints the row."""
    if "--header" in sys.argv[1:]:
        print(HEADER)
    shared, _, events = added(use_shared)
    assert events >= 6 * TURNS
    alone, _, events = added(use_shared, observed_alone)
    assert events >= 6 * TURNS
    local, _, events = added(own := compiled("<observed>"))
    assert events <= 1  # range
    _, foreign, events = added(compiled("<frozen elsewhere>"))
    assert events <= 1  # range
    print(
        COLUMNS.format(
            platform.python_version(),
            f"{shared / (6 * TURNS) * 1e9:.0f}",
            f"{alone / (6 * TURNS) * 1e9:.0f}",
            f"{local / (TURNS * instructions_per_turn(own)) * 1e9:.1f}",
            f"{foreign:.2f} x",
        )
    )


if __name__ == "__main__":
    main()
