"""What the tests of observation share: snippets as threads, and what was seen of them."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from frontrun import _core

HERE = Path(__file__).parent


def is_ours(filename: str) -> bool:
    return filename == "<generated>" or Path(filename).parent == HERE


def explore(state: Callable[[], Any], *threads: Callable[[Any], Any]) -> _core.Explorer:
    """The explorer after every trace of the threads."""
    subject = _core.Subject(state, threads, lambda state: None, traced=is_ours)
    explorer = _core.Explorer(subject)
    explorer.start_plan(strategy="dpor")
    ending = explorer.run(10_000)
    assert ending == "exhausted", (ending, explorer.failure)
    return explorer


def seen(function: Callable[[Any], Any], state: Callable[[], Any] = list) -> list[tuple[str, str]]:
    """Action and name of the events of one thread."""
    events = explore(state, function).trace()
    return [(event.action, event.name) for event in events]


def conflicts(
    first: Callable[[Any], Any], second: Callable[[Any], Any], state: Callable[[], Any]
) -> bool:
    """Does the order of the two matter? Each must be one event (or an access that is alone in
    touching what the other touches)."""
    return explore(state, first, second).distinct > 1


class Box:
    shared = 0

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def add(self) -> None:
        self.value += 1


class Derived(Box):
    def add(self) -> None:
        super().add()


class Manager:
    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *error: object) -> None:
        return None
