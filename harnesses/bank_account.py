"""A lost update: deposit() reads the balance and writes it back, with nothing held in between."""
# SPDX-License-Identifier: Apache-2.0


class Account:
    """An account that was written without a thought of threads."""

    def __init__(self):
        self.balance = 100

    def deposit(self, amount):
        current = self.balance
        self.balance = current + amount


def setup():
    """Fresh state for every execution."""
    return Account()


threads = [lambda a: a.deposit(50), lambda a: a.deposit(25)]


def invariant(a):
    """Both deposits arrived."""
    return a.balance == 175
