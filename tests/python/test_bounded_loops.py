"""Loops that end by themselves, however they count: none of them is taken for a spin.

Each of these looks at most a dozen times and then goes on, long after a spin would be recognised.
A detection that overlooks how it counts would wait for ever, or hide that the flag may stay down.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest

from spin_harness import State, raise_flag
from time_harness import explore

LIBRARY = """
class Counting:
    left = 12
    def check(self):
        self.left -= 1
        return self.left >= 0
    def __bool__(self): return self.check()
    def __len__(self): return int(self.check())
    def __eq__(self, other): return self.check()
    def __getitem__(self, key): return self.check()
    def __contains__(self, key): return self.check()
    def __call__(self): return self.check()
    def __add__(self, other): return self.check()
    def __invert__(self): return self.check()
    @property
    def value(self): return self.check()
    def __getattr__(self, name): return self.check()
    def __enter__(self): return self.check()
    def __exit__(self, *exc): return None
    def __iter__(self): return iter([self.check()])
    def __format__(self, spec): return "x" * self.check()
class Length(Counting):
    __bool__ = None
del Length.__bool__
class Descriptor:
    def __init__(self): self.counting = Counting()
    def __get__(self, owner, kind=None): return self.counting.check()
class Owner:
    pass
"""
# In a file that is not traced: only what it does to the loop can be seen.
library: dict[str, Any] = {}
exec(compile(LIBRARY, "/elsewhere/library.py", "exec"), library)


def by_range(state: State) -> None:
    for _ in range(12):
        if state.flag:
            break


def by_local(state: State) -> None:
    i = 0
    while not state.flag and i < 12:
        i += 1


def by_plain_local(state: State) -> None:
    i = 0
    while not state.flag and i < 12:
        i = i + 1


def by_plain_float(state: State) -> None:
    x = 1.0
    while not state.flag and x < 4096:
        x = x * 2


def by_plain_text(state: State) -> None:
    text = ""
    while not state.flag and text != 12 * "x":
        text = text + "x"


def by_large_local(state: State) -> None:
    i = 10**30
    while not state.flag and i < 10**30 + 12:
        i += 1


def by_float(state: State) -> None:
    x = 1.0
    while not state.flag and x < 4096:
        x *= 2


def by_text(state: State) -> None:
    text = ""
    while not state.flag and text != 12 * "x":
        text += "x"


def by_nesting(state: State) -> None:
    nest: Any = ()
    while not state.flag and len(repr(nest)) < 38:
        nest = (nest,)


def by_list(state: State) -> None:
    seen: list[int] = []
    while not state.flag and len(seen) < 12:
        seen.append(1)


def by_list_in_local(state: State) -> None:
    seen = [0]
    while not state.flag and seen[0] < 12:
        seen = [seen[0] + 1]


def by_cell(state: State) -> None:
    left = 12

    def count() -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    while not state.flag and count():
        pass


def by_comprehension_cell(state: State) -> None:
    left = 12
    while not state.flag and [left for _ in (1,)] != [0]:
        left -= 1


def by_iterator(state: State) -> None:
    numbers = iter(range(12))
    while not state.flag and next(numbers, None) is not None:
        pass


def by_membership_in_an_iterator(state: State) -> None:
    numbers = iter(12 * [1])
    while not state.flag and 1 in numbers:
        pass


def by_bound_next(state: State) -> None:
    step = iter(range(1, 13)).__next__
    while not state.flag and step() < 12:
        pass


def by_count(state: State) -> None:
    numbers = itertools.count()
    while not state.flag and next(numbers) < 12:
        pass


def by_generator(state: State) -> None:
    numbers = (i for i in range(12))
    while not state.flag and next(numbers, None) is not None:
        pass


def looking(state: State) -> Any:
    for _ in range(12):
        while not state.flag:
            yield False
            break
        else:
            yield True


def by_loop_in_a_generator(state: State) -> None:
    for up in looking(state):
        if up:
            break


def by_map(state: State) -> None:
    any(map(lambda _: state.flag, range(12)))


def by_reduce(state: State) -> None:
    functools.reduce(lambda up, _: up or state.flag, itertools.repeat(0, 12), False)


def look_once(state: State) -> bool:
    while not state.flag:
        return False
    return True


def by_calls(state: State) -> None:
    for _ in itertools.repeat(None, 12):
        if look_once(state):
            break


def by_counted_calls(state: State) -> None:
    i = 0
    while i < 12 and not look_once(state):
        i = i + 1


def look_twice(state: State, again: bool) -> bool:
    while not state.flag:
        if again:
            return False
        again = True
    return True


def by_counted_calls_of_a_loop(state: State) -> None:
    i = 0
    while i < 12 and not look_twice(state, False):
        i = i + 1


def look_and_raise(state: State) -> None:
    while not state.flag:
        raise ValueError


def by_exceptions(state: State) -> None:
    left = 12
    while left:
        try:
            look_and_raise(state)
            return
        except ValueError:
            left -= 1


def by_recursion(state: State, left: int = 12) -> None:
    if not state.flag and left > 1:
        by_recursion(state, left - 1)


def by_random(state: State) -> None:
    numbers = random.Random(5)
    while not state.flag and numbers.random() < 0.93:
        pass


def by_rlock(state: State) -> None:
    entered = 0
    while not state.flag and entered < 12:
        state.rlock.acquire()
        entered += 1
    for _ in range(entered):
        state.rlock.release()


def by_attribute(state: State) -> None:
    while not state.flag and state.n < 12:
        state.n += 1


def by_library(look: Callable[[Any], Any], kind: str = "Counting") -> Callable[[State], None]:
    def act(state: State) -> None:
        counting = library[kind]()
        while not state.flag and look(counting):
            pass

    return act


def in_the_loop_itself(text: str, kind: str = "Counting") -> Callable[[State], None]:
    """The same without a call in between."""
    source = f"""
