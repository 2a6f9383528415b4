"""What a case of the table of accesses is made of (access_cases.py)."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    name: str
    init: str
    one: str
    two: str
    check: str
    names: str = ""


def twice(name: str, init: str, update: str, check: str, names: str = "") -> Case:
    """Two threads do the same, which is not atomic."""
    return Case(name, init, update, update, check, names)


def reads(name: str, init: str, read: str, write: str, names: str = "") -> Case:
    """One thread reads twice what the other writes: it may not see two values."""
    return Case(name, init, f"s.x = {read}\ns.y = {read}", write, "s.x == s.y", names)


BOX = """
class Box:
    shared = 0
    def __init__(self, value=0):
        self.value = value
"""
