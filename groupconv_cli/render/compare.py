"""A Comparison as a View: a row per number of groups, and what was swept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groupconv_cli.analysis.report import CompareRow, Comparison, VariantComparison, VariantRow
from groupconv_cli.analysis.totals import Totals
from groupconv_cli.ops.base import shape_text
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
    inputs_text,
    unknown_notes,
)
from groupconv_cli.units import ratio
from groupconv_cli.words import plural

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import GroupMeasurement


def _totals_columns(against: str) -> tuple[Column, ...]:
    """The columns of costs; `against` is the heading of what they are shares of."""
    return (
        Column("Params", "count", "params"),
        Column(against, "ratio", "params_ratio", drop=2, of="Params"),
        Column("MACs", "count", "macs"),
        Column("FLOPs", "count", "flops", drop=6),
        Column(against, "ratio", "macs_ratio", drop=1, of="MACs"),
        Column("Weights", "bytes", "weight_bytes", drop=5),
        Column("Peak memory", "bytes", "peak_bytes", drop=3),
        Column("FLOPs/byte", "decimal", "intensity", drop=4),
    )


COLUMNS = (Column("Groups", "groups", "groups"), *_totals_columns("vs g=1"))
VARIANT_COLUMNS = (Column("Variant", key="variant"), *_totals_columns("vs dense"))

RULES = {
    "only": "those that match --only",
    "grouped": "every grouped convolution that is not depthwise",
    "depthwise": "the depthwise convolutions; no others are grouped",
    "dense": "every convolution that does not read the input; none is grouped",
}

MAX_NAMES = 3


def compare_view(
    comparison: Comparison, measured: GroupMeasurement | None = None, *, exact: bool = False
) -> View:
    """The view of a comparison, with what was measured under it."""
    rows = tuple(_row(row, comparison) for row in comparison.rows)
    title = (
        f"{comparison.name} · {inputs_text(comparison.inputs)} · "
        f"{plural(len(comparison.swept), 'convolution')} varied · {comparison.dtype}"
    )
    notes: tuple[str, ...] = (
        f"Groups varied in: {_names(comparison.swept, exact)} ({RULES[comparison.rule]}).",
        *[f"Unchanged: {_names(comparison.held, exact)}."] * bool(comparison.held),
        CONVENTION,
        *unknown_notes(comparison.baseline.unknown),
    )
    counts = Table(COLUMNS, rows, has_notes=True)
    if measured is None:
        return View(title, (counts,), notes)
    from groupconv_cli.render.measure import conclusions, group_notes, groups_table

    tables = (counts, groups_table(measured))
    notes = (*notes, *group_notes(measured))
    return View(title, tables, notes, conclusions(measured), main=1)


def _row(row: CompareRow, comparison: Comparison) -> Row:
    if row.totals is None:
        return _invalid(row.groups, row.reason)
    style = "group" if isinstance(row.groups, str) else ""
    return Row((row.groups, *_totals(row.totals, comparison.baseline)), style)


def _invalid(label: Cell, reason: str | None) -> Row:
    return Row((label, *(None,) * (len(COLUMNS) - 1)), "bad", note=f"invalid: {reason}")


def _totals(totals: Totals, baseline: Totals) -> tuple[Cell, ...]:
    known = totals.macs_complete
    return (
        totals.params,
        ratio(totals.params, baseline.params),
        bounded(totals.macs, known=known),
        bounded(totals.flops, known=known),
        ratio(totals.macs, baseline.macs) if known else UNKNOWN,
        totals.weight_bytes,
        totals.peak_bytes,
        bounded(Typed("decimal", totals.intensity), known=known),
    )


def variants_view(comparison: VariantComparison) -> View:
    """The view of a comparison of variants."""
    rows = tuple(_variant_row(row) for row in comparison.rows)
    inputs = {row.input for row in comparison.rows if row.input is not None}
    shown = f"input {shape_text(inputs.pop())} · " if len(inputs) == 1 else ""
    title = f"{comparison.name} · {plural(len(rows), 'variant')} · {shown}{comparison.dtype}"
    return View(title, (Table(VARIANT_COLUMNS, rows, has_notes=True),), (CONVENTION,))


def _variant_row(row: VariantRow) -> Row:
    if row.totals is None or row.baseline is None:
        return _invalid(row.variant, row.reason)
    return Row((row.variant, *_totals(row.totals, row.baseline)))


def _names(names: tuple[str, ...], in_full: bool) -> str:
    if in_full or len(names) <= MAX_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: MAX_NAMES - 1])} and {len(names) - MAX_NAMES + 1} more"
