"""A plain Python scheduler of threads, as a stand-in for the usual tool; not part of frontrun.

Each execution starts fresh threads. Before each opcode of the user's files a thread hands over: it
draws the next thread at random and waits on a Condition until it is its turn again. Opcodes are
announced by sys.settrace with f_trace_opcodes on 3.10 and 3.11, and by sys.monitoring INSTRUCTION
events since 3.12.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Any


class Scheduler:
    """The turn of one execution."""

    def __init__(self, count: int, seed: int) -> None:
        self.alive = list(range(count))
        self.draw = random.Random(seed).choice
        self.condition = threading.Condition()
        self.turn = self.draw(self.alive)
        self.opcodes = 0

    def wait(self, me: int) -> None:
        """Until it is my turn. Called with the condition's lock."""
        while self.turn != me:
            self.condition.wait()

    def hand_over(self, me: int) -> None:
        """Before an opcode."""
        with self.condition:
            self.opcodes += 1
            self.turn = self.draw(self.alive)
            if self.turn != me:
                self.condition.notify_all()
                self.wait(me)

    def leave(self, me: int) -> None:
        """The thread has ended."""
        with self.condition:
            self.alive.remove(me)
            if self.alive:
                self.turn = self.draw(self.alive)
            self.condition.notify_all()


class Explorer:
    """Executes a program again and again; is_ours(filename) says whose opcodes count."""

    def __init__(
        self,
        setup: Callable[[], Any],
        threads: Sequence[Callable[[Any], None]],
        invariant: Callable[[Any], bool],
        is_ours: Callable[[str], bool],
    ) -> None:
        self.setup = setup
        self.threads = threads
        self.invariant = invariant
        self.is_ours = is_ours
        self.local = threading.local()
        self.opcodes = 0

    def run(self, executions: int, seed: int = 1) -> int:
        """Random schedules; answers how many broke the invariant."""
        self.open()
        failures = 0
        for number in range(executions):
            state = self.setup()
            scheduler = Scheduler(len(self.threads), seed + number)
            workers = [
                threading.Thread(target=self.work, args=(scheduler, me, function, state))
                for me, function in enumerate(self.threads)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            self.opcodes += scheduler.opcodes
            failures += not self.invariant(state)
        self.close()
        return failures

    def work(
        self, scheduler: Scheduler, me: int, function: Callable[[Any], None], state: Any
    ) -> None:
        """The life of a thread."""
        self.local.scheduler, self.local.me = scheduler, me
        with scheduler.condition:
            scheduler.wait(me)
        try:
            self.trace_this_thread()
            function(state)
        finally:
            sys.settrace(None)
            self.local.scheduler = None
            scheduler.leave(me)

    def pass_point(self) -> None:
        """Called before each opcode of the user's."""
        scheduler = getattr(self.local, "scheduler", None)
        if scheduler is not None:
            scheduler.hand_over(self.local.me)

    if sys.version_info >= (3, 12):

        def open(self) -> None:
            """Asks for events of all code; what is not the user's is disabled when it is met."""
            monitoring = sys.monitoring
            self.tool = next(n for n in range(6) if monitoring.get_tool(n) is None)
            monitoring.use_tool_id(self.tool, "settrace_scheduler")
            monitoring.register_callback(
                self.tool, monitoring.events.INSTRUCTION, self.on_instruction
            )
            monitoring.set_events(self.tool, monitoring.events.INSTRUCTION)

        def close(self) -> None:
            """Gives the tool id back."""
            sys.monitoring.set_events(self.tool, 0)
            sys.monitoring.free_tool_id(self.tool)

        def trace_this_thread(self) -> None:
            """Events come by themselves."""

        def on_instruction(self, code: CodeType, offset: int) -> Any:
            """The callback of sys.monitoring."""
            if not self.is_ours(code.co_filename):
                return sys.monitoring.DISABLE
            self.pass_point()
            return None

    else:

        def open(self) -> None:
            """Trace functions belong to threads."""

        def close(self) -> None:
            """They have ended."""

        def trace_this_thread(self) -> None:
            """Events of all frames that this thread starts from now on."""
            sys.settrace(self.on_event)

        def on_event(self, frame: FrameType, event: str, _: Any) -> Any:
            """The trace function."""
            if event == "call":
                if not self.is_ours(frame.f_code.co_filename):
                    return None
                frame.f_trace_opcodes = True
                frame.f_trace_lines = False
            elif event == "opcode":
                self.pass_point()
            return self.on_event
