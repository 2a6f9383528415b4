"""What an exploration answers: counts, verdicts, exceptions, what it refuses."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import frontrun
import pytest
from frontrun import _core
from frontrun.common import InterleavingResult
from frontrun.dpor import explore_dpor
from library_programs import Counter, always, increments, increments_locked

# ----------------------------------------------------------------------------- exceptions


def test_an_exception_of_a_thread_leaves_with_the_result() -> None:
    def pops(items: list[int]) -> None:
        if items:
            items.pop()

    with pytest.raises(IndexError, match="pop from empty list") as caught:
        explore_dpor(lambda: [1], [pops, pops], always)
    result = caught.value.frontrun_result  # type: ignore[attr-defined]
    assert isinstance(result, InterleavingResult)
    assert not result.property_holds
    assert result.failure is not None
    assert (result.failure.kind, result.failure.exception) == ("exception", caught.value)
    assert result.failure.thread in (0, 1)
    assert result.failure.place == "pops: items.pop()"
    assert result.explanation is not None
    assert "Check-then-act: " in result.explanation
    assert result.schedule is not None


def test_an_exception_of_the_invariant_leaves_with_the_result() -> None:
    def invariant(counter: Counter) -> bool:
        assert counter.value == 2, "lost"
        return True

    with pytest.raises(AssertionError, match="lost") as caught:
        explore_dpor(Counter, [increments] * 2, invariant)
    result = caught.value.frontrun_result  # type: ignore[attr-defined]
    assert result.failure.kind == "invariant"
    assert result.counterexample


def test_an_exception_leaves_at_the_end_if_all_failures_are_wanted() -> None:
    def raises(counter: Counter) -> None:
        counter.increment()
        if counter.value == 2:
            raise LookupError

    with pytest.raises(LookupError) as caught:
        explore_dpor(
            Counter, [raises, increments], always, preemption_bound=None, stop_on_first=False
        )
    result = caught.value.frontrun_result  # type: ignore[attr-defined]
    assert result.exhausted
    assert 1 < len(result.failures) < result.num_explored


def test_of_mixed_failures_the_first_exception_leaves() -> None:
    def invariant(counter: Counter) -> bool:
        if counter.value == 1:
            raise LookupError
        return False

    with pytest.raises(LookupError) as caught:
        explore_dpor(
            Counter, [increments] * 2, invariant, preemption_bound=None, stop_on_first=False
        )
    result = caught.value.frontrun_result  # type: ignore[attr-defined]
    assert (len(result.failures), result.num_explored) == (4, 4)


def test_an_exception_of_setup_leaves_as_it_is() -> None:
    def setup() -> Any:
        raise LookupError("no state")

    with pytest.raises(LookupError, match="no state"):
        explore_dpor(setup, [increments], always)


def test_an_interrupt_leaves() -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explore_dpor(Counter, [interrupted], always)


# ----------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"strategy": "dfs"}, ValueError, "strategy='dfs': it is one of 'dpor', 'random'"),
        ({"search": "sideways"}, ValueError, "search='sideways': it is one of 'dfs'"),
        ({"search": "stride:x"}, ValueError, "search='stride:x': a seed is a whole number"),
        ({"search": "dfs:1"}, ValueError, "search='dfs:1': a seed is a whole number"),
        ({"clock": "sundial"}, ValueError, "clock='sundial': it is one of"),
        ({"switch_points": "some"}, ValueError, "switch_points='some': it is one of 'any', 'gil'"),
        ({"carrier": "pigeon"}, ValueError, "carrier='pigeon': it is one of"),
        ({"max_executions": 0}, ValueError, "max_executions=0: it is at least 1"),
        ({"max_attempts": 0}, ValueError, "max_attempts=0: it is at least 1"),
        ({"preemption_bound": -1}, ValueError, "preemption_bound=-1: it is at least 0"),
        ({"preemption_bound": 1.5}, ValueError, "preemption_bound=1.5: it is a whole number"),
        ({"total_timeout": 0}, ValueError, "total_timeout=0: it is a number of seconds greater"),
        ({"deadlock_timeout": "5"}, ValueError, "deadlock_timeout='5': it is a number of sec"),
        ({"trace_packages": "cachetools"}, ValueError, "trace_packages is a list of patterns"),
        ({"count": 2}, ValueError, "count goes with one callable"),
        ({"serializable_invariant": 3}, ValueError, "serializable_invariant=3: it is True, or a"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        frontrun.explore(Counter, [increments] * 2, always, **options)
    assert text in str(caught.value)


async def coroutine(_: Any) -> None: ...


@pytest.mark.parametrize(
    ("workers", "text"),
    [
        ([], "there are 0 workers"),
        ([increments] * 65, "there are 65 workers"),
        (increments, "say with count="),
        ([1], "worker 0 is an int"),
        ("ab", "workers is a str"),
        ([coroutine], "worker 0 is a coroutine function"),
    ],
)
def test_workers_that_cannot_run_are_refused(workers: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        frontrun.explore(Counter, workers, always)
    assert text in str(caught.value)


# ----------------------------------------------------------------------------- explore


@pytest.mark.parametrize("strategy", ["dpor", "random", "pct", "pos", "surw"])
def test_each_strategy_finds_the_lost_update(strategy: str) -> None:
    result = frontrun.explore(
        Counter, increments, lambda c: c.value == 2, count=2, strategy=strategy, seed=1
    )
    assert not result.property_holds
    assert result.stats["seed"] == 1
    with pytest.raises(AssertionError, match="Lost update: threads 0 and 1 both read value"):
        result.assert_holds()


@pytest.mark.parametrize(
    "search",
    ["dfs", "bit-reversal:3", "round-robin", "stride:2", "conflict-first", "lowest-first"],
)
def test_each_search_order_covers_the_same(search: str) -> None:
    result = frontrun.explore(
        Counter, increments, always, count=3, search=search, preemption_bound=None
    )
    assert (result.num_explored, result.verdict) == (36, "exhausted")
    result.assert_holds()


def test_search_orders_differ() -> None:
    failures = [
        frontrun.explore(
            Counter, increments, lambda c: c.value == 3, count=3, search=search, stop_on_first=False
        ).failures
        for search in ("dfs", "bit-reversal:1", "stride:1")
    ]
    assert len({str(each) for each in failures}) > 1


@pytest.mark.parametrize("carrier", ["thread", "fiber"])
def test_carriers(carrier: str) -> None:
    names = set()

    def invariant(counter: Counter) -> bool:
        names.add(_core.carrier_name())
        return counter.value == 2

    result = frontrun.explore(Counter, increments_locked, invariant, count=2, carrier=carrier)
    assert (result.num_explored, result.verdict) == (2, "exhausted")
    assert names <= {carrier, "thread"}  # where fibers cannot be, threads stand in


def test_what_the_gil_keeps_from_happening_counts_on_request_only() -> None:
    def calls_between(counter: Counter) -> None:
        temp = counter.value
        always(temp)
        counter.value = temp + 1

    def two(counter: Counter) -> bool:
        return counter.value == 2

    def holds(worker: Any, switch_points: str) -> bool:
        result = frontrun.explore(
            Counter, worker, two, count=2, preemption_bound=None, switch_points=switch_points
        )
        assert result.verdict == ("exhausted" if result.property_holds else "failed")
        return result.property_holds

    def plain(counter: Counter) -> None:
        temp = counter.value
        counter.value = temp + 1

    assert not holds(plain, "any")
    assert holds(plain, "gil")
    assert not holds(calls_between, "any")
    assert not holds(calls_between, "gil")


@pytest.mark.parametrize(("clock", "holds"), [("virtual", True), ("explored", False)])
def test_clocks(clock: str, holds: bool) -> None:
    def late(counter: Counter) -> None:
        time.sleep(1)
        counter.increment()

    result = frontrun.explore(
        Counter, [increments, late], lambda counter: counter.value == 2, clock=clock
    )
    assert result.property_holds is holds, result.explanation


def test_an_event_has_the_line_that_was_executed() -> None:
    def twice(counter: Counter) -> None:
        counter.value += 1
        counter.value += 1

    def increment(counter: Counter) -> None:
        counter.increment()
        self = counter
        temp = self.value
        self.value = temp + 1

    with subject_of([twice]) as subject:
        explorer = _core.Explorer(subject)
        explorer.start_plan()
        explorer.step()
        lines = [event.line for event in explorer.trace() if event.action == "write"]
    first = twice.__code__.co_firstlineno
    assert lines == [first + 1, first + 2]
    with subject_of([increment]) as subject:
        explorer = _core.Explorer(subject)
        explorer.start_plan()
        explorer.step()
        files = [Path(event.file).name for event in explorer.trace() if event.action == "write"]
    assert files == ["library_programs.py", "test_explore.py"]


def subject_of(threads: list[Any]) -> _core.Subject:
    return _core.Subject(Counter, threads, always, traced=lambda file: "tests" in file)


def test_nothing_executed_is_no_pass() -> None:
    with pytest.raises(AssertionError, match="nothing was executed"):
        InterleavingResult(True).assert_holds()


def test_trace_packages_adds_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "counting"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from counting.core import count\n")
    (package / "core.py").write_text(
        "TOTAL = [0]\ndef count():\n    total = TOTAL[0]\n    TOTAL[0] = total + 1\n"
    )
    monkeypatch.syspath_prepend(str(package.parent))
    import counting  # type: ignore[import-not-found]

    def reset() -> None:
        counting.core.TOTAL[0] = 0

    def run(*patterns: str) -> int:
        return frontrun.explore(
            reset, lambda _: counting.count(), always, count=2, trace_packages=patterns
        ).num_explored

    assert run() == 1
    assert run("calendar") == 1
    assert run("counting.*") == run("counting.core") == run("calendar", "*.core") > 1
    with pytest.raises(ValueError, match="no module count "):
        run("count")


def test_a_schedule_is_saved_and_replayed(tmp_path: Any) -> None:
    def good(counter: Counter) -> bool:
        return counter.value == 2

    result = frontrun.explore(Counter, [increments] * 2, good)
    assert result.schedule is not None
    path = result.schedule.save(tmp_path / "lost.schedule.json")
    for schedule in (path, result.schedule):
        again = frontrun.replay_schedule(schedule, Counter, [increments] * 2, good)
        assert not again.property_holds
        assert again.counterexample == result.counterexample
        assert again.num_explored == 1
    mended = frontrun.replay_schedule(path, Counter, [increments] * 2, always)
    assert mended.property_holds
    assert mended.verdict == "budget"
    with pytest.raises(ValueError, match="the schedule is stale"):
        frontrun.replay_schedule(path, Counter, [increments_locked] * 2, good)
    with pytest.raises(ValueError, match="has 2 threads, not 3"):
        frontrun.replay_schedule(path, Counter, [increments] * 3, good)
    with pytest.raises(ValueError, match="cannot be read"):
        frontrun.replay_schedule(tmp_path / "none.json", Counter, [increments] * 2, good)


@pytest.mark.parametrize("strategy", ["dpor", "random"])
def test_a_program_that_does_not_repeat_itself_is_told(strategy: str) -> None:
    made = []

    class Moody(Counter):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)
            self.twice = len(made) % 2 == 0

    def worker(state: Moody) -> None:
        if state.twice:
            state.increment()
        state.increment()

    result = frontrun.explore(Moody, worker, always, count=2, strategy=strategy)
    assert not result.property_holds
    assert result.verdict == "failed"
    assert result.failure is not None
    assert result.failure.kind == "nondeterminism"
    assert result.explanation is not None
    assert "The program does not repeat itself" in result.explanation
    with pytest.raises(AssertionError, match="does not repeat itself"):
        result.assert_holds()


def test_what_is_made_once_is_told_apart_from_what_always_changes() -> None:
    cache: dict[str, int] = {}

    def worker(state: Counter) -> None:
        if "limit" not in cache:
            cache["limit"] = 2
        state.increment()

    def explored() -> str:
        result = frontrun.explore(Counter, worker, always, count=2)
        return "" if result.explanation is None else result.explanation

    assert "From the second execution on it does" in explored()
    assert explored() == ""  # what the explanation advises: it was called before
    cache.clear()
    result = frontrun.explore(lambda: cache.clear() or Counter(), worker, always, count=2)
    assert result.property_holds, "the other advice: made anew in setup()"


def test_nothing_is_told_to_those_who_pass() -> None:
    result = frontrun.explore(Counter, increments_locked, lambda c: c.value == 2, count=2)
    assert (result.failure, result.schedule, result.explanation) == (None, None, None)
    assert (result.failures, result.reproduction_attempts) == ([], 0)


def test_a_started_thread_keeps_its_name_and_is_replayed_by_its_number(tmp_path: Path) -> None:
    def main(counter: Counter) -> None:
        started = [threading.Thread(target=counter.increment, name=name) for name in ("ann", "bob")]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()

    program = Counter, [main], lambda counter: counter.value == 2
    result = frontrun.explore(*program)
    assert result.explanation is not None and result.schedule is not None
    assert "Thread 1: ann" in result.explanation
    path = result.schedule.save(tmp_path / "lost.schedule.json")
    written = path.read_text(encoding="utf-8")
    assert '"name": "ann"' in written and '"name": "bob"' in written
    # As it was written before, and by somebody who gave the threads other names.
    for names in (("ann", "bob"), ("thread-1", "thread-2"), ("bob", "ann")):
        text = written.replace('"ann"', f'"{names[0]}"').replace('"bob"', f'"{names[1]}"')
        path.write_text(text, encoding="utf-8")
        assert not frontrun.replay_schedule(path, *program).property_holds
