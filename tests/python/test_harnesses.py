"""Every example harness ends as the data beside it says."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command import HARNESSES, ROOT, frontrun_fuzz, only

HARNESS_FILES = sorted(HARNESSES.glob("*.py"))


def expected_of(harness: Path) -> dict[str, object]:
    """The outcome beside a harness."""
    return json.loads(harness.with_suffix(".expected.json").read_text(encoding="utf-8"))


def test_each_harness_has_its_expected_outcome() -> None:
    assert HARNESS_FILES
    assert {path.with_suffix("").with_suffix("") for path in HARNESSES.glob("*.expected.json")} == {
        path.with_suffix("") for path in HARNESS_FILES
    }


@pytest.mark.parametrize("engine", ["libfuzzer", "builtin"])
@pytest.mark.parametrize("harness", HARNESS_FILES, ids=lambda path: path.stem)
def test_harness(harness: Path, engine: str, tmp_path: Path) -> None:
    _fuzz = pytest.importorskip("frontrun._fuzz")
    if engine == "libfuzzer" and not _fuzz.HAS_LIBFUZZER:
        pytest.skip("built without libFuzzer")
    expected = expected_of(harness)
    result = frontrun_fuzz(harness, f"--engine={engine}", cwd=tmp_path)
    if expected["ending"] == "exhausted":
        assert result.returncode == 0, result.stderr
        assert f"exhausted: all {expected['traces']} traces were executed" in result.stdout
        assert f"{expected['traces']} distinct traces" in result.stderr
        assert list(tmp_path.iterdir()) == []
        return
    assert result.returncode == 77, result.stderr
    assert re.search(rf"^{expected['pattern']}: ", result.stdout, re.M)
    path = only(list(tmp_path.glob("*.schedule.json")))
    schedule = json.loads(path.read_text(encoding="utf-8"))
    assert schedule["failure"]["kind"] == expected["kind"]
    assert schedule["preemptions"] == expected["preemptions"]
    assert "no schedule with fewer fails so" in result.stdout
    artifact = only(list(tmp_path.glob("crash-*")))
    for again in (
        frontrun_fuzz("replay", path, cwd=tmp_path),
        frontrun_fuzz("replay", artifact, "--harness", harness, cwd=tmp_path),
    ):
        assert again.returncode == 1, again.stderr
        assert f"still fails: {expected['kind']}" in again.stdout


@pytest.mark.parametrize(
    "path", sorted((ROOT / "seeds").glob("*/*.schedule.json")), ids=lambda path: path.stem
)
def test_checked_in_schedules_still_fail_along_the_same_trace(path: Path, tmp_path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    for _ in range(3):
        result = frontrun_fuzz("replay", path, cwd=tmp_path)
        assert result.returncode == 1, result.stderr
        assert f"trace {recorded['trace_hash']} (as recorded)" in result.stdout
