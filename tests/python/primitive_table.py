"""Prints docs/primitives.md from the rows in a directory: one file "VERSION CARRIER" per run."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
from pathlib import Path

HEAD = """# Primitives of the standard library under control

Each row is two small programs of `tests/python/primitive_cases.py`: one with a race (or a deadlock)
and one without. The first is explored until it fails, the second until every trace was executed.
A number of executions per interpreter, or one if they agree:
{versions}. They are the same on both carriers and in every process (a test). Times are
milliseconds for both programs together on {newest}, fiber / thread carrier, of one run. Written by
`scripts/primitives`.

Where the numbers differ the library's own code does: `ThreadPoolExecutor` of 3.12 and later looks
into its queue before it waits, and `cached_property` has had no lock since 3.12.

| primitive | with a race | executions | without | executions | ms |
|---|---|---|---|---|---|"""

Rows = dict[str, list[str]]


def read(file: Path) -> Rows:
    lines = (line.split("\t") for line in file.read_text().splitlines())
    return {name: cells for name, *cells in lines}


def agreed(values: list[str]) -> str:
    """One value if all are the same."""
    return values[0] if len(set(values)) == 1 else ", ".join(values)


def read_runs(directory: Path) -> tuple[list[str], dict[tuple[str, str], Rows]]:
    """The versions in their order, and the rows of each version and carrier."""
    runs = {}
    for file in directory.iterdir():
        version, carrier = file.name.split()
        runs[version, carrier] = read(file)
    versions = {version for version, _ in runs}
    return sorted(versions, key=lambda v: [int(part) for part in v.split(".")]), runs


def main(directory: Path) -> None:
    """The page on standard output."""
    versions, runs = read_runs(directory)
    newest = versions[-1]
    print(HEAD.format(versions=", ".join(versions), newest=newest))
    for name in runs[newest, "fiber"]:
        rows = [runs[version, "fiber"].get(name, ["-"] * 6) for version in versions]
        columns = [agreed([row[at] for row in rows]) for at in (0, 1, 3, 4)]
        times = (
            sum(int(runs[newest, carrier][name][at]) for at in (2, 5))
            for carrier in ("fiber", "thread")
        )
        print(f"| {name} | {' | '.join(columns)} | {' / '.join(map(str, times))} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
