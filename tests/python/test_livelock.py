"""Loops that spin: explored exactly, and reported when nobody ends them."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from frontrun.execution import Execution
from frontrun.patterns import deadlock_sentence
from frontrun.report import deadlock_lines
from spin_harness import State, raise_flag
from time_harness import State as Timed
from time_harness import elapsed, explore, explorer_of, run_alone

RAISED = False


def spin(state: State) -> None:
    while not state.flag:
        pass


# ---------------------------------------------------------------- loops that spin


def test_a_spin_has_finitely_many_traces() -> None:
    assert set(explore([spin, raise_flag], setup=State)) == {"pass"}
    assert set(explore([spin, spin, raise_flag], setup=State)) == {"pass"}


def test_a_spin_that_nobody_ends_is_a_deadlock_at_its_line() -> None:
    explorer = explorer_of([spin, lambda state: None], setup=State)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "deadlock"
    (wait,) = explorer.waits()
    assert (wait.thread, wait.action, wait.waits_for) == (0, "spin", None)
    assert (wait.function, wait.text) == ("spin", "while not state.flag:")


def test_the_report_calls_it_a_livelock() -> None:
    explorer = explorer_of([spin], setup=State)
    explorer.start()
    assert explorer.step() == "deadlock"
    execution = Execution.of(explorer)
    assert deadlock_sentence(execution, ["waiter"]) == (
        "waiter goes round in a loop that nobody is left to end (a livelock)."
    )
    (line,) = deadlock_lines(execution, ["waiter"])
    assert line.startswith("  waiter  goes round at test_livelock.py:")


def test_every_strategy_ends_a_spin() -> None:
    for strategy in ("random", "pct", "pos", "surw", "delay"):
        explorer = explorer_of([spin, raise_flag], setup=State, events_max=100)
        explorer.start_plan(strategy=strategy, depth=2, executions_max=20)
        assert explorer.run() == "budget"


def test_a_spin_over_several_things_waits_for_each() -> None:
    def both(state: State) -> None:
        while not (state.flag and state.other):
            pass

    def raise_other(state: State) -> None:
        state.other = True

    assert set(explore([both, raise_flag, raise_other], setup=State)) == {"pass"}
    assert "deadlock" in explore([both, raise_flag], setup=State)


LOOPS: list[tuple[Callable[[State], Any], Callable[[State], Any]]] = [
    (lambda s: spin_yielding(s), raise_flag),
    (lambda s: spin_by_steps(s), raise_flag),
    (lambda s: spin_on_item(s), lambda s: s.table.__setitem__("flag", 1)),
    (lambda s: spin_on_length(s), lambda s: s.items.append(1)),
    (lambda s: spin_on_truth(s), lambda s: s.queue.append(1)),
    (lambda s: spin_on_key(s), lambda s: s.table.update(late=1)),
    (lambda s: spin_in_function(s), raise_flag),
    (lambda s: spin_on_event(s), lambda s: s.event.set()),
    (lambda s: spin_on_event_politely(s), lambda s: s.event.set()),
]


def spin_yielding(state: State) -> None:
    while not state.flag:
        time.sleep(0)


def spin_by_steps(state: State) -> None:
    while True:
        up = state.flag
        if up is True:
            return
        again = bool(up)
        if again:
            return


def spin_on_item(state: State) -> None:
    while state.table["flag"] == 0:
        pass


def spin_on_length(state: State) -> None:
    while len(state.items) == 0:
        pass


def spin_on_truth(state: State) -> None:
    while not state.queue:
        pass


def spin_on_key(state: State) -> None:
    while True:
        try:
            state.table["late"]
            return
        except KeyError:
            pass


def is_up(state: State, again: int) -> bool:
    return state.flag if again == 0 else is_up(state, again - 1)


def spin_in_function(state: State) -> None:
    while not is_up(state, 2):
        pass


def spin_on_event(state: State) -> None:
    while not state.event.is_set():
        pass


def spin_on_event_politely(state: State) -> None:
    while not state.event.is_set():
        time.sleep(0)


@pytest.mark.parametrize("number", range(len(LOOPS)))
def test_kinds_of_spins(number: int) -> None:
    loop, end = LOOPS[number]
    assert set(explore([loop, end], setup=State)) == {"pass"}
    assert set(explore([loop, lambda state: None], setup=State)) == {"deadlock"}


def test_spins_on_variables_of_all_kinds() -> None:
    class Switch:
        up = False

    def on_class(state: State) -> None:
        while not Switch.up:
            pass

    def raise_class(state: State) -> None:
        Switch.up = True

    def setup() -> State:
        global RAISED
        RAISED = Switch.up = False
        return State()

    def on_global(state: State) -> None:
        while not RAISED:
            pass

    def raise_global(state: State) -> None:
        global RAISED
        RAISED = True

    assert set(explore([on_class, raise_class], setup=setup)) == {"pass"}
    assert set(explore([on_global, raise_global], setup=setup)) == {"pass"}


def test_a_loop_of_attempts_is_a_wait() -> None:
    def enter(state: State) -> None:
        while not state.lock.acquire(blocking=False):
            pass
        value = state.n
        state.n = value + 1
        state.lock.release()

    assert set(explore([enter, enter], lambda s: s.n == 2, State)) == {"pass"}

    def forget(state: State) -> None:
        state.lock.acquire()

    assert set(explore([enter, forget], setup=State)) == {"pass", "deadlock"}


def peterson(me: int, careful: bool) -> Callable[[State], None]:
    """Mutual exclusion by spinning; without the turn it is none."""

    def enter_first(state: State) -> None:
        state.flag = True
        if careful:
            state.turn = 1
        while state.other and state.turn == 1:
            pass
        value = state.n
        state.n = value + 1
        state.flag = False

    def enter_second(state: State) -> None:
        state.other = True
        if careful:
            state.turn = 0
        while state.flag and state.turn == 0:
            pass
        value = state.n
        state.n = value + 1
        state.other = False

    return enter_second if me else enter_first


@pytest.mark.parametrize("careful", [True, False])
def test_peterson(careful: bool) -> None:
    verdicts = explore(
        [peterson(0, careful), peterson(1, careful)], lambda state: state.n == 2, State
    )
    assert set(verdicts) == ({"pass"} if careful else {"pass", "invariant"})


def test_spinning_against_time() -> None:
    def wait(state: Timed) -> None:
        end = time.monotonic() + 60
        while not state.flag and time.monotonic() < end:
            pass
        state.n = int(elapsed())

    def late(state: Timed) -> None:
        time.sleep(30)
        state.flag = True

    assert set(explore([wait], lambda state: state.n in (60, 61))) == {"pass"}
    assert set(explore([wait, late], lambda state: state.n == 30)) == {"pass"}


def test_progress_without_an_end_is_the_step_limit() -> None:
    def count(state: State) -> None:
        while not state.flag:
            state.n += 1

    explorer = explorer_of([count], setup=State, events_max=500)
    explorer.start_plan(strategy="dpor")
    assert explorer.run() == "step-limit"
    assert explorer.ending != "exhausted"


def test_a_spin_alone_with_the_clock_goes_on() -> None:
    def act(state: Timed) -> float:
        while time.monotonic() < 1_000_005:
            pass
        return elapsed()

    assert 5 <= run_alone(act) < 5.1
