"""A View as Markdown with GitHub's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from groupconv_cli.errors import Diagnostic
from groupconv_cli.render.view import (
    LEFT_ALIGNED,
    Table,
    View,
    cell_text,
    cell_texts,
    headings,
    legends,
)
from groupconv_cli.words import printable

_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in r"\`*_{}[]<>|~$"})
"""Signs that GitHub would take for markup. The dollar begins a formula."""


def markdown(view: View, *, exact: bool = False) -> str:
    """The view as a heading, tables, and notes under them. No column is hidden."""
    parts = [f"### {escaped(view.title)}"]
    if view.problems:
        parts.append("\n".join(_problem(problem) for problem in view.problems))
    for table in view.tables:
        parts += [f"**{escaped(table.title)}**"] * bool(table.title)
        parts.append("\n".join(_table(table, exact)))
    said = legends(column for table in view.tables for _, column in table.filled)
    parts += [escaped(note) for note in (*view.notes, *said, *view.conclusion)]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """The text escaped so that Markdown shows it unchanged, on one line."""
    return printable(" ".join(text.splitlines())).translate(_ESCAPES)


def _problem(problem: Diagnostic) -> str:
    place = problem.place
    where = f" {escaped(f'{place.source.name}:{place.line}:{place.column}')}" if place else ""
    hint = f" ({escaped(problem.hint)})" if problem.hint else ""
    announced = f"{problem.level} {problem.code}".rstrip()
    return f"- **{announced}**{where}: {escaped(problem.message)}{hint}"


def _table(table: Table, exact: bool) -> Iterator[str]:
    columns = table.filled
    yield _line(map(escaped, headings([column for _, column in columns])))
    yield _line("---" if column.kind in LEFT_ALIGNED else "---:" for _, column in columns)
    shown = table.shown
    written = [
        _escaped_texts(cell_texts([row.cells[index] for row in shown], column.kind, exact=exact))
        for index, column in columns
    ]
    for row, *texts in zip(shown, *written, strict=True):
        cells = texts
        if row.style == "bad" and not row.note:  # Markdown has no colour, so it is bold
            cells = [f"**{cell}**" if cell else "" for cell in cells]
        if row.style == "group":
            cells[0] = f"**{cells[0]}**"
        yield _line(cells)
    notes = [row for row in shown if row.note]
    if notes:
        yield ""
    for row in notes:
        labels = zip(row.cells, table.columns[: table.labels], strict=False)
        texts = [cell_text(cell, column.kind, exact=exact) for cell, column in labels]
        yield f"- {escaped(' '.join(filter(None, texts)))}: {escaped(row.note)}"


def _escaped_texts(texts: list[str]) -> list[str]:
    """The texts escaped; most cells of a large table are alike."""
    known = {text: escaped(text.strip()) for text in set(texts)}
    return [known[text] for text in texts]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
