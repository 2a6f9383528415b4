"""The command frontrun-fuzz: fuzzes a harness, replays and minimises what was found."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import faulthandler
import io
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from frontrun import __version__, _core, _fuzz, campaign, replay
from frontrun import harness as harness_file
from frontrun.campaign import EXIT_UNUSABLE, Campaign, Settings, complain, say
from frontrun.harness import Given, UnusableError
from frontrun.search import first_difference

HELP = """\
usage: frontrun-fuzz HARNESS.py [CORPUS_DIR] [--options] [-libfuzzer_flags]
       frontrun-fuzz replay FILE [--harness HARNESS.py] [--options]
       frontrun-fuzz minimize FILE [--harness HARNESS.py] [--options] [-o OUT]

Looks for interleavings of a harness's threads that break its invariant, raise an exception or
deadlock. The first failure ends the campaign: its input, its minimised schedule (HARNESS-<id>
.schedule.json) and its explanation are left behind.

  CORPUS_DIR                   keeps the inputs worth keeping, for the next campaign
  --engine=libfuzzer|builtin   the fuzzer; builtin is a small loop of our own
  --trace-features=all|thin|off  which trace hashes guide the fuzzer (default all)
  --carrier=thread|fiber       what threads run on (default what the harness says, or the faster)
  --clock=virtual|explored|real  time: jumps when nobody can go on; timers may fire at any point;
                               left alone (default virtual, or what the harness says: docs/time.md)
  --trace-packages=PATTERN,... modules to observe besides your own: cachetools.*, queue; with ! in
                               front, what to leave out (after what the harness says)
  --no-minimize                keep the failing schedule as it was found
  --help, --version

Flags with one dash are libFuzzer's: -runs=N, -max_total_time=SECONDS, -seed=N, -verbosity=1,
-artifact_prefix=DIR/, -fork=N, -merge=1, -minimize_crash=1 ...; HARNESS.py -help=1 lists them.

FILE is a schedule file or a raw input; a raw input needs --harness. Of the options, --clock,
--carrier and --trace-packages go with replay and minimize, too.

exit code of a campaign: 0 nothing failed, 77 a failure, 70 an input took too long, 71 out of
memory, 130 interrupted; of replay: 1 it still fails, 0 no longer; of all: 2 it could not be done.
"""

# Flags of libFuzzer under which the campaign must do what they say and no more.
EXACT = {
    "cleanse_crash",
    "collect_data_flow",
    "data_flow_trace",
    "fork",
    "jobs",
    "merge",
    "merge_control_file",
    "merge_inner",
    "minimize_crash",
    "minimize_crash_internal_step",
    "runs",
    "seed_inputs",
    "set_cover_merge",
    "stop_file",
}
# Of these, where libFuzzer starts itself again through a shell, without quoting paths.
RESPAWNING = {"cleanse_crash", "fork", "jobs", "merge", "minimize_crash", "set_cover_merge"}
# Its own talk is of no use to most people, except where there is nothing else to see. There is no
# instrumented code, whose comparisons it could learn from.
DEFAULT_FLAGS = {
    "verbosity": "0",
    "timeout": "25",
    "len_control": "0",
    "max_len": "512",
    "use_cmp": "0",
}
BUILTIN_FLAGS = {
    "artifact_prefix",
    "error_exitcode",
    "exact_artifact_path",
    "max_len",
    "max_total_time",
    "runs",
    "seed",
    "verbosity",
}
# Flags whose value libFuzzer would take for 0 if it is no number.
NUMBERS = {"fork", "jobs", "max_len", "max_total_time", "runs", "seed", "timeout", "verbosity"}
TRACES = {"all": 0, "thin": 1, "off": 2}
# The options with words that also a harness file may say.
GIVEN_WORDS = {"clock": harness_file.CLOCKS, "carrier": harness_file.CARRIERS}


class Arguments(NamedTuple):
    """A command line of a campaign, sorted."""

    harness: str
    inputs: list[str]  # corpus directories, or files to run
    flags: dict[str, str]  # libFuzzer's
    options: dict[str, str]  # ours


def main(argv: Sequence[str] | None = None) -> int:
    """The command. argv None: the process's own arguments."""
    if argv is None:
        fix_hash_seed()
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # source lines may hold anything
    faulthandler.disable()  # its handlers would keep libFuzzer from saving the input of a crash
    try:
        if sys.flags.optimize:
            raise UnusableError(
                "Python runs with -O, which takes the asserts out of harnesses and of what they"
                " test; run without -O and without PYTHONOPTIMIZE"
            )
        return command(arguments)
    except (UnusableError, _core.FrontrunError) as error:
        complain(error)
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        return campaign.EXIT_INTERRUPTED


