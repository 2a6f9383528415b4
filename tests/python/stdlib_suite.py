"""One module of CPython's own tests, bare or under full observation: stdlib_suite.py HOW MODULE.

HOW is "bare" or "observed". Each test is an execution with one logical thread, all code traced:
the test, unittest and the whole standard library. Prints {test: outcome} as JSON. Not meant for
people: test_stdlib_under_observation.py compares the two.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import sys
import tempfile
import unittest
from collections.abc import Iterator
from types import ModuleType

from frontrun import _core

# A test that makes more is cut off; what came of it is "cut off".
EVENTS_MAX = 2_000_000
SEED = 20_260


class Outcomes(unittest.TestResult):
    """What came of each test, by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: dict[str, str] = {}
        self.details: dict[str, str] = {}

    def note(self, test: unittest.TestCase, outcome: str, detail: str = "") -> None:
        self.outcomes[test.id()] = outcome
        self.details[test.id()] = detail

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.outcomes.setdefault(test.id(), "passed")  # not after a subtest that failed

    def addError(self, test: unittest.TestCase, err: object) -> None:
        super().addError(test, err)  # type: ignore[arg-type]
        self.note(test, "error", self.errors[-1][1])

    def addFailure(self, test: unittest.TestCase, err: object) -> None:
        super().addFailure(test, err)  # type: ignore[arg-type]
        self.note(test, "failed", self.failures[-1][1])

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: object) -> None:
        super().addSubTest(test, subtest, err)  # type: ignore[arg-type]
        if err is not None:
            self.note(test, "failed", f"{subtest}: {(self.failures or self.errors)[-1][1]}")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.note(test, "skipped")

    def addExpectedFailure(self, test: unittest.TestCase, err: object) -> None:
        self.note(test, "expected failure")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self.note(test, "unexpected success")


def tests_in(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from tests_in(part)
        elif type(part).__name__ != "DocTestCase":  # prints its own times and addresses
            yield part


def run_one(test: unittest.TestCase, outcomes: Outcomes) -> None:
    """One test with the fixtures of its class and module."""
    random.seed(SEED)
    unittest.TestSuite([test]).run(outcomes)


def is_traced(filename: str, own: str = __file__) -> bool:
    """All but frontrun and this file."""
    return not filename.endswith(f"frontrun{os.sep}__init__.py") and filename != own


def watch_special_methods() -> None:
    """The tests replace special methods that no search foresees: refused once."""

    class Sized:
        pass

    def thread(state: object) -> None:
        exec("Sized.__len__ = lambda self: 0", {"Sized": Sized})

    subject = _core.Subject(object, [thread], lambda state: None, traced=is_traced)
    explorer = _core.Explorer(subject)
    explorer.start()
    with contextlib.suppress(_core.FrontrunError):
        explorer.step()
    subject.close()


def run_observed(tests: list[unittest.TestCase], outcomes: Outcomes) -> int:
    """Each test as an execution; answers how many events were announced."""
    chosen: list[unittest.TestCase] = []

    def thread(state: object) -> None:
        run_one(chosen[0], outcomes)

    events = 0
    watch_special_methods()
    subject = _core.Subject(
        object, [thread], lambda state: None, traced=is_traced, watchdog=20.0, clock="real"
    )
    explorer = _core.Explorer(subject, events_max=EVENTS_MAX)
    for chosen[:] in zip(tests):
        explorer.start_plan(strategy="random", seed=1, executions_max=1)
        try:
            verdict = explorer.step()
        except (_core.FrontrunError, KeyboardInterrupt) as error:  # it may send itself SIGINT
            outcomes.note(chosen[0], "refused", repr(error))
            continue
        events += explorer.stats["events"]
        if any(thread != 0 for thread, _ in explorer.blocks):
            outcomes.note(chosen[0], "started threads")
        elif verdict == "step-limit":
            outcomes.note(chosen[0], "cut off")
        elif verdict != "pass":
            outcomes.note(chosen[0], f"verdict {verdict}", repr(explorer.failure))
    subject.close()
    return events


def main() -> None:
    how, name = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what tests print
    os.chdir(tempfile.mkdtemp(prefix="frontrun-stdlib-"))
    module: ModuleType = importlib.import_module(f"test.{name}")
    tests = list(tests_in(unittest.defaultTestLoader.loadTestsFromModule(module)))
    outcomes = Outcomes()
    events = 0
    if how == "bare":
        for test in tests:
            run_one(test, outcomes)
    else:
        events = run_observed(tests, outcomes)
    json.dump({"outcomes": outcomes.outcomes, "details": outcomes.details, "events": events}, out)
    out.close()


if __name__ == "__main__":
    main()
