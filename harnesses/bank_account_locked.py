"""The account of bank_account.py, mended: the two orders of the deposits are all there is."""
# SPDX-License-Identifier: Apache-2.0

import threading


class Account:
    """An account whose deposits exclude each other."""

    def __init__(self):
        self.balance = 100
        self.lock = threading.Lock()

    def deposit(self, amount):
        with self.lock:
            current = self.balance
            self.balance = current + amount


def setup():
    """Fresh state for every execution."""
    return Account()


threads = [lambda a: a.deposit(50), lambda a: a.deposit(25)]


def invariant(a):
    """Both deposits arrived."""
    return a.balance == 175
