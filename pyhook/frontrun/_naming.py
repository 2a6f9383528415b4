"""What a program calls an object, at the line that uses it: `self.a`, `LOCKS[0]`, `queue`.

Called by frontrun._core only, for executions that are told.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from types import MemberDescriptorType
from typing import Any

OBJECTS_MAX = 2_000
DEPTH_MAX = 6
# What is inside of these is not the program's: `self.turn`, not `self.turn._waiters[0]`.
LIBRARIES = ("threading", "queue", "_queue", "concurrent.futures", "multiprocessing", "asyncio")


def name_of(
    target: object, variables: dict[str, Any], module_variables: dict[str, Any], text: str
) -> str:
    """The kind and the shortest name of an object, one that the line contains before others; "".

    A lock that a thread sleeps at until it is woken up has the kind and the name of the Condition,
    Event, Queue ... that it is part of.
    """
    words = re.findall(r"\w+", text)
    used = {word: module_variables[word] for word in words if word in module_variables}
    roots = {**used, **variables}
    first = sorted(roots, key=lambda name: (name not in words, name != "self"))
    found = paths([(name, roots[name]) for name in first], target)
    kind, name = min(found, key=lambda path: (path[1] not in text, len(path[1])), default=("", ""))
    return f"{kind} {name}" if name else ""


def paths(roots: list[tuple[str, Any]], target: object) -> Iterator[tuple[str, str]]:
    """The kinds and names that lead to an object, nearest first."""
    # An object, its name, and kind and name of the part of the library that it is in.
    waiting = deque((value, name, ("", "")) for name, value in roots)
    seen: set[int] = set()
    keep: list[Any] = []  # so that no id comes twice
    while waiting and len(seen) < OBJECTS_MAX:
        value, name, owner = waiting.popleft()
        if value is target:
            yield kind_at(value, name, *owner), owner[1] or name
            continue
        if id(value) in seen or name.count(".") + name.count("[") >= DEPTH_MAX:
            continue
        seen.add(id(value))
        keep.append(value)
        if not owner[1] and is_library(value):
            owner = of_type(value, "__name__"), name
        waiting.extend((part, name + suffix, owner) for suffix, part in parts_of(value))


def kind_at(value: object, name: str, owner: str, owner_name: str) -> str:
    """What the object is: of a lock that a thread sleeps at, its owner, and what of it changes."""
    path, sleeps, _ = name.partition("._waiters[")
    if not sleeps:
        return of_type(value, "__name__").lstrip("_")
    part = path[len(owner_name) :].lstrip(".")
    return owner if part.startswith("_") or not part else f"{owner}.{part}"


def of_type(value: object, name: str) -> str:
    """A word of an object's type, whatever its metaclass would say."""
    word = type.__getattribute__(type(value), name)
    return word if isinstance(word, str) else ""


def is_library(value: object) -> bool:
    """Is it a Condition, a Queue, a Future ...?"""
    module = of_type(value, "__module__")
    return any(module == library or module.startswith(f"{library}.") for library in LIBRARIES)


def parts_of(value: object) -> Iterator[tuple[str, Any]]:
    """What is in an object, found without running any code of the program."""
    kind = type(value)
    if kind is dict:
        for key, part in value.items():  # type: ignore[attr-defined]
            if type(key) in (str, int):
                yield f"[{key!r}]", part
    elif kind in (list, tuple, deque):
        for index, part in enumerate(value):  # type: ignore[arg-type]
            yield f"[{index}]", part
    elif of_type(value, "__module__") != "builtins":
        for name, part in attributes_of(value):
            yield f".{name}", part


def attributes_of(value: object) -> Iterator[tuple[str, Any]]:
    """Its own attributes, in __dict__ and in slots."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = None
    if type(own) is dict:
        yield from ((name, part) for name, part in own.items() if type(name) is str)
    for kind in type.__getattribute__(type(value), "__mro__"):
        names = type.__getattribute__(kind, "__dict__")
        for name, slot in names.items():
            if type(slot) is MemberDescriptorType:
                try:
                    yield name, slot.__get__(value, type(value))
                except AttributeError:
                    continue
