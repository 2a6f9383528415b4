"""Explanations as people get them: one golden text for each pattern."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import frontrun
import pattern_programs
import pytest
from frontrun.common import InterleavingResult
from frontrun.explanation import LINES_MAX
from library_programs import Counter, always, increments

GOLDEN = Path(__file__).with_name("explanations")
PROGRAMS = {
    name.lower(): program
    for name, program in vars(pattern_programs).items()
    if isinstance(program, pattern_programs.Program)
}


def explored(program: pattern_programs.Program, **options: Any) -> InterleavingResult:
    """The result, also if it comes with an exception."""
    try:
        return frontrun.explore(*program, **options)
    except (LookupError, RuntimeError) as error:
        return error.frontrun_result  # type: ignore[union-attr]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_text_of_each_pattern(name: str) -> None:
    explanation = explored(PROGRAMS[name]).explanation
    assert explanation is not None
    text = re.sub(r"after \d+ interleavings", "after N interleavings", explanation)
    assert f"{text}\n" == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_each_text_belongs_to_a_program() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_pattern_does_not_depend_on_the_strategy(name: str) -> None:
    golden = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    pattern = golden.splitlines()[2].partition(":")[0]
    explanation = explored(PROGRAMS[name], strategy="random", seed=7).explanation
    assert explanation is not None
    assert explanation.splitlines()[2].startswith(f"{pattern}:")


def test_an_explanation_has_at_most_thirty_lines() -> None:
    def much(counter: Counter) -> None:
        for _ in range(40):
            counter.value = counter.value + 1
            counter.lock = counter.lock

    result = frontrun.explore(
        Counter, much, lambda counter: counter.value == 120, count=3, strategy="random", seed=1
    )
    assert result.explanation is not None
    lines = result.explanation.splitlines()
    assert len(lines) <= LINES_MAX
    assert lines[-1].startswith("  frontrun.replay_schedule(")


def test_a_failure_in_every_order_is_called_so() -> None:
    result = frontrun.explore(Counter, [increments], lambda counter: False)
    assert result.explanation is not None
    assert "No two threads touch a common object: it fails in every order." in result.explanation


def test_an_exception_carries_the_explanation_as_its_note() -> None:
    def fails(_: Any) -> None:
        raise LookupError("found by the test")

    with pytest.raises(LookupError) as caught:
        frontrun.explore(Counter, [fails], always)
    notes = getattr(caught.value, "__notes__", None)
    if hasattr(caught.value, "add_note"):
        assert notes == [caught.value.frontrun_result.explanation]  # type: ignore[attr-defined]
