"""An object made once: looked at without the lock, made with it, published last."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading


class Made:
    def __init__(self) -> None:
        self.ready = True


class Owner:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: Made | None = None
        self.count = 0

    def get(self) -> Made:
        made = self.made
        if made is None:
            with self.lock:
                made = self.made
                if made is None:
                    made = Made()
                    self.count += 1
                    self.made = made
        return made


def setup() -> Owner:
    return Owner()


def use(owner: Owner) -> None:
    assert owner.get().ready


threads = [use, use, use]


def invariant(owner: Owner) -> bool:
    return owner.count == 1
