"""What an execution is judged by besides its own invariant."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Protocol

ORDERS_OF = 7  # workers, at most: 5,040 orders
SHOWN_MAX = 70  # characters of an outcome


class Oracle(Protocol):
    """Judges the state at the end of an execution; complaint says what it found, or ""."""

    complaint: str
    argument: str  # of explore, which asks for it

    def holds(self, state: Any) -> bool:
        """Is this a state that may be?"""


class Serializable:
    """The outcome is that of some order in which the workers run one after the other."""

    argument = "serializable_invariant=..."

    def __init__(self, key: Callable[[Any], Any], outcomes: Sequence[Any]) -> None:
        self.key = key
        self.outcomes = outcomes
        self.complaint = ""

    def holds(self, state: Any) -> bool:
        """Did some sequential order end so?"""
        outcome = self.key(state)
        if any(outcome == known for known in self.outcomes):
            self.complaint = ""
            return True
        known = " or ".join(shown(outcome) for outcome in self.outcomes[:3])
        more = " ..." if len(self.outcomes) > 3 else ""
        self.complaint = (
            f"not serializable: the outcome is {shown(outcome)}; one after the other, in any order,"
            f" it is {known}{more}"
        )
        return False


def key_of(serializable: bool | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What is compared: what the callable answers, or the whole state."""
    if serializable is True:
        return snapshot
    if callable(serializable):
        return serializable
    raise ValueError(
        f"serializable_invariant={serializable!r}: it is True, or a function of the state that"
        " answers what is compared"
    )


def orders_of(workers: int) -> list[tuple[int, ...]]:
    """Every order of the workers."""
    if workers > ORDERS_OF:
        raise ValueError(
            f"serializable_invariant compares with every order of the workers: {workers} are too"
            f" many, {ORDERS_OF} are possible; write an invariant instead"
        )
    return list(itertools.permutations(range(workers)))


def shown(value: Any) -> str:
    """A value, cut to what fits."""
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 3] + "..."


# ----------------------------------------------------------------------------- whole states


def snapshot(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """A copy that compares by content.

    Plain data is itself; containers by their elements; objects by their class and attributes. What
    has none is itself if its class says when two are equal (a date), else its class (a lock).
    """
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, bytearray)):
        return value if not isinstance(value, bytearray) else bytes(value)
    if id(value) in seen:
        return ("seen", seen.index(id(value)))
    below = (*seen, id(value))
    if isinstance(value, Mapping):
        return ("map", [(snapshot(k, below), snapshot(v, below)) for k, v in ordered(value)])
    if isinstance(value, (set, frozenset, Set)):
        return ("set", sorted((snapshot(item, below) for item in value), key=repr))
    if isinstance(value, Sequence) or type(value).__name__ == "deque":
        return (type(value).__name__, [snapshot(item, below) for item in value])
    parts = attributes_of(value)
    kind: Any = type(value)
    if parts is None and kind.__eq__ is not object.__eq__:
        return value
    if parts is None:
        return ("object", type(value).__qualname__)
    return (type(value).__qualname__, [(name, snapshot(part, below)) for name, part in parts])


def ordered(mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """Equal mappings in the same order."""
    return sorted(mapping.items(), key=lambda item: (type(item[0]).__name__, repr(item[0])))


def attributes_of(value: Any) -> list[tuple[str, Any]] | None:
    """The attributes of an object by name, those in slots included; None if it has none."""
    names = {
        name
        for cls in type(value).__mro__
        for name in slots_of(cls)
        if not name.startswith("__") and hasattr(value, name)
    }
    own = getattr(value, "__dict__", None)
    if own is None and not names:
        return None
    parts = {name: getattr(value, name) for name in names}
    parts.update(own or {})
    return sorted(parts.items())


def slots_of(cls: type) -> Sequence[str]:
    """The names in __slots__ of one class."""
    slots = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
