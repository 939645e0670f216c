"""Diagnostics as text: file, line, column, the line with a mark, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Sequence

from groupconv_cli.errors import MAX_REPORTED, Diagnostic, Place
from groupconv_cli.render.text import Line, Span, cell_width

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What YAML counts as the end of a line."""

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


def one_problem(problem: Diagnostic) -> list[Line]:
    """One problem: where and what, the line with a mark, and what would be right."""
    head: Line = []
    if problem.place is not None:
        place = problem.place
        head.append(Span(f"{place.source.name}:{place.line}:{place.column}: ", "title"))
    style = "bad" if problem.level == "error" else "warning"
    head += [
        Span(f"{announced(problem)}: ", style),
        Span(printable(problem.message), "title"),
    ]
    lines = [head]
    if problem.place is not None:
        lines += _excerpt(problem.place)
    if problem.hint:
        lines += [[Span("  " + printable(line))] for line in problem.hint.splitlines()]
    return lines


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


def printable(text: str) -> str:
    """The text with tabs and control characters replaced, so that marks stay under their place."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "�" for char in text)
