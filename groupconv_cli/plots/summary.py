"""A summary as a figure: every layer beside its dense twin, and a roofline if it was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.analysis.report import LayerRow, Summary
from groupconv_cli.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PANEL,
    VERMILION,
    WIDE,
    Look,
    Point,
    decades,
    legend,
    panels,
    series,
)
from groupconv_cli.render.measure import RUNTIME_NAMES
from groupconv_cli.render.view import inputs_text
from groupconv_cli.units import count_text, decimal_text, ratio, ratio_text, seconds_text
from groupconv_cli.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from groupconv_cli.analysis.measurement import LayerMeasurement

MOST_NAMES = 40
"""The most layers that are named on the axis; of more there are numbers."""

MOST_LETTERS = 28
"""The most letters of a name on the axis."""

MOST_LEVEL = 90
"""The most letters of all names together that are written level."""


class Kind(NamedTuple):
    """A kind of layer that computes, and how it looks."""

    title: str
    is_it: Callable[[LayerRow], bool]
    look: Look


KINDS = (
    Kind("depthwise", lambda row: row.is_depthwise, Look(ORANGE, "^", "")),
    Kind("grouped", lambda row: (row.groups or 1) > 1, Look(VERMILION, "s", "", size=4.5)),
    Kind("dense", lambda row: bool(row.cost.macs), Look(BLUE, "o", "")),
    Kind("without MACs", lambda row: True, Look(GREEN, "D", "", size=4)),
)
"""The first that fits is the kind of a layer."""


def kind_of(row: LayerRow) -> Kind:
    """The kind of a layer."""
    return next(kind for kind in KINDS if kind.is_it(row))


def summary_figure(summary: Summary, measured: LayerMeasurement | None = None) -> Figure:
    """The MACs of each layer beside its dense twin; measured, FLOP/s against FLOPs per byte."""
    title = f"{summary.name} · {inputs_text(summary.inputs)} · {summary.dtype}"
    timed = [
        (name, points)
        for name in (measured.settings.runtimes if measured else ())
        if measured and (points := list(_roofs(summary, measured, name)))
    ]
    if not timed or measured is None:
        figure, (only,) = panels(title, 1, WIDE)
        _layers(only, summary)
        return figure
    figure, axes = panels(title, 1 + len(timed), (2 * PANEL[0], PANEL[1]), columns=1)
    _layers(axes[0], summary)
    for panel, (runtime, points) in zip(axes[1:], timed, strict=True):
        _roofline(panel, points, measured, runtime)
    return figure


def _layers(axes: Axes, summary: Summary) -> None:
    """A mark per layer that computes, and a ring where its dense twin is."""
    computing = [row for row in summary.layers if row.cost.macs]
    rows = list(enumerate(computing, start=1))
    twins = []
    for at, row in rows:
        if row.dense_cost.macs == row.cost.macs:
            continue
        says = f"{row.name}, dense: {count_text(row.dense_cost.macs)} MACs"
        twins.append(Point(at, row.dense_cost.macs, says))
        axes.vlines(at, row.cost.macs, row.dense_cost.macs, color=GREY, linewidth=0.7, zorder=1)
    for kind in KINDS:
        points = [Point(at, row.cost.macs, _says(row)) for at, row in rows if kind_of(row) is kind]
        if points:
            series(axes, points, kind.look, kind.title)
    if twins:
        series(axes, twins, Look(GREY, "o", "", hollow=True, size=4.5), "its dense twin")
    axes.set_ylabel("MACs of one sample")
    if rows:
        decades(axes, "y", "count")
    axes.set_title("Cost of each layer")
    axes.grid(visible=False, axis="x")
    axes.margins(x=0.01 if len(rows) > 10 else 0.05)
    if len(rows) <= MOST_NAMES:
        names = [_short(row.name) for _, row in rows]
        level = sum(map(len, names)) < MOST_LEVEL
        axes.set_xticks(
            [at for at, _ in rows],
            names,
            rotation=0 if level else 60,
            ha="center" if level else "right",
            rotation_mode="anchor",
        )
    else:
        axes.set_xlabel("Convolutions and dense layers, in the order of the network")
    legend(axes, beside=True)


def _says(row: LayerRow) -> str:
    groups = f", {row.groups:,} groups" if (row.groups or 1) > 1 else ""
    share = ratio(row.cost.macs, row.dense_cost.macs)
    of = f", {ratio_text(share)} of dense" if groups else ""
    return f"{row.name} ({row.op}{groups}): {count_text(row.cost.macs)} MACs{of}"


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= MOST_LETTERS else f"…{name[1 - MOST_LETTERS :]}"


class Roof(NamedTuple):
    """A measured layer: what it computes, moves and takes, for a batch."""

    row: LayerRow
    intensity: float
    """FLOPs per byte."""
    speed: float
    """GFLOP/s."""
    seconds: float


def _roofs(summary: Summary, measured: LayerMeasurement, runtime: str) -> Iterator[Roof]:
    """The layers with MACs and a time. Weights are moved once for a batch."""
    batch = measured.settings.batch
    times = {row.name: measured.net(row.forward) for row in measured.rows if row.runtime == runtime}
    for row in summary.layers:
        seconds = times.get(row.name)
        moved = row.memory.weights + batch * (row.memory.moved - row.memory.weights)
        if row.macs and seconds and moved:
            flops = 2 * row.macs * batch
            yield Roof(row, flops / moved, flops / seconds / 1e9, seconds)


def _roofline(axes: Axes, roofs: list[Roof], measured: LayerMeasurement, runtime: str) -> None:
    """Speed against intensity, below the best speed and the best bandwidth of these layers."""
    for kind in KINDS:
        points = [
            Point(
                roof.intensity,
                roof.speed,
                f"{roof.row.name}: {decimal_text(roof.speed)} GFLOP/s at "
                f"{decimal_text(roof.intensity)} FLOPs per byte, {seconds_text(roof.seconds)}",
            )
            for roof in roofs
            if kind_of(roof.row) is kind
        ]
        if points:
            series(axes, points, kind.look, kind.title)
    speed = max(roof.speed for roof in roofs)
    band = max(roof.speed / roof.intensity for roof in roofs)
    lowest = min(roof.intensity for roof in roofs) / 1.5
    highest = max(roof.intensity for roof in roofs) * 1.5
    knee = speed / band
    if isfinite(knee) and lowest < highest:
        best = f"{decimal_text(speed)} GFLOP/s, {decimal_text(band)} GB/s"
        xs = sorted({lowest, min(max(knee, lowest), highest), highest})
        axes.plot(
            xs,
            [min(speed, band * x) for x in xs],
            "--",
            color=GREY,
            linewidth=1.1,
            zorder=1,
            label=f"best of these layers:\n{best}",
        )
    axes.set_xlabel("FLOPs per byte moved")
    axes.set_ylabel("GFLOP/s")
    decades(axes, "x", "decimal")
    decades(axes, "y", "decimal")
    batch = measured.settings.batch
    axes.set_title(f"Roofline: inference of a batch of {batch:,} with {RUNTIME_NAMES[runtime]}")
    legend(axes, beside=True)
