"""frontrun._core: exact numbers of traces, replays, shrinking, misuse, and what is restored."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import core_harness
from core_harness import Account, deposit, deposit_locked, explore, has_two, is_ours, make_explorer
from frontrun import _core


# ---------------------------------------------------------------- exact numbers of traces


def test_lost_update_has_four_traces() -> None:
    _, verdicts = explore(Account, [deposit, deposit], has_two)
    assert verdicts == {"pass": 2, "invariant": 2}


def test_locked_version_has_two_traces() -> None:
    _, verdicts = explore(Account, [deposit_locked, deposit_locked], has_two)
    assert verdicts == {"pass": 2}


def test_three_threads_that_share_nothing_have_one_trace() -> None:
    def setup() -> list[Account]:
        return [Account(), Account(), Account()]

    threads = [
        lambda accounts: deposit(accounts[0]),
        lambda accounts: deposit(accounts[1]),
        lambda accounts: deposit(accounts[2]),
    ]
    _, verdicts = explore(setup, threads, lambda accounts: all(a.balance == 1 for a in accounts))
    assert verdicts == {"pass": 1}


def test_threads_may_be_evaluated_from_the_state() -> None:
    def threads(account: Account) -> Sequence[Callable[[Account], None]]:
        return [deposit, deposit]

    _, verdicts = explore(Account, threads, has_two)
    assert verdicts == {"pass": 2, "invariant": 2}


def test_run_stops_at_the_first_failure() -> None:
    explorer = make_explorer(Account, [deposit, deposit], has_two)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "invariant"
    failure = explorer.failure
    assert failure is not None and failure.kind == "invariant" and failure.exception is None
    assert explorer.run(stop_on_failure=False) == "exhausted"
    assert explorer.stats["failures"] == 2


def test_run_answers_running_when_its_number_is_spent() -> None:
    explorer = make_explorer(Account, [deposit, deposit])
    explorer.start_plan(strategy="dpor")
    assert explorer.run(1) == "running"
    assert explorer.run() == "exhausted"


# ---------------------------------------------------------------- the trace


def test_trace_says_who_did_what_where() -> None:
    explorer = make_explorer(Account, [deposit, deposit], has_two)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "invariant"
    trace = explorer.trace()
    assert [event.action for event in trace if event.thread == 0] == ["read", "write"]
    assert [event.index for event in trace if event.thread == 1] == [1, 2]
    read = next(event for event in trace if event.action == "read")
    assert (read.name, read.function, read.file) == ("balance", "deposit", core_harness.__file__)
    assert read.text == "current = account.balance"
    assert sum(events for _, events in explorer.blocks) == len(trace)
    assert explorer.happens_before(0, len(trace) - 1)
    # Nothing blocks here: whoever goes on later could have gone on.
    threads = [thread for thread, _ in explorer.blocks]
    left = [n for n, thread in enumerate(threads) if thread in threads[n + 1 :]]
    assert explorer.preemptions == len(left) >= 1
    with pytest.raises(IndexError):
        explorer.happens_before(0, len(trace))


def test_schedule_repeats_the_execution() -> None:
    explorer = make_explorer(Account, [deposit, deposit], has_two)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "invariant"
    before = (explorer.trace_hash, explorer.trace())
    schedule = explorer.schedule
    for _ in range(3):
        explorer.start(schedule)
        assert explorer.step() == "invariant"
        assert (explorer.trace_hash, explorer.trace()) == before


def test_blocks_as_segments_repeat_the_execution() -> None:
    explorer = make_explorer(Account, [deposit, deposit], has_two)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "invariant"
    before = explorer.trace_hash
    segments = [(thread, events, 0, 0) for thread, events in explorer.blocks]
    explorer.start_plan(strategy="replay", segments=segments)
    assert explorer.run() == "invariant"
    assert explorer.trace_hash == before
    assert explorer.segments_done == len(segments)
    assert explorer.step() is None and explorer.ending == "once"


def test_shrink_finds_the_single_preemption() -> None:
    explorer = make_explorer(
        Account, [lambda a: [deposit(a) for _ in range(3)]] * 2, lambda a: a.balance == 6
    )
    explorer.start_plan(strategy="random", seed=7)
    assert explorer.run() == "invariant"
    failure = explorer.failure
    minimal, tries = explorer.shrink()
    assert minimal and tries > 0
    assert explorer.preemptions == 1
    assert explorer.failure == failure


DETERMINISM = """
import sys
sys.path.insert(0, {directory!r})
import core_harness
explorer = core_harness.make_explorer(
    core_harness.Account, [core_harness.deposit_locked, core_harness.deposit, core_harness.deposit]
)
explorer.start(bytes.fromhex({schedule!r}))
explorer.step()
print(explorer.trace_hash)
"""


def test_same_bytes_same_hash_in_every_process() -> None:
    explorer = make_explorer(Account, [deposit_locked, deposit, deposit])
    explorer.start_plan(strategy="random", seed=3)
    explorer.run(5)
    script = DETERMINISM.format(
        directory=str(Path(__file__).parent), schedule=explorer.schedule.hex()
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in range(5)
    }
    assert hashes == {f"{explorer.trace_hash}\n"}


# ---------------------------------------------------------------- misuse of the explorer


def test_explorations_do_not_nest() -> None:
    errors: list[BaseException] = []
    inner = make_explorer(Account, [deposit])
    inner.start()

    def nest(state: object = None) -> Account:
        try:
            inner.step()
        except _core.FrontrunError as error:
            errors.append(error)
        return Account()

    explorer = make_explorer(nest, [nest], nest)
    with pytest.raises(_core.FrontrunError):
        explorer.step()  # not started
    explorer.start()
    assert explorer.step() == "pass"
    assert ["nest" in str(error) for error in errors] == [True] * 3
    assert inner.step() == "pass"


def test_nothing_to_look_at_before_the_first_execution() -> None:
    explorer = make_explorer(Account, [deposit])
    for look in (
        explorer.trace,
        explorer.waits,
        explorer.shrink,
        lambda: explorer.failure,
        lambda: explorer.schedule,
        lambda: explorer.trace_hash,
    ):
        with pytest.raises(_core.FrontrunError):
            look()


def test_shrinking_a_pass_is_refused() -> None:
    explorer = make_explorer(Account, [deposit])
    explorer.start()
    assert explorer.step() == "pass"
    with pytest.raises(_core.FrontrunError, match="did not fail"):
        explorer.shrink()


def test_unknown_strategy_is_refused() -> None:
    explorer = make_explorer(Account, [deposit])
    with pytest.raises(_core.FrontrunError, match="there is no strategy nonsense"):
        explorer.start_plan(strategy="nonsense")


def test_two_subjects_take_turns() -> None:
    first = make_explorer(Account, [deposit, deposit], has_two)
    second = make_explorer(Account, [deposit_locked, deposit_locked], has_two)
    first.start_plan(strategy="dpor")
    second.start_plan(strategy="dpor")
    assert first.step() is not None
    assert second.run() == "exhausted"
    first.run(stop_on_failure=False)
    assert (first.distinct, second.distinct) == (4, 2)


# ---------------------------------------------------------------- restored afterwards


def test_closing_restores_the_interpreter() -> None:
    find_and_load = importlib._bootstrap._find_and_load
    assert gc.isenabled()
    with _core.Subject(Account, [deposit], lambda state: None, traced=is_ours) as subject:
        explorer = _core.Explorer(subject)
        explorer.start()
        assert explorer.step() == "pass"
        assert not gc.isenabled()
    assert gc.isenabled()
    assert importlib._bootstrap._find_and_load is find_and_load
    assert sys.gettrace() is None or "frontrun" not in repr(sys.gettrace())


def test_restored_after_an_exception_too() -> None:
    def setup() -> None:
        raise KeyError

    with pytest.raises(_core.HarnessError):
        with _core.Subject(setup, [deposit], lambda state: None, traced=is_ours) as subject:
            explorer = _core.Explorer(subject)
            explorer.start()
            explorer.step()
    assert gc.isenabled()


def test_a_dropped_subject_restores_too() -> None:
    explorer = make_explorer(Account, [deposit])
    explorer.start()
    explorer.step()
    del explorer
    gc.collect()
    assert gc.isenabled()


def test_imports_inside_threads_are_not_interrupted(tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text("import threading\nlock = threading.Lock()\nx = 1\n")
    sys.path.insert(0, str(tmp_path))

    def use(account: Account) -> None:
        import slow_module

        account.balance = slow_module.x

    def setup() -> Account:
        sys.modules.pop("slow_module", None)
        return Account()

    try:
        explorer = make_explorer(setup, [use, use])
        explorer.start_plan(strategy="random", executions_max=20)
        assert explorer.run() == "budget"
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("slow_module", None)