def act(state):
    counting = library[{kind!r}]()
    while not state.flag:
        if not ({text}):
            break
"""
    names: dict[str, Any] = {"library": library}
    exec(compile(source, __file__, "exec"), names)
    return names["act"]  # type: ignore[no-any-return]


def by_descriptor(state: State) -> None:
    owner = library["Owner"]
    owner.value = library["Descriptor"]()
    instance = owner()
    while not state.flag and instance.value:
        pass


BOUNDED: list[Callable[[State], None]] = [
    by_range,
    by_local,
    by_plain_local,
    by_plain_float,
    by_plain_text,
    by_large_local,
    by_float,
    by_text,
    by_nesting,
    by_list,
    by_list_in_local,
    by_cell,
    by_comprehension_cell,
    by_iterator,
    by_membership_in_an_iterator,
    by_bound_next,
    by_count,
    by_generator,
    by_loop_in_a_generator,
    by_map,
    by_reduce,
    by_calls,
    by_counted_calls,
    by_counted_calls_of_a_loop,
    by_exceptions,
    by_recursion,
    by_random,
    by_rlock,
    by_attribute,
    by_descriptor,
    by_library(bool),
    by_library(lambda counting: counting.check()),
    in_the_loop_itself("counting.check()"),
    in_the_loop_itself("counting"),
    in_the_loop_itself("not not counting"),
    in_the_loop_itself("len(counting)"),
    in_the_loop_itself("counting", "Length"),
    in_the_loop_itself("counting == 1"),
    in_the_loop_itself("1 == counting"),
    in_the_loop_itself("counting[0]"),
    in_the_loop_itself("0 in counting"),
    in_the_loop_itself("counting()"),
    in_the_loop_itself("counting + 1"),
    in_the_loop_itself("~counting"),
    in_the_loop_itself("counting.value"),
    in_the_loop_itself("counting.unknown"),
    in_the_loop_itself("[*counting][0]"),
    in_the_loop_itself("f'{counting}'"),
    in_the_loop_itself("hasattr(counting, 'x') and counting.check()"),
    in_the_loop_itself("getattr(counting, 'value')"),
    in_the_loop_itself("bool(counting)"),
]


@pytest.mark.parametrize("number", range(len(BOUNDED)))
def test_a_bounded_loop_ends_by_itself(number: int) -> None:
    """Alone nobody raises the flag: it must come to its end all the same."""
    ends: list[bool] = []

    def act(state: State) -> None:
        BOUNDED[number](state)
        ends.append(state.flag)

    assert set(explore([act], setup=State)) == {"pass"}
    assert ends == [False]
    ends.clear()
    assert set(explore([act, raise_flag], setup=State)) == {"pass"}
    assert set(ends) == {False, True}


def test_how_often_a_bounded_loop_looks_is_explored() -> None:
    def act(state: State) -> None:
        looks = 0
        while looks < 12 and not state.flag:
            looks += 1
        state.n = looks

    seen: set[int] = set()
    explore([act, raise_flag], lambda state: seen.add(state.n), State)
    assert seen == set(range(13))
