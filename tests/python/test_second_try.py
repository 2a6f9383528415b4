"""Threads that block in the kernel on each other: a second try, in which the others go on.

Each case blocks for real: sockets, pipes, file locks, C functions, a database, another process.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from command import frontrun_fuzz

from frontrun import _core, explore, replay_schedule

WATCHDOG = 0.5
LIBC = ctypes.CDLL(None, use_errno=True)

HAS_FIBERS = _core.carrier_name() == "fiber"


class Pair:
    """Two ends of a connection, and a counter."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()
        self.value = 0
        self.lock = threading.Lock()

    def close(self) -> None:
        self.here.close()
        self.there.close()


def receive_and_add(pair: Pair) -> None:
    pair.here.recv(1)
    value = pair.value
    pair.value = value + 1


def send_and_add(pair: Pair) -> None:
    pair.there.send(b"x")
    value = pair.value
    pair.value = value + 1


def receive_and_add_safely(pair: Pair) -> None:
    pair.here.recv(1)
    with pair.lock:
        pair.value += 1


def send_and_add_safely(pair: Pair) -> None:
    pair.there.send(b"x")
    with pair.lock:
        pair.value += 1


def receive_only(pair: Pair) -> None:
    pair.here.recv(1)


def is_two(pair: Pair) -> bool:
    pair.close()
    return pair.value == 2


def run(
    setup: Callable[[], Any],
    threads: Sequence[Callable[[Any], Any]],
    invariant: Callable[[Any], Any] | None = None,
    **options: Any,
) -> Any:
    return explore(setup, threads, invariant, timeout_per_run=WATCHDOG, **options)


def verdicts_of_draws(
    setup: Callable[[], Any], threads: Sequence[Callable[[Any], Any]], invariant: Any
) -> set[str | None]:
    """Of a few random executions: how long the kernel takes is another thing each time."""
    subject = _core.Subject(
        setup, threads, invariant, traced=lambda name: name == __file__, watchdog=2.0
    )
    with subject:
        explorer = _core.Explorer(subject)
        explorer.start_plan(strategy="random", seed=1, executions_max=6)
        verdicts = {explorer.step() for _ in range(6)}
        assert explorer.stats["executions"] == 6 and subject.second_try
    return verdicts


def assert_passes_without_a_claim(result: Any, executions: int = 1) -> None:
    assert result.property_holds, result.explanation
    assert not result.exhausted and result.verdict == "bounded"
    assert "blocked in the kernel" in result.second_try
    assert "second_try=True" in repr(result)
    assert result.num_explored == result.distinct_traces >= executions


@pytest.mark.parametrize("carrier", [None, "thread"])
def test_race_behind_a_blocking_read_is_found_and_repeats(carrier: str | None) -> None:
    result = run(Pair, [receive_and_add, send_and_add], is_two, carrier=carrier)
    assert result.failure is not None and result.failure.kind == "invariant"
    assert result.reproduction_successes == result.reproduction_attempts == 10
    assert "Lost update" in result.explanation
    assert result.schedule.preemptions == 1


@pytest.mark.parametrize("carrier", [None, "thread"])
def test_every_order_is_tried_and_none_twice(carrier: str | None) -> None:
    """The reader before or after the sender, times the orders of the two increments."""
    result = run(
        Pair, [receive_and_add, send_and_add], Pair.close, carrier=carrier, preemption_bound=None
    )
    assert_passes_without_a_claim(result)
    assert result.num_explored == 8
    safe = run(Pair, [receive_and_add_safely, send_and_add_safely], is_two, preemption_bound=None)
    assert_passes_without_a_claim(safe)
    assert safe.num_explored == 4


@pytest.mark.parametrize("strategy", ["random", "pct", "pos", "surw"])
def test_strategies_that_draw_go_on(strategy: str) -> None:
    result = run(
        Pair, [receive_and_add_safely, send_and_add_safely], is_two, strategy=strategy, seed=1,
        max_attempts=30,
    )
    assert result.property_holds and result.verdict == "budget" and result.second_try
    assert result.num_explored == 30


def test_what_does_not_block_is_not_affected() -> None:
    result = run(Pair, [send_and_add_safely, send_and_add_safely], is_two)
    assert result.property_holds and result.exhausted and result.second_try is None


def test_where_nobody_answers_it_stays_blocked_and_the_lines_are_named() -> None:
    result = run(Pair, [receive_only, receive_and_add, lambda pair: setattr(pair, "value", 2)])
    assert not result.property_holds and result.failure is not None
    assert result.failure.kind == "blocked" and result.second_try
    waits = [line for line in result.explanation.splitlines() if "waits at" in line]
    assert len(waits) == 2 and all("pair.here.recv(1)" in line for line in waits)
    assert waits[0].split()[0] == "receive_only" and waits[1].split()[0] == "receive_and_add"


