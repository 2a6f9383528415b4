"""frontrun._core: how one execution ends: verdicts, giving up, wrong harnesses, Ctrl-C."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest

from core_harness import Account, deposit, explore, has_two, is_ours, make_explorer
from frontrun import _core


# ---------------------------------------------------------------- verdicts


def raise_if_second(account: Account) -> None:
    account.balance += 1
    if account.balance == 2:
        raise ValueError("second")


def test_exception_in_a_thread() -> None:
    explorer = make_explorer(Account, [deposit, raise_if_second])
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "exception"
    failure = explorer.failure
    assert failure is not None
    assert (failure.kind, failure.thread) == ("exception", 1)
    assert isinstance(failure.exception, ValueError)
    assert failure.exception.__traceback__ is not None


def test_the_other_threads_run_on_after_an_exception() -> None:
    finished: list[int] = []

    def fail(account: Account) -> None:
        raise ValueError

    def count(account: Account) -> None:
        deposit(account)
        finished.append(1)

    explorer = make_explorer(Account, [fail, count])
    explorer.start()
    assert explorer.step() == "exception"
    assert finished == [1]


def test_place_of_an_exception_does_not_depend_on_the_schedule() -> None:
    explorer = make_explorer(Account, [deposit, raise_if_second])
    explorer.start_plan(strategy="dpor")
    places = set()
    while (verdict := explorer.step()) is not None:
        if verdict == "exception":
            places.add(explorer.failure.place)
    assert len(places) == 1


def test_system_exit_ends_a_thread_quietly() -> None:
    def leave(account: Account) -> None:
        deposit(account)
        sys.exit(3)

    _, verdicts = explore(Account, [leave], lambda account: account.balance == 1)
    assert verdicts == {"pass": 1}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(None, "pass"), (True, "pass"), ("text", "pass"), (False, "invariant"), (0, "invariant")],
)
def test_answers_of_the_invariant(answer: object, verdict: str) -> None:
    _, verdicts = explore(Account, [deposit], lambda account: answer)
    assert verdicts == {verdict: 1}


def test_an_answer_that_is_always_true_is_refused() -> None:
    explorer = make_explorer(Account, [deposit], lambda account: (ok for ok in [False] if ok))
    explorer.start()
    with pytest.raises(_core.HarnessError, match="which says nothing"):
        explorer.step()


def test_invariant_that_raises_keeps_its_exception() -> None:
    def invariant(account: Account) -> None:
        assert account.balance == 7, "not seven"

    explorer = make_explorer(Account, [deposit], invariant)
    explorer.start()
    assert explorer.step() == "invariant"
    failure = explorer.failure
    assert failure is not None and failure.thread is None
    assert isinstance(failure.exception, AssertionError)


def test_answer_without_truth_value_is_a_failure() -> None:
    class Neither:
        def __bool__(self) -> bool:
            raise TypeError("no truth value")

    explorer = make_explorer(Account, [deposit], lambda account: Neither())
    explorer.start()
    assert explorer.step() == "invariant"
    assert isinstance(explorer.failure.exception, TypeError)


def test_step_limit() -> None:
    def count(account: Account) -> None:
        while account.balance >= 0:
            deposit(account)

    explorer = make_explorer(Account, [count], events_max=500)
    explorer.start()
    assert explorer.step() == "step-limit"
    assert explorer.failure.kind == "step-limit"


# ---------------------------------------------------------------- giving executions up


def test_abort_runs_finally_blocks_and_never_leaks() -> None:
    log: list[str] = []

    def spin(account: Account) -> None:
        try:
            while True:
                deposit(account)
        except Exception:
            log.append("caught as an ordinary exception")
        finally:
            log.append("finally")

    explorer = make_explorer(Account, [spin, spin], events_max=300)
    explorer.start_plan(strategy="random", executions_max=3)
    assert explorer.run(stop_on_failure=False) == "budget"
    assert log == ["finally"] * 6
    assert explorer.failure.exception is None
    assert explorer.stats["failures"] == 3


def test_abort_is_raised_again_in_a_thread_that_swallows_it() -> None:
    def stubborn(account: Account) -> None:
        while True:
            try:
                deposit(account)
            except:  # noqa: E722 (naming an exception would be an access)
                pass

    subject = _core.Subject(Account, [stubborn], lambda state: None, traced=is_ours)
    explorer = _core.Explorer(subject, events_max=100)
    explorer.start()
    assert explorer.step() == "step-limit"
    assert subject.abandoned == 1
    # The next execution starts afresh.
    explorer.start()
    assert explorer.step() == "step-limit"


def test_blocked_outside_our_control_is_a_failure_and_never_a_pass() -> None:
    def setup() -> tuple[int, int]:
        return os.pipe()

    def read(pipe: tuple[int, int]) -> None:
        os.read(pipe[0], 1)

    def write(pipe: tuple[int, int]) -> None:
        os.write(pipe[1], b"x")

    subject = _core.Subject(
        setup,
        [read, write],
        lambda state: None,
        traced=is_ours,
        watchdog=0.2,
        carrier="fiber",  # without a second try: test_second_try.py
    )
    explorer = _core.Explorer(subject)
    for _ in range(2):  # and afterwards the tool goes on
        explorer.start()
        assert explorer.step() == "blocked"
        failure = explorer.failure
        assert failure is not None and failure.kind == "blocked"
    assert subject.abandoned >= 2
    fine = make_explorer(Account, [deposit, deposit], has_two)
    fine.start_plan(strategy="dpor")
    fine.run(stop_on_failure=False)
    assert fine.distinct == 4


# ---------------------------------------------------------------- the harness itself is wrong


def test_exception_in_setup_is_a_harness_error() -> None:
    def setup() -> None:
        raise KeyError("nothing there")

    explorer = make_explorer(setup, [deposit])
    explorer.start()
    with pytest.raises(_core.HarnessError, match="setup.*KeyError") as caught:
        explorer.step()
    assert isinstance(caught.value.__cause__, KeyError)


def test_no_thread_is_a_harness_error() -> None:
    explorer = make_explorer(Account, [])
    explorer.start()
    with pytest.raises(_core.HarnessError, match="no thread"):
        explorer.step()


@pytest.mark.parametrize("threads", [7, [7], lambda state: 7, lambda state: [7]])
def test_threads_that_are_none_are_a_harness_error(threads: Any) -> None:
    with pytest.raises(_core.HarnessError):
        explorer = make_explorer(Account, threads)
        explorer.start()
        explorer.step()


def test_exception_in_evaluated_threads_is_a_harness_error() -> None:
    def threads(account: Account) -> Any:
        raise ValueError("none today")

    explorer = make_explorer(Account, threads)
    explorer.start()
    with pytest.raises(_core.HarnessError) as caught:
        explorer.step()
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("wrong", ["setup", "invariant", "traced"])
def test_parts_that_are_not_callable_are_refused(wrong: str) -> None:
    parts: dict[str, Any] = {"setup": Account, "invariant": has_two, "traced": is_ours}
    parts[wrong] = 3
    with pytest.raises(_core.HarnessError, match=wrong):
        _core.Subject(parts["setup"], [deposit], parts["invariant"], traced=parts["traced"])
    for watchdog in (0, -1, float("nan")):
        with pytest.raises(_core.FrontrunError, match="watchdog"):
            _core.Subject(Account, [], has_two, traced=is_ours, watchdog=watchdog)


def test_more_threads_than_allowed() -> None:
    explorer = make_explorer(Account, [deposit] * 3, threads_max=2)
    explorer.start()
    with pytest.raises(_core.FrontrunError):
        explorer.step()
    explorer = make_explorer(Account, [deposit] * 65)
    explorer.start()
    with pytest.raises(_core.HarnessError, match="65"):
        explorer.step()


def test_state_that_survives_setup_is_a_divergence() -> None:
    account = Account()

    def act(state: Account) -> None:
        state.balance += 1
        if account.balance % 2:
            state.balance += 1

    explorer = make_explorer(lambda: account, [act, act])
    explorer.start_plan(strategy="dpor")
    with pytest.raises(_core.FrontrunError, match="setup"):
        explorer.run()


# ---------------------------------------------------------------- interrupts


def test_keyboard_interrupt_in_a_thread_reaches_the_caller() -> None:
    def interrupt(account: Account) -> None:
        deposit(account)
        raise KeyboardInterrupt

    explorer = make_explorer(Account, [interrupt, deposit])
    explorer.start()
    with pytest.raises(KeyboardInterrupt):
        explorer.step()
    explorer.start()  # and it can be used again
    with pytest.raises(KeyboardInterrupt):
        explorer.step()


def test_sigint_gives_the_execution_up() -> None:
    def interrupt(account: Account) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            deposit(account)

    explorer = make_explorer(Account, [interrupt, deposit], events_max=100_000_000)
    explorer.start()
    with pytest.raises(KeyboardInterrupt):
        explorer.step()


def test_giving_up_is_not_heard_in_finalizers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is raised in one reaches nobody but sys.unraisablehook."""
    heard: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)
    finalized: list[int] = []
    accounts: list[Account] = []

    def setup() -> Account:
        accounts[:] = [Account()]
        return accounts[0]

    class Noisy:
        def __del__(self) -> None:
            deposit(accounts[0])
            deposit(accounts[0])
            finalized.append(1)

    def drop(account: Account) -> None:
        Noisy()
        deposit(account)

    for events_max in range(1, 12):  # given up at each of its points
        explorer = make_explorer(setup, [drop, deposit], events_max=events_max)
        explorer.start()
        assert explorer.step() == "step-limit"
    assert len(finalized) >= 2 and heard == []
