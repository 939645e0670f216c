"""A page of the documentation as text for a terminal: no markup, and lines that fit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from groupconv_cli.render.flow import Line, Span, flow

WIDEST = 88
"""The most columns of a line: longer lines are hard to read."""

CODE = "    "
"""The indent of every line of an example."""

SESSION = "console"
"""The language of examples that are left out: sessions, which were laid out for another width."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARKED = re.compile(r"\*\*(.+?)\*\*|`(.+?)`")


def prose_lines(markdown: str, width: int | None) -> list[Line]:
    """The headings, paragraphs and examples of a page, for a width or else `WIDEST`.

    Only the texts of links are shown, because their targets are files beside the page.
    """
    width = WIDEST if width is None else min(width, WIDEST)
    lines: list[Line] = []
    for part in _parts(markdown):
        lines += [[], *_laid_out(part, width)]
    return lines[1:]


def _parts(markdown: str) -> Iterator[str | re.Match[str]]:
    """Paragraphs, and matches of examples."""
    at = 0
    for fence in _FENCE.finditer(markdown):
        yield from _paragraphs(markdown[at : fence.start()])
        if fence[1] != SESSION:
            yield fence
        at = fence.end()
    yield from _paragraphs(markdown[at:])


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _laid_out(part: str | re.Match[str], width: int) -> list[Line]:
    if isinstance(part, re.Match):
        return [[Span(CODE + line)] if line else [] for line in part[2].splitlines()]
    if part.startswith("#"):
        return flow([Span(part.lstrip("# "), "title")], width)
    return flow(_spans(part), width)


def _spans(text: str) -> Iterator[Span]:
    """A paragraph with its bold words, and with quotes around code."""
    text = _LINK.sub(_named, text)
    at = 0
    for found in _MARKED.finditer(text):
        yield Span(text[at : found.start()])
        bold, code = found.groups()
        yield Span(bold, "title") if bold else Span(f"'{code}'")
        at = found.end()
    yield Span(text[at:])


def _named(link: re.Match[str]) -> str:
    """The text of a link. A page beside this one gets its path in the repository."""
    text = link[1]
    return f"docs/{text}" if text.endswith(".md") else text
