"""Breaks expressions that are longer than a line, where a formatter would break them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

WIDTH = 88
INDENT = "    "

OPERATORS = (
    ("if", "else"),
    ("or",),
    ("and",),
    ("==", "!=", "<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/", "//"),
)
"""From those that bind least. They stand between blanks."""

_KEYWORD = re.compile(r"([A-Za-z_]\w*=)(?!=)")
_OPERATOR = re.compile(r" (\S+) ")


class _Bracket(NamedTuple):
    """A text that ends with a bracket: what is before the bracket, and what is in it."""

    head: str
    items: list[str]
    tail: str

    @property
    def may_be_one(self) -> bool:
        """Whether its only item has no comma: in a call, and in parentheses around a term."""
        return self.head.endswith("(") and (self.head != "(" or len(self.items) == 1)


def broken(text: str, depth: int, after: str = "", before: str = "") -> list[str]:
    """The lines of an expression or an argument, between what stands before and after it."""
    margin = INDENT * depth
    line = f"{margin}{before}{text}{after}"
    if len(line) <= WIDTH:
        return [line]
    if keyword := _KEYWORD.match(text):
        return broken(text[keyword.end() :], depth, after, before + keyword[1])
    parts = _parts(text)
    if len(parts) > 1:
        lines: list[str] = []
        for number, (operator, operand) in enumerate(parts):
            is_last = number == len(parts) - 1
            start = f"{operator} " if number else before
            lines += broken(operand, depth, after if is_last else "", start)
        return lines
    bracket = _bracket(text)
    if bracket is None:
        return [line]
    return [
        f"{margin}{before}{bracket.head}",
        *_inside(bracket, depth + 1),
        f"{margin}{bracket.tail}{after}",
    ]


def broken_statement(text: str, depth: int) -> list[str]:
    """The lines of an assignment, of a `return`, or of the head of an `if`."""
    if len(INDENT) * depth + len(text) <= WIDTH:
        return [INDENT * depth + text]
    start, end = re.match(r"(?:\w+ = |return |if |elif )?", text), ""
    before = start[0] if start else ""
    rest = text[len(before) :]
    if before in ("if ", "elif ") and rest.endswith(":"):
        rest, end = rest[:-1], ":"
    elif not before or (len(_parts(rest)) < 2 and _bracket(rest)):
        return broken(rest, depth, end, before)
    margin = INDENT * depth
    return [f"{margin}{before}(", *broken(rest, depth + 1), f"{margin}){end}"]


def _inside(bracket: _Bracket, depth: int) -> list[str]:
    inside = ", ".join(bracket.items)
    is_call = bracket.head.endswith("(") and bracket.head != "("
    if is_call and len(INDENT) * depth + len(inside) <= WIDTH:
        return [INDENT * depth + inside]
    comma = "" if bracket.may_be_one and len(bracket.items) == 1 else ","
    return [line for item in bracket.items for line in broken(item, depth, comma)]


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """The characters of a text that are in no bracket and in no string, with their places."""
    depth, quote, at = 0, "", 0
    while at < len(text):
        character = text[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in ")]}":
            depth -= 1
        if not depth and not quote:
            yield at, character
        if not quote and character in "([{":
            depth += 1
        at += 1


def _parts(text: str) -> list[tuple[str, str]]:
    """The operands of the operators that bind least, each with the operator before it."""
    outside = {at for at, _ in _outside(text)}
    found = []
    at = 0
    while match := _OPERATOR.search(text, at):
        at = match.end(1)
        if match.start() in outside and match.start(1) in outside:
            found.append(match)
    for level in OPERATORS:
        chosen = [match for match in found if match[1] in level]
        if chosen:
            starts = [0, *(match.end() for match in chosen)]
            ends = [*(match.start() for match in chosen), len(text)]
            operators = ["", *(match[1] for match in chosen)]
            return [
                (operator, text[start:end])
                for operator, start, end in zip(operators, starts, ends, strict=True)
            ]
    return [("", text)]


def _bracket(text: str) -> _Bracket | None:
    """The bracket at the end of a text; None if it has none, or an empty one."""
    if text[-1:] not in (")", "]"):
        return None
    opened = [at for at, character in _outside(text) if character in "([{"]
    if not opened:
        return None
    head, inside, tail = text[: opened[-1] + 1], text[opened[-1] + 1 : -1], text[-1]
    commas = [at for at, character in _outside(inside) if character == ","]
    starts, ends = [0, *(at + 1 for at in commas)], [*commas, len(inside)]
    items = [inside[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return _Bracket(head, [item for item in items if item], tail) if inside else None
