"""The command frontrun-fuzz in a process of its own, for tests."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HARNESSES = ROOT / "harnesses"
SECONDS_MAX = 120


def start(*arguments: object, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """Starts the command in a directory, with these variables in its environment."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONHASHSEED"}
    environment |= variables
    return subprocess.Popen(
        [sys.executable, "-m", "frontrun.fuzz_cli", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def frontrun_fuzz(
    *arguments: object, cwd: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end, in a directory, and answers what it wrote."""
    with start(*arguments, cwd=cwd, **variables) as process:
        try:
            stdout, stderr = process.communicate(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def only(paths: list[Path]) -> Path:
    """The one path there is."""
    assert len(paths) == 1, paths
    return paths[0]


def install(package: str, directory: Path) -> str:
    """Puts a package of the package index into a directory of its own, and answers that."""
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--target", str(directory), package),
    ]
    installed = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert installed.returncode == 0, f"{package} could not be installed: {installed.stderr}"
    return str(directory)
