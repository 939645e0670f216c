"""A View as HTML for a notebook: tables without colours of their own, and everything escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from groupconv_cli.render.view import (
    LEFT_ALIGNED,
    Column,
    Row,
    Table,
    View,
    cell_text,
    headings,
    legends,
)
from groupconv_cli.words import printable

RIGHT, LEFT = "text-align:right", "text-align:left"
STYLES = {"group": "font-weight:bold", "quiet": "opacity:0.6", "bad": "color:#D55E00"}
"""How rows look. Other styles are those of the notebook, light or dark."""


def html(view: View) -> str:
    """The heading, the tables and the notes of a view in a `<div>`. Nothing in it is a script."""
    parts = [f"<div><p><strong>{_text(view.title)}</strong></p>"]
    if view.problems:
        from groupconv_cli.render.flow import plain
        from groupconv_cli.render.problems import one_problem

        shown = "\n".join(plain(one_problem(problem, None)) for problem in view.problems)
        parts.append(f"<pre>{escape(shown)}</pre>")
    for table in view.tables:
        parts += [f"<p><strong>{_text(table.title)}</strong></p>"] * bool(table.title)
        parts += ["<table>", *_table(table), "</table>"]
    said = legends(column for table in view.tables for _, column in table.filled)
    parts += [f"<p>{_text(note)}</p>" for note in (*view.notes, *said, *view.conclusion)]
    return "\n".join([*parts, "</div>"])


def _text(text: str) -> str:
    return escape(printable(" ".join(text.splitlines())))


def _table(table: Table) -> Iterator[str]:
    columns = table.filled
    shown = [column for _, column in columns]
    heads = "".join(
        f'<th style="{_side(column)}">{_text(heading)}</th>'
        for column, heading in zip(shown, headings(shown), strict=True)
    )
    yield f"<thead><tr>{heads}</tr></thead><tbody>"
    for row in table.shown:
        cells = "".join(_cell(row, place, column) for place, column in columns)
        if row.note:
            labels = "".join(_cell(row, place, column) for place, column in columns[: table.labels])
            rest = len(columns) - table.labels
            cells = f'{labels}<td colspan="{rest}" style="{LEFT}">{_text(row.note)}</td>'
        look = f' style="{STYLES[row.style]}"' if row.style in STYLES else ""
        yield f"<tr{look}>{cells}</tr>"
    yield "</tbody>"


def _cell(row: Row, place: int, column: Column) -> str:
    indent = f";padding-left:{1.5 * row.indent + 0.5}em" if row.indent and place == 0 else ""
    text = _text(cell_text(row.cells[place], column.kind, exact=False).strip())
    return f'<td style="{_side(column)}{indent}">{text}</td>'


def _side(column: Column) -> str:
    return LEFT if column.kind in LEFT_ALIGNED else f"{RIGHT};white-space:nowrap"
