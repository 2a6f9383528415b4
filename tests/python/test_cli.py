"""The command line: every bad input has one sentence; replay and minimize take either form."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
from command import HARNESSES, SECONDS_MAX, frontrun_fuzz, only, start

BANK = HARNESSES / "bank_account.py"
LOCKED = HARNESSES / "bank_account_locked.py"
GOOD = """\
def setup():
    return [0]
threads = [lambda state: None]
def invariant(state):
    return True
"""


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """A directory with a copy of a failing harness, its schedule file and its raw input."""
    shutil.copy(BANK, tmp_path)
    result = frontrun_fuzz("bank_account.py", cwd=tmp_path)
    assert result.returncode == 77, result.stderr
    return tmp_path


def refused(*arguments: object, cwd: Path) -> str:
    """The one sentence for what cannot be done; nothing is left behind."""
    before = {path: path.read_bytes() for path in cwd.rglob("*") if path.is_file()}
    result = frontrun_fuzz(*arguments, cwd=cwd)
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert "Traceback" not in result.stdout + result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("frontrun-fuzz: ")
    assert result.stdout == ""
    assert {path: path.read_bytes() for path in cwd.rglob("*") if path.is_file()} == before
    return result.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "needs setup, threads and invariant"),
        (GOOD.replace("def setup", "def set_up"), "needs setup, which"),
        (GOOD.replace("def invariant", "def invariants"), "needs invariant, which"),
        (GOOD + "threads = None\n", "needs threads, which"),
        (GOOD + "setup = 3\n", "setup is an int, not a function"),
        (GOOD + "threads = 'abc'\n", "threads is a str, not a list"),
        (GOOD + "threads = {1: 2}\n", "threads is a dict, not a list"),
        (GOOD + "threads = []\n", "threads has 0 entries; give 1 to 16"),
        (GOOD + "threads = threads * 17\n", "threads has 17 entries; give 1 to 16"),
        (GOOD + "threads = [1]\n", "threads[0] is an int, not a function"),
        (GOOD + "threads = [lambda: None]\n", "threads[0] cannot be called that way"),
        (GOOD + "def setup(a): pass\n", "setup cannot be called that way"),
        (GOOD + "invariant = lambda: True\n", "invariant cannot be called that way"),
        (GOOD + "async def run(state): pass\nthreads = [run]\n", "is a coroutine or generator"),
        (GOOD + "def run(state): yield\nthreads = [run]\n", "is a coroutine or generator"),
        (GOOD + "def broken(:\n", "h.py:6: syntax error, invalid syntax: 'def broken(:'"),
        (GOOD + "x = '\n", "h.py:6: syntax error, unterminated string literal"),
        (GOOD + "1 / 0\n", "ZeroDivisionError: division by zero (h.py:6: 1 / 0)"),
        (GOOD + "import sys; sys.exit(3)\n", "raised while it was loaded: SystemExit: 3"),
        (GOOD + "import absent_module\n", "No module named 'absent_module' (h.py:6:"),
        (
            GOOD + "def setup():\n    raise ValueError('no state')\n",
            "setup() raised ValueError: no state (h.py:7: raise ValueError('no state'))",
        ),
        (GOOD + "def setup():\n    raise KeyError('two\\nlines')\n", "setup() raised KeyError"),
        ("\0", "null bytes"),
    ],
)
def test_a_bad_harness_is_refused(source: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text(source, encoding="utf-8")
    assert said in refused("h.py", cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.py"], "absent.py: there is no such file"),
        (["."], "is a directory"),
        (["h.py", "--fast"], "--fast: there is no such option"),
        (["h.py", "--engine=afl"], "--engine takes one of libfuzzer, builtin"),
        (["--engine=builtin"], "no harness was given"),
        (["h.py", "--engine=builtin", "-fork=2"], "-fork: the builtin engine does not know"),
        (["h.py", "--engine=builtin", "-runs=many"], "-runs=many: is not a whole number"),
        (["h.py", "h.py/corpus"], "h.py/corpus: the corpus cannot be written"),
        (["h.py", "corpus", "absent"], "absent: there is no such corpus directory"),
        (["h.py", "input", "."], "is a file among corpus directories"),
        (["h.py", "h.py"], "h.py: is a Python file, not an input"),
        (["h.py", "-runs=many"], "-runs=many: is not a whole number"),
        (["h.py", "-max_total_time="], "-max_total_time=: is not a whole number"),
        (["h.py", "--clock"], "--clock: needs a value"),
        (["h.py", "-artifact_prefix=absent/"], "there is no directory absent"),
        (["replay"], "replay takes one file"),
        (["replay", "h.py", "h.py"], "replay takes one file"),
        (["replay", "absent.schedule.json"], "there is no such file"),
        (["replay", "input"], "input: is a raw input, which does not say its harness"),
        (["replay", "h.py"], "h.py: is a Python file, not a schedule; write frontrun-fuzz h.py"),
        (["replay", "h.py", "--harness"], "--harness: needs a value"),
        (["replay", "h.py", "--verbose"], "--verbose: replay has no such option"),
        (["replay", "input", "--harness", "absent.py"], "absent.py: there is no such file"),
        (["minimize", "input", "--harness", "h.py"], "does not fail"),
    ],
)
def test_a_bad_command_line_is_refused(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "h.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "input").write_bytes(b"")
    if arguments[0] == "minimize":
        result = frontrun_fuzz(*arguments, cwd=tmp_path)
        assert result.returncode == 2
        assert said in result.stderr
    else:
        assert said in refused(*arguments, cwd=tmp_path)


def test_no_argument_and_help_show_the_usage(tmp_path: Path) -> None:
    assert frontrun_fuzz(cwd=tmp_path).returncode == 2
    for arguments in (["--help"], ["replay", "--help"]):
        result = frontrun_fuzz(*arguments, cwd=tmp_path)
        assert result.returncode == 0
        assert result.stdout.startswith("usage: frontrun-fuzz HARNESS.py")
    assert frontrun_fuzz("--version", cwd=tmp_path).stdout.startswith("frontrun-fuzz 0.")


# ----------------------------------------------------------------------------- schedule files


def test_replay_needs_no_more_than_the_file(found: Path) -> None:
    path = only(list(found.glob("*.schedule.json")))
    recorded = json.loads(path.read_text(encoding="utf-8"))
    for cwd in (found, found.parent):
        result = frontrun_fuzz("replay", path, cwd=cwd)
        assert result.returncode == 1, result.stderr
        assert f"trace {recorded['trace_hash']} (as recorded)" in result.stdout
        assert "lost update: " in result.stdout
        assert result.stderr == ""


def test_replay_says_when_it_is_mended(found: Path) -> None:
    path = only(list(found.glob("*.schedule.json")))
    harness = found / "bank_account.py"
    source = harness.read_text(encoding="utf-8")
    locked = source.replace(
        "        current = self.balance\n        self.balance = current + amount\n",
        "        with LOCK:\n            current = self.balance\n"
        "            self.balance = current + amount\n",
    )
    assert locked != source
    harness.write_text("import threading\nLOCK = threading.Lock()\n" + locked, encoding="utf-8")
    result = frontrun_fuzz("replay", path, cwd=found)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("no longer fails: ")


def test_replay_says_when_it_is_stale(found: Path) -> None:
    path = only(list(found.glob("*.schedule.json")))
    harness = found / "bank_account.py"
    source = harness.read_text(encoding="utf-8")
    harness.write_text(
        source.replace("self.balance = current + amount", "self.balance += amount"),
        encoding="utf-8",
    )
    # The same race in other words fails, too, but not along this schedule.
    said = refused("replay", path, cwd=found)
    assert "is stale: in step 1" in said
    assert "'self.balance = current + amount' was never about to be reached" in said


def test_a_schedule_survives_edits_elsewhere(found: Path) -> None:
    path = only(list(found.glob("*.schedule.json")))
    harness = found / "bank_account.py"
    source = harness.read_text(encoding="utf-8")
    harness.write_text("import math\n\n\n" + source + "\nPI = math.pi\n", encoding="utf-8")
    result = frontrun_fuzz("replay", path, cwd=found)
    assert result.returncode == 1, result.stderr
    assert "(as recorded)" in result.stdout


def test_a_bad_schedule_is_refused(found: Path) -> None:
    path = only(list(found.glob("*.schedule.json")))
    text = path.read_text(encoding="utf-8")
    bad = found / "bad.schedule.json"
    for content, said in (
        (text[: len(text) // 2], "damaged or cut short"),
        ("", "damaged or cut short"),
        (text.replace('"nth": 1', '"nth": "one"'), 'steps[0].until.nth" is not a whole number'),
        (text.replace('"version": 1', '"version": 9'), "has version 9"),
        (text.replace("bank_account.py", "absent.py"), "its harness absent.py is not there"),
        (text.replace('"thread-1"]', '"thread-1", "more"]'), "belongs to another harness"),
    ):
        bad.write_text(content, encoding="utf-8")
        assert said in refused("replay", bad, cwd=found)
        assert said in refused("minimize", bad, cwd=found)
    bad.write_bytes(b'{"format": "\xff\xfe"}')
    assert "is not UTF-8" in refused("replay", bad, cwd=found)


def test_a_schedule_of_another_harness_is_refused(found: Path) -> None:
    path = only(list(found.glob("*.schedule.json")))
    said = refused("replay", path, "--harness", LOCKED, cwd=found)
    assert "belongs to the harness bank_account.py, not to bank_account_locked.py" in said


def test_minimize_takes_either_form(found: Path) -> None:
    path = only(list(found.glob("*.schedule.json")))
    artifact = only(list(found.glob("crash-*")))
    whole = path.read_bytes()
    assert frontrun_fuzz("minimize", path, "-o", "again.json", cwd=found).returncode == 0
    again = found / "again.json"
    assert json.loads(again.read_bytes())["steps"] == json.loads(whole)["steps"]
    assert path.read_bytes() == whole
    path.unlink()
    result = frontrun_fuzz("minimize", artifact, "--harness", "bank_account.py", cwd=found)
    assert result.returncode == 0, result.stderr
    assert path.read_bytes() == whole
    assert frontrun_fuzz("replay", "again.json", cwd=found).returncode == 1


def test_a_schedule_that_is_not_minimised_can_be_later(tmp_path: Path) -> None:
    shutil.copy(BANK, tmp_path)
    result = frontrun_fuzz("bank_account.py", "--no-minimize", cwd=tmp_path)
    assert result.returncode == 77
    assert "not minimised" in result.stdout
    path = only(list(tmp_path.glob("*.schedule.json")))
    assert frontrun_fuzz("replay", path, cwd=tmp_path).returncode == 1
    assert frontrun_fuzz("minimize", path, cwd=tmp_path).returncode == 0
    assert json.loads(path.read_text(encoding="utf-8"))["preemptions"] == 1


def test_an_exception_is_recorded_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text(
        "def setup():\n    return {'a': 1}\n"
        "def reader(state):\n    if 'a' in state:\n        return state['a']\n"
        "def remover(state):\n    state.pop('a', None)\n"
        "threads = [reader, remover]\n"
        "def invariant(state):\n    return True\n",
        encoding="utf-8",
    )
    result = frontrun_fuzz("check.py", cwd=tmp_path)
    assert result.returncode == 77, result.stderr
    assert "FAILED: reader raised KeyError: 'a' (check.py:5: return state['a'])" in result.stdout
    assert "check-then-act: reader looked at" in result.stdout
    schedule = json.loads(only(list(tmp_path.glob("*.schedule.json"))).read_text(encoding="utf-8"))
    assert schedule["threads"] == ["reader", "remover"]
    assert schedule["failure"]["kind"] == "exception"
    assert schedule["failure"]["exception"] == {"type": "KeyError", "message": "'a'"}
    assert schedule["failure"]["where"] == "reader: return state['a']"


def test_an_interrupt_ends_it_in_order(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(
        "class State:\n    x = 0\n"
        "def setup():\n    return State()\n"
        "def run(state):\n    for _ in range(10):\n        state.x = state.x + 1\n"
        "threads = [run] * 3\n"
        "def invariant(state):\n    return state.x > 0\n",
        encoding="utf-8",
    )
    process = start("large.py", "corpus", cwd=tmp_path)
    assert process.stderr is not None
    for line in process.stderr:
        if "distinct traces" in line:
            process.send_signal(signal.SIGINT)
            break
    stdout, stderr = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 130, stderr
    assert "interrupted: none failed so far; the space is not exhausted" in stdout
    assert "Traceback" not in stderr
    assert list((tmp_path / "corpus").iterdir())
    assert not list(tmp_path.glob("crash-*"))


def write_fickle(path: Path, failing: int) -> None:
    """A harness whose invariant fails in one call, whatever the schedule is."""
    path.write_text(
        "def setup():\n    return []\n"
        "def run(state):\n    state.append(1)\n"
        "threads = [run, run]\n"
        "calls = []\n"
        "def invariant(state):\n    calls.append(1)\n    return len(calls) != "
        f"{failing}\n",
        encoding="utf-8",
    )


def test_a_program_that_does_not_repeat_itself_is_refused(tmp_path: Path) -> None:
    # The first two calls are the trial; the third one, an input, is repeated by the fourth.
    write_fickle(tmp_path / "fickle.py", 4)
    result = frontrun_fuzz("fickle.py", cwd=tmp_path)
    assert result.returncode == 2, result.stdout
    assert "the same schedule did not give the same execution twice" in result.stderr
    assert "exhausted" not in result.stdout


def test_a_program_with_a_mood_is_told_where_it_parted(tmp_path: Path) -> None:
    (tmp_path / "moody.py").write_text(
        "class State:\n    value = 0\n"
        "setup = State\n"
        "calls = []\n"
        "def run(state):\n"
        "    calls.append(1)\n"
        "    if len(calls) % 3:\n        state.value = 1\n"
        "    state.value = 2\n"
        "threads = [run, run]\n"
        "def invariant(state):\n    return True\n",
        encoding="utf-8",
    )
    result = frontrun_fuzz("moody.py", cwd=tmp_path)
    assert result.returncode == 2, result.stdout
    assert "(it was thread 0 at moody.py:8: state.value = 1 and then thread 0 at" in result.stderr


def test_a_first_execution_unlike_the_others_is_no_pass(tmp_path: Path) -> None:
    write_fickle(tmp_path / "fickle.py", 1)
    result = frontrun_fuzz("fickle.py", cwd=tmp_path)
    assert result.returncode == 2, result.stdout
    assert "(first invariant, then pass)" in result.stderr
    assert "is made once and survives setup()" in result.stderr
    assert result.stdout == ""


def test_a_run_without_asserts_is_refused(tmp_path: Path) -> None:
    write_fickle(tmp_path / "fickle.py", 0)
    result = frontrun_fuzz("fickle.py", cwd=tmp_path, PYTHONOPTIMIZE="1")
    assert result.returncode == 2, result.stdout
    assert "run without -O" in result.stderr


def test_threads_that_never_meet_are_said_to(tmp_path: Path) -> None:
    (tmp_path / "apart.py").write_text(
        "def setup():\n    return [0], [0]\n"
        "def first(state):\n    state[0][0] = 1\n"
        "def second(state):\n    state[1][0] = 1\n"
        "threads = [first, second]\n"
        "def invariant(state):\n    return True\n",
        encoding="utf-8",
    )
    result = frontrun_fuzz("apart.py", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "the only trace was executed" in result.stdout
    assert "no two threads met" in result.stdout


def test_a_failure_that_does_not_repeat_itself_is_not_hidden(tmp_path: Path) -> None:
    write_fickle(tmp_path / "fickle.py", 5)
    result = frontrun_fuzz("fickle.py", cwd=tmp_path)
    assert result.returncode == 77, result.stderr
    assert "FAILED, but not again with the same schedule" in result.stdout
    assert not list(tmp_path.glob("*.schedule.json"))
    only(list(tmp_path.glob("crash-*")))
