"""The rules of CONTRIBUTING.md that a machine can hold."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Iterable

import pytest
import source
from source import ROOT, name_of, read

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
COLUMNS_MAX = 100

# What the engine may take from the outside: no thread, file, clock, process or interpreter.
ENGINE_SYSTEM_HEADERS = {
    "assert.h",
    "limits.h",
    "stdbool.h",
    "stddef.h",
    "stdint.h",
    "stdlib.h",
    "string.h",
    "xxhash.h",
}
# Where a room's "..." includes may point, itself first. Nobody includes upward.
ROOMS = {
    "engine": ("engine", "engine/include"),
    "engine/include": ("engine/include",),
    "pyhook": ("pyhook", "engine/include"),
    "fuzz": ("fuzz", "engine/include"),
    "preload": ("preload",),
}
# Engine files without a unit test of their own, and why.
NO_UNIT_TEST: dict[str, str] = {}


def assert_none(violations: Iterable[str]) -> None:
    """Fails with every violation, one per line, and without a traceback that says nothing more."""
    if found := list(violations):
        pytest.fail("\n".join(found), pytrace=False)


def test_functions_fit_a_screen() -> None:
    def too_long() -> Iterable[str]:
        for paths, functions in (
            (source.c_files(), source.c_functions),
            (source.python_files(), source.python_functions),
        ):
            for path in paths:
                for function in functions(read(path)):
                    if function.length > FUNCTION_LINES_MAX:
                        yield (
                            f"{name_of(path)}:{function.line}: {function.length} lines, at most"
                            f" {FUNCTION_LINES_MAX}: {function.head.splitlines()[0]}"
                        )

    assert_none(too_long())


def test_files_are_short_or_say_why() -> None:
    sources = [path for path in source.files() if path.suffix in {".c", ".h", ".py", ".sh", ".S"}]
    assert_none(
        f"{name_of(path)}: {len(lines)} lines, at most {FILE_LINES_MAX}; split it, or say"
        " 'long because ...' in its first three lines"
        for path in sources
        if len(lines := read(path).splitlines()) > FILE_LINES_MAX
        and not any("long because" in line for line in lines[:3])
    )


def test_lines_fit() -> None:
    assert_none(
        f"{name_of(path)}:{number}: {len(line)} columns, at most {COLUMNS_MAX}"
        for path in source.files()
        if path.suffix in {".c", ".h", ".S", ".py", ".pyi", ".sh", ".cmake"}
        for number, line in enumerate(read(path).splitlines(), start=1)
        if len(line) > COLUMNS_MAX
    )


def test_first_line_says_what_the_file_is() -> None:
    def silent() -> Iterable[str]:
        for path in source.files():
            first = (read(path).splitlines() or [""])[0]
            if path.suffix in source.C_SUFFIXES | {".S"}:
                if not re.fullmatch(r"// \S.*[.?]", first):
                    yield f"{name_of(path)}:1: no '// ...' comment of one sentence"
            elif path.suffix == ".py":
                if not ast.get_docstring(ast.parse(read(path))):
                    yield f"{name_of(path)}:1: no docstring"
            elif path.suffix in {".sh", ".cmake"} and not re.fullmatch(r"# \S.*[.]", first):
                yield f"{name_of(path)}:1: no '# ...' comment of one sentence"

    assert_none(silent())


def test_sources_name_their_licence() -> None:
    assert_none(
        f"{name_of(path)}: no line '{sign} SPDX-License-Identifier: Apache-2.0' near its top"
        for path in [*source.files(), *source.scripts()]
        if path.suffix in {".c", ".S", ".py", ".sh", ".cmake"} or path in source.scripts()
        for sign in ("//" if path.suffix in {".c", ".S"} else "#",)
        if f"{sign} SPDX-License-Identifier: Apache-2.0" not in read(path).splitlines()[:10]
    )


def test_rooms_include_only_downward() -> None:
    def upward() -> Iterable[str]:
        for path in source.c_files():
            room = path.parent.relative_to(ROOT).as_posix()
            if room not in ROOMS:
                continue
            for line, quote, name in source.includes(path):
                where = f"{name_of(path)}:{line}"
                if quote == '"' and not any((ROOT / at / name).is_file() for at in ROOMS[room]):
                    yield f'{where}: "{name}" is in none of {", ".join(ROOMS[room])}'
                if quote == "<" and room.startswith("engine"):
                    if name not in ENGINE_SYSTEM_HEADERS:
                        yield f"{where}: <{name}> has no place in the engine"
                if quote == "<" and room == "preload" and name.startswith("Python"):
                    yield f"{where}: <{name}> has no place in preload"

    assert_none(upward())


def test_headers_do_not_include_in_a_circle() -> None:
    headers = {path.name: path for path in source.c_files() if path.suffix == ".h"}
    edges = {
        name: {other for _, quote, other in source.includes(path) if quote == '"'}
        for name, path in headers.items()
    }

    def circle(name: str, above: tuple[str, ...]) -> tuple[str, ...] | None:
        if name in above:
            return (*above[above.index(name) :], name)
        found = (circle(other, (*above, name)) for other in sorted(edges.get(name, ())))
        return next((one for one in found if one), None)

    assert_none(" -> ".join(found) for name in edges if (found := circle(name, ())))


def test_every_engine_file_has_its_unit_test() -> None:
    modules = {path.stem for path in (ROOT / "engine").glob("*.c")}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests/unit").glob("test_*.c")}
    assert_none(
        f"engine/{module}.c has no tests/unit/test_{module}.c"
        for module in sorted(modules - tests - set(NO_UNIT_TEST))
    )
    assert_none(
        f"NO_UNIT_TEST names {module}, which needs no exception"
        for module in NO_UNIT_TEST
        if module not in modules or module in tests
    )


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a note of unfinished work", r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b"),
        ("a path of one machine", r"(?<![\w.}~])/(?:root|home|work)/"),
        ("the name of a package registry's host", r"\bpypi\.[o]rg\b|pythonh[o]sted"),
        ("space at the end of a line", r"[ \t]+$"),
    ],
)
def test_no_file_contains(what: str, pattern: str) -> None:
    forbidden = re.compile(pattern)
    assert_none(
        f"{name_of(path)}:{number}: {what}: {line.strip()}"
        for path in source.files()
        for number, line in enumerate(read(path).splitlines(), start=1)
        if path.name != "LICENSE" and forbidden.search(line)
    )


def test_c_is_formatted() -> None:
    formatter = shutil.which("clang-format-14")
    if formatter is None:
        pytest.skip("clang-format-14 is not installed; scripts/format installs it")
    paths = [str(path) for path in source.c_files()]
    result = subprocess.run([formatter, "--dry-run", *paths], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    names = set(re.findall(rf"^{re.escape(str(ROOT))}/(.*?):\d", result.stderr, re.M))
    assert_none(f"{name} is not formatted; scripts/format does it" for name in sorted(names))


def test_scripts_are_commands() -> None:
    def broken() -> Iterable[str]:
        for path in source.scripts():
            text = read(path)
            if not os.access(path, os.X_OK):
                yield f"{name_of(path)} is not executable"
            if not text.startswith("#!/usr/bin/env bash\n# "):
                yield f"{name_of(path)} does not begin with its interpreter and what it does"
            if "\nset -euo pipefail\n" not in text:
                yield f"{name_of(path)} does not stop at errors"

    assert_none(broken())


def test_documents_point_at_what_exists() -> None:
    """Links in documents, and the commands and files that the README shows."""

    def dangling() -> Iterable[str]:
        for path in source.files():
            if path.suffix != ".md":
                continue
            for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(path)):
                if "://" not in link and not (path.parent / link).exists():
                    yield f"{name_of(path)}: the link {link} leads nowhere"
        if not README.exists():
            yield "there is no README.md"
            return
        shown = re.findall(r"(?<![\w/.])(?:scripts|harnesses|docs)/[\w./-]*\w", read(README))
        for name in sorted(set(shown)):
            if not (ROOT / name).exists():
                yield f"README.md: there is no {name}"

    assert_none(dangling())


README = ROOT / "README.md"

C_TEXT = """\
// A comment with a brace: {
#define LIST(x) \\
    static int x(void) { \\
}
struct thing {
    int (*call)(int);
};
static const int table[] = {
    1,
};
FR_MUST_CHECK enum status one(int a,
                              int b) {
    const char *s = "}\\"{";
    return '}';
}

static int two(void) { return 2; }
int declared(int a,
             int b);
void three(void) {
}
"""


def test_functions_of_c_are_found() -> None:
    assert [(f.line, f.length) for f in source.c_functions(C_TEXT)] == [(11, 5), (20, 2)]


def test_functions_of_python_are_found() -> None:
    text = "class A:\n    @x\n    def f(self):\n        return 1\n\ndef g():\n    pass\n"
    found = {f.head: f.length for f in source.python_functions(text)}
    assert found == {"def f": 2, "def g": 2}
