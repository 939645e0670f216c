"""Several diffs as one View: the changes of each, and one table of the totals of all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

from groupconv_cli.analysis.diff import Diff
from groupconv_cli.analysis.growth import LimitVerdict
from groupconv_cli.policy.totals import IN_EVERY_LIMIT, METRICS
from groupconv_cli.render.diff import diff_view, layers_view
from groupconv_cli.render.view import (
    CONVENTION,
    UNKNOWN,
    Cell,
    Column,
    Row,
    Table,
    View,
    bounded,
)
from groupconv_cli.units import ratio
from groupconv_cli.words import plural


class Judged(NamedTuple):
    """A diff, the places that its two specs were read from, and how it stands to the limits."""

    diff: Diff
    sources: tuple[str, str]
    verdicts: tuple[LimitVerdict, ...] = ()
    nothing_to_compare: str = ""
    """Why limits cannot be checked; empty if they were, or need not be."""

    @property
    def is_renamed(self) -> bool:
        """Whether the old spec had another name."""
        return PurePath(self.sources[0].partition(":")[2]).name != PurePath(self.sources[1]).name

    @property
    def is_broken(self) -> bool:
        """Whether a limit is broken, or cannot be checked."""
        return bool(self.nothing_to_compare) or any(each.is_broken for each in self.verdicts)


def diffs_view(judged: Sequence[Judged], against: str, *, exact: bool = False) -> View:
    """The changes of each spec since a revision, and the totals of all."""
    tables: list[Table] = []
    notes: list[str] = []
    for each in judged:
        view = diff_view(each.diff, each.verdicts, sources=each.sources, exact=exact)
        if len(view.tables) > 1:  # the last has the totals
            tables.append(view.tables[0]._replace(title=f"{each.sources[1]}: {view.title}"))
        named = [note for note in view.notes if note not in (CONVENTION, *notes)]
        if not each.is_renamed:
            named = [note for note in named if not note.startswith("From ")]
        notes += [f"{each.sources[1]}: {note}" if _is_own(note) else note for note in named]
    title = f"{plural(len(judged), 'spec')} · since {against}"
    tables.append(_totals_table(judged))
    return View(title, tuple(tables), (*notes, CONVENTION), main=len(tables) - 1)


def _is_own(note: str) -> bool:
    """Whether a note is on one diff, and does not name it."""
    return note[:1].isdecimal() or note.startswith("Similar")


def _totals_table(judged: Sequence[Judged]) -> Table:
    columns = [Column("Spec", key="spec")]
    for name in IN_EVERY_LIMIT:
        metric = METRICS[name]
        is_least = metric.name == IN_EVERY_LIMIT[-1]
        drops = (3, 6, 4) if is_least else (0, 6, 1)
        columns += [
            Column(metric.heading, metric.kind, metric.field, drop=drops[0]),
            Column(
                "Change",
                f"{metric.kind}_change",
                f"{metric.field}_change",
                drop=drops[1],
                of=metric.heading,
            ),
            Column("", "share_change", f"{metric.field}_ratio", drop=drops[2], of=metric.heading),
        ]
    columns.append(Column("Limits", key="limits", drop=2))
    return Table(tuple(columns), tuple(map(_totals_row, judged)), "Totals")


def _totals_row(judged: Judged) -> Row:
    diff = judged.diff
    cells: list[Cell] = [judged.sources[1]]
    for name in IN_EVERY_LIMIT:
        metric = METRICS[name]
        before, after = diff.before.metric(metric), diff.after.metric(metric)
        sides = [diff.after] if diff.is_new else [diff.before, diff.after]
        known = not metric.is_of_macs or all(side.macs_complete for side in sides)
        is_compared = known and not diff.is_new
        cells += [
            bounded(after, known=known),
            None if diff.is_new else after - before if known else UNKNOWN,
            ratio(after - before, before) if is_compared else None,
        ]
    broken = [each.limit.text for each in judged.verdicts if each.is_broken]
    said = ", ".join(f"over {text}" for text in dict.fromkeys(broken))
    if judged.nothing_to_compare:
        said = "nothing to compare with"
    elif diff.is_new:
        said = "new"
    elif judged.verdicts and not broken:
        said = "within"
    style = "bad" if judged.is_broken else "quiet" if diff.is_same else ""
    return Row((*cells, said or None), style)


def all_layers_view(judged: Sequence[Judged]) -> View:
    """A row for every layer that changed in any of the specs, for programs."""
    columns: tuple[Column, ...] = (Column("spec", key="spec"),)
    rows: list[Row] = []
    for number, each in enumerate(judged):
        (table,) = layers_view(each.diff).tables
        columns = (*columns, *(() if number else table.columns))
        rows += [Row((each.sources[1], *row.cells)) for row in table.rows]
    return View("", (Table(columns, tuple(rows)),))
