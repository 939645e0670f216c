"""What is shown, before it is decided how: tables of raw values, headings and notes.

A command makes one `View`; each format for people renders any `View`. JSON is made of the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from groupconv_cli.analysis.channel_mixing import Reach
from groupconv_cli.errors import Diagnostic
from groupconv_cli.ops.base import Shape, shape_text
from groupconv_cli.units import (
    bytes_text,
    change_text,
    count_text,
    decimal_text,
    percent_text,
    ratio_text,
    seconds_text,
    share_change_text,
)
from groupconv_cli.words import joined

Cell = Any
"""A raw value, or None for nothing."""


LEFT_ALIGNED = ("text", "groups", "prose")


class Column(NamedTuple):
    """One column: how its raw values are written, and whether a narrow table can do without."""

    title: str
    kind: str = "text"
    """text, groups, count, bytes, ratio, …: see FORMATS."""
    key: str = ""
    """Name of the column in formats for machines."""
    drop: int = 0
    """0: always shown. Otherwise the highest is left out first where there is no room."""
    of: str = ""
    """What the title is of, where it does not say: 'Params' of 'vs g=1'."""
    wraps: int = 0
    """For the last column: not 0 if it may go over several lines, of this width at least."""
    legend: str = ""
    """A sentence on what it has, said under the tables where the column is shown."""

    @property
    def full_title(self) -> str:
        """The title apart from its place in the table."""
        return f"{self.of} {self.title}".strip()


class Row(NamedTuple):
    """One row: a raw value per column."""

    cells: tuple[Cell, ...]
    style: str = ""
    """'', 'group', 'quiet' or 'bad'."""
    indent: int = 0
    note: str = ""
    """A sentence that stands in place of what the row lacks."""


class Table(NamedTuple):
    """Columns and rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    """A line above it, where it needs one beside the view's."""
    has_notes: bool = False
    """Whether rows may have a note in place of their cells, whatever these rows have."""

    @property
    def filled(self) -> list[tuple[int, Column]]:
        """The columns with their numbers, less those that can be left out and have nothing."""
        return [
            (index, column)
            for index, column in enumerate(self.columns)
            if not column.drop or any(row.cells[index] is not None for row in self.rows)
        ]


class View(NamedTuple):
    """What a command shows: a heading, tables, and notes under them."""

    title: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    conclusion: tuple[str, ...] = ()
    """What to take from it: the last thing to be read."""
    main: int = 0
    """Which of the tables stands for all, in a format that has room for one."""
    problems: tuple[Diagnostic, ...] = ()
    """What is wrong, with places: shown before the tables."""


FORMATS: dict[str, Callable[[Any, bool], str]] = {
    "text": lambda value, exact: str(value),
    "prose": lambda value, exact: str(value),
    "groups": lambda value, exact: f"g={value}" if isinstance(value, int) else str(value),
    "count": lambda value, exact: count_text(value, exact=exact),
    "bytes": lambda value, exact: bytes_text(value, exact=exact),
    "ratio": lambda value, exact: ratio_text(value),
    "decimal": lambda value, exact: decimal_text(value),
    "seconds": lambda value, exact: seconds_text(value),
    "spread": lambda value, exact: f"±{percent_text(value)}",
    "percent": lambda value, exact: percent_text(value),
    "shape": lambda value, exact: shape_text(value),
    "count_change": lambda value, exact: change_text(value, count_text(value, exact=exact)),
    "bytes_change": lambda value, exact: change_text(value, bytes_text(value, exact=exact)),
    "decimal_change": lambda value, exact: change_text(value, decimal_text(value)),
    "share_change": lambda value, exact: share_change_text(value),
    "reach": lambda value, exact: reach_text(value),
}
"""How a raw value of each kind is written; `exact` asks for all digits."""


def reach_text(reach: Reach | str) -> str:
    """16/64 is 16 of the 64 channels; all of them are 1."""
    if isinstance(reach, str):
        return reach
    return "1" if reach.is_full else f"{reach.channels:,}/{reach.of:,}"


def cell_text(cell: Cell, kind: str, *, exact: bool) -> str:
    """A cell as people read it; one that is `Typed` has a kind of its own."""
    if cell is None:
        return ""
    if isinstance(cell, AtLeast):
        return f"≥ {cell_text(cell.value, kind, exact=exact)}"
    if isinstance(cell, Typed):
        return cell_text(cell.value, cell.kind, exact=exact)
    return FORMATS[kind](cell, exact)


class Typed(NamedTuple):
    """A raw value whose kind differs from its column's."""

    kind: str
    value: Cell


class AtLeast(NamedTuple):
    """A lower bound: what is known of a number that is larger, or may be."""

    value: Cell


CONVENTION = "FLOPs = 2 × MACs."
"""The one line of a legend that stands under every table: published figures differ in it. What
else the columns mean is in the help of the commands and in docs/numbers.md."""

UNKNOWN = Typed("text", "?")
"""A number that nobody knows, which is not nothing."""


def bounded(value: Cell, *, known: bool) -> Cell:
    """The value, or where it is not all there is: at least that, or unknown for none at all."""
    if known:
        return value
    raw = value.value if isinstance(value, Typed) else value
    return AtLeast(value) if raw else UNKNOWN


def legends(columns: Iterable[Column]) -> list[str]:
    """What is to be said of columns that are shown, each once."""
    return list(dict.fromkeys(column.legend for column in columns if column.legend))


def inputs_text(inputs: Sequence[Shape]) -> str:
    """'input 224×224×3', of several 'inputs 224×224×3 and 10'."""
    return f"input{'s' * (len(inputs) > 1)} {joined([shape_text(shape) for shape in inputs])}"


def unknown_notes(unknown: Sequence[str]) -> tuple[str, ...]:
    """The remark under a table for layers whose MACs nobody knows, if there are any."""
    if not unknown:
        return ()
    return (
        f"? and ≥: gconv does not know the MACs of {joined(unknown)}, so the MACs of the network "
        "are a lower bound. All other figures are exact.",
    )
