"""Time under control: every clock, and who sees the time of the execution."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import datetime
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import frontrun_fuzz, only
from core_harness import is_ours
from frontrun import _core
from test_locks import read_functions
from time_harness import EPOCH, MONOTONIC_EPOCH, State, elapsed, explorer_of, run_alone

CAPTURED_SLEEP = time.sleep
CAPTURED_NOW = datetime.datetime.now
UTC = datetime.timezone.utc



# ---------------------------------------------------------------- the clocks


CLOCKS: list[tuple[Callable[[], Any], float]] = [
    (time.time, EPOCH),
    (lambda: time.time_ns() / 1e9, EPOCH),
    (time.monotonic, MONOTONIC_EPOCH),
    (lambda: time.monotonic_ns() / 1e9, MONOTONIC_EPOCH),
    (time.perf_counter, MONOTONIC_EPOCH),
    (lambda: time.perf_counter_ns() / 1e9, MONOTONIC_EPOCH),
    (time.process_time, 0),
    (lambda: time.process_time_ns() / 1e9, 0),
    (time.thread_time, 0),
    (lambda: time.thread_time_ns() / 1e9, 0),
    (lambda: time.clock_gettime(time.CLOCK_REALTIME), EPOCH),
    (lambda: time.clock_gettime(time.CLOCK_MONOTONIC), MONOTONIC_EPOCH),
    (lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 1e9, MONOTONIC_EPOCH),
    (lambda: time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID), 0),
    (lambda: time.mktime(time.localtime()), EPOCH),
    (lambda: time.mktime(time.localtime(None)), EPOCH),
    (lambda: time.mktime(time.gmtime()) - time.timezone, EPOCH),
    (lambda: time.mktime(time.strptime(time.ctime())), EPOCH),
    (lambda: time.mktime(time.strptime(time.asctime())), EPOCH),
    (lambda: float(time.strftime("%s")), EPOCH),
    (lambda: datetime.datetime.now().timestamp(), EPOCH),
    (lambda: datetime.datetime.now(None).timestamp(), EPOCH),
    (lambda: datetime.datetime.now(UTC).timestamp(), EPOCH),
    (lambda: datetime.datetime.now(tz=UTC).timestamp(), EPOCH),
    (lambda: datetime.datetime.today().timestamp(), EPOCH),
    (lambda: CAPTURED_NOW(UTC).timestamp(), EPOCH),
]


@pytest.mark.parametrize("number", range(len(CLOCKS)))
def test_every_clock_shows_virtual_time(number: int) -> None:
    read, start = CLOCKS[number]

    def act(state: State) -> tuple[float, float]:
        before = read()
        time.sleep(90061)
        return before, read()

    for _ in range(2):  # each execution starts at the same instant
        assert run_alone(act) == (start, start + 90061)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow")
def test_utcnow_and_today() -> None:
    def act(state: State) -> tuple[Any, ...]:
        time.sleep(1.5)
        return datetime.datetime.utcnow(), datetime.date.today()

    assert run_alone(act) == (
        datetime.datetime(2030, 1, 1, 0, 0, 1, 500000),
        datetime.date.fromtimestamp(EPOCH + 1.5),
    )


def test_subclasses_and_errors_of_now() -> None:
    class Stamp(datetime.datetime):
        pass

    assert type(run_alone(lambda state: Stamp.now(UTC))) is Stamp
    with pytest.raises(TypeError, match="tzinfo"):
        run_alone(lambda state: datetime.datetime.now("soon"))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        run_alone(lambda state: datetime.datetime.now(zone=UTC))  # type: ignore[call-arg]


def test_arguments_pass_through() -> None:
    def act(state: State) -> list[Any]:
        return [
            time.gmtime(0),
            time.localtime(5.5),
            time.ctime(7),
            time.asctime(time.gmtime(0)),
            time.strftime("%Y", time.gmtime(0)),
            time.clock_getres(time.CLOCK_MONOTONIC),
        ]

    assert run_alone(act) == act(State())


@pytest.mark.parametrize("wrong", [-1, float("nan"), "1", None, 1e300, 1 << 80, [1]])
def test_errors_of_sleep_are_the_originals(wrong: Any) -> None:
    with pytest.raises(Exception) as outside:
        time.sleep(wrong)
    with pytest.raises(Exception) as inside:
        run_alone(lambda state: time.sleep(wrong))
    assert (type(inside.value), str(inside.value)) == (type(outside.value), str(outside.value))


def test_sleep_takes_what_the_original_takes() -> None:
    class Index:
        def __index__(self) -> int:
            return 3

    def act(state: State) -> float:
        CAPTURED_SLEEP(True)
        time.sleep(Index())  # type: ignore[arg-type]
        time.sleep(0)
        time.sleep(0.25)
        return elapsed()

    assert run_alone(act) == 4.25


def test_time_costs_no_event_and_sleep_one() -> None:
    clock, sleep = time.time, time.sleep
    explorer = explorer_of([lambda state: [clock(), sleep(1), clock()]])
    explorer.start()
    assert explorer.step() == "pass"
    (event,) = (event for event in explorer.trace() if event.name not in ("clock", "sleep"))
    assert (event.kind, event.action, event.function) == ("sleep", "sleep", "<lambda>")


# ---------------------------------------------------------------- around the threads


def test_setup_and_invariant_share_the_time_of_the_execution() -> None:
    seen: list[float] = []

    def setup() -> State:
        seen.append(elapsed())
        time.sleep(2)
        return State()

    def invariant(state: State) -> None:
        seen.append(elapsed())

    def act(state: State) -> None:
        seen.append(elapsed())
        time.sleep(3)

    explorer = explorer_of([act], invariant, setup)
    explorer.start_plan(strategy="random")
    for _ in range(3):
        assert explorer.step() == "pass"
    assert seen == [0, 2, 5] * 3


def test_waits_in_setup_end() -> None:
    """Nothing else moves the time there; what waits and polls has to."""
    ends: list[float] = []

    def setup() -> State:
        state = State()
        condition = threading.Condition()
        with condition:
            assert not condition.wait_for(lambda: False, timeout=0.01)
        ends.append(elapsed())
        limit = time.monotonic() + 5
        while time.monotonic() < limit:
            pass
        return state

    explorer = explorer_of([lambda state: None], setup=setup)
    explorer.start()
    assert explorer.step() == "pass"
    assert ends == [pytest.approx(0.01)]


def test_foreign_threads_see_real_time() -> None:
    seen: list[float] = []

    def setup() -> State:
        worker = threading.Thread(target=lambda: seen.append(time.time()))
        worker.start()
        worker.join()
        return State()

    explorer = explorer_of([lambda state: time.sleep(1)], setup=setup)
    explorer.start()
    assert explorer.step() == "pass"
    assert seen[0] < EPOCH
    assert time.time() < EPOCH  # between executions


def test_everything_is_put_back() -> None:
    owners = [time, datetime.datetime, select, select.epoll, type(select.poll())]
    before = read_functions(owners)
    assert len(before) >= 20

    def fail(state: State) -> None:
        assert read_functions(owners) != before
        time.sleep(1)
        raise ValueError

    subject = _core.Subject(State, [fail], lambda state: None, traced=is_ours)
    explorer = _core.Explorer(subject)
    explorer.start()
    assert explorer.step() == "exception"
    subject.close()
    assert read_functions(owners) == before
    assert time.time() < EPOCH


def test_a_wrong_clock_is_refused() -> None:
    with pytest.raises(_core.FrontrunError, match="no clock lunar; there are: virtual"):
        explorer_of([lambda state: None], clock="lunar")


# ---------------------------------------------------------------- harness files


HARNESS = """
import time
{clock}
class State:
    def __init__(self):
        self.log = []
