"""A tree under an RLock: methods that lock call methods that lock."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Node:
    def __init__(self, lock: threading._RLock) -> None:
        self.lock = lock
        self.children: list[Node] = []

    def add(self) -> Node:
        with self.lock:
            child = Node(self.lock)
            self.children.append(child)
            return child

    def size(self) -> int:
        with self.lock:
            return 1 + sum(child.size() for child in self.children)

    def grow(self) -> None:
        with self.lock:
            before = self.size()
            self.add()
            assert self.size() == before + 1


def setup() -> Node:
    return Node(threading.RLock())


threads = [lambda root: root.grow(), lambda root: root.grow()]


def invariant(root: Node) -> bool:
    return root.size() == 3
