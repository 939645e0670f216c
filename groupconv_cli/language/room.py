"""Room on Python's stack for the deep recursion of an expansion."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import TypeVar

T = TypeVar("T")

WORDS = 70_000
"""Words of the stack that the outermost call asks for."""


def _called(function: Callable[[], T]) -> T:
    return function()


# CPython keeps the frames of calls in pieces of memory of 16 kB. A call that does not fit takes a
# new piece from the system, and gives it back when it returns. If a recursion goes to and fro at
# the end of a piece, which is a matter of luck, that takes longer than all the rest. The piece for
# a larger frame is larger: its size is the next power of two, and the frames of further calls fit
# into the rest of it. Memory that is not touched is not taken from the system.
with_room: Callable[[Callable[[], T]], T] = FunctionType(
    _called.__code__.replace(co_stacksize=WORDS), {}, "with_room"
)
"""Calls a function, with room for the calls that it makes."""