def setup(): return State()
def slow(state):
    time.sleep(10)
    state.log.append("slow")
def fast(state):
    time.sleep(1)
    state.log.append("fast")
threads = [slow, fast]
def invariant(state): return state.log == ["fast", "slow"]
"""


def test_a_harness_says_its_clock(tmp_path: Path) -> None:
    path = tmp_path / "naps.py"
    path.write_text(HARNESS.format(clock=""))
    done = frontrun_fuzz(path, "-runs=100", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = frontrun_fuzz(path, "--clock=explored", "-runs=100", cwd=tmp_path)
    assert done.returncode == 77, done.stderr
    file = only(list(tmp_path.glob("*.schedule.json")))
    assert f"replay {file.name} --clock=explored" in done.stdout + done.stderr
    assert frontrun_fuzz("replay", file, cwd=tmp_path).returncode != 1
    assert frontrun_fuzz("replay", file, "--clock=explored", cwd=tmp_path).returncode == 1
    path.write_text(HARNESS.format(clock='clock = "explored"'))
    assert frontrun_fuzz("replay", file, cwd=tmp_path).returncode == 1
    path.write_text(HARNESS.format(clock="clock = 5"))
    done = frontrun_fuzz(path, cwd=tmp_path)
    assert done.returncode == 2
    assert "clock is 5; make it one of 'virtual', 'explored', 'real'" in done.stderr
    done = frontrun_fuzz("replay", file, "--clock=lunar", cwd=tmp_path)
    assert (done.returncode, "--clock takes one of" in done.stderr) == (2, True)
