"""What C code finds inside the containers it is given."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

from observed import Box, conflicts, explore, is_ours, seen

from frontrun import _core


class State:
    def __init__(self) -> None:
        self.outer: list[Any] = [[0]]
        self.seen: Any = None


def read_outer(state: State) -> None:
    state.seen = repr(state.outer)


def outcomes(*threads: Any) -> set[str]:
    found = set()

    def invariant(state: State) -> bool:
        found.add(state.seen)
        return True

    explorer = _core.Explorer(_core.Subject(State, threads, invariant, traced=is_ours))
    explorer.start_plan(strategy="dpor")
    assert explorer.run(10_000) == "exhausted"
    return found


def test_a_container_that_came_in_after_the_announcement_is_read_too() -> None:
    def replace(state: State) -> None:
        inner: list[int] = []
        state.outer[0] = inner
        inner.append(1)

    assert outcomes(read_outer, replace) == {"[[0]]", "[[]]", "[[1]]"}


def test_every_level_is_read() -> None:
    def replace(state: State) -> None:
        inner: list[Any] = [[]]
        state.outer[0] = inner
        innermost: list[int] = []
        inner[0] = innermost
        innermost.append(1)

    assert outcomes(read_outer, replace) == {"[[0]]", "[[[]]]", "[[[1]]]"}


def test_only_containers_inside_cost_an_event() -> None:
    flat = seen(lambda s: repr(s), lambda: [1, "a", (2, 3)])
    deep = seen(lambda s: repr(s), lambda: [[1]])
    assert [action for action, _ in flat if action == "inside"] == []
    assert [action for action, _ in deep if action == "inside"] == ["inside"]


def test_what_only_looks_at_the_container_reads_nothing_inside() -> None:
    assert not conflicts(lambda s: len(s), lambda s: s[0].append(1), lambda: [[1]])
    assert not conflicts(lambda s: list(s), lambda s: s[0].append(1), lambda: [[1]])
    assert conflicts(lambda s: str(s), lambda s: s[0].append(1), lambda: [[1]])


def test_a_container_that_holds_itself() -> None:
    def state() -> list[Any]:
        outer: list[Any] = [[1]]
        outer[0].append(outer)
        return outer

    explore(state, lambda s: repr(s), lambda s: repr(s))


def test_hundreds_of_containers_are_one_event() -> None:
    many = 500
    last = many - 1
    assert conflicts(
        lambda s: repr(s), lambda s: s[last].append(1), lambda: [[i] for i in range(many)]
    )


def test_more_than_an_event_holds_is_not_refused() -> None:
    explore(lambda: [[i] for i in range(3_000)], lambda s: repr(s))


def test_a_stream_that_holds_itself() -> None:
    import io

    def state() -> io.TextIOWrapper:
        stream = io.TextIOWrapper(io.BufferedRandom(io.BytesIO()))  # type: ignore[arg-type]
        stream.mine = stream  # type: ignore[attr-defined]
        return stream

    assert conflicts(lambda s: s.write("a"), lambda s: s.write("b"), state)


def test_getting_and_setting_by_map_are_accesses_of_the_objects() -> None:
    assert conflicts(
        lambda s: list(map(setattr, [s], ["value"], [1])), lambda s: s.value, lambda: Box(0)
    )


def test_a_tuple_that_is_in_many_places_is_looked_at_once() -> None:
    def state() -> list[Any]:
        nested: Any = ([],)
        for _ in range(100):
            nested = (nested, nested)
        return [nested]

    assert conflicts(lambda s: bool(s[0] in s), lambda s: s.append(1), state)


def test_deep_containers_that_nobody_else_has() -> None:
    def nest(state: list[Any]) -> None:
        nested: list[Any] = []
        for _ in range(2_000):
            nested = [nested]
        try:
            state.append(len(repr(nested)))
        except RecursionError:
            pass
        while nested:
            nested = nested.pop()

    explore(list, nest)
