"""Campaigns of frontrun._fuzz in this process, under our own loop."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command import HARNESSES

from frontrun import _core, _fuzz, harness
from frontrun.campaign import number_of_traces


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.stats: dict[str, Any] = {}
        self.schedule = b""
        self.in_whole_space = False
        self.exception: BaseException | None = None
        self.kept: list[bytes] = []

    def note(self, what: str, stats: Any) -> int:
        self.told.append(what)
        self.stats = stats
        return {"failed": 77, "stopped": 2}.get(what, 0)

    def progress(self, stats: Any) -> None:
        pass

    def failed(self, stats: Any, schedule: bytes, in_whole_space: bool) -> int:
        self.schedule, self.in_whole_space = schedule, bool(in_whole_space)
        return self.note("failed", stats)

    def exhausted(self, stats: Any) -> int:
        return self.note("exhausted", stats)

    def finished(self, stats: Any) -> int:
        return self.note("finished", stats)

    def stopped(self, stats: Any, sentence: str, exception: BaseException | None) -> int:
        self.exception = exception
        return self.note("stopped", stats)

    def keep(self, schedule: bytes) -> None:
        self.kept.append(schedule)


def subject_of(name: str) -> _core.Subject:
    return harness.load(HARNESSES / f"{name}.py").subject()


def campaign(subject: _core.Subject, **options: Any) -> tuple[int, Listener]:
    listener = Listener()
    code = _fuzz.run(subject.capsule, listener, **{"seeds": [], "seed": 1, **options})
    return code, listener


def test_an_estimated_number_of_traces_says_so() -> None:
    stats = {"traces": 3_000_000, "is_exact": True}
    assert number_of_traces(stats) == "3,000,000"  # type: ignore[arg-type]
    stats["is_exact"] = False
    assert number_of_traces(stats) == "about 3,000,000"  # type: ignore[arg-type]


def test_the_whole_space_of_a_correct_harness_is_exhausted() -> None:
    code, listener = campaign(subject_of("bank_account_locked"), whole_space=True)
    assert (code, listener.told) == (0, ["exhausted"])
    assert listener.stats["traces"] == 2 and listener.stats["is_exact"] is True
    assert listener.stats["failures"] == 0


def test_a_budget_claims_nothing() -> None:
    code, listener = campaign(subject_of("bank_account_locked"), runs=100)
    assert (code, listener.told) == (0, ["finished"])
    assert listener.stats["inputs"] == 100
    assert listener.stats["executions"] >= 100
    assert listener.stats["traces"] == 2
    assert 0 <= listener.stats["chance_new"] <= 1


@pytest.mark.parametrize("whole_space", [False, True])
@pytest.mark.parametrize("name", ["bank_account", "dining_philosophers"])
def test_the_schedule_of_a_failure_fails_again(name: str, whole_space: bool) -> None:
    subject = subject_of(name)
    code, listener = campaign(subject, whole_space=whole_space)
    assert (code, listener.told) == (77, ["failed"])
    explorer = _core.Explorer(subject)
    explorer.start(listener.schedule)
    explorer.run(_fuzz.INPUT_EXECUTIONS_MAX)
    assert explorer.failure is not None


def test_a_failure_of_the_whole_space_is_one_execution() -> None:
    # The empty input explores one execution; the whole space's second one fails.
    subject = subject_of("bank_account")
    code, listener = campaign(subject, seeds=[b"", b"", b"", b""], runs=0, whole_space=True)
    assert code == 77
    assert listener.in_whole_space
    explorer = _core.Explorer(subject)
    explorer.start(listener.schedule)
    explorer.step()
    assert explorer.failure is not None


def test_the_same_seed_gives_the_same_campaign() -> None:
    runs = [campaign(subject_of("bank_account_locked"), runs=200, seed=5)[1] for _ in range(2)]
    assert runs[0].kept == runs[1].kept
    assert runs[0].stats == runs[1].stats


def test_features_of_traces_can_be_switched_off() -> None:
    most, least = (
        campaign(subject_of("bank_account_locked"), runs=200, traces=traces)[1].stats["corpus"]
        for traces in (0, 2)
    )
    assert most >= least > 0


def test_an_exception_in_setup_stops_it(tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text(
        "def setup():\n    raise ValueError('no')\nthreads = [print]\ninvariant = bool\n",
        encoding="utf-8",
    )
    code, listener = campaign(harness.load(tmp_path / "h.py").subject())
    assert (code, listener.told) == (2, ["stopped"])
    assert isinstance(listener.exception, _core.HarnessError)
    assert isinstance(listener.exception.__cause__, ValueError)


def test_campaigns_do_not_nest_and_arguments_are_checked() -> None:
    subject = subject_of("bank_account")

    class Nesting(Listener):
        def failed(self, stats: Any, schedule: bytes, in_whole_space: bool) -> int:
            with pytest.raises(RuntimeError, match="running already"):
                campaign(subject)
            return super().failed(stats, schedule, in_whole_space)

    assert _fuzz.run(subject.capsule, Nesting(), seeds=[]) == 77
    with pytest.raises(TypeError, match="either argv or seeds"):
        _fuzz.run(subject.capsule, Listener())
    with pytest.raises(ValueError):
        _fuzz.run(object(), Listener(), seeds=[])
