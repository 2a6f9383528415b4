"""CPython's own tests have the same outcomes under full observation as without it.

Every instruction of the tests, of unittest and of the library they use is observed, in one logical
thread per test: stdlib_suite.py.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SUITE = Path(__file__).with_name("stdlib_suite.py")
QUICK = ("test_with", "test_bisect", "test_textwrap")
LONG = (
    *("test_bool", "test_class", "test_collections", "test_configparser", "test_contextlib"),
    *("test_copy", "test_dataclasses", "test_defaultdict", "test_deque", "test_descr"),
    *("test_dict", "test_dictviews", "test_enum", "test_exceptions", "test_fstring"),
    *("test_functools", "test_generators", "test_heapq", "test_itertools", "test_json"),
    *("test_list", "test_operator", "test_ordered_dict", "test_patma", "test_property"),
    *("test_scope", "test_set", "test_slice", "test_string", "test_super", "test_tuple"),
    *("test_types", "test_unpack", "test_userdict", "test_weakref"),
)

# What observation says it cannot do, and a test that sends itself SIGINT, which ends a search.
REFUSALS = (
    "replaced the trace function of its thread",
    "starts another process",
    "KeyboardInterrupt",
)
# By name, so that no other test joins them unnoticed:
# * more objects in one instruction than an event holds: iterators and partial objects that hold
#   themselves, or each other a thousand deep;
# * threads that wait for each other in C: begun once more on OS threads, they differ;
# * a class whose dict has a key with an __eq__ that changes the bases of the class: observation
#   looks the attribute up before the interpreter does.
NAMED = {
    **dict.fromkeys(("test_tee", "test_recursive_pickle", "test_recursive_repr"), "more objects"),
    "test_lru_cache_threaded": "DivergedError",
    "test_type_lookup_mro_reference": "from Base2",
}
# These tests count the objects that the collector knows of, ours among them.
COUNTS = {"test_slots"}


class Run(NamedTuple):
    """One module, run in one of the two ways."""

    outcomes: dict[str, str]
    details: dict[str, str]
    events: int


def run(how: str, module: str, tmp_path: Path) -> Run:
    """In a process of its own, whose strings have the same hashes each time."""
    done = subprocess.run(
        [sys.executable, str(SUITE), how, module],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=1200,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return Run(**answer)


def is_explained(test: str, outcome: str, detail: str) -> bool:
    """May the outcome under observation be another one?"""
    name = test.rpartition(".")[2]
    if name in NAMED and NAMED[name] in detail:
        return True
    if outcome == "refused":
        return any(refusal in detail for refusal in REFUSALS)
    if outcome == "failed":
        return name in COUNTS
    # A test with threads of its own runs under a random schedule, which test_threads.py is about.
    return outcome in ("cut off", "started threads")


@pytest.mark.parametrize(
    "module", [*QUICK, *(pytest.param(module, marks=pytest.mark.long) for module in LONG)]
)
def test_same_outcomes(module: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(f"test.{module}") is None:
        pytest.skip(f"this interpreter came without its own test.{module}")
    bare, observed = run("bare", module, tmp_path), run("observed", module, tmp_path)
    assert bare.outcomes
    assert observed.events > 10 * len(bare.outcomes)  # it was observed
    assert observed.outcomes.keys() == bare.outcomes.keys()
    different = {
        test: (outcome, observed.outcomes[test], observed.details[test][-1000:])
        for test, outcome in bare.outcomes.items()
        if observed.outcomes[test] != outcome
        and not is_explained(test, observed.outcomes[test], observed.details[test])
    }
    assert different == {}
    same = sum(observed.outcomes[test] == outcome for test, outcome in bare.outcomes.items())
    assert same > len(bare.outcomes) * 0.85  # the explanations are exceptions
