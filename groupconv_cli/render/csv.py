"""A View as comma-separated values: its main table, raw numbers under the columns' keys."""

from __future__ import annotations

import csv
import io

from groupconv_cli.analysis.channel_mixing import Reach
from groupconv_cli.ops.base import shape_text
from groupconv_cli.render.view import (
    AtLeast,
    Bar,
    Cell,
    Interval,
    Marked,
    Typed,
    View,
    setting_text,
)
from groupconv_cli.words import printable


def csv_text(view: View) -> str:
    """The main table under a line of keys. Nothing is rounded or left out.

    A shape is written 112x112x24, an unknown number ?, a lower bound >=4096. If rows of the table
    may have a note in place of their cells, the notes are in a last column, `note`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    table = view.tables[view.main]
    writer.writerow([*(column.key for column in table.columns), *["note"] * table.has_notes])
    for row in table.rows:
        cells = [_raw(cell) for cell in row.cells]
        writer.writerow([*cells, *[printable(row.note)] * table.has_notes])
    return text.getvalue()


def _raw(cell: Cell) -> Cell:
    if isinstance(cell, AtLeast):
        return f">={_raw(cell.value)}"
    if isinstance(cell, Bar):
        return cell.share
    if isinstance(cell, Typed | Marked):
        return _raw(cell.value)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Reach):
        return cell.share
    if isinstance(cell, Interval):
        return f"{cell.low} to {cell.high}"
    if isinstance(cell, list):
        return setting_text(cell)
    if isinstance(cell, tuple):
        return shape_text(cell).replace("×", "x")
    if isinstance(cell, str):
        return printable(cell)
    return cell
