"""The names, parameters, defaults, errors and fields that users of the original frontrun know."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
import subprocess
import sys
import threading
from typing import Any

import frontrun
import pytest
from frontrun.bytecode import (
    BytecodeShuffler,
    OpcodeScheduler,
    controlled_interleaving,
    explore_interleavings,
    run_with_schedule,
    schedule_strategy,
)
from frontrun.common import InterleavingResult, Schedule, Step
from frontrun.dpor import explore_dpor
from library_programs import Counter, TwoLocks, ab, ba, increments, increments_locked

# ----------------------------------------------------------------------------- signatures

NONE = inspect.Parameter.empty
SIGNATURES: dict[str, dict[str, Any]] = {
    "frontrun.dpor.explore_dpor": {
        "setup": NONE,
        "threads": NONE,
        "invariant": NONE,
        "max_executions": None,
        "preemption_bound": 2,
        "max_branches": 100_000,
        "timeout_per_run": 5.0,
        "stop_on_first": True,
        "detect_io": True,
        "deadlock_timeout": 5.0,
        "reproduce_on_failure": 10,
        "total_timeout": None,
    },
    "frontrun.bytecode.explore_interleavings": {
        "setup": NONE,
        "threads": NONE,
        "invariant": NONE,
        "max_attempts": 200,
        "max_ops": 300,
        "timeout_per_run": 5.0,
        "seed": None,
        "debug": False,
        "detect_io": True,
        "deadlock_timeout": 5.0,
        "reproduce_on_failure": 10,
        "total_timeout": None,
    },
    "frontrun.bytecode.run_with_schedule": {
        "schedule": NONE,
        "setup": NONE,
        "threads": NONE,
        "timeout": 5.0,
        "detect_io": True,
        "debug": False,
        "deadlock_timeout": 5.0,
        "trace_recorder": None,
    },
    "frontrun.bytecode.controlled_interleaving": {"schedule": NONE, "num_threads": 2},
    "frontrun.bytecode.schedule_strategy": {"num_threads": NONE, "max_ops": 300},
    "frontrun.bytecode.OpcodeScheduler": {
        "schedule": NONE,
        "num_threads": NONE,
        "deadlock_timeout": 5.0,
        "max_ops": 0,
        "trace_recorder": None,
    },
    "frontrun.bytecode.OpcodeScheduler.wait_for_turn": {"self": NONE, "thread_id": NONE},
    "frontrun.bytecode.OpcodeScheduler.mark_done": {"self": NONE, "thread_id": NONE},
    "frontrun.bytecode.OpcodeScheduler.report_error": {"self": NONE, "error": NONE},
    "frontrun.bytecode.BytecodeShuffler": {"scheduler": NONE, "detect_io": True},
    "frontrun.bytecode.BytecodeShuffler.run": {
        "self": NONE,
        "funcs": NONE,
        "args": None,
        "kwargs": None,
        "timeout": 10.0,
    },
    "frontrun.common.Step": {"execution_name": NONE, "marker_name": NONE},
    "frontrun.common.Schedule": {"steps": NONE},
    "frontrun.cli.main": {"argv": None},
    "frontrun.cli.is_active": {},
    "frontrun.cli.require_active": {"caller": NONE},
    "frontrun.pytest_plugin.pytest_addoption": {"parser": NONE},
    "frontrun.pytest_plugin.pytest_configure": {"config": NONE},
}
KEYWORD_ONLY = {
    "frontrun.bytecode.OpcodeScheduler": {"deadlock_timeout", "max_ops", "trace_recorder"}
}


def found(path: str) -> Any:
    """The object with a dotted name below a module."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            value = getattr(value, part)
        return value
    raise AssertionError(f"there is no {path}")


