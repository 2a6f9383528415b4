"""pyhook/outside.def has an entry for every function of the modules that talk to the kernel.

What has none is taken to write all that is outside, which is sound but coarse: ALL says that
somebody looked.
"""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import _io
import _socket
import posix
import re
import types
from pathlib import Path

import pytest
from test_callables_complete import entries

DEFINITIONS = Path(__file__).parents[2] / "pyhook" / "outside.def"
ROW = re.compile(r'^OUTSIDE\("([^"]*)", "([^"]*)", (\w+), "([^"]*)"\)$')
# What open() and the sockets of Python are made of; the others are in memory.
FILES = {"FileIO", "BufferedReader", "BufferedWriter", "BufferedRandom", "TextIOWrapper"}


def rows() -> dict[tuple[str, str], tuple[str, str]]:
    lines = [
        line
        for line in DEFINITIONS.read_text(encoding="utf-8").splitlines()
        if not line.startswith("//")
    ]
    found = [ROW.match(line) for line in lines]
    assert all(found), "a line is no entry"
    names = [match.group(1, 2) for match in found if match is not None]
    assert len(names) == len(set(names)), "an entry is there twice"
    return {match.group(1, 2): match.group(3, 4) for match in found if match is not None}


@pytest.mark.parametrize(
    ("name", "module"), [("posix", posix), ("_socket", _socket), ("_io", _io)]
)
def test_every_function_has_an_entry(name: str, module: types.ModuleType) -> None:
    known = {function for owner, function in rows() if owner == name}
    known |= {function for owner, _, function in entries() if owner == name}
    functions = {
        function
        for function in dir(module)
        if isinstance(getattr(module, function), types.BuiltinFunctionType)
    }
    assert functions - known == set()


def test_every_type_of_file_has_an_entry() -> None:
    known = rows()
    assert {name for name in FILES if ("_io", name) not in known} == set()
    assert {name for name in FILES if not hasattr(_io, name)} == set()


def test_what_is_about_a_parameter_names_it() -> None:
    without = {"ALL", "NOTHING", "PROCESS", "ALLOCATE", "HERE", "SOCKET", "ADDRESS"}
    for (module, function), (effect, parameter) in rows().items():
        assert (effect in without) == (parameter == ""), (module, function)
