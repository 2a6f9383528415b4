"""Switch points: is a lost update reachable with the GIL? As measured on each Python."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import frontrun
import pytest
from frontrun import _core, gil

PRELUDE = """\
import functools, threading

class State: pass
class New: pass
class NewInit:
    def __init__(self): self.q = 1
class Thing:
    @property
    def p(self): return 1
    def m(self): return 1
    def __getitem__(self, i): return 1
class Manager:
    def __enter__(self): return 1
    def __exit__(self, *a): return None

def f(): return 1
def get(o): return o.v
def inc(x): return x + 1
def gen(): yield 1
def delegate(): yield from gen()

o, z, a, fl, manager = Thing(), [1], (-5,), False, Manager()

def setup():
    s = State()
    s.v, s.d = 0, {"k": 0}
    return s

def invariant(s): return s.v == 2
"""

# name, body of both threads, answer on 3.10, 3.11, 3.12, 3.13, 3.14: y(es), n(o), c(old).
# Measured without this tool: lost updates in millions of rounds at the shortest switch interval.
CASES = [
    ("split", "t=s.v; s.v=t+1", "nnnnn"),
    ("aug", "s.v += 1", "nnnnn"),
    ("dict", "s.d['k']=s.d['k']+1; s.v=s.d['k']", "nnnnn"),
    ("pycall", "t=s.v; f(); s.v=t+1", "yyyyy"),
    ("pymeth", "t=s.v; o.m(); s.v=t+1", "yyyyy"),
    ("get_ret", "t=get(s); s.v=t+1", "ynnnn"),
    ("inc_arg", "s.v=inc(s.v)", "yyyyy"),
    ("len", "t=s.v; len(z); s.v=t+1", "ycccc"),
    ("isinst", "t=s.v; isinstance(t,int); s.v=t+1", "ycccc"),
    ("type1", "t=s.v; type(t); s.v=t+1", "ycccc"),
    ("abs", "t=s.v; abs(5); s.v=t+1", "yyyyy"),
    ("append_between", "q=[]; t=s.v; q.append(0); s.v=t+1", "ycccc"),
    ("cmeth", 't=s.v; "x".strip(); s.v=t+1', "yyyyy"),
    ("newclass", "t=s.v; New(); s.v=t+1", "yyyyy"),
    ("newinit", "t=s.v; NewInit(); s.v=t+1", "yyyyy"),
    ("kwcall_c", "t=s.v; sorted((), reverse=True); s.v=t+1", "yyyyy"),
    ("callex_c", "t=s.v; abs(*a); s.v=t+1", "yyyyy"),
    ("prop", "t=s.v; o.p; s.v=t+1", "yyyyy"),
    ("getitem_py", "t=s.v; o[0]; s.v=t+1", "yyyyy"),
    ("ifjump", "t=s.v\nif fl: t=0\ns.v=t+1", "ynnnn"),
    ("innerloop", "t=s.v\nfor _ in (1,): pass\ns.v=t+1", "yyyyy"),
    ("gen", "t=s.v\nfor _ in gen(): break\ns.v=t+1", "yyyyy"),
    ("deleg", "t=s.v\nfor _ in delegate(): break\ns.v=t+1", "yyyyy"),
    ("lcomp", "t=s.v; [q for q in z]; s.v=t+1", "yyyyy"),
    ("with_c", "t=s.v\nwith threading.Lock(): s.v=t+1", "yyyyy"),
    ("with_c2", "p=threading.Lock()\nt=s.v\nwith p: s.v=t+1", "nnnny"),
    ("with_py", "t=s.v\nwith manager: s.v=t+1", "yyyyy"),
    ("except", "t=s.v\ntry: 1/0\nexcept ZeroDivisionError: s.v=t+1", "ynnnn"),
    ("tryfin", "t=s.v\ntry: s.v=t+1\nfinally: pass", "nnnnn"),
    ("fstring", 't=s.v; f"{t}"; s.v=t+1', "nnnnn"),
    ("partial_ret", "t=functools.partial(get,s)(); s.v=t+1", "yyyyy"),
    ("callex_ret", "t=get(*[s]); s.v=t+1", "yynnn"),
    ("callkw_ret", "t=get(o=s); s.v=t+1", "ynnnn"),
    ("next_ret", "g=(x for x in [0]); t=s.v; next(g); s.v=t+1", "yyyyy"),
    ("lockacq", "l=threading.Lock(); t=s.v; l.acquire(); l.release(); s.v=t+1", "yyyyy"),
]

ANSWERS = {"y": "yes", "n": "no", "c": "not known"}


@pytest.fixture(params=CASES, ids=[case[0] for case in CASES])
def case(request: pytest.FixtureRequest) -> Iterator[tuple[_core.Subject, str]]:
    """A Subject, and the letter that is expected on this Python."""
    _, body, letters = request.param
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    names: dict[str, Any] = {"__name__": "harness"}
    exec(compile(f"{PRELUDE}\ndef worker(s):\n{indented}", "/harness.py", "exec"), names)
    letter = letters[min(sys.version_info[1] - 10, 4)]
    with _core.Subject(
        names["setup"],
        [names["worker"]] * 2,
        names["invariant"],
        traced=lambda file: file == "/harness.py",
        switch_points=True,
    ) as subject:
        yield subject, letter


def test_answer_is_what_was_measured(case: tuple[_core.Subject, str]) -> None:
    subject, letter = case
    explorer = _core.Explorer(subject)
    explorer.start_plan()
    assert explorer.run() == "invariant"
    assert explorer.failure is not None
    reach = gil.reachable(subject, explorer.failure, explorer.blocks, seconds=60)
    assert reach.answer == ANSWERS[letter]
    assert ("once or twice" in reach.sentence) == (letter == "c")
    assert bool(reach.blocks) == (letter == "y")


def test_nothing_is_said_without_switch_points() -> None:
    """Without the flag each stretch may be interrupted anywhere."""
    state: dict[str, int] = {}

    def worker(s: dict[str, int]) -> None:
        s["n"] = s["n"] + 1

    def setup() -> dict[str, int]:
        state["n"] = 0
        return state

    def traced(file: str) -> bool:
        return file == __file__

    with _core.Subject(setup, [worker] * 2, lambda s: s["n"] == 2, traced=traced) as subject:
        explorer = _core.Explorer(subject)
        explorer.start_plan()
        assert explorer.run() == "invariant"
        assert explorer.reach("yes") is not None


def test_bad_word_and_small_limit() -> None:
    def worker(s: list[int]) -> None:
        s.append(len(s))

    with _core.Subject(
        list, [worker] * 2, lambda s: s == [0, 1], traced=lambda file: file == __file__
    ) as subject:
        explorer = _core.Explorer(subject)
        explorer.start_plan()
        assert explorer.run() == "invariant"
        with pytest.raises(_core.FrontrunError, match="yes, unknown, cold, no"):
            explorer.reach("perhaps")
        with pytest.raises(_core.FrontrunError, match="too many prefixes"):
            explorer.reach("yes", states_max=1)


# ---------------------------------------------------------------- results of the library


class Counter:
    def __init__(self) -> None:
        self.value = 0


def call(n: int) -> int:
    return n + 1


def add_through_a_call(counter: Counter) -> None:
    counter.value = call(counter.value)


def add_at_once(counter: Counter) -> None:
    counter.value += 1


@pytest.mark.parametrize(("add", "answer"), [(add_through_a_call, "yes"), (add_at_once, "no")])
def test_a_result_says_whether_the_gil_allows_it(add: Any, answer: str) -> None:
    result = frontrun.explore(Counter, [add, add], lambda counter: counter.value == 2)
    line = result.reachable_with_gil()
    assert line is not None
    assert line.startswith(f"reachable with the GIL: {answer} (CPython ")
    assert result.reachable_with_gil() is line  # looked for once
    assert "_reach" not in repr(result)


def test_a_result_that_holds_has_nothing_to_reach() -> None:
    result = frontrun.explore(Counter, [add_at_once])
    assert result.reachable_with_gil() is None
