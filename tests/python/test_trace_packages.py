"""Which code is observed: patterns of a harness, of the command line and of the library."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import collections
import os
import queue
import sysconfig
from pathlib import Path

import pytest
from command import frontrun_fuzz, install, only
from frontrun.options import Options
from frontrun.traced import check_patterns, traced_files

STDLIB = Path(sysconfig.get_path("stdlib"))
# The last release whose cachetools runs on every Python that we support.
CACHETOOLS = "cachetools==5.5.0"

CALENDAR = """\
import calendar

def setup():
    return object()

def begin_with_monday(_):
    calendar.setfirstweekday(0)

threads = [begin_with_monday, begin_with_monday]
def invariant(_):
    return True
"""

CACHE = """\
import threading
import cachetools

SHARED_LOCK = {lock}

class State:
    def __init__(self):
        self.cache = cachetools.LRUCache(maxsize=1)
        self.cache[0] = 0
        if SHARED_LOCK:
            self.lock = threading.Lock()

def setup():
    return State()

def store(key):
    def run(state):
        if SHARED_LOCK:
            with state.lock:
                state.cache[key] = key
        else:
            state.cache[key] = key
    return run

threads = [store(1), store(2)]

def invariant(state):
    return state.cache.currsize == len(state.cache) == 1
"""


def is_traced(path: Path, *packages: str, own: Path | None = None) -> bool:
    return traced_files(own, packages)(str(path))


def test_modules_of_the_standard_library_by_name() -> None:
    assert not is_traced(Path(queue.__file__))
    assert is_traced(Path(queue.__file__), "queue")
    assert is_traced(Path(collections.__file__), "collections")
    assert not is_traced(STDLIB / "collections" / "abc.py", "collections")
    assert is_traced(STDLIB / "collections" / "abc.py", "collections.*")
    assert not is_traced(Path(queue.__file__), "collections.*")


def test_what_is_left_out_wins() -> None:
    abc = STDLIB / "collections" / "abc.py"
    assert not is_traced(abc, "collections.*", "!collections.abc")
    assert not is_traced(abc, "!collections.abc", "collections.*")
    assert is_traced(STDLIB / "collections" / "__init__.py", "collections.*", "!collections.abc")


def test_the_users_own_modules_can_be_left_out(tmp_path: Path) -> None:
    mine = tmp_path / "generated.py"
    assert is_traced(mine, own=tmp_path)
    assert not is_traced(mine, "!generated", own=tmp_path)
    assert not is_traced(mine, "!gen*", own=tmp_path)


def test_a_relative_name_is_meant_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for directory, wanted in [(STDLIB, False), (tmp_path, True), (STDLIB, False)]:
        monkeypatch.chdir(directory)
        assert traced_files(None)("queue.py") == wanted


def test_frozen_modules_by_name() -> None:
    assert not traced_files(None)("<frozen os>")
    assert traced_files(None, ["os"])("<frozen os>")
    assert not traced_files(None, ["*", "!os"])("<frozen os>")
    assert not traced_files(None, ["*"])("<frozen importlib._bootstrap>")
    assert traced_files(None)("<string>")


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        ("queue", "is a list of patterns"),
        ([""], "a pattern is a module's name"),
        (["a b"], "a pattern is a module's name"),
        ([3], "a pattern is a module's name"),
        (["cachetoolz.*"], "there is no module cachetoolz to observe"),
    ],
)
def test_patterns_that_mean_nothing_are_refused(patterns: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_patterns(patterns)
    with pytest.raises(ValueError, match=said):
        Options(trace_packages=patterns)  # type: ignore[arg-type]


def traces_of(tmp_path: Path, source: str, *flags: str, **variables: str) -> int:
    """How many traces a harness that does not fail has."""
    (tmp_path / "h.py").write_text(source, encoding="utf-8")
    result = frontrun_fuzz("h.py", *flags, cwd=tmp_path, **variables)
    assert result.returncode == 0, (result.stdout, result.stderr)
    if "the only trace" in result.stdout:
        return 1
    return int(result.stdout.split("exhausted: all ")[1].split()[0])


def test_a_harness_names_packages(tmp_path: Path) -> None:
    assert traces_of(tmp_path, CALENDAR + 'trace_packages = ["calendar"]\n') > 1
    assert traces_of(tmp_path, CALENDAR + 'trace_packages = ["calendar", "!calendar"]\n') == 1


def test_the_command_line_names_packages(tmp_path: Path) -> None:
    assert traces_of(tmp_path, CALENDAR, "--trace-packages=calendar") > 1
    assert traces_of(tmp_path, CALENDAR, "--trace-packages=collections.*,calendar") > 1
    own = CALENDAR + 'trace_packages = ["calendar"]\n'
    assert traces_of(tmp_path, own, "--trace-packages=!calendar") == 1


@pytest.mark.parametrize(
    ("line", "flag", "said"),
    [
        ("trace_packages = 'queue'", "", "h.py: trace_packages is a list of patterns"),
        ("trace_packages = ['queu']", "", "h.py: trace_packages has 'queu', but there is no"),
        ("", "--trace-packages=queu", "--trace-packages has 'queu', but there is no module queu"),
        ("carrier = 'hamster'", "", "h.py: carrier is 'hamster'; make it one of 'fiber', 'thread'"),
        ("", "--carrier=hamster", "--carrier takes one of fiber, thread"),
    ],
)
def test_bad_options_have_a_sentence(line: str, flag: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text(f"{CALENDAR}{line}\n", encoding="utf-8")
    result = frontrun_fuzz("h.py", *filter(None, [flag]), cwd=tmp_path)
    assert result.returncode == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


CARRIER = """\
from frontrun import _core

