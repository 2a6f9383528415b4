"""Coverage tools, debuggers, profilers and other monitors at work during an exploration."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import frontrun_fuzz, install

CASES = Path(__file__).with_name("coexistence.py")
HAS_MONITORING = sys.version_info >= (3, 12)
COVERAGE = "coverage==7.6.10"


def run_case(name: str, **variables: str) -> Any:
    process = subprocess.run(
        [sys.executable, str(CASES), name],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **variables},
    )
    assert process.returncode == 0, process.stderr[-4000:]
    return json.loads(process.stdout)


@pytest.fixture(scope="module")
def alone() -> Any:
    """All traces of the program, without another tool."""
    traces = run_case("alone")
    assert [verdict for verdict, _ in traces] == ["invariant"] * 2 + ["pass"] * 2
    return traces


@pytest.mark.parametrize("name", ["settrace", "setprofile", "threading_settrace", "bdb"])
def test_tools_of_the_main_thread_work(name: str, alone: Any) -> None:
    assert run_case(name) == alone


def test_a_trace_function_in_a_thread_under_test() -> None:
    """Since 3.12 each tool has a slot of its own; before, there is one sentence."""
    answer = run_case("own_settrace")
    if HAS_MONITORING:
        assert [verdict for verdict, _ in answer] == ["invariant"] * 2 + ["pass"] * 2
    else:
        assert len(answer) == 1
        assert "replaced the trace function of its thread" in answer[0]


@pytest.mark.skipif(not HAS_MONITORING, reason="sys.monitoring is of 3.12")
def test_another_monitoring_tool(alone: Any) -> None:
    assert run_case("monitoring") == alone
    for name in ("monitoring_comes_later", "monitoring_disables"):
        answer = run_case(name)
        assert [verdict for verdict, _ in answer] == ["invariant"] * 2 + ["pass"] * 2, name


@pytest.fixture(scope="session")
def coverage(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A directory with coverage.py in it, from the package index."""
    return install(COVERAGE, tmp_path_factory.mktemp("coverage") / "site-packages")


# sys.monitoring is a core that coverage.py has since 3.12.
@pytest.mark.parametrize("core", ["ctrace", "pytrace", "sysmon"])
def test_coverage_measures_meanwhile(core: str, coverage: str, alone: Any) -> None:
    if core == "sysmon" and not HAS_MONITORING:
        pytest.skip("sys.monitoring is of 3.12")
    path = os.pathsep.join(filter(None, [coverage, os.environ.get("PYTHONPATH", "")]))
    assert run_case("coverage", PYTHONPATH=path, COVERAGE_CORE=core) == alone


HARNESS = """\
import sys

class State:
    value = 0

def setup():
    return State()

def trace(frame, event, argument):
    return trace

def run(state):
    sys.settrace(trace)
    state.value = state.value + 1
    state.value = state.value + 1

threads = [run, run]

def invariant(state):
    return True
"""


@pytest.mark.skipif(HAS_MONITORING, reason="3.12 has a slot for each tool")
def test_a_campaign_refuses_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text(HARNESS, encoding="utf-8")
    result = frontrun_fuzz("h.py", cwd=tmp_path)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert "replaced the trace function" in result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
