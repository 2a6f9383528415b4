"""What the tests of frontrun._core share: a small harness, and whole explorations of harnesses."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections.abc import Callable
from pathlib import Path
from typing import Any

from frontrun import _core

DIRECTORY = str(Path(__file__).parent)


def is_ours(filename: str) -> bool:
    return filename.startswith(DIRECTORY)


def make_explorer(
    setup: Callable[[], Any],
    threads: Any,
    invariant: Callable[[Any], Any] = lambda state: None,
    **limits: int,
) -> _core.Explorer:
    return _core.Explorer(_core.Subject(setup, threads, invariant, traced=is_ours), **limits)


def explore(
    setup: Callable[[], Any],
    threads: Any,
    invariant: Callable[[Any], Any] = lambda state: None,
) -> tuple[_core.Explorer, Tally[str]]:
    """Every trace, each once; the explorer afterwards, and how often there was which verdict."""
    explorer = make_explorer(setup, threads, invariant)
    explorer.start_plan(strategy="dpor")
    verdicts: Tally[str] = Tally()
    while (verdict := explorer.step()) is not None:
        verdicts[verdict] += 1
    assert explorer.ending == "exhausted"
    assert explorer.stats["redundant"] == 0
    assert explorer.distinct == sum(verdicts.values())
    return explorer, verdicts


class Account:
    def __init__(self) -> None:
        self.balance = 0
        self.lock = threading.Lock()


def deposit(account: Account) -> None:
    current = account.balance
    account.balance = current + 1


def deposit_locked(account: Account) -> None:
    with account.lock:
        current = account.balance
        account.balance = current + 1


def has_two(account: Account) -> bool:
    return account.balance == 2
