"""A harness: a file with setup, threads and invariant, loaded and checked."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import fnmatch
import functools
import inspect
import os
import sys
import sysconfig
import tokenize
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from frontrun import _core, history

THREADS_MAX = 16
CLOCKS = ("virtual", "explored", "real")
# Its calls are marks for the scheduler.
HISTORY_FILE = os.path.realpath(history.__file__)


class UnusableError(ValueError):
    """What the user gave cannot be used; the text is one sentence with the mend."""


class Harness:
    """The parts of a harness file, and which files' code is observed."""

    def __init__(
        self,
        path: Path,
        setup: Callable[[], Any],
        threads: Sequence[Callable[[Any], Any]],
        invariant: Callable[[Any], Any] | None,
        spec: Callable[[], Any] | None = None,
        clock: str = "virtual",
        flags: Sequence[str] = (),
    ) -> None:
        from frontrun import linearizability

        self.path = path
        self.names = thread_names(threads)
        self.oracle: linearizability.Linearizable | None = None
        if spec is not None:
            self.oracle = linearizability.Linearizable(spec, self.names)
            setup, threads, invariant = linearizability.recorded_parts(
                setup, threads, invariant, self.oracle
            )
        assert invariant is not None, "a harness has an invariant or a spec"
        self.setup = setup
        self.threads = tuple(threads)
        self.invariant = invariant
        self.clock = clock
        self.flags = tuple(flags)  # options that a replay needs, too

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    @property
    def complaint(self) -> str:
        """What the spec said of the last execution, or ""."""
        return "" if self.oracle is None else self.oracle.complaint

    def subject(self, *, switch_points: bool = False) -> _core.Subject:
        """What the core executes; switch_points: so that gil.reachable can be asked."""
        return _core.Subject(
            self.setup,
            self.threads,
            self.invariant,
            traced=traced_files(self.path.parent),
            switch_points=switch_points,
            clock=self.clock,
        )


def thread_names(threads: Sequence[Callable[[Any], Any]]) -> tuple[str, ...]:
    """A name for each thread: its function's, or "thread-N" for a lambda or a name used twice."""
    plain = [getattr(underlying(thread), "__name__", "") for thread in threads]
    return tuple(
        name if name.isidentifier() and plain.count(name) == 1 else f"thread-{number}"
        for number, name in enumerate(plain)
    )


def underlying(function: Any) -> Any:
    """The function inside functools.partial."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


# ----------------------------------------------------------------------------- loading


def load(path: str | os.PathLike[str], clock: str | None = None) -> Harness:
    """Loads a harness file; UnusableError says what is wrong with it and where.

    clock takes the place of the file's own, which it may define as `clock = "explored"`.
    """
    file = Path(path)
    module = execute(file.absolute(), str(path))
    parts: dict[str, Any] = {
        name: getattr(module, name, None) for name in ("setup", "threads", "invariant", "spec")
    }
    if parts["spec"] is None:
        del parts["spec"]
    elif parts["invariant"] is None:
        del parts["invariant"]
    missing = [name for name, part in parts.items() if part is None]
    parts = {"invariant": None, "spec": None, **parts}
    if missing:
        raise UnusableError(
            f"{path}: a harness needs {' and '.join(missing)}, which this file does not define;"
            " write setup() -> state, threads = [functions of the state] and invariant(state)"
        )
    check_callable(path, "setup", parts["setup"], 0)
    if parts["invariant"] is not None:
        check_callable(path, "invariant", parts["invariant"], 1)
    if parts["spec"] is not None:
        check_callable(path, "spec", parts["spec"], 0)
    own = getattr(module, "clock", CLOCKS[0])
    if own not in CLOCKS:
        raise UnusableError(
            f"{path}: clock is {own!r}; make it one of {', '.join(map(repr, CLOCKS))}, or leave it"
            " out"
        )
    return Harness(
        file.absolute(),
        parts["setup"],
        check_threads(path, parts["threads"]),
        parts["invariant"],
        parts["spec"],
        own if clock is None else clock,
        () if clock in (None, own) else (f"--clock={clock}",),
    )


def execute(file: Path, shown: str) -> ModuleType:
    """The module of a file, executed without leaving compiled code behind."""
    if file.is_dir():
        raise UnusableError(f"{shown}: is a directory; give the harness file in it")
    try:
        with tokenize.open(file) as stream:
            source = stream.read()
    except FileNotFoundError:
        raise UnusableError(f"{shown}: there is no such file; give the path of a harness") from None
    except OSError as error:
        raise UnusableError(f"{shown}: cannot be read ({error.strerror}); mend that") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UnusableError(f"{shown}: is not Python source ({error}); save it as UTF-8") from None
    try:
        code = compile(source, str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        text = (error.text or "").strip()
        raise UnusableError(
            f"{shown}:{error.lineno}: syntax error, {error.msg}: {text!r}; correct that line"
        ) from None
    except ValueError as error:
        raise UnusableError(f"{shown}: is not Python source ({error}); give a harness") from None
    name = file.stem
    if name in sys.modules or name in sys.stdlib_module_names:
        name = f"harness_{name}"
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    try:
        exec(code, module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UnusableError(
            f"{shown}: raised while it was loaded: {describe(error, file)};"
            " a harness must load without an exception"
        ) from None
    return module


def describe(error: BaseException, file: Path | None = None) -> str:
    """Type, message and line of an exception, in one line: the innermost line of the user's."""
    is_traced = traced_files(file.parent if file else None)
    said = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    text = said[-1] if said else type(error).__name__
    lines = [
        entry
        for entry in traceback.extract_tb(error.__traceback__)
        if is_traced(entry.filename)
    ]
    if not lines:
        return text
    last = lines[-1]
    return f"{text} ({os.path.basename(last.filename)}:{last.lineno}: {last.line})"


