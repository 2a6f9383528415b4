"""A deadlock: three philosophers, each takes the left fork first, then the right one."""
# SPDX-License-Identifier: Apache-2.0

import threading

SEATS = 3


class Table:
    """A round table with a fork between any two seats."""

    def __init__(self):
        self.forks = [threading.Lock() for _ in range(SEATS)]
        self.meals = [0] * SEATS

    def dine(self, seat):
        left = self.forks[seat]
        right = self.forks[(seat + 1) % SEATS]
        with left:
            with right:
                self.meals[seat] += 1


def setup():
    """Fresh state for every execution."""
    return Table()


def plato(table):
    table.dine(0)


def socrates(table):
    table.dine(1)


def aristotle(table):
    table.dine(2)


threads = [plato, socrates, aristotle]


def invariant(table):
    """Everybody has eaten."""
    return table.meals == [1, 1, 1]
