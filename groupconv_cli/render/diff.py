"""A Diff as a View: the changes, with equal changes in one row, and the totals."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from groupconv_cli.analysis.diff import (
    ADDED,
    CHANGED,
    MOVED,
    REMOVED,
    Diff,
    LayerChange,
)
from groupconv_cli.analysis.growth import LimitVerdict
from groupconv_cli.ops.base import Shape, shape_text
from groupconv_cli.policy.totals import METRICS, TOTALS
from groupconv_cli.render.diff_words import Clauses, clauses, pattern, sentence, shared
from groupconv_cli.render.view import (
    CONVENTION,
    UNKNOWN,
    Cell,
    Column,
    Row,
    Table,
    Typed,
    View,
    bounded,
    cell_text,
    macs_notes,
)
from groupconv_cli.units import ratio, share_change_text
from groupconv_cli.words import joined, plural

SIGNS = {ADDED: "+", REMOVED: "-", CHANGED: "~", MOVED: "~"}

LAYER_COLUMNS = (
    Column("", key="sign"),
    Column("Layer", key="name"),
    Column("Params", "count_change", "params_change", drop=2),
    Column("MACs", "count_change", "macs_change", drop=1),
    Column("Change", key="change", wraps=16),
)

MAX_NAMES = 2

MAX_ROWS = 20
"""The most rows, unless they cannot be folded or `--exact` asks for all."""


class _Line(NamedTuple):
    """A future row: layers of one status and op that changed in the same or a similar way."""

    text: str
    changes: list[LayerChange]

    @property
    def label(self) -> str:
        """The common part of their names, or else the op, and their number."""
        names = [change.layer.name for change in self.changes]
        if len(names) == 1:
            return names[0]
        return f"{pattern(names) or self.changes[0].layer.op} ×{len(names)}"


def diff_view(
    diff: Diff,
    verdicts: Sequence[LimitVerdict] = (),
    *,
    sources: tuple[str, str] | None = None,
    exact: bool = False,
) -> View:
    """The view of a diff.

    `sources` name the places that the two specs were read from. Equal changes are one row. If there
    are too many rows, similar changes become one row too, unless `exact`.
    """
    title = diff_title(diff)
    notes = []
    named = (diff.old_name, diff.new_name)
    if sources and not diff.is_new and sources != named and sources[0] != sources[1]:
        notes.append(f"From {sources[0]} to {sources[1]}.")
    if diff.is_new and sources:
        notes.append(f"{sources[0]} does not exist: every layer counts as added.")
    exactly = _lines(diff.layers, 0)
    levels = (exactly, _lines(diff.layers, 1), _lines(diff.layers, 2))
    lines = (
        exactly if exact else next((each for each in levels if len(each) <= MAX_ROWS), levels[-1])
    )
    if len(lines) < len(exactly):
        notes.append(f"Similar changes are one row: --exact shows all {len(exactly)} rows.")
    if quiet := sum(change.follows and not _has_figures(change) for change in diff.layers):
        what = "1 more layer changes" if quiet == 1 else f"{quiet:,} more layers change"
        notes.append(
            f"{what} only in shape, because {'its' if quiet == 1 else 'their'} input does."
        )
    if diff.renamed:
        notes.append(_renamed(diff.renamed))
    if diff.is_same:
        return View(title, (), tuple(notes))
    tables = [Table(LAYER_COLUMNS, tuple(map(_row, lines)))] if lines else []
    tables.append(totals_table(diff, verdicts))
    of_macs = macs_notes(diff.before, diff.after)
    return View(title, tuple(tables), (*notes, CONVENTION, *of_macs))


def totals_table(diff: Diff, verdicts: Sequence[LimitVerdict]) -> Table:
    """The totals of both sides, and their limits."""
    columns = (
        Column("Total", key="total"),
        Column("Before", "count", "before", drop=2),
        Column("After", "count", "after"),
        Column("Change", "count_change", "change"),
        Column("", "share_change", "change_ratio"),
        Column("Limit", "text", "limit", drop=1),
    )
    rows = []
    shown = [each for each in TOTALS if each.is_shown and not each.is_part]
    for total in shown:
        before, after = diff.before.value(total), diff.after.value(total)
        held = [verdict for verdict in verdicts if verdict.limit.metric == total.name]
        limit = ", ".join(
            f"{'over' if verdict.is_broken else 'within'} {verdict.limit.text}" for verdict in held
        )
        known = [side.macs_complete or not total.is_of_macs for side in (diff.before, diff.after)]
        cells: tuple[Cell, ...] = (
            total.heading,
            bounded(Typed(total.kind, before), known=known[0]),
            bounded(Typed(total.kind, after), known=known[1]),
            Typed(f"{total.kind}_change", after - before) if all(known) else UNKNOWN,
            ratio(after - before, before) if all(known) else UNKNOWN,
            limit or None,
        )
        broken = any(verdict.is_broken for verdict in held)
        rows.append(Row(cells, "bad" if broken else "quiet" if before == after else ""))
    return Table(columns, tuple(rows))


def layers_view(diff: Diff) -> View:
    """A row for every layer that changed, for programs: nothing is folded or left out."""
    columns = tuple(
        Column(key, key=key)
        for key in (
            *("status", "name", "old_name", "op", "change", "old_output_shape", "output_shape"),
            *("old_params", "params", "old_macs", "macs"),
        )
    )
    rows = []
    for change in diff.layers:
        old, new = change.old, change.new
        rows.append(
            Row(
                (
                    change.status,
                    new and new.name,
                    old and old.name,
                    change.layer.op,
                    sentence(clauses(change)),
                    old and old.output_shape,
                    new and new.output_shape,
                    old.cost.params if old else 0,
                    new.cost.params if new else 0,
                    bounded(old.cost.macs, known=old.cost.macs_known) if old else 0,
                    bounded(new.cost.macs, known=new.cost.macs_known) if new else 0,
                )
            )
        )
    return View(diff_title(diff), (Table(columns, tuple(rows)),))


def verdict_text(verdict: LimitVerdict) -> str:
    """A broken limit as a sentence."""
    metric = METRICS[verdict.limit.metric]
    grown = share_change_text(ratio(verdict.after - verdict.before, verdict.before))
    numbers = [
        cell_text(number, metric.kind, exact=True)
        for number in (verdict.before, verdict.after, verdict.allowed)
    ]
    return (
        f"{metric.heading} went from {numbers[0]} to {numbers[1]}{f' ({grown})' if grown else ''}; "
        f"the limit of {verdict.limit.text} allows {numbers[2]}"
    )


def diff_title(diff: Diff) -> str:
    """The two networks, and how many layers differ."""
    names = _from_to(diff.old_name, diff.new_name, str)
    if diff.is_same:
        return f"{names} · no difference" + (" except in names" if diff.renamed else "")
    counts = [
        (diff.count(ADDED), "added"),
        (diff.count(REMOVED), "removed"),
        (diff.count(CHANGED) - sum(change.follows for change in diff.layers), "changed"),
        (diff.count(MOVED), "moved"),
    ]
    told = [f"{count:,} {word}" for count, word in counts if count]
    if told:
        first, _, word = told[0].partition(" ")
        told[0] = f"{plural(int(first.replace(',', '')), 'layer')} {word}"
    several = max(len(diff.old_inputs or ()), len(diff.new_inputs)) > 1
    shapes = _from_to(diff.old_inputs, diff.new_inputs, _shapes_text)
    shape = f"input{'s' * several} {shapes}"
    dtype = _from_to(diff.old_dtype, diff.new_dtype, str)
    return " · ".join([names, shape, *([", ".join(told)] if told else []), dtype])


def _shapes_text(shapes: Sequence[Shape]) -> str:
    return joined([shape_text(shape) for shape in shapes])


def _from_to(old: Any, new: Any, text: Callable[[Any], str]) -> str:
    return text(new) if old in (None, new) else f"{text(old)} → {text(new)}"


def _renamed(renamed: Sequence[tuple[str, str]]) -> str:
    """A sentence on the layers that differ only in their names."""
    shown = ", ".join(f"{old} → {new}" for old, new in renamed[:MAX_NAMES])
    more = len(renamed) - MAX_NAMES
    what = "1 layer is" if len(renamed) == 1 else f"{len(renamed):,} layers are"
    rest = f" and {more:,} more" * (more > 0)
    return f"{what} only renamed: {shown}{rest}."


def _has_figures(change: LayerChange) -> bool:
    return change.params != 0 or change.macs != 0


def _lines(changes: Iterable[LayerChange], level: int) -> list[_Line]:
    """Rows in the order of the networks, each at the first of its changes.

    Level 0 folds equal changes, level 1 also added and removed layers that differ only in shape,
    and level 2 all changes of the same things. After these rows comes one for each op that has
    layers which are written as before but have another cost.
    """
    found: dict[Hashable, list[tuple[LayerChange, Clauses]]] = {}
    following: dict[Hashable, list[tuple[LayerChange, Clauses]]] = {}
    for change in changes:
        said = clauses(change)
        if not change.follows:
            key = (change.status, change.layer.op, *_compared(said, change.status, level))
            found.setdefault(key, []).append((change, said))
        elif _has_figures(change):
            following.setdefault(change.layer.op, []).append((change, said))
    return [
        _Line(
            shared([said for _, said in each], each[0][0].layer.op),
            [change for change, _ in each],
        )
        for each in (*found.values(), *following.values())
    ]


def _compared(said: Clauses, status: str, level: int) -> Iterable[Hashable]:
    """The parts that must be equal for two changes to be one row."""
    if level == 2:
        return said.keys()
    if level == 1 and status != CHANGED:
        return (said["layer"],)
    return said.items()


def _row(line: _Line) -> Row:
    params = sum(change.params for change in line.changes)
    macs = sum(change.macs or 0 for change in line.changes)
    change = line.changes[0]  # all have the same status and op
    known = all(each.macs is not None for each in line.changes)
    is_free = change.status in (ADDED, REMOVED) and not _has_figures(change) and known
    style = "quiet" if is_free else ""
    cells = (SIGNS[change.status], line.label, params, macs if known else UNKNOWN, line.text)
    return Row(cells, style)