# ----------------------------------------------------------------------------- checking


def check_callable(path: object, what: str, value: Any, arguments: int) -> None:
    """value is a plain function that can be called with that many arguments."""
    takes = {0: "no argument", 1: "the state as its one argument"}[arguments]
    if not callable(value):
        raise UnusableError(
            f"{path}: {what} is {kind_of(value)}, not a function; make it one that takes {takes}"
        )
    function = underlying(value)
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise UnusableError(
            f"{path}: {what} is a coroutine or generator function, and calling it runs nothing of"
            " it; make it a plain function"
        )
    try:
        inspect.signature(value).bind(*range(arguments))
    except TypeError:
        raise UnusableError(
            f"{path}: {what} cannot be called that way; make it a function that takes {takes}"
        ) from None
    except ValueError:
        pass  # a builtin without a signature: the call will tell


def check_threads(path: object, threads: Any) -> list[Callable[[Any], Any]]:
    """threads is a sequence of 1 to THREADS_MAX functions of the state."""
    if isinstance(threads, (str, bytes)) or not isinstance(threads, Sequence):
        raise UnusableError(
            f"{path}: threads is {kind_of(threads)}, not a list; make it a list of functions of"
            " the state"
        )
    if not 1 <= len(threads) <= THREADS_MAX:
        raise UnusableError(
            f"{path}: threads has {len(threads)} entries; give 1 to {THREADS_MAX} functions"
        )
    for number, thread in enumerate(threads):
        check_callable(path, f"threads[{number}]", thread, 1)
    return list(threads)


def kind_of(value: Any) -> str:
    """ "a str", "an int" ..."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


# ----------------------------------------------------------------------------- which files


def traced_files(
    own: Path | None, packages: Sequence[str] = ()
) -> Callable[[str], bool]:
    """Is the code of a file observed? The harness's directory and the user's own files are.

    So are the modules that packages names: "cachetools.*" is that package and all below it.

    Not the standard library, not installed packages, not frontrun itself. Code without a file
    (made by dataclasses, exec ...) is the user's, except frozen modules.
    """
    tool = directory(os.path.dirname(os.path.abspath(__file__)))
    libraries = {
        directory(path)
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_paths().get(key))
    }
    home = directory(str(own)) if own else None
    roots = {*libraries, *(directory(path) for path in sys.path if packages and path)}

    def is_traced(filename: str) -> bool:
        if filename.startswith("<"):
            return not filename.startswith("<frozen ")
        path = os.path.realpath(filename)
        if path.startswith(tool):
            return path == HISTORY_FILE
        if directory(os.path.dirname(path)) == home:
            return True
        if packages and any(is_module(path, root, packages) for root in roots):
            return True
        if "site-packages" in Path(path).parts or "dist-packages" in Path(path).parts:
            return False
        return not any(path.startswith(library) for library in libraries)

    return is_traced


def is_module(path: str, root: str, patterns: Sequence[str]) -> bool:
    """Is the file below root that of a module whose dotted name matches a pattern?"""
    if not path.startswith(root):
        return False
    parts = list(Path(path[len(root) :]).with_suffix("").parts)
    if parts and parts[-1] == "__init__":
        parts.pop()
    name = ".".join(parts)
    return any(
        fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name + ".", pattern)
        for pattern in patterns
    )


def directory(path: str) -> str:
    """The real path, with a separator at its end."""
    return os.path.join(os.path.realpath(path), "")
