"""Python text in the style of a formatter: at most 88 columns, with calls broken if necessary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from groupconv_cli.ops.calls import Initializer

WIDTH = 88
INDENT = "    "


def call(head: str, arguments: Sequence[str], tail: str, depth: int) -> list[str]:
    """`head(arguments)tail` on one line, with all arguments on a second line, or with a line each.

    If everything before a tail in parentheses fits on a line, the tail is broken instead.
    """
    margin = INDENT * depth
    inside = ", ".join(arguments)
    line = f"{margin}{head}({inside}){tail}"
    if len(line) <= WIDTH or not arguments:
        return [line]
    before = f"{margin}{head}({inside})("
    if tail.startswith("(") and len(before) <= WIDTH:
        return [before, f"{margin}{INDENT}{tail[1:-1]}", f"{margin})"]
    if len(margin) + len(INDENT) + len(inside) <= WIDTH:
        return [f"{margin}{head}(", f"{margin}{INDENT}{inside}", f"{margin}){tail}"]
    each = [f"{margin}{INDENT}{argument}," for argument in arguments if argument != "*"]
    if "*" in arguments:
        each.insert(list(arguments).index("*"), f"{margin}{INDENT}*,")
    return [f"{margin}{head}(", *each, f"{margin}){tail}"]


class Line(NamedTuple):
    """A statement before it is broken into lines."""

    depth: int
    target: str
    """The assigned variable; empty if it is not an assignment."""
    head: str
    arguments: Sequence[str] | None = None
    tail: str = ""

    def text(self) -> list[str]:
        """Its lines."""
        start = f"{self.target} = {self.head}" if self.target else self.head
        if self.arguments is None:
            return [INDENT * self.depth + start]
        return call(start, self.arguments, self.tail, self.depth)


def quoted(text: str) -> str:
    """A text as a Python literal in double quotes."""
    body = "".join(_ESCAPED.get(char, char) for char in text)
    return f'"{body}"' if text.isprintable() else repr(text)


_ESCAPED = {"\\": "\\\\", '"': '\\"'}


def literal(value: Any) -> str:
    """A value as Python code."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    if isinstance(value, Initializer):
        return f"keras.initializers.{value.function}({literal(value.value)})"
    if isinstance(value, tuple):
        return tuple_code([literal(item) for item in value])
    return repr(value)


def tuple_code(items: Sequence[str]) -> str:
    """Items as a tuple."""
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
