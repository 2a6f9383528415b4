"""The program that the benches of executions share: a counter, incremented by two threads."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations


class Counter:
    """Loses an update if two threads increment at once."""

    def __init__(self) -> None:
        self.value = 0

    def increment(self) -> None:
        """Without a lock."""
        value = self.value
        self.value = value + 1


def increments(counter: Counter) -> None:
    """A thread."""
    counter.increment()


def increments_thrice(counter: Counter) -> None:
    """A longer thread."""
    counter.increment()
    counter.increment()
    counter.increment()


THREADS = (increments, increments)


def is_positive(counter: Counter) -> bool:
    """An invariant that every execution passes, as a bench wants."""
    return counter.value > 0
