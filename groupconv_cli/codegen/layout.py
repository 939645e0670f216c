"""Python text in the style of a formatter: at most 88 columns, with calls broken if necessary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from groupconv_cli.codegen.breaking import INDENT, WIDTH, broken, broken_statement
from groupconv_cli.ops.calls import Initializer


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
    each = [line for argument in arguments for line in broken(argument, depth + 1, ",")]
    return [f"{margin}{head}(", *each, f"{margin}){tail}"]


def collection(head: str, items: Sequence[str], tail: str, depth: int) -> list[str]:
    """`head`, items and `tail` on one line, or the items with a line each.

    `head` ends with the opening bracket, `tail` begins with the closing one.
    """
    margin = INDENT * depth
    line = f"{margin}{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH:
        return [line]
    each = [line for item in items for line in broken(item, depth + 1, ",")]
    return [f"{margin}{head}", *each, f"{margin}{tail}"]


Text = str | Callable[[], str]
"""A text, or a function that makes it when everything is known."""


class Line(NamedTuple):
    """A statement before it is broken into lines."""

    depth: int
    target: str
    """The assigned variable; empty if it is not an assignment."""
    head: Text
    arguments: Sequence[str] | None = None
    tail: str = ""
    is_needed: Callable[[], bool] | None = None
    """Whether it is written at all; None if it always is."""

    def text(self, resolve: Callable[[str], str]) -> list[str]:
        """Its lines. `resolve` replaces what was not known when the line was made."""
        if self.is_needed is not None and not self.is_needed():
            return []
        head = resolve(self.head if isinstance(self.head, str) else self.head())
        start = f"{self.target} = {head}" if self.target else head
        if self.arguments is None:
            return broken_statement(start, self.depth)
        arguments = [resolve(each) for each in self.arguments]
        if start.endswith("["):
            return collection(start, arguments, self.tail, self.depth)
        return call(start, arguments, self.tail, self.depth)


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
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    return repr(value)


def tuple_code(items: Sequence[str]) -> str:
    """Items as a tuple."""
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