def fix_hash_seed() -> None:
    """The order of sets of strings must be the same in every process: starts this one again."""
    if "PYTHONHASHSEED" not in os.environ:
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def command(arguments: list[str]) -> int:
    """Finds out which of the commands is meant."""
    if not arguments or arguments[0] in ("-h", "--help"):
        say(HELP.rstrip())
        return 0 if arguments else EXIT_UNUSABLE
    if arguments[0] == "--version":
        engine = "with libFuzzer" if _fuzz.HAS_LIBFUZZER else "without libFuzzer"
        say(f"frontrun-fuzz {__version__} ({engine})")
        return 0
    if arguments[0] in ("replay", "minimize"):
        return again(arguments[0], arguments[1:])
    return fuzz(arguments)


# ----------------------------------------------------------------------------- campaigns


def fuzz(argv: list[str]) -> int:
    """One campaign. With libFuzzer the process may end in here."""
    arguments = sort_arguments(argv)
    files = [path for path in arguments.inputs if os.path.isfile(path)]
    for path in files:
        if path.endswith(".py"):
            raise UnusableError(
                f"{path}: is a Python file, not an input; a campaign takes one harness, the first"
                f" argument ({arguments.harness})"
            )
    if files and len(files) != len(arguments.inputs):
        raise UnusableError(
            f"{files[0]}: is a file among corpus directories; give either directories or inputs"
        )
    harness = harness_file.load(arguments.harness, given_in(arguments.options))
    if not files:
        prepare_corpus(arguments.inputs)
    if RESPAWNING & arguments.flags.keys():
        refuse_spaces(arguments.inputs)
    subject = harness.subject()
    try_twice(harness, subject)
    listener = Campaign(harness, subject, settings_of(arguments, bool(files)))
    shared: dict[str, Any] = {
        "traces": TRACES[arguments.options["trace-features"]],
        "whole_space": not files and not EXACT & arguments.flags.keys(),
    }
    if arguments.options["engine"] == "builtin":
        return _fuzz.run(
            subject.capsule,
            listener,
            seeds=read_inputs(arguments.inputs),
            **builtin_limits(arguments.flags, bool(files)),
            **shared,
        )
    return _fuzz.run(
        subject.capsule, listener, argv=libfuzzer_argv(argv, arguments, bool(files)), **shared
    )


def given_in(options: dict[str, str]) -> Given:
    """The options that also the harness file may say."""
    for name, words in GIVEN_WORDS.items():
        check_option(name, options.get(name, words[0]), words)
    patterns = options.get("trace-packages", "").split(",")
    return Given(
        options.get("clock"),
        options.get("carrier"),
        tuple(pattern.strip() for pattern in patterns if pattern.strip()),
    )


def check_option(name: str, value: str, words: Sequence[str]) -> None:
    """value is one of the words."""
    if value not in words:
        raise UnusableError(
            f"--{name}={value}: --{name} takes one of {', '.join(words)};"
            f" write --{name}={words[0]}"
        )


def try_twice(harness: harness_file.Harness, subject: _core.Subject) -> None:
    """The same schedule twice, before libFuzzer has said anything.

    A harness that cannot run at all is told here, and so is one whose first execution is unlike all
    later ones: a module's state that is made once, a cache that is filled.
    """
    explorer = _core.Explorer(subject)

    traces: list[list[_core.Event]] = []

    def tried() -> tuple[Any, int]:
        explorer.start()
        word = replay.run(harness, explorer.step)
        traces.append(explorer.trace())
        return word, explorer.trace_hash

    first, second = tried(), tried()
    if first == second:
        return
    parted = first_difference(*traces) or f"first {first[0]}, then {second[0]}"
    cause = (
        "something is made once and survives setup(), such as a module's global or a cache; make it"
        " anew in setup(), or, if it does not matter, call each thread's function once at the end"
        " of the harness file"
        if second == tried() == tried()
        else "time, randomness, other threads or state that setup() does not make anew decides,"
        " too; take that out of the harness"
    )
    raise UnusableError(
        f"the same schedule did not give the same execution twice ({parted}): {cause}"
    )


