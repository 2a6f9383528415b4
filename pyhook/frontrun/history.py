"""What the recorder does in sight of the scheduler: the one file of the tool that is observed."""
# SPDX-License-Identifier: Apache-2.0
#
# Whether one call has ended before another begins is what linearizability is about, and no access
# of the tested object need tell. So a return writes a key of its own (which is there already: the
# order of inserts would be seen, too) and a call reads the whole dict: each return is dependent
# with each call, but no two calls and no two returns are.

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def mark_call(returned: dict[int, Any]) -> None:
    """A call begins."""
    len(returned)


def mark_return(returned: dict[int, Any], number: int) -> None:
    """The call with this number has ended."""
    returned[number] = True


def call_observed(method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Calls a method of the object, which may be one of C that only its caller can see."""
    return method(*args, **kwargs)


def get_observed(target: Any, name: str) -> Any:
    """Reads an attribute of the object."""
    return getattr(target, name)


def set_observed(target: Any, name: str, value: Any) -> None:
    """Writes an attribute of the object."""
    setattr(target, name, value)
