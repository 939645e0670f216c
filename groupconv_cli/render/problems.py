"""Diagnostics as text: file, line, column, the line with a mark, and what would be right."""

from __future__ import annotations

from collections.abc import Sequence

from groupconv_cli.errors import MAX_REPORTED, Diagnostic, Place
from groupconv_cli.render.text import MIN_WRAP, Line, Span, cell_width
from groupconv_cli.words import LINE_BREAK, printable

HINT = "  "
CONTINUED = "    "
"""What stands before hints, and before further lines of a sentence."""

EXCERPT = 110
"""Characters of a source line that are shown, around the place."""


def problem_lines(problems: Sequence[Diagnostic]) -> list[Line]:
    """The problems one under another; beyond a limit they are counted."""
    lines: list[Line] = []
    for problem in problems[:MAX_REPORTED]:
        lines += one_problem(problem)
    if len(problems) > MAX_REPORTED:
        lines.append([Span(f"and {len(problems) - MAX_REPORTED} more problems")])
    elif len(problems) > 1:
        lines.append([Span(f"{len(problems)} problems")])
    return lines


def one_problem(problem: Diagnostic, width: int | None = None) -> list[Line]:
    """One problem: where and what, the line with a mark, and what would be right.

    Sentences are broken to fit a width, if there is one.
    """
    place = problem.place
    where = f"{printable(place.source.name)}:{place.line}:{place.column}: " if place else ""
    announcement = f"{announced(problem)}: "
    style = "bad" if problem.level == "error" else "warning"
    taken = cell_width(where + announcement)
    first, *more = _broken(printable(problem.message), width, taken)
    lines: list[Line] = [[Span(where, "title"), Span(announcement, style), Span(first, "title")]]
    lines += [[Span(CONTINUED + line, "title")] for line in more]
    if place is not None:
        lines += _excerpt(place)
    for hint in (problem.hint or "").splitlines():
        first, *more = _broken(printable(hint), width, len(HINT))
        lines += [[Span(HINT + first)], *([Span(CONTINUED + line)] for line in more)]
    return lines


def _broken(text: str, width: int | None, taken: int) -> list[str]:
    """The text in lines, the first of which has that many columns taken."""
    if width is None or taken + cell_width(text) <= width:
        return [text]
    from textwrap import wrap

    room = max(width - len(CONTINUED), MIN_WRAP)
    # What is taken stands there as one long word, so that the first line is broken in time.
    filler = "x" * min(max(taken - len(CONTINUED), 0), room - MIN_WRAP)
    first, *more = wrap(filler + text, room, break_long_words=False, break_on_hyphens=False)
    return [first[len(filler) :], *more]


def announced(problem: Diagnostic) -> str:
    """'error', or 'warning GC101'."""
    return f"{problem.level} {problem.code}".rstrip()


def _excerpt(place: Place) -> list[Line]:
    source_lines = LINE_BREAK.split(place.source.text)
    if place.line > len(source_lines):
        return []
    text = source_lines[place.line - 1]
    at = min(place.column - 1, len(text))
    start = 0
    if len(text) > EXCERPT:
        start = max(0, min(at - EXCERPT // 2, len(text) - EXCERPT))
        text = text[start : start + EXCERPT]
    shown = printable(text)
    mark = " " * cell_width(printable(text[: at - start]))
    number = f"{place.line:5}"
    return [
        [Span(f"{number} | ", "quiet"), Span(shown)],
        [Span(" " * len(number) + " | ", "quiet"), Span(mark), Span("^", "bad")],
    ]