@pytest.mark.skipif(not HAS_FIBERS, reason="this machine has no fibers")
def test_fibers_by_name_get_no_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(Pair, [receive_and_add, send_and_add], is_two, carrier="fiber")
    assert result.failure is not None and result.failure.kind == "blocked"
    assert result.second_try is None
    assert "no second try on OS threads, since fibers were asked for" in result.explanation
    monkeypatch.setenv("FRONTRUN_CARRIER", "fiber")
    result = run(Pair, [receive_and_add, send_and_add], is_two)
    assert result.failure is not None and result.failure.kind == "blocked"


def test_a_schedule_is_replayed(tmp_path: Path) -> None:
    result = run(Pair, [receive_and_add, send_and_add], is_two)
    path = result.schedule.save(tmp_path / "pair.schedule.json")
    again = replay_schedule(path, Pair, [receive_and_add, send_and_add], is_two)
    assert again.failure is not None and again.failure.kind == "invariant"


def test_a_pipe() -> None:
    class Pipe:
        def __init__(self) -> None:
            self.read, self.write = os.pipe()
            self.log: list[str] = []

        def close(self) -> bool:
            os.close(self.read)
            os.close(self.write)
            return self.log[-1] == "read"

    def read(pipe: Pipe) -> None:
        os.read(pipe.read, 1)
        pipe.log.append("read")

    def write(pipe: Pipe) -> None:
        pipe.log.append("before")
        os.write(pipe.write, b"x")

    assert_passes_without_a_claim(run(Pipe, [read, write], Pipe.close), 2)

    def write_too_early(pipe: Pipe) -> None:
        os.write(pipe.write, b"x")
        pipe.log.append("after")

    result = run(Pipe, [read, write_too_early], Pipe.close)
    assert result.failure is not None and result.failure.kind == "invariant"


def test_threads_that_wait_for_each_other_in_a_row() -> None:
    class Row:
        def __init__(self) -> None:
            self.pairs = [socket.socketpair() for _ in range(2)]
            self.log: list[int] = []

        def close(self) -> bool:
            for pair in self.pairs:
                for end in pair:
                    end.close()
            return self.log == [2, 1, 0]

    def last(row: Row) -> None:
        row.pairs[0][0].recv(1)
        row.log.append(0)

    def middle(row: Row) -> None:
        row.pairs[1][0].recv(1)
        row.log.append(1)
        row.pairs[0][1].send(b"x")

    def first(row: Row) -> None:
        row.log.append(2)
        row.pairs[1][1].send(b"x")

    result = run(Row, [last, middle, first], Row.close, preemption_bound=0)
    assert_passes_without_a_claim(result, 4)


def test_a_c_function_that_returns_by_itself() -> None:
    """Nobody wakes it: it is waited for when nobody else can go on."""

    class Slept:
        def __init__(self) -> None:
            self.log: list[str] = []

    def sleep(state: Slept) -> None:
        LIBC.usleep(1_200_000)
        state.log.append("slept")

    def work(state: Slept) -> None:
        state.log.append("worked")

    def worked_first(state: Slept) -> bool:
        return state.log == ["worked", "slept"]

    subject = _core.Subject(
        Slept, [sleep, work], worked_first, traced=lambda name: name == __file__, watchdog=0.7
    )
    with subject:
        explorer = _core.Explorer(subject)
        explorer.start()
        assert explorer.step() == "pass" and subject.second_try


def test_a_semaphore_of_c() -> None:
    class Semaphore:
        def __init__(self) -> None:
            self.memory = ctypes.create_string_buffer(64)
            LIBC.sem_init(self.memory, 0, 0)
            self.value = 0

    def wait(state: Semaphore) -> None:
        LIBC.sem_wait(state.memory)
        assert state.value == 1

    def post(state: Semaphore) -> None:
        state.value = 1
        LIBC.sem_post(state.memory)

    assert_passes_without_a_claim(run(Semaphore, [wait, post]))

    def post_too_early(state: Semaphore) -> None:
        LIBC.sem_post(state.memory)
        state.value = 1

    with pytest.raises(AssertionError) as caught:
        run(Semaphore, [wait, post_too_early])
    assert caught.value.frontrun_result.second_try  # type: ignore[attr-defined]


