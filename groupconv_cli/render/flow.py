"""Sentences broken into lines: words stay whole, and numbers stay with their units."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from groupconv_cli.words import printable

LEAST = 12
"""The narrowest width to lay out for: a narrower terminal breaks lines by itself."""

_UNIT = r"(?:(?<=\d) (?:%|[kMGTPE]?B|[kMGTPE]|ms|µs|s)[.,;:)]*)?"
_WORD = re.compile(rf"( *)([^ ]+?{_UNIT})(?= |$)")
"""Blanks and the word after them; a number and its unit are one word."""

_JOINTS = (re.compile(r".*[/\\]"), re.compile(r".*[,;:=_.-]"))
"""The best ends of a piece of a word that is too long: a part of a path, or a mark."""


class Span(NamedTuple):
    """A piece of a line and its style: title, head, group, quiet, bad, or '' for plain text."""

    text: str
    style: str = ""


Line = list[Span]


def plain(laid_out: Iterable[Line]) -> str:
    """The lines without styles and without characters that control a terminal."""
    lines = ["".join([span.text for span in line]) for line in laid_out]
    return "".join([printable(line) + "\n" for line in lines])


@lru_cache(maxsize=4096)
def cell_width(text: str) -> int:
    """The columns that a text takes; wide characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )


def fill(text: str, width: int | None, indent: str = "") -> list[str]:
    """The text in lines of at most `width` columns; all but the first begin with `indent`.

    The text is broken at blanks. A word that is longer than a line begins a new line and continues
    in the next, if possible after a slash or another mark. Blanks at the beginning of the text are
    kept, unless they take more than half of the line.
    """
    if width is None or cell_width(text) <= width:
        return [text]
    width = max(width, LEAST, len(indent) + 1)
    lines: list[str] = []
    line = ""
    for blanks, word in _WORD.findall(text):
        if cell_width(line + blanks + word) <= width:
            line += blanks + word
            continue
        if line.strip():
            lines.append(line)
            line = indent
        elif not lines and len(blanks) <= width // 2:
            line = blanks
        rest = word
        while cell_width(line + rest) > width:
            head = _head(rest, width - cell_width(line))
            lines.append(line + head)
            line, rest = indent, rest[len(head) :]
        line += rest
    return [*lines, line]


def _head(word: str, room: int) -> str:
    """The beginning of a word that fits into `room` columns, but at least one letter."""
    head = word[:1]
    while cell_width(word[: len(head) + 1]) <= room:
        head = word[: len(head) + 1]
    for joint in _JOINTS:
        if found := joint.match(head):
            return found[0]
    return head


def flow(spans: Iterable[Span], width: int | None, indent: str = "") -> list[Line]:
    """A styled sentence in lines, broken like those of `fill`."""
    spans = list(spans)
    if width is None:
        return [spans]
    pieces = [(char, span.style) for span in spans for char in span.text]
    result: list[Line] = []
    at = 0
    for number, line in enumerate(fill("".join(char for char, _ in pieces), width, indent)):
        begin = indent if number else ""
        if number or not line.startswith(" "):
            while at < len(pieces) and pieces[at][0] == " ":
                at += 1  # blanks that `fill` dropped
        end = at + len(line) - len(begin)
        result.append([*([Span(begin)] if begin else []), *_joined(pieces[at:end])])
        at = end
    return result


def _joined(pieces: Iterable[tuple[str, str]]) -> Line:
    """Characters with their styles as spans."""
    line: Line = []
    for char, style in pieces:
        if line and line[-1].style == style:
            line[-1] = Span(line[-1].text + char, style)
        else:
            line.append(Span(char, style))
    return line
