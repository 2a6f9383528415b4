"""The pytest plugin. Locks need no patching here: its options are those of the original."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """--frontrun-patch-locks and its opposite are understood, and change nothing.

    Locks are controlled on their types while an exploration runs, whenever they were made.
    """
    group = parser.getgroup("frontrun")
    group.addoption(
        "--frontrun-patch-locks",
        action="store_true",
        default=False,
        help="accepted for tests of the original frontrun; locks are always under control",
    )
    group.addoption(
        "--no-frontrun-patch-locks",
        action="store_true",
        default=False,
        help="accepted for tests of the original frontrun; no module is ever patched",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker of the original's own tests is known."""
    config.addinivalue_line("markers", "frontrun: a test of thread interleavings")
