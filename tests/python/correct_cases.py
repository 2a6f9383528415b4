"""The correct programs, explored, for docs/correct-programs.md.

`python correct_cases.py` prints a row for each; scripts/primitives collects them.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
import time
from pathlib import Path

from frontrun import _core
from frontrun.harness import load

PROGRAMS = sorted((Path(__file__).parent / "correct_programs").glob("*.py"))
EXECUTIONS_MAX = 10_000


def sentence_of(program: Path) -> str:
    """What the program does, in its own words."""
    return (ast.get_docstring(ast.parse(program.read_text(encoding="utf-8"))) or "").rstrip(".")


def main() -> None:
    """For each program: its name, how it ended, executions, milliseconds, what it does."""
    for program in PROGRAMS:
        begun = time.monotonic()
        with load(program).subject() as subject:
            explorer = _core.Explorer(subject)
            explorer.start_plan(strategy="dpor")
            verdict = explorer.run(EXECUTIONS_MAX)
            executions = explorer.stats["executions"]
        milliseconds = round(1000 * (time.monotonic() - begun))
        ending = "bound" if verdict == "running" else verdict
        print(program.stem, ending, executions, milliseconds, sentence_of(program), sep="\t")


if __name__ == "__main__":
    main()
