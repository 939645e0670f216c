"""The content of a result before it is formatted: tables of raw values, headings and notes.

A command makes one `View`; each format for people renders any `View`. JSON is made from the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from groupconv_cli.analysis.channel_mixing import Reach
from groupconv_cli.analysis.totals import Totals
from groupconv_cli.errors import Diagnostic
from groupconv_cli.ops.base import Shape, shape_text
from groupconv_cli.ops.kinds import Value
from groupconv_cli.units import (
    accuracy_text,
    bytes_text,
    change_text,
    count_text,
    decimal_text,
    interval_text,
    percent_text,
    points_text,
    ratio_text,
    seconds_text,
    share_change_text,
    value_text,
)
from groupconv_cli.words import joined, printable

Cell = Any
"""A raw value, or None for an empty cell."""


LEFT_ALIGNED = ("text", "groups", "setting", "prose", "interval", "bar", "verdict")


UNTOLD = 9
"""The `drop` of a column that shows nothing that others do not: no note tells that it is hidden."""


class Column(NamedTuple):
    """One column: how its raw values are written, and whether a narrow table may hide it."""

    title: str
    kind: str = "text"
    """text, groups, count, bytes, ratio, …: see FORMATS."""
    key: str = ""
    """The name of the column in formats for programs."""
    drop: int = 0
    """0: always shown. Otherwise the column with the highest number is hidden first."""
    of: str = ""
    """What the title refers to, if it does not say: 'Params' for 'vs g=1'."""
    wraps: int = 0
    """For the last column: 0, or the least width of its lines if it may take several."""
    legend: str = ""
    """A sentence that explains the column, shown under the tables if the column is shown."""

    @property
    def full_title(self) -> str:
        """The title for use outside the table."""
        return f"{self.of} {self.title}".strip()

    @property
    def heading(self) -> str:
        """The full title, or its key where a terminal needs no title but readers of a page do."""
        words = self.key.replace("_", " ").replace(".", " ")
        return self.full_title if self.title else words.capitalize()


class Row(NamedTuple):
    """One row: a raw value per column."""

    cells: tuple[Cell, ...]
    style: str = ""
    """'', 'group', 'quiet' or 'bad'."""
    indent: int = 0
    note: str = ""
    """A sentence in place of the row's other cells."""
    is_double: bool = False
    """Whether another row of the table is marked as this one too. Only programs read it."""


class Table(NamedTuple):
    """Columns and rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    """A line above the table, if it needs one besides the view's."""
    has_notes: bool = False
    """Whether rows may have a note in place of their cells, even if none of these rows has."""
    labels: int = 1
    """The first columns, which say what a row is of. Rows with a note have them too."""

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows for people, each network once."""
        return tuple(row for row in self.rows if not row.is_double)

    @property
    def filled(self) -> list[tuple[int, Column]]:
        """The columns with their numbers, without empty columns that may be hidden."""
        return [
            (index, column)
            for index, column in enumerate(self.columns)
            if not column.drop or any(row.cells[index] is not None for row in self.rows)
        ]


class View(NamedTuple):
    """The output of a command: a heading, tables, and notes under them."""

    title: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    conclusion: tuple[str, ...] = ()
    """The conclusion, which is shown last."""
    main: int = 0
    """The index of the main table, for a format that can have only one."""
    problems: tuple[Diagnostic, ...] = ()
    """Problems with their places, shown before the tables."""


FORMATS: dict[str, Callable[[Any, bool], str]] = {
    "text": lambda value, exact: str(value),
    "prose": lambda value, exact: str(value),
    "groups": lambda value, exact: groups_text(value),
    "setting": lambda value, exact: setting_text(value),
    "count": lambda value, exact: count_text(value, exact=exact),
    "bytes": lambda value, exact: bytes_text(value, exact=exact),
    "ratio": lambda value, exact: ratio_text(value),
    "decimal": lambda value, exact: decimal_text(value),
    "value": lambda value, exact: value_text(value),
    "seconds": lambda value, exact: seconds_text(value),
    "spread": lambda value, exact: f"±{percent_text(value)}",
    "percent": lambda value, exact: percent_text(value),
    "accuracy_share": lambda value, exact: cell_text(100 * value, "accuracy", exact=exact),
    "points": lambda value, exact: points_text(value),
    "interval": lambda value, exact: interval_text(value),
    "verdict": lambda value, exact: verdict_text(value),
    "accuracy": lambda value, exact: f"{value} %" if exact else accuracy_text(value),
    "shape": lambda value, exact: shape_text(value),
    "count_change": lambda value, exact: change_text(value, count_text(value, exact=exact)),
    "bytes_change": lambda value, exact: change_text(value, bytes_text(value, exact=exact)),
    "decimal_change": lambda value, exact: change_text(value, decimal_text(value)),
    "share_change": lambda value, exact: share_change_text(value),
    "reach": lambda value, exact: reach_text(value),
}
"""Functions that write a raw value of each kind; `exact` asks for all digits."""


def reach_text(reach: Reach | str) -> str:
    """16/64 for 16 of 64 channels; 1 for all channels."""
    if isinstance(reach, str):
        return reach
    return "1" if reach.is_full else f"{reach.channels:,}/{reach.of:,}"


def verdict_text(verdict: str) -> str:
    """The verdict on a row in words; none on the reference itself."""
    return "" if verdict == "reference" else verdict.replace("_", " ")


def groups_text(groups: int | str) -> str:
    """g=4 for 4 groups; words stay as they are."""
    return f"g={groups}" if isinstance(groups, int) else groups


def setting_text(value: Value) -> str:
    """The value of a variable as a spec would have it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(setting_text, value))}]"
    return str(value).lower() if isinstance(value, bool) else printable(str(value))


