"""Files, pipes and sockets by what they are: who meets whom, and in how many executions."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from observed import explore, is_ours

from frontrun import _core, dpor


class State:
    fd = -1
    other = -1
    seen: Any = None
    made = 0

    def __init__(self, home: str) -> None:
        self.home = home
        self.a, self.b, self.new = (os.path.join(home, name) for name in ("a", "b", "new"))
        for path in Path(home).iterdir():
            path.rmdir() if path.is_dir() else path.unlink()
        for name in (self.a, self.b):
            with open(name, "w") as file:
                file.write("0")


@pytest.fixture
def setup() -> Iterator[Callable[[], State]]:
    here = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="frontrun-files-") as home:
        yield lambda: State(home)
    os.chdir(here)


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def add_one(path: str) -> None:
    write(path, str(int(read(path) or 0) + 1))


def executions(setup: Callable[[], State], *threads: Callable[[State], Any]) -> int:
    """Of all traces. None is executed twice, and a walk finds no other."""
    explorer = explore(setup, *threads)
    assert explorer.stats["executions"] == explorer.distinct
    walk = _core.Explorer(_core.Subject(setup, threads, lambda state: None, traced=is_ours))
    walk.start_plan(strategy="random", seed=1, executions_max=40)
    walk.run(40)
    assert walk.distinct <= explorer.distinct
    return explorer.distinct


def test_threads_with_files_of_their_own_are_independent(setup: Callable[[], State]) -> None:
    assert executions(setup, lambda s: add_one(s.a), lambda s: add_one(s.b)) == 1
    assert executions(setup, lambda s: write(s.new, "1"), lambda s: write(s.new + "2", "1")) == 1
    assert executions(setup, lambda s: os.mkdir(s.new + "d"), lambda s: os.path.isdir(s.b)) == 1
    assert executions(setup, lambda s: os.replace(s.a, s.new), lambda s: add_one(s.b)) == 1


def test_threads_that_only_read_are_independent(setup: Callable[[], State]) -> None:
    assert executions(setup, lambda s: read(s.a), lambda s: read(s.a)) == 1
    assert executions(setup, lambda s: os.stat(s.a), lambda s: os.path.getsize(s.a)) == 1
    assert executions(setup, lambda s: os.listdir(s.home), lambda s: os.listdir(s.home)) == 1
    assert executions(setup, lambda s: Path(s.a).read_text(), lambda s: Path(s.a).exists()) == 1
    assert executions(setup, lambda s: os.path.exists(s.new), lambda s: os.path.isdir(s.new)) == 1


def test_one_file(setup: Callable[[], State]) -> None:
    assert executions(setup, lambda s: write(s.a, "1"), lambda s: os.path.exists(s.a)) == 2
    assert executions(setup, lambda s: Path(s.a).read_text(), lambda s: os.truncate(s.a, 0)) == 2
    assert executions(setup, lambda s: read(s.a), lambda s: write(s.a, "1")) == 20
    assert executions(setup, lambda s: add_one(s.a), lambda s: add_one(s.a)) == 92


def test_names(setup: Callable[[], State]) -> None:
    assert executions(setup, lambda s: read(s.a), lambda s: os.replace(s.b, s.a)) == 7
    assert executions(setup, lambda s: os.listdir(s.home), lambda s: os.mkdir(s.new + "d")) == 2
    assert executions(setup, lambda s: os.listdir(s.home), lambda s: add_one(s.b)) == 1
    assert executions(setup, lambda s: os.chdir("/"), lambda s: os.getcwd()) == 2


def make_lock(state: State) -> None:
    """With mode "x" only one can have it."""
    try:
        open(state.new, "x").close()
    except FileExistsError:
        return
    state.made += 1


def make_lock_badly(state: State) -> None:
    if not os.path.exists(state.new):
        open(state.new, "w").close()
        state.made += 1


def test_a_lock_file(setup: Callable[[], State]) -> None:
    good = dpor.explore_dpor(setup, [make_lock, make_lock], lambda state: state.made == 1)
    assert good.verdict == "exhausted"
    assert good.num_explored == 2
    bad = dpor.explore_dpor(setup, [make_lock_badly] * 2, lambda state: state.made == 1)
    assert not bad.property_holds
    assert "looked at file new" in str(bad.explanation)


def test_a_lost_update_says_which_file(setup: Callable[[], State]) -> None:
    def add(state: State) -> None:
        path = Path(state.a)
        path.write_text(str(int(path.read_text() or 0) + 1))

    found = dpor.explore_dpor(setup, [add, add], lambda state: read(state.a) == "2")
    assert "file a" in str(found.explanation)


def test_a_directory_that_is_made_meanwhile(setup: Callable[[], State]) -> None:
    """Whether the directory was there when the path was looked up first does not matter."""

    def make(state: State) -> None:
        os.mkdir(state.new)
        os.rmdir(state.new)

    assert executions(setup, make, lambda s: os.path.exists(s.new + "/x")) == 5


def with_pipes() -> State:
    state = State.__new__(State)
    state.fd, state.other = os.pipe()
    os.set_blocking(state.fd, False)
    return state


def closing(setup: Callable[[], State], *threads: Callable[[State], Any]) -> int:
    """The descriptors of each execution are closed again."""

    def close(state: State) -> None:
        for descriptor in (state.fd, state.other):
            os.close(descriptor)

    subject = _core.Subject(setup, threads, close, traced=is_ours)
    explorer = _core.Explorer(subject)
    explorer.start_plan(strategy="dpor")
    assert explorer.run(1_000) == "exhausted"
    return explorer.distinct


def take(state: State) -> None:
    try:
        state.seen = os.read(state.fd, 1)
    except BlockingIOError:
        state.seen = None


def test_the_ends_of_a_pipe_meet(setup: Callable[[], State]) -> None:
    assert closing(with_pipes, take, lambda s: os.write(s.other, b"x")) == 2
    assert closing(with_pipes, lambda s: os.path.exists("/tmp"), take) == 1


def test_sockets_of_two_connections_do_not_meet() -> None:
    class Connected:
        def __init__(self) -> None:
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                listener.listen()
                self.here = socket.create_connection(listener.getsockname())
                self.there = listener.accept()[0]
            self.there.setblocking(False)

        def close(self) -> None:
            self.here.close()
            self.there.close()

        def receive(self) -> None:
            try:
                self.there.recv(1)
            except BlockingIOError:
                pass

    def count(send: Callable[[Any], Any], receive: Callable[[Any], Any]) -> int:
        def close(pair: tuple[Connected, Connected]) -> None:
            for connected in pair:
                connected.close()

        subject = _core.Subject(
            lambda: (Connected(), Connected()), [send, receive], close, traced=is_ours
        )
        explorer = _core.Explorer(subject)
        explorer.start_plan(strategy="dpor")
        assert explorer.run(1_000) == "exhausted"
        return explorer.distinct

    assert count(lambda s: s[0].here.send(b"x"), lambda s: s[0].receive()) == 2
    assert count(lambda s: s[0].here.send(b"x"), lambda s: s[1].receive()) == 1


def test_resources_have_names(setup: Callable[[], State]) -> None:
    explorer = explore(setup, lambda s: add_one(s.a))
    names = set(explorer.resources().values())
    assert "file a" in names
    numbers = {number for event in explorer.trace() for number, _ in event.accesses}
    assert set(explorer.resources()) <= numbers


@pytest.mark.parametrize("carrier", ["fiber", "thread"])
def test_on_both_carriers(
    carrier: str, setup: Callable[[], State], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTRUN_CARRIER", carrier)
    assert executions(setup, lambda s: add_one(s.a), lambda s: add_one(s.b)) == 1
    assert executions(setup, lambda s: read(s.a), lambda s: write(s.a, "1")) == 20
