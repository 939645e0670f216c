"""Tables of views, as a template takes them."""

from __future__ import annotations

from typing import NamedTuple

from groupconv_cli.render.view import LEFT_ALIGNED, Table, View, cell_text, legends
from groupconv_cli.words import printable


class Heading(NamedTuple):
    """The heading of a column."""

    text: str
    is_number: bool


class PlainRow(NamedTuple):
    """A row: its label, and its other cells or a sentence in their place."""

    labels: tuple[str, ...]
    cells: tuple[str, ...]
    style: str
    note: str
    is_part: bool
    """Whether it is a part of the row above."""


class PlainTable(NamedTuple):
    """A table of texts."""

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[PlainRow, ...]
    hidden: str
    """A sentence on the rows that it does not have; empty if it has all."""


class PlainView(NamedTuple):
    """The tables of a view and the sentences under them."""

    title: str
    tables: tuple[PlainTable, ...]
    notes: tuple[str, ...]
    conclusion: tuple[str, ...]


def plain_view(view: View, most: int) -> PlainView:
    """The view as texts, with at most so many rows of each table."""
    shown = [column for table in view.tables for _, column in table.filled]
    notes = tuple(dict.fromkeys((*view.notes, *legends(shown))))
    tables = tuple(plain_table(table, most) for table in view.tables)
    return PlainView(
        printable(view.title),
        tables,
        tuple(map(printable, notes)),
        tuple(map(printable, view.conclusion)),
    )


def hidden_text(what: str, shown: int, every: int) -> str:
    """The sentence on what is not shown; empty if all is."""
    if shown >= every:
        return ""
    return f"The page shows {shown:,} of {every:,} {what}, so that it stays small."


def plain_table(table: Table, most: int) -> PlainTable:
    """The table as texts, with at most so many rows."""
    filled = table.filled
    labels = [index for index, _ in filled if index < table.labels]
    others = [(index, column) for index, column in filled if index >= table.labels]
    rows = []
    for row in table.shown[:most]:
        texts = {
            index: printable(cell_text(row.cells[index], column.kind, exact=False))
            for index, column in filled
        }
        rows.append(
            PlainRow(
                tuple(texts[index] for index in labels),
                () if row.note else tuple(texts[index] for index, _ in others),
                row.style,
                printable(row.note),
                any(texts[index].startswith(" ") for index in labels),
            )
        )
    headings = tuple(
        Heading(printable(column.heading), column.kind not in LEFT_ALIGNED and index > 0)
        for index, column in filled
    )
    hidden = hidden_text("rows", len(rows), len(table.shown))
    return PlainTable(printable(table.title), headings, tuple(rows), hidden)
