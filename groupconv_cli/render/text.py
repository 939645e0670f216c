"""A View as lines of text, for a terminal or a file. No number is ever cut.

Columns are laid out here and not by rich.table: 200 rows of it take longer than everything else
the program does together, and it shortens cells where it runs out of room.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from groupconv_cli.render.view import LEFT_ALIGNED, Column, Row, Table, View, cell_text

GAP = "  "
INDENT = "  "
MIN_WRAP = 24


class Span(NamedTuple):
    """A piece of a line, and what it is: title, head, group, quiet, bad, or nothing special."""

    text: str
    style: str = ""


Line = list[Span]


def lines(view: View, *, width: int | None, exact: bool = False) -> list[Line]:
    """The view laid out for `width` columns; None is as wide as it needs to be.

    Columns that a narrow terminal has no room for are left out, and a note names them.
    """
    result: list[Line] = [[Span(line, "title")] for line in wrap(view.title, width)]
    dropped: list[str] = []
    for table in view.tables:
        result.append([])
        laid_out, missing = _table(table, width, exact)
        result += laid_out
        dropped += [title for title in missing if title not in dropped]
    notes = list(view.notes)
    if dropped:
        notes.append(
            f"Left out for want of room: {', '.join(dropped)}; a wider terminal or --format json "
            "has them."
        )
    if notes:
        result.append([])
    for note in notes:
        result += [[Span(line, "quiet")] for line in wrap(note, width)]
    return result


def plain(laid_out: Iterable[Line]) -> str:
    """The lines without styles."""
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in laid_out)


def wrap(text: str, width: int | None) -> list[str]:
    """A sentence over several lines; a word is never broken."""
    if width is None or len(text) <= width:
        return [text]
    from textwrap import wrap as fill

    return fill(text, max(width, MIN_WRAP), break_long_words=False, break_on_hyphens=False)


def cell_width(text: str) -> int:
    """Columns that a text takes up; wide characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )


class _Grid(NamedTuple):
    columns: list[Column]
    widths: list[int]
    texts: list[list[str]]


def _table(table: Table, width: int | None, exact: bool) -> tuple[list[Line], list[str]]:
    grid = _grid(table, exact)
    dropped: list[str] = []
    while width is not None and _total(grid) > width:
        candidates = [column for column in grid.columns if column.drop]
        if not candidates:
            break
        worst = max(candidates, key=lambda column: column.drop)
        grid = _without(grid, grid.columns.index(worst))
        dropped.append(worst.title)
    head = _row_line(grid, [column.title for column in grid.columns], "head")
    rule = [Span("─" * _total(grid), "quiet")]
    body: list[Line] = []
    for row, texts in zip(table.rows, grid.texts, strict=True):
        if row.style == "total":
            body.append(rule)
        body += _body(row, texts, grid, width)
    return [head, rule, *body], dropped


def _grid(table: Table, exact: bool) -> _Grid:
    columns = [
        (index, column)
        for index, column in enumerate(table.columns)
        if any(row.cells[index] is not None for row in table.rows) or not column.drop
    ]
    texts = [
        [cell_text(row.cells[index], column.kind, exact=exact) for index, column in columns]
        for row in table.rows
    ]
    for position, (_, column) in enumerate(columns):
        cells = [row[position] for row in texts]
        if column.kind in LEFT_ALIGNED:
            if position == 0:
                cells = [
                    INDENT * row.indent + cell for row, cell in zip(table.rows, cells, strict=True)
                ]
        else:
            cells = _aligned_units(cells)
        for row, cell in zip(texts, cells, strict=True):
            row[position] = cell
    widths = [
        max([cell_width(column.title), *(cell_width(row[position]) for row in texts)])
        for position, (_, column) in enumerate(columns)
    ]
    return _Grid([column for _, column in columns], widths, texts)


def _aligned_units(cells: list[str]) -> list[str]:
    """Pads numbers without a unit so that digits stand under digits: '9,408  ' over '118 M'."""
    units = [cell.rpartition(" ")[2] if " " in cell else "" for cell in cells]
    widest = max((len(unit) + 1 for unit in units if unit), default=0)
    return [
        cell + " " * (widest - (len(unit) + 1 if unit else 0)) if cell else cell
        for cell, unit in zip(cells, units, strict=True)
    ]


def _total(grid: _Grid) -> int:
    return sum(grid.widths) + len(GAP) * (len(grid.widths) - 1)


def _without(grid: _Grid, position: int) -> _Grid:
    columns, widths = list(grid.columns), list(grid.widths)
    del columns[position], widths[position]
    texts = [row[:position] + row[position + 1 :] for row in grid.texts]
    return _Grid(columns, widths, texts)


def _row_line(grid: _Grid, texts: list[str], style: str) -> Line:
    line: Line = []
    for position, (column, width, text) in enumerate(
        zip(grid.columns, grid.widths, texts, strict=True)
    ):
        if position:
            line.append(Span(GAP))
        space = " " * (width - cell_width(text))
        padded = text + space if column.kind in LEFT_ALIGNED else space + text
        line.append(Span(padded, style or column.kind))
    return line


def _body(row: Row, texts: list[str], grid: _Grid, width: int | None) -> list[Line]:
    if not row.note:
        return [_row_line(grid, texts, row.style)]
    first = texts[0] + " " * (grid.widths[0] - cell_width(texts[0])) + GAP
    room = None if width is None else width - cell_width(first)
    sentences = wrap(row.note, room)
    return [
        [Span(first if index == 0 else " " * cell_width(first), row.style), Span(text, row.style)]
        for index, text in enumerate(sentences)
    ]
