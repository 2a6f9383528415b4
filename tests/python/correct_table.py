"""Prints docs/correct-programs.md from a directory of rows: one file "VERSION CARRIER" per run."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
from pathlib import Path

from correct_cases import EXECUTIONS_MAX
from primitive_table import agreed, read_runs

HEAD = """# Correct programs

A tool that blames correct programs is soon switched off. Each row is a harness of
`tests/python/correct_programs`, explored by dynamic partial order reduction without a bound on
preemptions, for at most {executions_max:,} executions. None of them is ever reported: *exhausted*
means that every trace was executed, *bound* that there are more than that many. A number of
executions per interpreter, or one if they agree: {versions}. Times are milliseconds on {newest},
fiber / thread carrier, of one run, with the loading of the file. Written by `scripts/primitives`.

Where the numbers differ the library's own code does ([primitives.md](primitives.md)).

| program | what it does | verdict | executions | ms |
|---|---|---|---|---|"""


def main(directory: Path) -> None:
    """The page on standard output."""
    versions, runs = read_runs(directory)
    newest = versions[-1]
    print(
        HEAD.format(
            versions=", ".join(versions), newest=newest, executions_max=EXECUTIONS_MAX
        )
    )
    for name, (*_, sentence) in runs[newest, "fiber"].items():
        every = [rows[name] for rows in runs.values()]
        verdict = agreed(list(dict.fromkeys(row[0] for row in every)))
        executions = agreed([runs[version, "fiber"][name][1] for version in versions])
        times = " / ".join(runs[newest, carrier][name][2] for carrier in ("fiber", "thread"))
        print(f"| {name} | {sentence} | {verdict} | {executions} | {times} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