BAR = 10
"""The characters of the longest bar."""


def bar_text(bar: Bar) -> str:
    """The share in per cent, and its bar in steps of half a character."""
    halves = max(1, round(2 * BAR * bar.length)) if bar.length else 0
    return f"{percent_text(bar.share):>5} {'━' * (halves // 2)}{'╸' * (halves % 2)}".rstrip()


def headings(columns: Sequence[Column]) -> list[str]:
    """A heading for each column: its title, or its full one if that is empty or is not the only."""
    count = Counter(column.title for column in columns)
    return [
        column.title if column.title and count[column.title] == 1 else column.heading
        for column in columns
    ]


def cell_text(cell: Cell, kind: str, *, exact: bool) -> str:
    """The text of a cell. A `Typed` cell has a kind of its own."""
    if cell is None:
        return ""
    if isinstance(cell, Bar):
        return bar_text(cell)
    if isinstance(cell, AtLeast):
        return f"≥ {cell_text(cell.value, kind, exact=exact)}"
    if isinstance(cell, Marked):
        return f"{cell_text(cell.value, kind, exact=exact)} ◂ {cell.mark}"
    if isinstance(cell, Typed):
        return cell_text(cell.value, cell.kind, exact=exact)
    return FORMATS[kind](cell, exact)


def cell_texts(cells: Sequence[Cell], kind: str, *, exact: bool) -> list[str]:
    """The texts of the cells of a column. Equal cells are written once if all are of one type."""
    types = {type(cell) for cell in cells if cell is not None}
    if types <= {int} or types <= {str} or types <= {Bar} or (types <= {tuple} and kind == "shape"):
        known = {cell: cell_text(cell, kind, exact=exact) for cell in set(cells)}
        return [known[cell] for cell in cells]
    return [cell_text(cell, kind, exact=exact) for cell in cells]


class Typed(NamedTuple):
    """A raw value whose kind differs from its column's."""

    kind: str
    value: Cell


class Bar(NamedTuple):
    """A share of a whole, and a bar for it."""

    share: float
    length: float
    """Of the bar, as a share of the longest; 0 is no bar."""
    is_high: bool = False
    """Whether it should catch the eye."""


class AtLeast(NamedTuple):
    """A lower bound: the known part of a number that may be larger."""

    value: Cell


class Interval(NamedTuple):
    """The ends of an interval of shares."""

    low: float
    high: float


class Marked(NamedTuple):
    """A raw value with a mark for people."""

    value: Cell
    mark: str


CONVENTION = "FLOPs = 2 × MACs."
"""The one line that stands under every table, because published figures differ in this convention.
The help of the commands and docs/numbers.md explain the columns."""

UNKNOWN = Typed("text", "?")
"""An unknown number, which is not the same as an empty cell."""


def bounded(value: Cell, *, known: bool) -> Cell:
    """The value if it is known; otherwise a lower bound, or unknown if the value is 0."""
    if known:
        return value
    raw = value.value if isinstance(value, Typed) else value
    return AtLeast(value) if raw else UNKNOWN


def legends(columns: Iterable[Column]) -> list[str]:
    """The legends of the shown columns, each once."""
    return list(dict.fromkeys(column.legend for column in columns if column.legend))


def inputs_text(inputs: Sequence[Shape]) -> str:
    """'input 224×224×3', or 'inputs 224×224×3 and 10' for several inputs."""
    return f"input{'s' * (len(inputs) > 1)} {joined([shape_text(shape) for shape in inputs])}"


def macs_notes(*totals: Totals) -> tuple[str, ...]:
    """Notes for the layers of these networks whose MACs are unknown or assumed."""
    assumed = tuple(dict.fromkeys(name for each in totals for name in each.assumed))
    unknown = tuple(dict.fromkeys(name for each in totals for name in each.unknown))
    notes = []
    if assumed:
        derive = "derives" if len(assumed) == 1 else "derive"
        notes.append(
            f"Assumed: {joined(assumed)} {derive} from a convolution of Keras, and the MACs are "
            "that convolution's."
        )
    if unknown:
        notes.append(
            f"? and ≥: gconv does not know the MACs of {joined(unknown)}, so the MACs of the "
            "network are a lower bound. All other figures are exact."
        )
    return tuple(notes)
