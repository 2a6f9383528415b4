"""One small program for each pattern of a failure that has a name."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple


class Program(NamedTuple):
    setup: Callable[[], Any]
    workers: list[Callable[[Any], Any]]
    invariant: Callable[[Any], Any]


class Account:
    def __init__(self) -> None:
        self.balance = 100
        self.lock = threading.Lock()
        self.log: list[str] = []


def deposit(account: Account) -> None:
    current = account.balance
    account.balance = current + 50


def bonus(account: Account) -> None:
    current = account.balance
    account.balance = current + 1


LOST_UPDATE = Program(Account, [deposit, bonus], lambda account: account.balance == 151)


def withdraw(account: Account) -> None:
    if account.balance >= 80:
        account.balance -= 80


CHECK_THEN_ACT = Program(Account, [withdraw, withdraw], lambda account: account.balance >= 0)


class Span:
    def __init__(self) -> None:
        self.low = 0
        self.high = 10
        self.seen = (0, 10)


def move(span: Span) -> None:
    span.low = 20
    span.high = 30


def look(span: Span) -> None:
    low = span.low
    high = span.high
    span.seen = (low, high)


TORN_READ = Program(Span, [move, look], lambda span: span.seen[1] - span.seen[0] == 10)


class Shop:
    def __init__(self) -> None:
        self.price = 10
        self.order: int | None = None


def raise_price(shop: Shop) -> None:
    shop.price = 12
    if shop.order is not None:
        shop.order = 12


def buy(shop: Shop) -> None:
    price = shop.price
    shop.order = price


STALE_SNAPSHOT = Program(Shop, [raise_price, buy], lambda shop: shop.order == shop.price)


class Service:
    def __init__(self) -> None:
        self.ready = False
        self.used_early = False


def start(service: Service) -> None:
    service.ready = True


def use(service: Service) -> None:
    if not service.ready:
        raise LookupError("not ready")


ORDER_VIOLATION = Program(Service, [start, use], lambda service: True)


def one_way(account: Account) -> None:
    with LOCKS[0], LOCKS[1]:
        account.balance += 1


def other_way(account: Account) -> None:
    with LOCKS[1], LOCKS[0]:
        account.balance += 1


LOCKS = (threading.Lock(), threading.Lock())
DEADLOCK = Program(Account, [one_way, other_way], lambda account: True)


def add_entry(entries: dict[str, int]) -> None:
    entries["new"] = 1


def total(entries: dict[str, int]) -> None:
    amount = 0
    for key in entries:
        amount += entries[key]


ITERATOR_INVALIDATED = Program(lambda: {"a": 1, "b": 2}, [add_entry, total], lambda entries: True)


def close(account: Account) -> None:
    if account.lock.locked():
        account.log.append("closing")
        account.lock.release()


def taken_account() -> Account:
    account = Account()
    account.lock.acquire()
    return account


DOUBLE_RELEASE = Program(taken_account, [close, close], lambda account: True)


class Job:
    def __init__(self) -> None:
        self.turn = threading.Condition()
        self.done = False


def finish(job: Job) -> None:
    with job.turn:
        job.done = True
        job.turn.notify_all()


def await_it(job: Job) -> None:
    if not job.done:
        with job.turn:
            job.turn.wait()


LOST_WAKEUP = Program(Job, [finish, await_it], lambda job: True)


def hold(account: Account) -> None:
    with account.lock:
        account.log.append("held")
        with account.lock:
            account.balance += 1


SELF_DEADLOCK = Program(Account, [hold], lambda account: True)


class Retries:
    def __init__(self) -> None:
        self.statistics: dict[str, int] = {}


def retry(retries: Retries) -> None:
    retries.statistics.clear()
    retries.statistics["attempts"] = 1
    retries.statistics["attempts"] += 1


OVERWRITTEN = Program(Retries, [retry, retry], lambda retries: True)


class Cache:
    def __init__(self) -> None:
        self.values: dict[tuple[int, ...], int] = {}
        self.computed = 0


def cached(cache: Cache) -> int:
    if (1, 2) not in cache.values:
        cache.computed += 1
        cache.values[(1, 2)] = 3
    return cache.values[(1, 2)]


FILLED_TWICE = Program(Cache, [cached, cached], lambda cache: cache.computed == 1)
