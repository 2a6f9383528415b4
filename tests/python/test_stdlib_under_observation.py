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
    "KeyboardInterrupt",
)
# These tests want to see an object die at once. What was observed lives on until the execution ends
# (docs/limits.md), and nothing else is different.
LIVES_ON = set(
    """
    testCellLeak testExceptionCleanupState testLeaks test_all_freed test_basic_callback
    test_callback_attribute test_callback_attribute_after_deletion
    test_callback_in_cycle_resurrection test_callback_when_method_dead
    test_callback_when_object_dead test_callbacks_on_callback test_close_releases_frame_locals
    test_container_iterator test_copy_weakkeydict test_copy_weakvaluedict test_cycle
    test_cycle_through_dict test_dead_proxy_operand_does_not_leak test_deepcopy_weakkeydict
    test_deepcopy_weakvaluedict test_equality test_finalize test_frame_resurrect
    test_free_after_iterating test_generator_close_cleanup_exc_state
    test_generator_del_cleanup_exc_state test_generator_next_cleanup_exc_state
    test_generator_resurrect test_generator_send_cleanup_exc_state
    test_generator_throw_cleanup_exc_state test_getweakrefs test_hashing
    test_highly_nested_subclass test_islice test_lru_cache_weakrefable test_memory_error_cleanup
    test_method_dead test_method_no_reference_loops test_methodcaller_cyclic_gc
    test_missing_exceptions_reset test_multiple_callbacks test_no_cycles test_nokeepref
    test_object_dead test_order test_original_class_is_gced test_proxy_ref test_proxy_repr
    test_recursion_error_cleanup test_refcycle test_reference_loop test_remove_subclass
    test_slots test_subclass_refs test_subtype_resurrection test_tee test_tee_recipe
    test_weak_keyed_cascading_deletes test_weak_keyed_len_cycles test_weak_keyed_union_operators
    test_weak_keys test_weak_keys_destroy_while_iterating test_weak_valued_len_cycles
    test_weak_valued_union_operators test_weak_values test_weak_values_destroy_while_iterating
    test_weakref test_weakrefs
    """.split()
)


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
    if outcome == "refused":
        return any(refusal in detail for refusal in REFUSALS)
    if outcome == "failed":
        return test.rpartition(".")[2] in LIVES_ON
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
    # The explanations are exceptions; most tests of test_weakref are about objects that die.
    assert same > len(bare.outcomes) * (0.6 if module == "test_weakref" else 0.85)
