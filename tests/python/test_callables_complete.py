"""pyhook/callables.def has an entry for every method of the containers that C implements.

What has none is taken to write everything, which is sound but coarse: the entry WRITES says that
somebody looked. Special methods are left out; they are operators, which access.c deals with.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import array
import bisect
import collections
import heapq
import io
import itertools
import random
import re
import types
from pathlib import Path
from typing import Any

import pytest

DEFINITIONS = Path(__file__).parents[2] / "pyhook" / "callables.def"

OWNERS: list[tuple[str, str, Any]] = [
    ("builtins", "list", list),
    ("builtins", "dict", dict),
    ("builtins", "set", set),
    ("builtins", "frozenset", frozenset),
    ("builtins", "bytearray", bytearray),
    ("builtins", "memoryview", memoryview),
    ("collections", "deque", collections.deque),
    ("collections", "defaultdict", collections.defaultdict),
    ("collections", "OrderedDict", collections.OrderedDict),
    ("collections", "Counter", collections.Counter),
    ("collections", "ChainMap", collections.ChainMap),
    ("array", "array", array.array),
    ("io", "StringIO", io.StringIO),
    ("io", "BytesIO", io.BytesIO),
    ("random", "Random", random.Random),
    ("re", "Pattern", re.Pattern),
    ("re", "Match", re.Match),
    ("types", "MappingProxyType", types.MappingProxyType),
    ("heapq", "", heapq),
    ("bisect", "", bisect),
    ("itertools", "", itertools),
]


def entries() -> dict[tuple[str, str, str], str]:
    pattern = re.compile(r'^CALLABLE\("([^"]*)", "([^"]*)", "([^"]*)", (\w+)\)$', re.M)
    found = pattern.findall(DEFINITIONS.read_text(encoding="utf-8"))
    assert len(found) == len({entry[:3] for entry in found}), "an entry is there twice"
    return {(module, owner, name): effect for module, owner, name, effect in found}


def is_ours(value: Any) -> bool:
    """Is it implemented in C? (Python code is observed, or unknown as a whole.)"""
    return callable(value) and not isinstance(value, types.FunctionType | types.MethodType)


def missing(module: str, owner: str, holder: Any) -> list[str]:
    known = entries()
    names = [name for name in dir(holder) if not name.startswith("_")]
    inherited = {
        name
        for base in getattr(holder, "__mro__", ())[1:-1]
        for name in vars(base)
        if name not in vars(holder)
    }
    return [
        name
        for name in names
        if name not in inherited
        and is_ours(getattr(holder, name))
        and (module, owner, name) not in known
    ]


@pytest.mark.parametrize(
    ("module", "owner", "holder"), OWNERS, ids=[f"{m}.{o}" for m, o, _ in OWNERS]
)
def test_every_method_has_an_entry(module: str, owner: str, holder: Any) -> None:
    assert missing(module, owner, holder) == []


def test_every_entry_is_of_a_known_effect() -> None:
    assert len(entries()) > 200
