"""A View as lines of text, for a terminal or a file. No number is ever cut.

Columns are laid out here and not by rich.table: 200 rows of it take longer than the rest of the
program, and it shortens cells if it runs out of room.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

from groupconv_cli.render.flow import LEAST, Line, Span, cell_width, fill
from groupconv_cli.render.view import (
    LEFT_ALIGNED,
    UNTOLD,
    Bar,
    Column,
    Row,
    Table,
    View,
    cell_texts,
    legends,
)

GAP = "  "
MAX_TITLES = 4
"""The most hidden columns that a note names."""
INDENT = "  "
GLUE = "\0"
"""Stands for a blank at which no line is broken."""


def lines(
    view: View,
    *,
    width: int | None,
    exact: bool = False,
    whole: str = "--format json has everything",
) -> list[Line]:
    """The view laid out for `width` columns; None means as wide as needed.

    If a terminal is too narrow, columns are hidden, and a note names them. `whole` says where
    everything is.
    """
    result: list[Line] = [[Span(line, "title")] for line in fill(view.title, width)]
    if view.problems:
        from groupconv_cli.render.problems import one_problem

        for problem in view.problems:
            result += [[], *one_problem(problem, width)]
    shown: list[Column] = []
    dropped: list[str] = []
    for table in view.tables:
        result.append([])
        if table.title:
            result += [[Span(line, "title")] for line in fill(table.title, width)]
        laid_out, kept, missing = _table(table, width, exact)
        result += laid_out
        shown += kept
        dropped += [title for title in missing if title not in dropped]
    notes = [*view.notes, *legends(shown)]
    if dropped:
        notes.append(f"Hidden (terminal too narrow): {_first(dropped)}. {whole}.")
    if notes:
        result.append([])
    for note in notes:
        result += [[Span(line, "quiet")] for line in fill(note, width)]
    if view.conclusion:
        result.append([])
    for sentence in view.conclusion:
        result += [[Span(line)] for line in fill(sentence, width)]
    return [_trimmed(line) for line in result]


def _first(titles: list[str]) -> str:
    """The titles, or the first of many and the number of the others."""
    more = len(titles) - MAX_TITLES
    return ", ".join(titles[:MAX_TITLES]) + (f" and {more} more" if more > 0 else "")


def _trimmed(line: Line) -> Line:
    """The line without blanks at its end, which could wrap in a narrow terminal."""
    while line:
        text, style = line[-1]
        if text and not text[-1].isspace():
            break
        text = text.rstrip()
        line = [*line[:-1], Span(text, style)] if text else line[:-1]
    return line


class _Laid(NamedTuple):
    """A laid out column: its heading and all its cells, padded to one width."""

    place: int
    """Its number in the table."""
    column: Column
    width: int
    title: str
    cells: list[str]
    above: Sequence[list[str]] = ()
    """For each cell the lines above it, if some take several: a cell is the last of its lines."""


def _table(
    table: Table, width: int | None, exact: bool
) -> tuple[list[Line], list[Column], list[str]]:
    """The lines of a table, its columns, and the titles of the hidden columns."""
    shown = table.shown
    laid = [_laid_out(index, column, shown, exact) for index, column in table.filled]
    dropped: list[str] = []
    while width is not None and _total(laid) > width:
        room = width - _total(laid) + laid[-1].width
        if 0 < laid[-1].column.wraps <= room:
            laid[-1] = laid[-1]._replace(width=room)
            break
        worst = max(laid, key=lambda each: each.column.drop)
        if not worst.column.drop:
            break
        laid.remove(worst)
        if worst.column.drop != UNTOLD:
            dropped.append(worst.column.full_title)
    over = 0 if width is None else _total(laid) - width
    if over > 0 and len(laid) > 1 and laid[0].column.kind in LEFT_ALIGNED:
        room = laid[0].width - over
        # Even if the table stays too wide, a long name is worth breaking.
        if room >= LEAST or laid[0].width > 2 * LEAST:
            laid[0] = _narrowed(laid[0], max(LEAST, room))
    rule = [Span("─" * _total(laid), "quiet")]
    result: list[Line] = [[Span(GAP.join(each.title for each in laid), "head")], rule]
    columns = [each.column for each in laid]
    rows = zip(*(each.cells for each in laid), strict=True)
    above_each: Iterable[list[str]] = laid[0].above or repeat([], len(shown))
    for row, cells, above in zip(shown, rows, above_each, strict=True):
        result += [[Span(line, _style(row, laid[0]))] for line in above]
        if row.note:
            result += _noted(row, GAP.join(cells[: table.labels]), width)
        elif columns[-1].wraps:
            is_prose = columns[-1].kind == "prose"
            result += _wrapped(row, cells, laid[-1].width, is_prose=is_prose)
        elif row.style:
            last = Span(cells[-1], _style(row, laid[-1]))
            result.append([Span(GAP.join([*cells[:-1], ""]), row.style), last])
        else:
            pairs = zip(cells, laid, strict=True)
            result.append([Span(cell + GAP, _style(row, each)) for cell, each in pairs])
    return result, columns, dropped


def _style(row: Row, laid: _Laid) -> str:
    """The style of a cell: a bar's own, or else the row's, or else that of its kind."""
    if laid.column.kind == "bar":
        cell = row.cells[laid.place]
        return "high" if isinstance(cell, Bar) and cell.is_high else "bar"
    return row.style or laid.column.kind


def _total(laid: list[_Laid]) -> int:
    return sum(each.width for each in laid) + len(GAP) * (len(laid) - 1)


def _laid_out(index: int, column: Column, rows: Sequence[Row], exact: bool) -> _Laid:
    texts = cell_texts([row.cells[index] for row in rows], column.kind, exact=exact)
    if index == 0:
        texts = [INDENT * row.indent + text for row, text in zip(rows, texts, strict=True)]
    left = column.kind in LEFT_ALIGNED
    different = list(dict.fromkeys(texts))  # most layers of a large network are alike
    aligned = different if left else _aligned_units(different)
    width = max([cell_width(column.title), *map(cell_width, aligned)])

    def padded(text: str) -> str:
        space = " " * (width - cell_width(text))
        return text + space if left else space + text

    cells = dict(zip(different, map(padded, aligned), strict=True))
    return _Laid(index, column, width, padded(column.title), [cells[text] for text in texts])


def _narrowed(laid: _Laid, width: int) -> _Laid:
    """The column in fewer columns of the screen: its longest words, such as paths, are broken."""
    cells, above = [], []
    for cell in laid.cells:
        text = cell.rstrip()
        indent = " " * (len(text) - len(text.lstrip())) + INDENT
        *before, last = fill(text, width, indent)
        cells.append(last + " " * (width - cell_width(last)))
        above.append(before)
    title = laid.title.rstrip()
    return laid._replace(width=width, title=title.ljust(width), cells=cells, above=above)


def _aligned_units(cells: list[str]) -> list[str]:
    """Pads numbers without a unit so that digits are aligned: '9,408  ' over '118 M'."""
    units = [_unit(cell) for cell in cells]
    widest = max((len(unit) + 1 for unit in units if unit), default=0)
    return [
        cell + " " * (widest - (len(unit) + 1 if unit else 0)) if cell else cell
        for cell, unit in zip(cells, units, strict=True)
    ]


def _wrapped(row: Row, cells: Sequence[str], room: int, *, is_prose: bool) -> list[Line]:
    """A row whose last cell may take several lines. If it is not prose, it breaks at commas."""
    first = GAP.join([*cells[:-1], ""])
    parts = fill(cells[-1].rstrip() if is_prose else _by_clauses(cells[-1].rstrip(), room), room)
    blank = " " * cell_width(first)
    return [
        [Span((blank if index else first) + part.replace(GLUE, " "), row.style)]
        for index, part in enumerate(parts)
    ]


def _by_clauses(text: str, room: int) -> str:
    """The text with glue, so that it breaks only at commas if the part between two fits a line."""
    clauses = text.split(", ")
    return ", ".join(
        clause.replace(" ", GLUE) if cell_width(clause) < room else clause for clause in clauses
    )


def _unit(cell: str) -> str:
    """'M' of '≥ 118 M'; '' of '≥ 118'."""
    last = cell.rpartition(" ")[2]
    return last if " " in cell and not last[:1].isdecimal() else ""


def _noted(row: Row, first: str, width: int | None) -> list[Line]:
    """A row with a sentence in place of its other cells."""
    blank = " " * cell_width(first)
    room = None if width is None else width - cell_width(first) - len(GAP)
    sentences = fill(row.note, room)
    return [
        [Span((blank if index else first) + GAP + sentence, row.style)]
        for index, sentence in enumerate(sentences)
    ]
