"""What takes too long: one execution, a thread that does nothing, a whole search."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from frontrun import _core, explore
from frontrun.bytecode import run_with_schedule
from frontrun.dpor import explore_dpor

FOR_EVER = 2**31  # events: minutes


class Counter:
    def __init__(self) -> None:
        self.value = 0


def increment(counter: Counter) -> None:
    value = counter.value
    counter.value = value + 1


def count_for_ever(counter: Counter) -> None:
    """Each step takes a while, as where timeouts matter."""
    while counter.value >= 0:
        counter.value += sum(range(50_000)) % 7 + 1


def compute_for_ever(counter: Counter) -> None:
    n = 0
    while True:
        n += 1


@pytest.mark.parametrize("carrier", ["fiber", "thread"])
def test_an_execution_that_takes_longer_than_timeout_per_run_fails(carrier: str) -> None:
    result = explore(
        Counter,
        [count_for_ever, increment],
        timeout_per_run=0.2,
        max_branches=FOR_EVER,
        carrier=carrier,
    )
    assert not result.property_holds and not result.exhausted
    assert result.failure is not None and result.failure.kind == "timeout"
    assert result.num_explored == 1 and result.second_try is None
    assert "took longer than timeout_per_run" in result.explanation
    # And afterwards the tool goes on.
    assert explore(Counter, [increment, increment]).exhausted


def test_the_limit_is_that_of_one_execution_and_not_of_all() -> None:
    subject = _core.Subject(
        Counter,
        [increment, increment],
        lambda counter: None,
        traced=lambda name: name == __file__,
        run_seconds=0.7,
    )
    with subject:
        explorer = _core.Explorer(subject)
        explorer.start_plan(strategy="random", seed=1)
        assert explorer.run(0, seconds_max=1.0) == "running"


def test_explore_dpor_goes_on_after_it_and_claims_nothing() -> None:
    def count_unless_first(counter: Counter) -> None:
        if counter.value == 1:
            count_for_ever(counter)

    result = explore_dpor(
        Counter,
        [count_unless_first, increment],
        lambda counter: True,
        timeout_per_run=0.2,
        max_branches=FOR_EVER,
        stop_on_first=False,
        max_executions=4,
        reproduce_on_failure=0,
    )
    assert not result.property_holds and result.failure.kind == "timeout"
    assert 1 <= len(result.failures) < result.num_explored  # some orders do not take so long
    assert not result.exhausted


def test_the_shorter_of_the_two_ends_a_thread_that_does_nothing() -> None:
    for options in ({"timeout_per_run": 0.2}, {"deadlock_timeout": 0.2}):
        result = explore(Counter, [compute_for_ever, increment], carrier="fiber", **options)
        assert result.failure is not None and result.failure.kind == "blocked"


def test_run_with_schedule_raises_a_timeout_error() -> None:
    def count_long(counter: Counter) -> None:
        for _ in range(10**9):
            counter.value += sum(range(50_000)) % 7

    with pytest.raises(TimeoutError, match="did not complete within timeout"):
        run_with_schedule([0, 1], Counter, [compute_for_ever, increment], timeout=0.2)
    with pytest.raises(TimeoutError):
        run_with_schedule([0, 1], Counter, [count_long, increment], timeout=0.2)


def test_total_timeout_ends_a_search_that_has_not_failed() -> None:
    def many(counter: Counter) -> None:
        for _ in range(6):
            increment(counter)

    result = explore(Counter, [many] * 4, preemption_bound=None, total_timeout=0.2)
    assert result.property_holds and result.verdict == "budget" and not result.exhausted
    assert result.num_explored > 1


def test_any_time_is_the_default_of_the_core_and_nonsense_is_refused() -> None:
    with pytest.raises(_core.FrontrunError, match="run_seconds"):
        _core.Subject(
            Counter, [increment], lambda counter: None, traced=lambda name: True, run_seconds=-1
        )
    with pytest.raises(ValueError, match="timeout_per_run=0"):
        explore(Counter, [increment], timeout_per_run=0)
