"""Views of measurements and trainings by themselves, without the comparison that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from groupconv_cli.analysis.measurement import (
    GroupMeasurement,
    GroupTimes,
    LayerMeasurement,
    LayerTimes,
)
from groupconv_cli.analysis.report import (
    AS_WRITTEN,
    CompareRow,
    Comparison,
    VariantComparison,
    VariantRow,
)
from groupconv_cli.analysis.totals import Totals
from groupconv_cli.render.measure import (
    RUNTIME_NAMES,
    conclusions,
    group_notes,
    groups_table,
    layer_notes,
    where_text,
    whole_notes,
)
from groupconv_cli.render.train import trained_conclusions, trained_notes, trained_tables
from groupconv_cli.render.view import Column, Row, Table, View
from groupconv_cli.training.report import GroupTraining, TrainedRow

LAYER_COLUMNS = (
    Column("Layer", key="name"),
    Column("Runtime", key="runtime", drop=1),
    Column("Forward", "seconds", "forward_s"),
    Column("±", "spread", "forward_spread", drop=3, of="Forward"),
    Column("Train", "seconds", "train_s"),
    Column("±", "spread", "train_spread", drop=3, of="Train"),
)

_NO_COSTS = Totals(
    params=0,
    trainable_params=0,
    macs_at_least=0,
    weight_bytes=0,
    activation_bytes=0,
    peak_bytes=0,
    moved_bytes=0,
)
"""The costs of a row that is known by its label only."""


def measured_view(measured: GroupMeasurement) -> View:
    """The times of the rows of a comparison."""
    table = groups_table(measured, _labels(measured.rows))
    where = where_text(measured.machine, measured.settings)
    notes = group_notes(measured)
    return View(
        f"Measured here · {where}", (table._replace(title=""),), notes, conclusions(measured)
    )


def measured_layers_view(measured: LayerMeasurement) -> View:
    """The times of every layer, without those of an empty call."""
    several = len(measured.settings.runtimes) > 1
    rows = tuple(_layer_row(row, measured, several=several) for row in measured.rows)
    where = where_text(measured.machine, measured.settings)
    table = Table(LAYER_COLUMNS, rows)
    notes = layer_notes(measured)
    return View(f"Measured here · {where}", (table,), notes, whole_notes(measured))


def _layer_row(row: LayerTimes, measured: LayerMeasurement, *, several: bool) -> Row:
    return Row(
        (
            row.name,
            RUNTIME_NAMES[row.runtime] if several else None,
            measured.net(row.forward),
            row.forward.spread if row.forward else None,
            measured.net(row.train),
            row.train.spread if row.train else None,
        )
    )


def trained_view(trained: GroupTraining) -> View:
    """The accuracies of the rows of a comparison."""
    variants = [row.variant for row in trained.rows if row.variant is not None]
    comparison: Comparison | VariantComparison = _labels(trained.rows)
    if variants:
        rows = tuple(VariantRow(variant=each, totals=_NO_COSTS) for each in variants)
        comparison = VariantComparison(name="", dtype="", rows=rows)
    first, *others = trained_tables(trained, comparison)
    return View(
        first.title,
        (first._replace(title=""), *others),
        tuple(trained_notes(trained, comparison)),
        tuple(trained_conclusions(trained, comparison)),
    )


def _labels(rows: Sequence[GroupTimes | TrainedRow]) -> Comparison:
    """A comparison of which nothing is known but the labels of its rows."""
    known = {row.row: row for row in rows}
    settings = dict(rows[0].settings) if rows else {}
    made = []
    for index in range(max(known, default=0) + 1):
        row = known.get(index)
        made.append(
            CompareRow(
                groups=row.groups if row else AS_WRITTEN,
                totals=_NO_COSTS,
                settings=row.settings if row else settings,
                is_as_written=index == 0,
            )
        )
    return Comparison(
        name="",
        inputs=(),
        dtype="",
        rows=tuple(made),
        swept=(),
        held=(),
        rule="only" if any(row.groups != AS_WRITTEN for row in made) else "",
        vary=dict.fromkeys(settings, ()),
    )