def sort_arguments(argv: list[str]) -> Arguments:
    """Our options, libFuzzer's flags and the paths; UnusableError for what is neither."""
    choices: dict[str, tuple[str, ...]] = {
        "engine": ("libfuzzer", "builtin"),
        "trace-features": tuple(TRACES),
        **GIVEN_WORDS,
    }
    options = {
        "engine": "libfuzzer" if _fuzz.HAS_LIBFUZZER else "builtin",
        "trace-features": "all",
    }
    paths: list[str] = []
    flags: dict[str, str] = {}
    for argument in argv:
        name, _, value = argument.lstrip("-").partition("=")
        if argument == "--" or argument == "-":
            continue  # OSS-Fuzz puts a lone -- before its flags
        if argument == "--no-minimize":
            options["no-minimize"] = ""
        elif argument.startswith("--"):
            if name not in choices and name != "trace-packages":
                raise UnusableError(
                    f"{argument.split('=')[0]}: there is no such option; see frontrun-fuzz --help"
                )
            if "=" not in argument:
                raise UnusableError(f"--{name}: needs a value; write --{name}=VALUE")
            if name in choices:
                check_option(name, value, choices[name])
            options[name] = value
        elif argument.startswith("-"):
            flags[name] = value
        else:
            paths.append(argument)
    if not paths:
        raise UnusableError("no harness was given; write frontrun-fuzz HARNESS.py")
    for name in NUMBERS & flags.keys():
        number_of(flags, name, 0)
    if options["engine"] == "builtin":
        check_builtin(flags)
    elif not _fuzz.HAS_LIBFUZZER:
        raise UnusableError(
            "this build has no libFuzzer; use --engine=builtin, or install libclang-rt-14-dev or"
            " later and build again"
        )
    return Arguments(paths[0], paths[1:], flags, options)


def check_builtin(flags: dict[str, str]) -> None:
    """Only flags that our own loop understands."""
    for name in flags:
        if name not in BUILTIN_FLAGS:
            raise UnusableError(
                f"-{name}: the builtin engine does not know this flag; it takes"
                f" {', '.join('-' + known for known in sorted(BUILTIN_FLAGS))}"
            )


def settings_of(arguments: Arguments, has_files: bool) -> Settings:
    """What matters after a failure."""
    flags = arguments.flags
    prefix = flags.get("artifact_prefix", "./")
    directory = os.path.dirname(prefix) or "."
    if not os.path.isdir(directory):
        raise UnusableError(
            f"-artifact_prefix={prefix}: there is no directory {directory}; make it first"
        )
    return Settings(
        artifact_prefix="" if prefix == "./" else prefix,
        exact_artifact_path=flags.get("exact_artifact_path", ""),
        exit_code_of_failure=number_of(flags, "error_exitcode", 77),
        save_artifact=not has_files or "minimize_crash_internal_step" in flags,
        quiet=not {"minimize_crash_internal_step", "merge_inner"}.isdisjoint(flags),
        minimize="no-minimize" not in arguments.options,
        corpus=Path(arguments.inputs[0]) if arguments.inputs and not has_files else None,
    )


def number_of(flags: dict[str, str], name: str, default: int) -> int:
    """The value of a flag that is a whole number."""
    try:
        return int(flags.get(name, default))
    except ValueError:
        raise UnusableError(
            f"-{name}={flags[name]}: is not a whole number; write -{name}=N"
        ) from None


