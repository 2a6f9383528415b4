"""Settings of every pytest suite: the long tests, and the same examples in each run."""
# SPDX-License-Identifier: Apache-2.0

import os

import hypothesis
import pytest

LONG = os.environ.get("FRONTRUN_LONG") == "1"

# A test run says the same twice; new examples are what --long is for. The machine may be slow.
hypothesis.settings.register_profile("short", deadline=None, derandomize=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("long" if LONG else "short")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what takes minutes, unless it was asked for."""
    if LONG:
        return
    skip = pytest.mark.skip(reason="takes minutes; scripts/test --long runs it")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)
