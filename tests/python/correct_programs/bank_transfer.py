"""Transfers in both directions take the two locks in one order."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Account:
    def __init__(self, number: int, balance: int) -> None:
        self.number = number
        self.balance = balance
        self.lock = threading.Lock()


def transfer(source: Account, target: Account, amount: int) -> None:
    first, second = sorted((source, target), key=lambda account: account.number)
    with first.lock, second.lock:
        source.balance -= amount
        target.balance += amount


def setup() -> list[Account]:
    return [Account(0, 100), Account(1, 100)]


threads = [
    lambda accounts: transfer(accounts[0], accounts[1], 30),
    lambda accounts: transfer(accounts[1], accounts[0], 20),
]


def invariant(accounts: list[Account]) -> bool:
    return [account.balance for account in accounts] == [90, 110]
