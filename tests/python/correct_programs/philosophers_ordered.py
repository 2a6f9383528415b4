"""Three philosophers who take the fork with the lower number first."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from collections.abc import Callable


def setup() -> list[threading.Lock]:
    return [threading.Lock() for _ in range(3)]


def eats(seat: int) -> Callable[[list[threading.Lock]], None]:
    def eat(forks: list[threading.Lock]) -> None:
        low, high = sorted((seat, (seat + 1) % 3))
        with forks[low], forks[high]:
            pass

    return eat


threads = [eats(0), eats(1), eats(2)]


def invariant(forks: list[threading.Lock]) -> bool:
    return not any(fork.locked() for fork in forks)
