"""Which files' code is observed: the user's own, and the modules that patterns name."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import fnmatch
import functools
import importlib.util
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

from frontrun import history

# Its calls are marks for the scheduler.
HISTORY_FILE = os.path.realpath(history.__file__)
PATTERN = re.compile(r"!?[\w.*?\[\]-]+")
# Python imports with it, under locks of its own.
NEVER = ("importlib._bootstrap", "_frozen_importlib", "zipimport")


def check_patterns(patterns: object) -> tuple[str, ...]:
    """The patterns as a tuple; ValueError with a sentence if one of them names nothing.

    "cachetools.*" is a package and all below it, "queue" one module, "!cachetools.keys" what is
    left out though another pattern names it. A pattern whose package is nowhere would observe
    nothing and pass: it is refused.
    """
    if isinstance(patterns, (str, bytes)) or not isinstance(patterns, Sequence):
        raise ValueError("trace_packages is a list of patterns, such as ['cachetools.*']")
    for pattern in patterns:
        if not isinstance(pattern, str) or not PATTERN.fullmatch(pattern):
            raise ValueError(
                f"trace_packages has {pattern!r}: a pattern is a module's name, with * for"
                " anything, such as 'cachetools.*', or '!cachetools.keys' for what to leave out"
            )
        package = pattern.partition(".")[0]
        if re.fullmatch(r"\w+", package) and not is_there(package):
            raise ValueError(
                f"trace_packages has {pattern!r}, but there is no module {package} to observe"
            )
    return tuple(patterns)


def is_there(module: str) -> bool:
    """Could a top-level module be imported? Nothing is executed to find out."""
    if module in sys.modules:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def traced_files(own: Path | None, packages: Sequence[str] = ()) -> Callable[[str], bool]:
    """Is the code of a file observed? The harness's directory and the user's own files are.

    So are the modules that packages names, as in check_patterns; those that it names with "!" are
    not, whoever's they are.

    Not the standard library, not installed packages, not frontrun itself. Code without a file
    (made by dataclasses, exec ...) is the user's, except frozen modules.
    """
    roots = frozenset(directory(path) for path in sys.path if packages and path)
    return filter_of(own, tuple(packages), roots, working_directory())


@functools.lru_cache(maxsize=32)
def filter_of(
    own: Path | None, packages: tuple[str, ...], paths: frozenset[str], _where: str
) -> Callable[[str], bool]:
    """What traced_files answers, with its memory: a file's real path takes many questions to the
    system, and a short exploration asks about a dozen files. Valid for one working directory, which
    relative paths are meant from.
    """
    tool, libraries = fixed_directories()
    home = directory(str(own)) if own else None
    roots = libraries | paths if home is None else {*libraries, *paths, home}
    wanted = [pattern for pattern in packages if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in packages if pattern.startswith("!")]

    def is_named(path: str, patterns: Sequence[str]) -> bool:
        return bool(patterns) and any(is_module(path, root, patterns) for root in roots)

    @functools.lru_cache(maxsize=4096)
    def is_traced(filename: str) -> bool:
        if filename.startswith("<"):
            return not filename.startswith("<frozen ") or is_frozen_module(filename, packages)
        path = os.path.realpath(filename)
        if path.startswith(tool):
            return path == HISTORY_FILE
        if is_named(path, unwanted):
            return False
        if directory(os.path.dirname(path)) == home or is_named(path, wanted):
            return True
        if "site-packages" in Path(path).parts or "dist-packages" in Path(path).parts:
            return False
        return not any(path.startswith(library) for library in libraries)

    return is_traced


def working_directory() -> str:
    """Or "" if it is not there any more."""
    try:
        return os.getcwd()
    except OSError:
        return ""


@functools.cache
def fixed_directories() -> tuple[str, frozenset[str]]:
    """Frontrun's, and those of libraries. Finding out takes longer than an exploration."""
    paths = sysconfig.get_paths()
    keys = ("stdlib", "platstdlib", "purelib", "platlib")
    return (
        directory(os.path.dirname(os.path.abspath(__file__))),
        frozenset(directory(paths[key]) for key in keys if paths.get(key)),
    )


def is_frozen_module(filename: str, patterns: Sequence[str]) -> bool:
    """Is "<frozen NAME>" (the standard library's os, codecs ... since 3.11) named by patterns?"""
    name = filename[len("<frozen ") : -1]
    if name.startswith(NEVER):
        return False
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return matches(name, wanted) and not matches(name, unwanted)


def is_module(path: str, root: str, patterns: Sequence[str]) -> bool:
    """Is the file below root that of a module whose dotted name matches a pattern?"""
    if not path.startswith(root):
        return False
    parts = list(Path(path[len(root) :]).with_suffix("").parts)
    if parts and parts[-1] == "__init__":
        parts.pop()
    return matches(".".join(parts), patterns)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Is it a dotted name that one of the patterns means? "p.*" means p, too."""
    return any(
        fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name + ".", pattern)
        for pattern in patterns
    )


def directory(path: str) -> str:
    """The real path, with a separator at its end."""
    return os.path.join(os.path.realpath(path), "")
