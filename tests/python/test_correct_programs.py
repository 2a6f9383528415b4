"""Correct programs: each exhausts or reaches the bound, and is never blamed."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import pytest
from correct_cases import PROGRAMS

from frontrun import _core
from frontrun.harness import load

EXECUTIONS_MAX = 1000  # docs/correct-programs.md has more


def test_there_are_enough() -> None:
    assert len(PROGRAMS) >= 20


@pytest.mark.parametrize("carrier", ["fiber", "thread"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_correct_program(
    program: Path, carrier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTRUN_CARRIER", carrier)
    with load(program).subject() as subject:
        explorer = _core.Explorer(subject)
        explorer.start_plan(strategy="dpor")
        verdict = explorer.run(EXECUTIONS_MAX)
        assert verdict in ("exhausted", "running"), explorer.failure
        executions = explorer.stats["executions"]
        assert executions > 1 or verdict == "exhausted"
        assert explorer.stats["redundant"] == 0
        assert explorer.distinct == executions
        explorer.start_plan(strategy="random", seed=1, executions_max=50)
        assert explorer.run() == "budget", explorer.failure


def test_the_table_has_every_program() -> None:
    page = Path(__file__).parents[2] / "docs" / "correct-programs.md"
    rows = [line.split(" | ") for line in page.read_text().splitlines() if line[:1] == "|"]
    assert {path.stem for path in PROGRAMS} <= {row[0].strip("| ") for row in rows}
    assert {row[2] for row in rows[2:]} <= {"exhausted", "bound"}
