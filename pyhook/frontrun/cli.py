"""The command frontrun: runs a command in an environment that says so."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

USAGE = """\
usage: frontrun COMMAND [ARGUMENT...]

Runs the command with FRONTRUN_ACTIVE=1 and this interpreter's directory first on PATH. Nothing of
frontrun needs it: explore_dpor, the pytest plugin and frontrun-fuzz work without."""

FRONTRUN_ACTIVE_ENV = "FRONTRUN_ACTIVE"
FRONTRUN_PRELOAD_LIB_ENV = "FRONTRUN_PRELOAD_LIB"
EXIT_USAGE = 1
EXIT_NOT_FOUND = 127
EXIT_INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """The command. Its exit code is the command's; 127: there is none, 130: interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else EXIT_USAGE
    library = os.environ.get(FRONTRUN_PRELOAD_LIB_ENV)
    if library and not os.path.isfile(library):
        print(f"frontrun: {FRONTRUN_PRELOAD_LIB_ENV}={library}: no such file", file=sys.stderr)
        return EXIT_USAGE
    if library:
        print(f"frontrun: using preload library {library}", file=sys.stderr)
    else:
        print("frontrun: preload library not found; C-level I/O is not seen", file=sys.stderr)
    try:
        code = subprocess.call(arguments, env=build_environment(os.environ, library))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        print(f"frontrun: {arguments[0]}: {error.strerror}", file=sys.stderr)
        return EXIT_NOT_FOUND
    return code if code >= 0 else 128 - code


def build_environment(base: Mapping[str, str], library: str | None) -> dict[str, str]:
    """The command's environment."""
    environment = dict(base)
    environment[FRONTRUN_ACTIVE_ENV] = "1"
    own = os.path.dirname(sys.executable)
    environment["PATH"] = os.pathsep.join(part for part in (own, base.get("PATH")) if part)
    if library:
        before = base.get("LD_PRELOAD")
        environment["LD_PRELOAD"] = f"{library}:{before}" if before else library
    return environment


def is_active() -> bool:
    """Does this process run under the command?"""
    return os.environ.get(FRONTRUN_ACTIVE_ENV) == "1"


def require_active(caller: str) -> None:
    """For tests that want the command: RuntimeError without it, inside pytest the test is skipped.

    Nothing of frontrun itself calls this.
    """
    if is_active():
        return
    text = (
        f"{caller}() requires the frontrun CLI environment: run it with"
        " 'frontrun COMMAND', for instance 'frontrun pytest'"
    )
    if "PYTEST_CURRENT_TEST" in os.environ:
        import pytest

        pytest.skip(text)
    raise RuntimeError(text)


if __name__ == "__main__":
    sys.exit(main())