class Files:
    """Two files to lock."""

    def __init__(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.value = 0

    def path(self, name: str) -> str:
        return os.path.join(self.directory.name, name)

    def close(self) -> bool:
        self.directory.cleanup()
        return self.value == 2


def under_lock(files: Files) -> None:
    with open(files.path("a"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        value = files.value
        files.value = value + 1
        fcntl.flock(file, fcntl.LOCK_UN)


def test_a_lock_on_a_file_keeps_its_promise() -> None:
    result = run(Files, [under_lock, under_lock], Files.close, max_executions=40)
    assert result.property_holds, result.explanation
    assert result.second_try and not result.exhausted


def test_a_deadlock_of_locks_on_files_is_blocked_and_both_lines_are_named() -> None:
    def lock_both(files: Files, first: str, second: str) -> None:
        with open(files.path(first), "w") as one, open(files.path(second), "w") as other:
            fcntl.flock(one, fcntl.LOCK_EX)
            files.value += 1
            fcntl.flock(other, fcntl.LOCK_EX)

    result = run(
        Files,
        [lambda files: lock_both(files, "a", "b"), lambda files: lock_both(files, "b", "a")],
        lambda files: files.close() is not None,
    )
    assert result.failure is not None and result.failure.kind == "blocked"
    waits = [line for line in result.explanation.splitlines() if "waits at" in line]
    assert len(waits) == 2 and all("fcntl.flock(other" in line for line in waits)


def test_a_database_that_is_locked() -> None:
    """SQLite waits by sleeping and looking again: nobody wakes it."""

    class Database:
        def __init__(self) -> None:
            self.directory = tempfile.TemporaryDirectory()
            self.path = os.path.join(self.directory.name, "db")
            with sqlite3.connect(self.path) as connection:
                connection.execute("create table t (n)")
                connection.execute("insert into t values (0)")
            connection.close()

        def close(self) -> bool:
            connection = sqlite3.connect(self.path)
            (n,) = connection.execute("select n from t").fetchone()
            connection.close()
            self.directory.cleanup()
            return bool(n == 2)

    def add(database: Database) -> None:
        connection = sqlite3.connect(database.path, isolation_level=None, timeout=20)
        connection.execute("begin immediate")
        connection.execute("update t set n = n + 1")
        connection.execute("commit")
        connection.close()

    assert verdicts_of_draws(Database, [add, add], Database.close) == {"pass"}


def test_waiting_for_another_process() -> None:
    class Child:
        def __init__(self) -> None:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE
            )
            self.code: int | None = None

    def wait(child: Child) -> None:
        child.code = child.process.wait()

    def let_go(child: Child) -> None:
        assert child.process.stdin is not None
        child.process.stdin.close()

    verdicts = verdicts_of_draws(Child, [wait, let_go], lambda child: child.code == 1)
    assert verdicts == {"pass"}


def test_a_failure_while_another_is_in_the_kernel_leaves_nothing_behind() -> None:
    def fail(pair: Pair) -> None:
        raise ValueError("before it sends")

    subject = _core.Subject(
        Pair,
        [receive_and_add, fail],
        Pair.close,
        traced=lambda name: name == __file__,
        watchdog=WATCHDOG,
    )
    with subject:
        explorer = _core.Explorer(subject)
        explorer.start()
        assert explorer.step() in ("exception", "blocked")
        # Interleavings of another program are not disturbed by who was left behind.
    for _ in range(3):
        result = run(Pair, [send_and_add_safely, send_and_add_safely], is_two)
        assert result.property_holds and result.exhausted


def test_a_thread_of_the_program_may_block_too() -> None:
    def parent(pair: Pair) -> None:
        child = threading.Thread(target=receive_and_add, args=(pair,))
        child.start()
        send_and_add(pair)
        child.join()

    result = run(Pair, [parent], is_two)
    assert result.failure is not None and result.failure.kind == "invariant"


def test_where_the_second_try_does_not_block_its_result_stands() -> None:
    executions: list[int] = []

    class First(Pair):
        def __init__(self) -> None:
            super().__init__()
            executions.append(1)
            if len(executions) > 1:
                self.there.send(b"x")

    result = run(First, [receive_and_add_safely, receive_only], First.close)
    assert result.property_holds is False and result.failure.kind == "blocked"  # one is too many
    executions.clear()
    result = run(First, [receive_and_add_safely], First.close)
    assert result.property_holds and result.exhausted and result.second_try


def test_a_second_try_that_goes_another_way_is_told() -> None:
    executions: list[int] = []

    def sometimes(pair: Pair) -> None:
        executions.append(1)
        if len(executions) == 1:
            pair.value += 1
        pair.here.recv(1)

    result = run(Pair, [sometimes, send_and_add])
    assert not result.property_holds and result.failure.kind == "nondeterminism"


HARNESS = '''
import socket

class Pair:
    def __init__(self):
        self.here, self.there = socket.socketpair()
        self.value = 0

def receive(pair):
    pair.here.recv(1)
    value = pair.value
    pair.value = value + 1

def send(pair):
    pair.there.send(b"x")
    value = pair.value
    pair.value = value + 1

setup = Pair
threads = [receive, send]

def invariant(pair):
    pair.here.close()
    pair.there.close()
    return pair.value == 2
'''


@pytest.mark.long
def test_a_campaign_says_so_and_what_it_found_is_replayed(tmp_path: Path) -> None:
    harness = tmp_path / "pair.py"
    harness.write_text(HARNESS)
    done = frontrun_fuzz(harness, "--engine=builtin", "-runs=30", "-seed=1", cwd=tmp_path)
    assert done.returncode == 77, done.stderr
    assert done.stderr.count("note: a thread was blocked in the kernel") == 1
    assert "lost update" in done.stdout
    (schedule,) = tmp_path.glob("*.schedule.json")
    again = frontrun_fuzz("replay", schedule, cwd=tmp_path)
    assert again.returncode == 1, again.stderr
    assert "still fails: invariant" in again.stdout and "as recorded" in again.stdout
