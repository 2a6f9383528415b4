"""Carriers: the same verdicts, traces and thread behaviour on OS threads and on fibers."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).with_name("carrier_cases.py")
CARRIERS = ("thread", "fiber")


def start_case(name: str, carrier: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CASES), name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FRONTRUN_CARRIER": carrier},
    )


def run_case(name: str, carrier: str, code: int = 0) -> Any:
    process = start_case(name, carrier)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    return json.loads(out)


@pytest.mark.parametrize(
    "name",
    [
        "lost_update",
        "random",
        "exceptions",
        "uncaught",
        "thread_local",
        "identity",
        "generators",
        "recursion",
        "collector",
        "endurance",
        "fork",
        "blocked",
    ],
)
def test_same_on_every_carrier(name: str) -> None:
    answers = {}
    for carrier in CARRIERS:
        used, answers[carrier] = run_case(name, carrier)
        assert used in (carrier, "thread")  # a machine without FSGSBASE has no fibers
    assert answers["thread"] == answers["fiber"]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_lost_update_has_its_traces(carrier: str) -> None:
    _, executions = run_case("lost_update", carrier)
    verdicts = [verdict for verdict, _ in executions]
    hashes = {trace_hash for _, trace_hash in executions}
    assert len(hashes) == len(executions)
    assert verdicts.count("pass") == 6  # the orders of three whole increments
    assert set(verdicts) == {"pass", "invariant"}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_thread_local_and_exceptions_are_each_threads_own(carrier: str) -> None:
    for name in ("thread_local", "exceptions"):
        _, executions = run_case(name, carrier)
        assert {verdict for verdict, _ in executions} == {"pass"}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_blocked_thread_is_a_verdict(carrier: str) -> None:
    _, (verdicts, _) = run_case("blocked", carrier)
    assert verdicts == ["blocked"]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_exit_with_a_blocked_thread_keeps_its_code(carrier: str) -> None:
    assert run_case("exit", carrier, code=3) == "blocked"


def test_unknown_carrier_is_refused() -> None:
    process = start_case("lost_update", "hamster")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "FRONTRUN_CARRIER must be thread or fiber" in err.splitlines()[-1]
