"""A harness: a file with setup, threads and invariant, loaded and checked."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import functools
import inspect
import os
import shlex
import sys
import tokenize
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from frontrun import _core
from frontrun.traced import check_patterns, traced_files

THREADS_MAX = 16
CLOCKS = ("virtual", "explored", "real")
CARRIERS = ("fiber", "thread")


class UnusableError(ValueError):
    """What the user gave cannot be used; the text is one sentence with the mend."""


class Given(NamedTuple):
    """What a command line says besides, or in place of, what a harness file says itself."""

    clock: str | None = None
    carrier: str | None = None
    packages: Sequence[str] = ()  # after the file's own


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
        carrier: str | None = None,
        packages: Sequence[str] = (),
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
        self.carrier = carrier
        self.is_traced = traced_files(path.parent, packages)

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    @property
    def complaint(self) -> str:
        """What the spec said of the last execution, or ""."""
        return "" if self.oracle is None else self.oracle.complaint

    def subject(self, *, switch_points: bool = False, second_try: bool = False) -> _core.Subject:
        """What the core executes; switch_points: so that gil.reachable can be asked; second_try: it
        is known that threads block in the kernel."""
        return _core.Subject(
            self.setup,
            self.threads,
            self.invariant,
            traced=self.is_traced,
            switch_points=switch_points,
            clock=self.clock,
            carrier=self.carrier,
            second_try=second_try,
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


NOTHING_GIVEN = Given()


def load(path: str | os.PathLike[str], given: Given = NOTHING_GIVEN) -> Harness:
    """Loads a harness file; UnusableError says what is wrong with it and where.

    The file may define `clock = "explored"`, `carrier = "thread"` and
    `trace_packages = ["cachetools.*", "!cachetools.keys"]`.
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
            f"{path}: a harness needs {listed(missing)}, which this file does not define;"
            " write setup() -> state, threads = [functions of the state] and invariant(state)"
        )
    check_callable(path, "setup", parts["setup"], 0)
    if parts["invariant"] is not None:
        check_callable(path, "invariant", parts["invariant"], 1)
    if parts["spec"] is not None:
        check_callable(path, "spec", parts["spec"], 0)
    clock = choice(path, module, "clock", CLOCKS) or CLOCKS[0]
    return Harness(
        file.absolute(),
        parts["setup"],
        check_threads(path, parts["threads"]),
        parts["invariant"],
        parts["spec"],
        given.clock or clock,
        flags_of(given, clock),
        given.carrier or choice(path, module, "carrier", CARRIERS),
        packages_of(path, module, given.packages),
    )


def listed(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def choice(path: object, module: ModuleType, name: str, words: Sequence[str]) -> str | None:
    """An option of the file that is one of the words; None if it does not say."""
    value = getattr(module, name, None)
    if value is not None and value not in words:
        raise UnusableError(
            f"{path}: {name} is {value!r}; make it one of {', '.join(map(repr, words))}, or leave"
            " it out"
        )
    return value


def packages_of(path: object, module: ModuleType, given: Sequence[str]) -> tuple[str, ...]:
    """The patterns of the file, then those that are given."""
    try:
        own = check_patterns(getattr(module, "trace_packages", ()))
    except ValueError as error:
        raise UnusableError(f"{path}: {error}") from None
    try:
        return own + check_patterns(tuple(given))
    except ValueError as error:
        raise UnusableError(f"--{str(error).replace('trace_packages', 'trace-packages')}") from None


def flags_of(given: Given, clock: str) -> tuple[str, ...]:
    """What a replay must be given, too, as it decides what happens."""
    flags = []
    if given.clock not in (None, clock):
        flags.append(f"--clock={given.clock}")
    if given.packages:
        flags.append(shlex.quote(f"--trace-packages={','.join(given.packages)}"))
    return tuple(flags)


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
