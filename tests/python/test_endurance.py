"""The same bytes give the same traces in every process, and memory stays flat for ever."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from command import ROOT

LONG = os.environ.get("FRONTRUN_LONG") == "1"
SCRIPT = Path(__file__).with_name("endurance.py")
CARRIERS = ("thread", "fiber")
PROCESSES = 1000 if LONG else 20
EXECUTIONS = 1_000_000 if LONG else 50_000
GROWTH_MAX_KIB = 1024
# What the carriers, observation and the doors are most likely to do wrong with memory.
WITHOUT = "not endurance"  # freed memory is kept for a while by the sanitizer
SANITIZED = (
    *("test_access_cases.py", "test_carrier.py", "test_carrier_hazards.py", "test_core.py"),
    *("test_identity.py", "test_locks.py", "test_observation.py", "test_verdicts.py"),
)


def run(*arguments: object, **variables: str) -> Any:
    process = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=1800,
        env={**os.environ, **variables},
    )
    assert process.returncode == 0, process.stderr[-4000:]
    return json.loads(process.stdout)


def test_same_hashes_in_every_process() -> None:
    """Whatever the carrier, the seed of str's hashes, and where memory lies."""
    expected = run("hashes", FRONTRUN_CARRIER="thread", PYTHONHASHSEED="0")
    assert len(set(expected)) > 10
    for number in range(PROCESSES):
        seed = "random" if number % 2 else str(number + 1)
        variables = {"FRONTRUN_CARRIER": CARRIERS[number % 2], "PYTHONHASHSEED": seed}
        assert run("hashes", **variables) == expected, variables


@pytest.mark.parametrize("carrier", CARRIERS)
def test_memory_stays_flat(carrier: str) -> None:
    executions = EXECUTIONS if carrier == "fiber" else EXECUTIONS // 10
    before, after, _ = run("memory", executions, FRONTRUN_CARRIER=carrier)
    assert after - before < GROWTH_MAX_KIB, (before, after)


@pytest.mark.long
def test_under_the_address_sanitizer(tmp_path: Path) -> None:
    """The extension, built with AddressSanitizer, passes the tests that exercise it most."""
    library = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=False
    ).stdout.strip()
    assert shutil.which("cmake") and os.path.isabs(library), "needs cmake, and gcc with libasan"
    build = tmp_path / "build"
    for command in (
        [
            *("cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja"),
            *("-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DFRONTRUN_BUILD_TESTS=OFF"),
            *("-DFRONTRUN_SANITIZE=address", "-DCMAKE_C_COMPILER=gcc"),
            f"-DPython_EXECUTABLE={sys.executable}",
        ],
        ["cmake", "--build", str(build), "--target", "_core", "-j2"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    package = tmp_path / "package" / "frontrun"
    import frontrun

    shutil.copytree(Path(frontrun.__file__).parent, package)
    name = f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    shutil.copy(next(build.rglob(name)), package / name)
    tests = [str(Path(__file__).with_name(name)) for name in SANITIZED]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", WITHOUT],
        capture_output=True,
        text=True,
        timeout=3600,
        env={
            **os.environ,
            "PYTHONPATH": str(package.parent),
            "LD_PRELOAD": library,
            "ASAN_OPTIONS": "detect_leaks=0:handle_segv=0:allow_user_segv_handler=1",
            "FRONTRUN_LONG": "0",
        },
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
