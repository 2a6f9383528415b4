"""Every primitive of primitive_cases.py: its race is found, its correct program never blamed."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import primitive_cases
from frontrun import _core


@pytest.fixture(params=["fiber", "thread"])
def carrier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("FRONTRUN_CARRIER", request.param)
    if _core.carrier_name() != request.param:
        pytest.skip("not on this machine")
    return str(request.param)


@pytest.mark.parametrize("name", primitive_cases.CASES)
def test_primitive(name: str, carrier: str) -> None:
    case = primitive_cases.CASES[name]()
    if sys.version_info < case.since:
        pytest.skip(f"new in {'.'.join(map(str, case.since))}")
    before = dict(threading._active)
    racy = primitive_cases.explore(case, case.racy)
    assert racy.verdict == case.fails, racy
    correct = primitive_cases.explore(case, case.correct)
    assert correct.verdict in ("exhausted", "running"), correct
    assert correct.executions > 1 or correct.verdict == "exhausted"
    assert threading._active == before


def test_both_carriers_and_every_process_execute_the_same() -> None:
    """The rows of the table without the times."""
    rows = set()
    for carrier, seed in (("fiber", "1"), ("thread", "2")):
        done = subprocess.run(
            [sys.executable, primitive_cases.__file__],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "FRONTRUN_CARRIER": carrier, "PYTHONHASHSEED": seed},
        )
        table = [line.split("\t") for line in done.stdout.splitlines()]
        rows.add(tuple((name, *cells[:2], *cells[3:5]) for name, *cells in table))
    assert len(rows) == 1
    assert len(rows.pop()) >= 32


def test_the_table_has_every_case() -> None:
    page = Path(__file__).parents[2] / "docs" / "primitives.md"
    assert set(primitive_cases.CASES) <= {
        line.split("|")[1].strip() for line in page.read_text().splitlines() if line[:1] == "|"
    }