@pytest.mark.parametrize("path", SIGNATURES)
def test_parameters_and_defaults(path: str) -> None:
    parameters = inspect.signature(found(path)).parameters
    assert {name: each.default for name, each in parameters.items()} == SIGNATURES[path]
    assert list(parameters) == list(SIGNATURES[path])
    keyword_only = {
        name for name, each in parameters.items() if each.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert keyword_only == KEYWORD_ONLY.get(path, set())


def test_parameters_of_explore() -> None:
    parameters = inspect.signature(frontrun.explore).parameters
    defaults = {name: each.default for name, each in parameters.items()}
    assert list(defaults)[:3] == ["setup", "workers", "invariant"]
    assert all(
        each.kind is inspect.Parameter.KEYWORD_ONLY
        for name, each in parameters.items()
        if name not in ("setup", "workers", "invariant")
    )
    for path in ("frontrun.dpor.explore_dpor", "frontrun.bytecode.explore_interleavings"):
        for name, default in SIGNATURES[path].items():
            if name not in ("setup", "threads", "invariant", "max_ops"):
                assert defaults[name] == default, name
    assert {
        "count": None,
        "strategy": "dpor",
        "search": None,
        "trace_packages": None,
        "max_ops": None,
        "detect_sql": False,
        "warn_nondeterministic_sql": True,
        "lock_timeout": None,
        "track_dunder_dict_accesses": False,
        "patch_sleep": True,
        "clock": "virtual",
        "carrier": None,
        "spec": None,
        "serializable_invariant": False,
        "error_on_any_race": False,
        "warnings_as_errors": False,
    }.items() <= defaults.items()
    assert list(inspect.signature(frontrun.explore_random).parameters) == list(
        SIGNATURES["frontrun.bytecode.explore_interleavings"]
    )


def test_explore_takes_what_the_original_takes() -> None:
    result = frontrun.explore(
        Counter,
        Counter.increment_locked,
        lambda counter: counter.value == 2,
        count=2,
        max_ops=None,
        search=None,
        trace_packages=None,
        detect_sql=True,
        warn_nondeterministic_sql=False,
        lock_timeout=500,
        track_dunder_dict_accesses=True,
        patch_sleep=False,
    )
    assert result.exhausted


def test_debug_tells_the_failure(capfd: pytest.CaptureFixture[str]) -> None:
    for failing in (True, False):
        result = frontrun.explore(
            Counter, increments, lambda counter: not failing, count=2, debug=True
        )
        assert capfd.readouterr().err == f"{result.explanation or result}\n"


def test_the_result_keeps_its_fields_in_their_order() -> None:
    fields = dataclasses.fields(InterleavingResult)
    assert [field.name for field in fields][:8] == [
        "property_holds",
        "counterexample",
        "num_explored",
        "unique_interleavings",
        "failures",
        "explanation",
        "reproduction_attempts",
        "reproduction_successes",
    ]
    assert dataclasses.astuple(InterleavingResult(True))[:8] == (True, None, 0, 0, [], None, 0, 0)
    assert {field.name for field in fields[8:] if not field.name.startswith("_")} == {
        "verdict",
        "exhausted",
        "distinct_traces",
        "redundant",
        "deadlocks",
        "failure",
        "schedule",
        "estimate",
        "stats",
        "second_try",
    }


def test_the_repr_is_one_line_and_cuts_a_long_counterexample() -> None:
    text = repr(InterleavingResult(False, counterexample=[0] * 12, num_explored=3))
    assert "\n" not in text
    assert "counterexample=[0, 0, 0, 0, 0, ...(12 steps)]" in text
    assert "num_explored=3" in text
    assert "counterexample=[0, 1]" in repr(InterleavingResult(False, counterexample=[0, 1]))


def test_a_schedule_has_steps() -> None:
    step = Step("A", "read")
    assert (step.execution_name, step.marker_name) == ("A", "read")
    assert Schedule([step]).steps == [step]
    with pytest.raises(ValueError, match="^Schedule must contain at least one step$"):
        Schedule([])


def test_import_frontrun_is_cheap() -> None:
    code = (
        "import sys, frontrun; assert 'frontrun._core' not in sys.modules;"
        " assert not [m for m in sys.modules if m.startswith('frontrun.')];"
        " assert frontrun.__version__; assert callable(frontrun.explore);"
        " import frontrun.exploration; assert callable(frontrun.explore)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = frontrun.nothing


# ----------------------------------------------------------------------------- the command


def frontrun_command(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """The command frontrun, as its entry point calls it."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("FRONTRUN_")
    }
    code = "import sys; from frontrun.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment, **extra},
        check=False,
    )


def test_command_without_arguments_or_without_a_command_that_is_there() -> None:
    assert frontrun_command().returncode == 1
    assert "usage: frontrun COMMAND" in frontrun_command().stderr
    missing = frontrun_command("no-such-command-anywhere")
    assert missing.returncode == 127
    assert "no-such-command-anywhere" in missing.stderr


def test_command_runs_with_the_environment_and_passes_the_exit_code() -> None:
    code = (
        "import os, sys; from frontrun.cli import is_active; assert is_active();"
        " print(os.environ['FRONTRUN_ACTIVE'], os.environ['PATH'].split(':')[0]); sys.exit(7)"
    )
    done = frontrun_command("python", "-c", code)
    assert done.returncode == 7, done.stderr
    assert done.stdout.split() == ["1", os.path.dirname(sys.executable)]
    assert "preload library not found" in done.stderr


def test_command_refuses_a_preload_library_that_is_not_there() -> None:
    done = frontrun_command("true", FRONTRUN_PRELOAD_LIB="/no/such/library.so")
    assert done.returncode == 1
    assert "no such file" in done.stderr


def test_require_active(monkeypatch: pytest.MonkeyPatch) -> None:
    from frontrun.cli import require_active

    monkeypatch.delenv("FRONTRUN_ACTIVE", raising=False)
    with pytest.raises(pytest.skip.Exception):
        require_active("explore_dpor")
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    text = r"^explore_dpor\(\) requires the frontrun CLI environment"
    with pytest.raises(RuntimeError, match=text):
        require_active("explore_dpor")
    monkeypatch.setenv("FRONTRUN_ACTIVE", "1")
    require_active("explore_dpor")


def test_pytest_knows_the_options(request: pytest.FixtureRequest) -> None:
    assert request.config.getoption("--frontrun-patch-locks") is False
    assert request.config.getoption("--no-frontrun-patch-locks") is False


# ----------------------------------------------------------------------------- in its own style


def test_dpor_finds_the_lost_update() -> None:
    result = explore_dpor(
        setup=Counter,
        threads=[lambda c: c.increment(), lambda c: c.increment()],
        invariant=lambda c: c.value == 2,
    )
    assert not result.property_holds
    assert result.counterexample is not None
    assert set(result.counterexample) == {0, 1}
    assert result.failures == [(result.num_explored, result.failures[0][1])]
    assert result.explanation is not None
    assert result.explanation.startswith(
        f"Race condition found after {result.num_explored} interleavings."
    )
    assert (
        "Lost update: threads 0 and 1 both read value before either wrote it back."
        in result.explanation
    )
    assert "Reproduced 10/10 times (100%)" in result.explanation
    assert (result.reproduction_attempts, result.reproduction_successes) == (10, 10)


def test_dpor_passes_a_locked_counter() -> None:
    result = explore_dpor(
        setup=Counter,
        threads=[lambda c: c.increment_locked(), lambda c: c.increment_locked()],
        invariant=lambda c: c.value == 2,
    )
    assert result.property_holds, result.explanation
    assert result.explanation is None
    assert result.counterexample is None


def test_random_finds_the_lost_update_and_replays_it() -> None:
    threads = [lambda c: c.increment(), lambda c: c.increment()]
    result = explore_interleavings(
        setup=Counter,
        threads=threads,
        invariant=lambda c: c.value == 2,
        max_attempts=200,
        max_ops=200,
        seed=42,
    )
    assert not result.property_holds
    assert result.counterexample is not None
    state = run_with_schedule(result.counterexample, Counter, threads)
    assert state.value == 1


def test_random_is_repeated_by_its_seed() -> None:
    def explored(seed: int) -> tuple[int, list[tuple[int, list[int]]]]:
        result = explore_interleavings(
            Counter, [increments] * 3, lambda c: c.value == 3, seed=seed, reproduce_on_failure=0
        )
        return result.num_explored, result.failures

    assert explored(5) == explored(5)
    assert len({str(explored(seed)) for seed in range(8)}) > 1


def test_random_never_claims_exhaustion() -> None:
    result = explore_interleavings(
        Counter, [increments_locked] * 2, lambda c: c.value == 2, max_attempts=50
    )
    assert result.property_holds
    assert result.verdict == "budget"
    assert not result.exhausted
    assert result.num_explored == 50
    assert result.unique_interleavings == result.distinct_traces == 2
    assert result.redundant == 48


def test_controlled_interleaving_runs_functions_with_their_arguments() -> None:
    seen: list[tuple[str, int]] = []

    def add(name: str, number: int = 0) -> None:
        seen.append((name, number))

    with controlled_interleaving([1, 1, 0, 0], num_threads=2) as shuffler:
        assert isinstance(shuffler, BytecodeShuffler)
        shuffler.run([add, add], args=[("a",), ("b",)], kwargs=[{}, {"number": 7}])
    assert seen == [("b", 7), ("a", 0)]


def test_what_a_thread_raises_leaves_run_with_schedule() -> None:
    def fails(_: Counter) -> None:
        raise LookupError("of the thread")

    with pytest.raises(LookupError, match="of the thread"):
        run_with_schedule([0, 1], Counter, [increments, fails])


def test_a_deadlock_is_a_timeout_error_of_run_with_schedule() -> None:
    with pytest.raises(TimeoutError, match="^Lock-ordering deadlock detected: ab waits for ba"):
        run_with_schedule([0, 0, 0, 1, 1, 1], TwoLocks, [ab, ba])


@pytest.mark.parametrize("step", [-1, 2, "0", True])
def test_a_schedule_names_threads_that_are_there(step: Any) -> None:
    with pytest.raises(ValueError, match="the threads are 0 to 1"):
        run_with_schedule([0, step], Counter, [increments] * 2)


def test_debug_tells_each_step(capfd: pytest.CaptureFixture[str]) -> None:
    run_with_schedule([0, 0, 0, 1], Counter, [increments] * 2, debug=True)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].startswith("thread 0 at library_programs.py:")
    assert lines[-1].endswith(": self.value = temp + 1")


def test_hypothesis_draws_schedules() -> None:
    hypothesis = pytest.importorskip("hypothesis")
    drawn = []

    @hypothesis.given(schedule_strategy(2, max_ops=8))
    @hypothesis.settings(max_examples=50, deadline=None, database=None)
    def test(schedule: list[int]) -> None:
        drawn.append(run_with_schedule(schedule, Counter, [increments] * 2).value)
        assert len(schedule) % 2 == 0
        assert 2 <= len(schedule) <= 8
        assert schedule.count(0) == schedule.count(1)

    test()
    assert set(drawn) == {1, 2}


def test_the_scheduler_hands_out_turns() -> None:
    scheduler = OpcodeScheduler([0, 1, 1, 0], 2)
    order = []

    def take(number: int) -> None:
        while scheduler.wait_for_turn(number):
            order.append(number)
        scheduler.mark_done(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in (1, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert order == [0, 1, 1, 0]
    assert not scheduler.had_error


def test_the_scheduler_says_who_does_not_come() -> None:
    scheduler = OpcodeScheduler([1, 0], 2, deadlock_timeout=0.01)
    with pytest.raises(TimeoutError, match="^Deadlock: schedule wants thread 1 at index 0/2$"):
        scheduler.wait_for_turn(0)
    assert scheduler.had_error
    assert not scheduler.wait_for_turn(0)
    other = OpcodeScheduler([1, 0], 2)
    other.mark_done(1)
    assert other.wait_for_turn(0)


def test_a_recorder_of_the_original_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="trace_recorder is not supported"):
        frontrun.bytecode.run_with_schedule([0], object, [print], trace_recorder=object())
