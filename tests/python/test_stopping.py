"""Ctrl-C, TERM and KILL in the middle: no process and no half file is left behind."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import SECONDS_MAX, frontrun_fuzz

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)

# Far too many interleavings to come to an end.
HARNESS = """\
class State:
    x = 0

def setup():
    return State()

def run(state):
    for _ in range(10):
        state.x = state.x + 1

threads = [run] * 3

def invariant(state):
    return state.x > 0
"""

LIBRARY = """\
import threading
from frontrun.dpor import explore_dpor
from large import invariant, setup, threads

executions = 0

def judge(state):
    global executions
    executions += 1
    if executions == 500:
        print("at work", flush=True)
    return invariant(state)

explore_dpor(setup, threads, judge, preemption_bound=None)
"""

# A thread that makes no visible operation, or one that blocks where only a signal helps.
SILENT = """\
import os, time
from frontrun import explore

def spin(state):
    print("at work", flush=True)
    n = 0
    while True:
        n += 1

def block(state):
    print("at work", flush=True)
    os.read(os.pipe()[0], 1)

explore(list, [WORK, len], lambda state: True, timeout_per_run=80000.0, deadlock_timeout=80000.0)
"""


def start(
    arguments: list[str], cwd: Path, **variables: str
) -> subprocess.Popen[str]:
    """In a session of its own, by which all its processes can be found."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONHASHSEED": "0", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[str], word: str, number: signal.Signals) -> str:
    """Sends the signal once the word was said; answers the rest of what it says."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if word in line:
            break
    else:
        raise AssertionError("".join(seen))
    process.send_signal(number)
    rest, _ = process.communicate(timeout=SECONDS_MAX)
    assert processes_of_session(process.pid) == []
    return rest


def processes_of_session(session: int) -> list[int]:
    """All processes that are still there."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, IndexError):
            continue
        if entry.name.isdigit() and int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("carrier", ["thread", "fiber"])
def test_a_campaign(number: signal.Signals, carrier: str, tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(HARNESS, encoding="utf-8")
    command = ["-m", "frontrun.fuzz_cli", "large.py", "corpus"]
    process = start([*command, "--engine=builtin", f"--carrier={carrier}"], tmp_path)
    stop(process, "distinct traces", number)
    wanted = 130 if number is signal.SIGINT else -number
    assert process.returncode == wanted
    assert {path.name for path in tmp_path.iterdir()} <= {"large.py", "corpus", "__pycache__"}
    # Each input is whole, and the campaign can go on with them.
    inputs = [path for path in (tmp_path / "corpus").iterdir() if not path.name.startswith(".")]
    assert inputs
    go_on = frontrun_fuzz("large.py", "corpus", "--engine=builtin", "-runs=50", cwd=tmp_path)
    assert go_on.returncode == 0, go_on.stderr


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("carrier", ["thread", "fiber"])
def test_the_library(number: signal.Signals, carrier: str, tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(HARNESS, encoding="utf-8")
    (tmp_path / "script.py").write_text(LIBRARY, encoding="utf-8")
    process = start(["script.py"], tmp_path, FRONTRUN_CARRIER=carrier)
    rest = stop(process, "at work", number)
    assert process.returncode == -number
    assert ("KeyboardInterrupt" in rest) == (number is signal.SIGINT), rest
    assert rest.count("Traceback") <= 1
    assert {path.suffix for path in tmp_path.iterdir()} <= {".py", ""}


@pytest.mark.parametrize("work", ["spin", "block"])
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("carrier", ["thread", "fiber"])
def test_a_thread_that_passes_no_point(
    work: str, number: signal.Signals, carrier: str, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(SILENT.replace("WORK", work), encoding="utf-8")
    process = start(["script.py"], tmp_path, FRONTRUN_CARRIER=carrier)
    rest = stop(process, "at work", number)
    assert process.returncode == -number, rest


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_failure_that_is_being_written(number: signal.Signals, tmp_path: Path) -> None:
    """A schedule file is there whole or not at all, whenever the signal comes."""
    source = HARNESS.replace("return state.x > 0", "return state.x > 29")
    (tmp_path / "large.py").write_text(source, encoding="utf-8")
    process = start(["-m", "frontrun.fuzz_cli", "large.py"], tmp_path)
    stop(process, "distinct trace", number)
    for path in tmp_path.glob("*.schedule.json"):
        json.loads(path.read_text(encoding="utf-8"))


STUCK = """
import socket, sys
from frontrun import explore

made = []

def loop(state):
    n = 0
    print("at work", flush=True)
    while True:
        n += 1

def blocked(state):
    ends = socket.socketpair()
    print("at work", flush=True)
    ends[0].recv(1)

threads = [globals()[sys.argv[1]], lambda state: None]
try:
    explore(lambda: made.append(1), threads, timeout_per_run=600.0, deadlock_timeout=600.0)
except KeyboardInterrupt:
    print("stopped in execution", len(made), flush=True)
"""


@pytest.mark.parametrize("carrier", ["", "thread"])
@pytest.mark.parametrize("what", ["loop", "blocked"])
def test_a_thread_without_a_scheduling_point(what: str, carrier: str, tmp_path: Path) -> None:
    """Nor is one that is blocked tried a second time."""
    (tmp_path / "stuck.py").write_text(STUCK, encoding="utf-8")
    process = start(["stuck.py", what], tmp_path, FRONTRUN_CARRIER=carrier)
    rest = stop(process, "at work", signal.SIGINT)
    assert process.returncode == 0, rest
    assert rest == "stopped in execution 1\n"
