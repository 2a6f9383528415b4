"""The stubs of the C modules have each name, field, property and keyword of them, and no other."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import frontrun
import pytest
from frontrun import _core, _fuzz

MODULES = [_core, _fuzz]
TYPES_ONLY = {"Stats", "Listener"}  # what is given and taken: no classes of the module


def stub_of(module: ModuleType) -> dict[str, ast.stmt]:
    """The definitions of a stub by name."""
    home = Path(frontrun.__file__).parent
    path = (home / module.__name__.rpartition(".")[2]).with_suffix(".pyi")
    return {
        getattr(node, "name", None) or node.target.id: node  # type: ignore[attr-defined]
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AnnAssign))
        and getattr(node, "name", "") not in TYPES_ONLY
    }


def own_names(thing: Any) -> set[str]:
    """What a module or a class defines, without what every one has."""
    return {name for name in vars(thing) if not name.startswith("__")}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_stub_has_the_names_of_its_module(module: ModuleType) -> None:
    assert own_names(module) == set(stub_of(module))


@pytest.mark.parametrize("name", [n for n in vars(_core) if inspect.isclass(getattr(_core, n))])
def test_a_class_has_what_its_stub_says(name: str) -> None:
    stub, real = stub_of(_core)[name], getattr(_core, name)
    assert isinstance(stub, ast.ClassDef)
    assert [base.id for base in stub.bases if isinstance(base, ast.Name)] == [
        "NamedTuple" if hasattr(real, "_fields") else base.__name__
        for base in real.__bases__
        if base is not object
    ]
    if hasattr(real, "_fields"):
        fields = [node.target for node in stub.body if isinstance(node, ast.AnnAssign)]
        assert tuple(field.id for field in fields if isinstance(field, ast.Name)) == real._fields
        return
    methods = [node for node in stub.body if isinstance(node, ast.FunctionDef)]
    assert {node.name for node in methods if not node.name.startswith("__")} == own_names(real)
    for node in methods:
        is_property = any(isinstance(word, ast.Name) for word in node.decorator_list)
        assert callable(getattr(real, node.name)) is not is_property


def keywords_of(node: ast.stmt) -> list[str]:
    """The parameters that may be given by name."""
    assert isinstance(node, ast.FunctionDef)
    every = [*node.args.args, *node.args.kwonlyargs]
    return [each.arg for each in every if each.arg not in ("self", "exc")]


def rejects(call: Callable[..., Any], keyword: str) -> bool:
    """Does it say that there is no such keyword?"""
    try:
        call(**{keyword: object()})
    except Exception as error:
        return "keyword argument" in str(error)
    return False


def fresh() -> _core.Explorer:
    """An explorer with an execution."""
    subject = _core.Subject(list, [len], len, traced=lambda name: False)
    explorer = _core.Explorer(subject)
    explorer.start()
    explorer.step()
    return explorer


def parsed_with_keywords() -> Iterator[tuple[str, Callable[..., Any], list[str]]]:
    """What takes keywords, in the stub and in C; what it must be given is given."""
    classes = stub_of(_core)
    for name in ("step", "run", "shrink", "reach", "start_plan"):
        explorer = classes["Explorer"]
        assert isinstance(explorer, ast.ClassDef)
        method = next(node for node in explorer.body if getattr(node, "name", "") == name)
        keywords = keywords_of(method)
        yield name, lambda _name=name, **given: getattr(fresh(), _name)(**given), keywords
    for name, needed in (
        ("Subject", {"setup": list, "threads": [len], "invariant": len, "traced": len}),
        ("Explorer", {"subject": _core.Subject(list, [len], len, traced=len)}),
    ):
        stub = classes[name]
        assert isinstance(stub, ast.ClassDef)
        init = next(node for node in stub.body if getattr(node, "name", "") == "__init__")
        kind = getattr(_core, name)
        yield name, lambda _k=kind, _n=needed, **given: _k(**{**_n, **given}), keywords_of(init)


@pytest.mark.parametrize(("name", "call", "keywords"), list(parsed_with_keywords()))
def test_keywords_are_those_of_the_stub(
    name: str, call: Callable[..., Any], keywords: list[str]
) -> None:
    assert rejects(call, "no_such_keyword")
    assert keywords
    assert [keyword for keyword in keywords if rejects(call, keyword)] == []


def test_keywords_of_a_campaign_are_those_of_the_stub() -> None:
    # Twice in the stub: for libFuzzer, and for our own loop.
    path = Path(frontrun.__file__).with_name("_fuzz.pyi")
    runs = [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if getattr(node, "name", "") == "run"
    ]
    keywords = {word for node in runs for word in keywords_of(node)} - {"subject", "listener"}

    def run(**given: Any) -> Any:
        return _fuzz.run(None, None, **given)  # type: ignore[call-overload]

    assert rejects(run, "no_such_keyword")
    assert [keyword for keyword in keywords if rejects(run, keyword)] == []
