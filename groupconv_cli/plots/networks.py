"""Several networks as a figure: parameters and published accuracy against multiply-accumulates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.analysis.report import VariantComparison, VariantRow
from groupconv_cli.analysis.totals import total
from groupconv_cli.plots.style import (
    CYCLE,
    GREY,
    LETTER,
    MARKS,
    PANEL,
    Look,
    Point,
    decades,
    panels,
    series,
)
from groupconv_cli.sources.catalogue import Bundled, families, members
from groupconv_cli.units import accuracy_text, count_text
from groupconv_cli.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from groupconv_cli.training.report import GroupTraining

PUBLISHED = "Published top-1 accuracy on ImageNet / %"

MOST_NAMED = 16
"""The most networks that are named at their points; of more, the families are in a legend."""

HEIGHT = 0.045
"""The height of a name, as a share of the panel's."""

POINTS = 72
"""In an inch."""


class Network(NamedTuple):
    """A network to be drawn."""

    family: str
    name: str
    """Its name in the figure."""
    params: int
    macs: int
    accuracy: float | None
    """In per cent."""


def variants_figure(comparison: VariantComparison, trained: GroupTraining | None = None) -> Figure:
    """The variants of a spec, with accuracies that were reached here.

    Without these, published ones are there if it is a bundled spec, unchanged.
    """
    measured = {
        row.variant: 100 * row.accuracy
        for row in (trained.rows if trained else ())
        if row.variant and row.accuracy is not None
    }
    accuracies = measured or _published(comparison)
    networks = [
        Network(
            comparison.name,
            row.variant,
            row.totals.params,
            row.totals.macs_at_least,
            accuracies.get(row.variant),
        )
        for row in comparison.rows
        if row.totals is not None
    ]
    data = f"Accuracy on {printable(trained.data.name)} / %" if measured and trained else PUBLISHED
    return _figure(f"{comparison.name} · variants", networks, data)


def _published(comparison: VariantComparison) -> dict[str, float]:
    """The accuracies by variant. A network of the same name that costs something else has none."""
    if comparison.name not in families():
        return {}
    rows = {row.variant: row for row in comparison.rows}
    return {
        entry.variant: entry.top1.accuracy
        for entry in members(comparison.name)
        if entry.variant and entry.top1 and _is_same(rows.get(entry.variant), entry)
    }


def _is_same(row: VariantRow | None, entry: Bundled) -> bool:
    totals = total(entry.network)
    return (
        row is not None
        and row.totals is not None
        and (row.totals.params, row.totals.macs) == (totals.params, totals.macs)
    )


def catalogue_figure(entries: Iterable[Bundled]) -> Figure:
    """The bundled networks."""
    networks = []
    for entry in entries:
        totals = total(entry.network)
        name, accuracy = entry.name, entry.top1.accuracy if entry.top1 else None
        networks.append(Network(entry.family, name, totals.params, totals.macs_at_least, accuracy))
    return _figure("Bundled networks", networks, PUBLISHED)


def _figure(title: str, networks: Sequence[Network], accuracy: str) -> Figure:
    """`accuracy` says what the accuracies are of."""
    rated = [(each, each.accuracy) for each in networks if each.accuracy is not None]
    shown = [[(each, float(each.params)) for each in networks], *([rated] if rated else [])]
    named = len(networks) <= MOST_NAMED
    figure, axes = panels(title, len(shown), PANEL if named else (5.4, 4.4))
    looks = {
        family: Look(CYCLE[n % len(CYCLE)], MARKS[(n + n // len(CYCLE)) % len(MARKS)], "")
        for n, family in enumerate(dict.fromkeys(each.family for each in networks))
    }
    for panel, those in zip(axes, shown, strict=True):
        for family, members_ in groupby(those, lambda each: each[0].family):
            points = [Point(each.macs, height, _says(each)) for each, height in members_]
            series(panel, sorted(points), looks[family], family)
        panel.set_xlabel("MACs of one sample")
        panel.margins(x=0.08, y=0.08)
        decades(panel, "x", "count")
    axes[0].set_ylabel("Params")
    decades(axes[0], "y", "count")
    if rated:
        axes[1].set_ylabel(accuracy)
    if named:
        for panel, those in zip(axes, shown, strict=True):
            _names(panel, those)
    else:
        handles, labels = axes[0].get_legend_handles_labels()
        axes[-1].legend(handles, labels, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7)
    return figure


def _says(network: Network) -> str:
    of = "" if network.accuracy is None else f", accuracy {accuracy_text(network.accuracy)}"
    return (
        f"{network.name}: {count_text(network.macs)} MACs, {count_text(network.params)} params{of}"
    )


def _names(axes: Axes, those: Sequence[tuple[Network, float]]) -> None:
    """Names beside their points; where two would cover each other, one goes up."""
    axes.autoscale_view()
    to_share = axes.transData + axes.transAxes.inverted()
    placed: list[tuple[float, float, float]] = []
    spots = [(*to_share.transform((each.macs, y)), each, y) for each, y in those]
    for x, height, network, own in sorted(spots, key=lambda spot: (spot[1], spot[0])):
        name = printable(network.name)
        width = LETTER * len(name)
        is_left = x + width > 1
        left = x - width if is_left else x
        y = height
        while any(
            abs(y - other) < HEIGHT and left < end and start < left + width
            for start, end, other in placed
        ):
            y += HEIGHT
        placed.append((left, left + width, y))
        up = (y - height) * PANEL[1] * POINTS * 0.8  # the panel without its labels
        axes.annotate(
            name,
            (network.macs, own),
            xytext=(-5 if is_left else 5, up),
            textcoords="offset points",
            fontsize=7,
            color=GREY,
            va="center",
            ha="right" if is_left else "left",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.4} if up else None,
        )
