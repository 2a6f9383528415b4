"""frontrun-fuzz: a fuzzer for thread interleavings of Python code."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frontrun._core import FrontrunError as FrontrunError
    from frontrun.common import InterleavingResult as InterleavingResult
    from frontrun.exploration import explore as explore
    from frontrun.exploration import explore_random as explore_random
    from frontrun.exploration import replay_schedule as replay_schedule

__version__ = "0.1.0"

# Where each name lives. They are imported when they are asked for: "import frontrun" alone stays
# cheap, and the C core is loaded only by those who explore.
HOMES = {
    "FrontrunError": "frontrun._core",
    "InterleavingResult": "frontrun.common",
    "explore": "frontrun.exploration",
    "explore_random": "frontrun.exploration",
    "replay_schedule": "frontrun.exploration",
}

__all__ = ["__version__", *HOMES]


def __getattr__(name: str) -> Any:
    """A public name, from its module."""
    if name not in HOMES:
        raise AttributeError(f"module 'frontrun' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