def setup():
    return []
threads = [lambda state: None]
def invariant(state):
    print("runs on", _core.carrier_name())
"""


@pytest.mark.parametrize("carrier", ["thread", "fiber"])
def test_a_harness_and_the_command_line_choose_the_carrier(carrier: str, tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text(CARRIER + f"carrier = {carrier!r}\n", encoding="utf-8")
    other = "fiber" if carrier == "thread" else "thread"
    possible = (f"runs on {carrier}", "runs on thread")  # a machine without FSGSBASE has no fibers
    result = frontrun_fuzz("h.py", cwd=tmp_path, FRONTRUN_CARRIER=other)
    assert result.stdout.splitlines()[0] in possible, (result.stdout, result.stderr)
    (tmp_path / "h.py").write_text(CARRIER + f"carrier = {other!r}\n", encoding="utf-8")
    result = frontrun_fuzz("h.py", f"--carrier={carrier}", cwd=tmp_path)
    assert result.stdout.splitlines()[0] in possible, (result.stdout, result.stderr)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A directory with cachetools in it, from the package index."""
    return install(CACHETOOLS, tmp_path_factory.mktemp("packages") / "site-packages")


def test_a_race_in_an_installed_package_is_found(tmp_path: Path, packages: str) -> None:
    path = os.pathsep.join(filter(None, [packages, os.environ.get("PYTHONPATH", "")]))
    # Unobserved, the package's code is one step, and nothing can go wrong.
    racy = CACHE.format(lock=False)
    assert traces_of(tmp_path, racy, PYTHONPATH=path) <= 2
    result = frontrun_fuzz("h.py", "--trace-packages=cachetools.*", cwd=tmp_path, PYTHONPATH=path)
    assert result.returncode == 77, (result.stdout, result.stderr)
    assert "replay h.py" not in result.stdout
    again = next(line for line in result.stdout.splitlines() if line.startswith("replay "))
    assert "--trace-packages=cachetools.*" in again
    schedule = only(list(tmp_path.glob("*.schedule.json")))
    for flags, said in (
        (["--trace-packages=cachetools.*"], "still fails"),
        (["--trace-packages=cachetools.*", "--carrier=thread"], "still fails"),
    ):
        replayed = frontrun_fuzz("replay", schedule, *flags, cwd=tmp_path, PYTHONPATH=path)
        assert replayed.returncode == 1, (replayed.stdout, replayed.stderr)
        assert said in replayed.stdout


def test_the_same_package_under_a_lock_is_correct(tmp_path: Path, packages: str) -> None:
    path = os.pathsep.join(filter(None, [packages, os.environ.get("PYTHONPATH", "")]))
    locked = CACHE.format(lock=True) + 'trace_packages = ["cachetools.*"]\n'
    assert traces_of(tmp_path, locked, PYTHONPATH=path) == 2
