"""libFuzzer in process: its flags, its tools and its exit codes work on schedules."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command import HARNESSES, frontrun_fuzz, only
from frontrun import _fuzz

pytestmark = pytest.mark.skipif(not _fuzz.HAS_LIBFUZZER, reason="built without libFuzzer")

BANK = HARNESSES / "bank_account.py"
LOCKED = HARNESSES / "bank_account_locked.py"
CRASHING = """\
import ctypes
class State:
    pass
def setup():
    state = State()
    state.first = state.read = False
    return state
def one(state):
    state.first = True
def other(state):
    if not state.first:
        ctypes.string_at(0)
threads = [one, other]
def invariant(state):
    return True
"""


def test_verbosity_brings_its_own_talk_back(tmp_path: Path) -> None:
    quiet = frontrun_fuzz(LOCKED, "-runs=4", cwd=tmp_path)
    loud = frontrun_fuzz(LOCKED, "-runs=4", "-verbosity=1", cwd=tmp_path)
    assert quiet.returncode == loud.returncode == 0
    assert "Done 4 runs" not in quiet.stderr
    assert "Done 4 runs" in loud.stderr
    assert "(65536 inline 8-bit counters)" in loud.stderr
    for result in (quiet, loud):
        assert "budget: 4 inputs ran and none failed" in result.stdout
        assert "exhausted:" not in result.stdout


def test_a_lone_double_dash_is_tolerated(tmp_path: Path) -> None:
    result = frontrun_fuzz(LOCKED, "--", "-seed=1337", "-runs=4", cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_a_corpus_is_kept_and_read_again(tmp_path: Path) -> None:
    first = frontrun_fuzz(LOCKED, "corpus", "-runs=200", "-seed=1", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    files = {path.name for path in (tmp_path / "corpus").iterdir()}
    assert files
    second = frontrun_fuzz(LOCKED, "corpus", "-runs=0", cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert f"budget: {len(files) + 1} inputs ran" in second.stdout  # and the empty one
    assert {path.name for path in (tmp_path / "corpus").iterdir()} == files


def test_the_input_of_a_failure_fails_again_as_a_file(tmp_path: Path) -> None:
    result = frontrun_fuzz(BANK, "-artifact_prefix=./found-", "-error_exitcode=42", cwd=tmp_path)
    assert result.returncode == 42, result.stderr
    artifact = only(list(tmp_path.glob("found-crash-*")))
    only(list(tmp_path.glob("found-bank_account-*.schedule.json")))
    again = frontrun_fuzz(BANK, artifact, cwd=tmp_path)
    assert again.returncode == 77, again.stderr
    assert "lost update: " in again.stdout


def test_merge_keeps_the_features(tmp_path: Path) -> None:
    assert frontrun_fuzz(LOCKED, "full", "-runs=200", "-seed=2", cwd=tmp_path).returncode == 0
    (tmp_path / "small").mkdir()
    result = frontrun_fuzz(LOCKED, "small", "full", "-merge=1", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    sizes = [len(list((tmp_path / name).iterdir())) for name in ("small", "full")]
    assert 0 < sizes[0] <= sizes[1]


def test_fork_finds_the_failure_in_a_child(tmp_path: Path) -> None:
    shutil.copy(BANK, tmp_path / "my bank.py")  # the child is started by a shell
    result = frontrun_fuzz("my bank.py", "corpus", "-fork=1", "-max_total_time=20", cwd=tmp_path)
    assert result.returncode == 77, result.stderr
    assert "lost update: " in result.stderr
    only(list(tmp_path.glob("crash-*")))


def test_minimize_crash_makes_the_input_smaller(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes([10, 0, 0, 0, 0, 0, 1, 2, 3, 0]))
    result = frontrun_fuzz(
        BANK, "-minimize_crash=1", "-runs=50", "-max_total_time=20", "big", cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert "DEDUP_TOKEN: invariant-" in result.stderr
    assert min(path.stat().st_size for path in tmp_path.glob("minimized-from-*")) <= 1


def test_a_crash_of_the_interpreter_saves_the_input(tmp_path: Path) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING, encoding="utf-8")
    result = frontrun_fuzz("crashing.py", cwd=tmp_path)
    assert result.returncode == 77, result.stderr
    assert "while executing the schedule " in result.stderr
    only(list(tmp_path.glob("crash-*")))


def test_paths_with_spaces_are_refused_where_a_shell_reads_them(tmp_path: Path) -> None:
    result = frontrun_fuzz(LOCKED, "my corpus", "-fork=1", cwd=tmp_path)
    assert result.returncode == 2
    assert "cannot take a path with a space" in result.stderr
