"""Diagnostics as text: file, line, column, the line with a mark, and a hint.

Sentences are laid out for the width of a terminal. In a pipe each sentence is one line, so that
tools find `file:line:column: error:` with the whole message.
"""

from __future__ import annotations

from collections.abc import Sequence

from groupconv_cli.errors import MAX_REPORTED, Diagnostic, Place
from groupconv_cli.render.flow import LEAST, Line, Span, cell_width, flow
from groupconv_cli.words import LINE_BREAK, printable

HINT = "  "
CONTINUED = "    "
"""The indents of hints, and of further lines of a sentence."""

EXCERPT = 110
"""The most columns of a source line that are shown, around the place."""

CUT = "…"


def problem_lines(problems: Sequence[Diagnostic], width: int | None = None) -> list[Line]:
    """The problems one under another. Beyond a limit they are only counted."""
    lines: list[Line] = []
    for problem in problems[:MAX_REPORTED]:
        lines += one_problem(problem, width)
    if len(problems) > MAX_REPORTED:
        lines.append([Span(f"and {len(problems) - MAX_REPORTED} more problems")])
    elif len(problems) > 1:
        lines.append([Span(f"{len(problems)} problems")])
    return lines


def one_problem(problem: Diagnostic, width: int | None = None) -> list[Line]:
    """One problem: its place and message, the source line with a mark, and the hint."""
    place = problem.place
    where = f"{place.source.name}:{place.line}:{place.column}: " if place else ""
    style = "bad" if problem.level == "error" else "warning"
    announcement = (Span(printable(where), "title"), Span(f"{announced(problem)}: ", style))
    lines = sentence_lines(problem.message, width, announcement, "title")
    if place is not None:
        lines += _excerpt(place, width)
    if problem.hint:
        lines += sentence_lines(HINT + problem.hint, width)
    return lines


def sentence_lines(
    text: str, width: int | None, before: Sequence[Span] = (), style: str = ""
) -> list[Line]:
    """A sentence of an error after the spans `before` it; its further lines are indented."""
    return flow([*before, Span(printable(text), style)], width, CONTINUED)


def announced(problem: Diagnostic) -> str:
    """'error', or 'warning GC101'."""
    return f"{problem.level} {problem.code}".rstrip()


def _excerpt(place: Place, width: int | None) -> list[Line]:
    source_lines = LINE_BREAK.split(place.source.text)
    if place.line > len(source_lines):
        return []
    number = f"{place.line:5}"
    room = EXCERPT if width is None else min(EXCERPT, max(LEAST, width - len(number) - 3))
    shown, before = _clipped(source_lines[place.line - 1], place.column - 1, room)
    mark = " " * cell_width(before)
    return [
        [Span(f"{number} | ", "quiet"), Span(shown)],
        [Span(" " * len(number) + " | ", "quiet"), Span(mark), Span("^", "bad")],
    ]


def _clipped(text: str, at: int, room: int) -> tuple[str, str]:
    """The shown part of a line, at most `room` columns, and the part of that before the place.

    If the line is too long, the part around the place is shown, with … where text is cut off.
    """
    at = min(at, len(text))
    start, end = max(0, at - room), at + room  # there is no room for more
    window = printable(text[start:end])
    at -= start
    if start == 0 and end >= len(text) and cell_width(window) + (at == len(window)) <= room:
        return window, window[:at]
    room -= 2 * len(CUT)
    first = last = at
    while first and cell_width(window[first - 1 : at]) <= room // 2:
        first -= 1
    while last < len(window) and cell_width(window[first : last + 1]) <= room:
        last += 1
    while first and cell_width(window[first - 1 : last]) < room:
        first -= 1  # where the line ends soon
    before = CUT * (start + first > 0) + window[first:at]
    return before + window[at:last] + CUT * (start + last < len(text)), before