def builtin_limits(flags: dict[str, str], has_files: bool) -> dict[str, Any]:
    """libFuzzer's flags as our own loop takes them. Files are run once, as libFuzzer does."""
    return {
        "runs": 0 if has_files else number_of(flags, "runs", -1),
        "seconds_max": float(number_of(flags, "max_total_time", 0)),
        "seed": number_of(flags, "seed", 0) or int.from_bytes(os.urandom(4), "little"),
        "size_max": number_of(flags, "max_len", 512) or 512,
    }


def libfuzzer_argv(argv: list[str], arguments: Arguments, has_files: bool) -> list[str]:
    """The arguments of libFuzzer, which hands the first, unquoted, to a shell to start again."""
    if "FRONTRUN_FUZZ_ARGV0" in os.environ:
        program = os.environ["FRONTRUN_FUZZ_ARGV0"]
    else:
        interpreter = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv[1:])]
        ours = [argument for argument in argv if argument.startswith("--") and argument != "--"]
        program = shlex.join([sys.executable, *interpreter, arguments.harness, *ours])
    defaults = dict(DEFAULT_FLAGS)
    if has_files or RESPAWNING & arguments.flags.keys():
        del defaults["verbosity"]
    flags = {**defaults, **arguments.flags}
    return [program, *(f"-{name}={value}" for name, value in flags.items()), *arguments.inputs]


# ----------------------------------------------------------------------------- corpora


def prepare_corpus(directories: list[str]) -> None:
    """The first directory is made if need be and can be written; the others can be read."""
    for path in directories[1:]:
        if not os.path.isdir(path):
            raise UnusableError(
                f"{path}: there is no such corpus directory; make it or leave it out"
            )
    if not directories:
        return
    try:
        os.makedirs(directories[0], exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".writable-", dir=directories[0]):
            pass
    except OSError as error:
        raise UnusableError(
            f"{directories[0]}: the corpus cannot be written ({error.strerror}); choose a directory"
            " that can be"
        ) from None


def refuse_spaces(paths: list[str]) -> None:
    """libFuzzer does not quote paths when it starts itself again."""
    for path in paths:
        if any(character.isspace() for character in path):
            raise UnusableError(
                f"{path}: libFuzzer cannot take a path with a space together with"
                f" {', '.join('-' + name for name in sorted(RESPAWNING))}; rename it"
            )


def read_inputs(paths: list[str]) -> list[bytes]:
    """The inputs of corpus directories, or of files, in a stable order."""
    files = []
    for path in paths:
        if os.path.isdir(path):
            files += sorted(
                entry.path
                for entry in os.scandir(path)
                if entry.is_file() and not entry.name.startswith(".")
            )
        else:
            files.append(path)
    return [replay.read_input(Path(file)) for file in files]


# ----------------------------------------------------------------------------- replay and minimize


def again(name: str, argv: list[str]) -> int:
    """The commands replay and minimize."""
    if "--help" in argv or "-h" in argv:
        say(HELP.rstrip())
        return 0
    known = ["--harness", *(f"--{given}" for given in (*GIVEN_WORDS, "trace-packages"))]
    path, options = file_and_options(name, argv, (*known, "-o") if name == "minimize" else known)
    given = given_in({key.lstrip("-"): value for key, value in options.items()})
    if name == "replay":
        return replay.replay(path, options.get("--harness"), given)
    return replay.minimize(path, options.get("--harness"), options.get("-o"), given)


def file_and_options(
    name: str, argv: list[str], known: Sequence[str]
) -> tuple[Path, dict[str, str]]:
    """FILE and the options with a value, written "--x=V", "--x V" or "-o V"."""
    paths: list[str] = []
    options: dict[str, str] = {}
    rest = list(argv)
    while rest:
        argument = rest.pop(0)
        key, equals, value = argument.partition("=")
        if not argument.startswith("-"):
            paths.append(argument)
        elif key not in known:
            raise UnusableError(f"{key}: {name} has no such option; see frontrun-fuzz --help")
        elif not equals and not rest:
            raise UnusableError(f"{key}: needs a value; write {key} PATH")
        else:
            options[key] = value if equals else rest.pop(0)
    if len(paths) != 1:
        raise UnusableError(f"{name} takes one file; write frontrun-fuzz {name} FILE")
    return Path(paths[0]), options


if __name__ == "__main__":
    sys.exit(main())
