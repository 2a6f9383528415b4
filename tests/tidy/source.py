"""The project's files as the tidy test sees them: which there are, and what is in them."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
C_SUFFIXES = {".c", ".h", ".def"}
TEXT_SUFFIXES = C_SUFFIXES | {".S", ".py", ".pyi", ".sh", ".cmake", ".md", ".toml", ".json", ".txt"}
# What building and fuzzing leave behind, see .gitignore.
LEFTOVERS = {".git", ".venv", "build", "dist", "__pycache__", ".pytest_cache", ".hypothesis"}


class Function(NamedTuple):
    """A function definition: its first line's number and text, and how many lines it has."""

    line: int
    head: str
    length: int


def files() -> Iterator[Path]:
    """Every text file of the project."""
    for directory, subdirectories, names in os.walk(ROOT):
        subdirectories[:] = sorted(set(subdirectories) - LEFTOVERS)
        for path in (Path(directory, name) for name in sorted(names)):
            if is_text(path):
                yield path


def is_text(path: Path) -> bool:
    """By suffix; a file without one is a script or a text for people, if no finding of a fuzzer."""
    finding = path.parent == ROOT and re.match(r"(crash|timeout|oom|leak|slow-unit)-", path.name)
    if path.name in LEFTOVERS:  # .git is a file in a linked worktree
        return False
    return path.suffix in TEXT_SUFFIXES or (not path.suffix and not finding)


def read(path: Path) -> str:
    """The text of a file; all of ours are UTF-8, whatever the locale."""
    return path.read_text(encoding="utf-8")


def c_files() -> list[Path]:
    """C sources, headers and lists."""
    return [path for path in files() if path.suffix in C_SUFFIXES]


def python_files() -> list[Path]:
    """Python sources, without type stubs."""
    return [path for path in files() if path.suffix == ".py"]


def scripts() -> list[Path]:
    """The commands: scripts/* and .ci/run, without what they source."""
    return [path for path in [*(ROOT / "scripts").iterdir(), ROOT / ".ci/run"] if path.is_file()]


def name_of(path: Path) -> str:
    """The path as people say it: from the project's root."""
    return path.relative_to(ROOT).as_posix()


def c_functions(text: str) -> Iterator[Function]:
    """Function definitions in C text that clang-format has formatted.

    There, what opens a block begins in column 0, and nothing but the end of that block puts a brace
    in column 0 again. A function is such a block whose head has parentheses and no '='.
    """
    lines = blank_comments_and_macros(text).splitlines()
    head_line = None
    head = ""
    for number, line in enumerate(lines, start=1):
        if line.startswith("}"):
            if head_line is not None and is_function_head(head):
                yield Function(head_line, head.split("{")[0].strip(), number - head_line + 1)
            head_line, head = None, ""
        elif "{" not in head:
            if head_line is None and re.match(r"[A-Za-z_{]", line):
                head_line = number
            if head_line is not None:
                head += line + "\n"
                if re.search(r"[;]\s*$", line) or is_one_line_function(head):
                    head_line, head = None, ""


def is_one_line_function(head: str) -> bool:
    """A block that ends on the line it began in: too short to be of interest."""
    return bool(re.search(r"\{.*\}\s*$", head))


def is_function_head(head: str) -> bool:
    """Not a struct, an enum, an array or a linkage block."""
    before = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head.split("{")[0], flags=re.S)
    return "(" in before and "=" not in before


def blank_comments_and_macros(text: str) -> str:
    """The same number of lines, without comments, strings' braces and preprocessor lines."""

    def blank(match: re.Match[str]) -> str:
        found = match.group(0)
        return "\n" * found.count("\n") if found[0] == "/" or found[0] == "#" else '""'

    token = r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'"
    text = re.sub(token, blank, text, flags=re.S)
    return re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.M)


def python_functions(text: str) -> Iterator[Function]:
    """Function definitions in Python text, decorators not counted."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            end = node.end_lineno or node.lineno
            yield Function(node.lineno, f"def {node.name}", end - node.lineno + 1)


def includes(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, quote ('"' or '<') and name of every #include."""
    pattern = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')
    for number, line in enumerate(read(path).splitlines(), start=1):
        if match := pattern.match(line):
            yield number, match.group(1), match.group(2)
