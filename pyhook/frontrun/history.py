"""Marks of calls and returns that the scheduler sees: the one file of the tool that is observed."""
# SPDX-License-Identifier: Apache-2.0
#
# Whether one call has ended before another begins is what linearizability is about, and no access
# of the tested object need tell. So a return writes a key of its own (which is there already: the
# order of inserts would be seen, too) and a call reads the whole dict: each return is dependent
# with each call, but no two calls and no two returns are.

from __future__ import annotations

from typing import Any


def mark_call(returned: dict[int, Any]) -> None:
    """A call begins."""
    len(returned)


def mark_return(returned: dict[int, Any], number: int) -> None:
    """The call with this number has ended."""
    returned[number] = True
