"""Could a build with the GIL show this failure? By moving its preemptions to where it switches."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from frontrun import _core

EXECUTIONS_MAX = 50_000
SECONDS_MAX = 2.0


class Reach(NamedTuple):
    """The answer for the interpreter that runs."""

    answer: str  # "yes", "no", "not known"
    sentence: str
    blocks: Sequence[tuple[int, int]] = ()  # "yes": a schedule that a build with the GIL can do

    def line(self) -> str:
        """For a report."""
        return f"reachable with the GIL: {self.answer} ({self.sentence})"


def interpreter() -> str:
    """ "CPython 3.12"."""
    return f"CPython {sys.version_info[0]}.{sys.version_info[1]}"


def same(one: _core.Failure | None, other: _core.Failure) -> bool:
    """Is it the same failure?"""
    return one is not None and (one.kind, one.place) == (other.kind, other.place)


def reach_within(explorer: _core.Explorer, allowed: str) -> Sequence[tuple[int, int]] | None:
    """As Explorer.reach; a trace that is too large, or not complete, is as good as none."""
    try:
        return explorer.reach(allowed)
    except _core.FrontrunError:
        return None


def confirmed(
    explorer: _core.Explorer, blocks: Sequence[tuple[int, int]], failure: _core.Failure
) -> bool:
    """Does that schedule, executed, fail so?"""
    explorer.start_plan(
        strategy="replay", segments=[(thread, events, 0, 0) for thread, events in blocks]
    )
    explorer.step()
    return same(explorer.failure, failure)


class Search:
    """Looks at failing executions until one is reachable."""

    def __init__(self, subject: _core.Subject, failure: _core.Failure) -> None:
        self.explorer = _core.Explorer(subject)
        self.failure = failure
        self.hopeless = True  # each one so far is unreachable for certain
        self.cold = False  # one needs code that is not specialised yet

    def look(self) -> Sequence[tuple[int, int]] | None:
        """A schedule for the last execution, if it failed so and one was found."""
        if not same(self.explorer.failure, self.failure):
            return None
        blocks = reach_within(self.explorer, "yes")
        if blocks is not None:
            return blocks
        try:
            is_unknown = self.explorer.reach("unknown") is not None
            is_cold = not is_unknown and self.explorer.reach("cold") is not None
        except _core.FrontrunError:
            is_unknown, is_cold = True, False
        self.cold |= is_cold
        self.hopeless &= not is_unknown and not is_cold
        return None

    def all_failures(self, until: float) -> Sequence[tuple[int, int]] | None:
        """Explores; a schedule, or None. Afterwards `explorer.ending` says what None means."""
        self.explorer.start_plan(executions_max=EXECUTIONS_MAX)
        while time.monotonic() < until:
            ended = self.explorer.run(2_000)
            if self.explorer.failure is not None and ended == self.explorer.failure.kind:
                blocks = self.look()
                if blocks is not None:
                    return blocks
            elif ended != "running":
                break
        return None


def reachable(
    subject: _core.Subject,
    failure: _core.Failure,
    blocks: Sequence[tuple[int, int]],
    seconds: float = SECONDS_MAX,
) -> Reach:
    """Is a failure reachable with the GIL? subject was made with switch_points=True; blocks is a
    schedule that fails so.

    "yes" was executed. "no" needs an exploration that was exhausted. Everything else is not known.
    """
    search = Search(subject, failure)
    if confirmed(search.explorer, blocks, failure):
        found = search.look()
        if found is None:
            found = search.all_failures(time.monotonic() + seconds)
        if found is not None and confirmed(search.explorer, found, failure):
            return Reach("yes", f"{interpreter()} can switch threads so", found)
        if found is None and search.hopeless and search.explorer.ending == "exhausted":
            return Reach(
                "no", f"{interpreter()} never switches threads there; a free-threaded build does"
            )
    if search.cold:
        return Reach(
            "not known", f"{interpreter()} can switch so only in code that has run once or twice"
        )
    return Reach("not known", f"no schedule was found that {interpreter()} is known to do")
