"""A comparison as a figure: costs, times and the speed that MACs alone promise, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.analysis.report import AS_WRITTEN, CompareRow, Comparison
from groupconv_cli.analysis.speedup import median_interval, speed_up
from groupconv_cli.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    Look,
    Point,
    from_zero,
    legend,
    logarithmic,
    look,
    panels,
    promised,
    series,
)
from groupconv_cli.policy.totals import TOTALS
from groupconv_cli.render.labels import has_groups, label_text
from groupconv_cli.render.measure import RUNTIME_NAMES
from groupconv_cli.render.view import cell_text, inputs_text
from groupconv_cli.units import accuracy_text, ratio, ratio_text, seconds_text
from groupconv_cli.words import plural, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from groupconv_cli.analysis.measurement import GroupMeasurement, GroupTimes, Timing
    from groupconv_cli.training.report import GroupTraining, TrainedRow

COSTS = tuple(total for total in TOTALS if total.has_curve)
"""The totals with a curve. FLOPs are 2 × MACs, and activations do not depend on groups."""

PHASES = {"forward": "Inference", "train": "Training step"}

MOST_LABELS = 12
"""The most labels of rows side by side that are written level."""


class Place(NamedTuple):
    """Where a row stands on the x axis."""

    x: float
    label: str


class Places(NamedTuple):
    """The x axis of a comparison."""

    title: str
    by_row: dict[int, Place]
    """Rows that have no place are drawn as a level line."""
    is_scale: bool
    """Whether distances mean something, so that points are joined."""


def compare_figure(
    comparison: Comparison,
    measured: GroupMeasurement | None = None,
    trained: GroupTraining | None = None,
) -> Figure:
    """Costs against the number of groups; beside them times, and accuracies after training."""
    places = _places(comparison)
    phases = [
        phase
        for phase in PHASES
        if measured and any(getattr(row, phase) is not None for row in measured.rows)
    ]
    title = f"{comparison.name} · {inputs_text(comparison.inputs)} · {comparison.dtype}"
    is_trained = trained is not None and any(row.runs for row in trained.rows)
    figure, axes = panels(title, 1 + len(phases) + is_trained, columns=2 if is_trained else 3)
    _costs(axes[0], comparison, places)
    if measured is not None:
        for panel, phase in zip(axes[1:], phases, strict=False):
            _times(panel, comparison, measured, phase, places)
    if is_trained and trained is not None:
        _accuracies(axes[-1], comparison, trained, places)
    return figure


def _places(comparison: Comparison) -> Places:
    rows = [(index, row) for index, row in enumerate(comparison.rows) if row.valid]
    if not comparison.is_varied:
        return _by_groups(rows)
    names = list(comparison.rows[0].settings)
    if len(names) == 1 and not has_groups(comparison):
        values = {index: row.settings.get(names[0]) for index, row in rows}
        if all(_is_positive(value) for value in values.values()):
            found = {index: Place(_number(v), f"{v}") for index, v in values.items()}
            return Places(printable(names[0]), found, is_scale=True)
    labels = {index: label_text(row.groups, row.settings) or AS_WRITTEN for index, row in rows}
    again = any(row.is_as_written for _, row in rows[1:])
    shown = [index for index, _ in rows if not (index == 0 and again)]
    found = {index: Place(at, printable(labels[index])) for at, index in enumerate(shown)}
    return Places("", found, is_scale=False)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _by_groups(rows: list[tuple[int, CompareRow]]) -> Places:
    found = {
        index: Place(row.groups, f"{row.groups}")
        for index, row in rows
        if isinstance(row.groups, int)
    }
    most = max((place.x for place in found.values()), default=1)
    for index, row in rows:
        if isinstance(row.groups, str) and row.groups != AS_WRITTEN:
            found[index] = Place(2 * most, row.groups)
    return Places("Groups of the varied convolutions", found, is_scale=True)


def _axis(axes: Axes, places: Places) -> None:
    """Labels the x axis."""
    shown = {place.x: place.label for place in sorted(places.by_row.values())}
    axes.set_xlabel(places.title)
    if places.is_scale:
        logarithmic(axes, "x", list(shown.items()))
        return
    level = len(shown) <= MOST_LABELS and sum(map(len, shown.values())) < 60
    axes.set_xticks(
        list(shown),
        list(shown.values()),
        rotation=0 if level else 45,
        ha="center" if level else "right",
        rotation_mode="anchor",
    )


def _costs(axes: Axes, comparison: Comparison, places: Places) -> None:
    baseline = comparison.baseline
    of = "the network as written" if comparison.is_varied else "g=1"
    for number, total in enumerate(COSTS):
        if total.is_of_macs and not baseline.macs_complete:
            continue
        points, level = [], None
        for index, row in enumerate(comparison.rows):
            if row.totals is None:
                continue
            value = row.totals.value(total)
            share = ratio(value, baseline.value(total))
            if share is None:
                continue
            says = (
                f"{_named(row)}: {cell_text(value, total.kind, exact=False)} {total.title}, "
                f"{ratio_text(share)} of {of}"
            )
            if index in places.by_row:
                points.append(Point(places.by_row[index].x, share, says))
            elif not any(each.is_as_written for each in comparison.rows[1:]):
                level = share
        style = look(number)
        line = style.line if places.is_scale else ""
        heading = total.heading
        series(axes, sorted(points), style._replace(line=line), heading)
        if level is not None:
            axes.axhline(level, color=style.color, linewidth=0.9, linestyle=":", zorder=1)
    if any(index not in places.by_row for index, _ in _levels(comparison)):
        axes.plot([], [], ":", color=GREY, label=AS_WRITTEN)
    axes.set_ylabel(f"Cost as a share of {of}")
    from_zero(axes)
    axes.set_title("Cost")
    _mark_written(axes, comparison, places)
    _axis(axes, places)
    legend(axes)


def _levels(comparison: Comparison) -> Iterator[tuple[int, CompareRow]]:
    """The network as written, if no row with a number of groups is the same."""
    if not any(row.is_as_written for row in comparison.rows[1:]):
        yield 0, comparison.rows[0]


def _mark_written(axes: Axes, comparison: Comparison, places: Places) -> None:
    """Marks the place of the network as written on the axis."""
    for index, row in enumerate(comparison.rows):
        if row.is_as_written and index in places.by_row:
            x = places.by_row[index].x
            axes.axvline(x, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
            axes.annotate(
                AS_WRITTEN,
                (x, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(3, -2),
                textcoords="offset points",
                fontsize=7,
                color=GREY,
                va="top",
            )
            return


def _named(row: CompareRow | GroupTimes | TrainedRow) -> str:
    return label_text(row.groups, row.settings) or AS_WRITTEN


def _times(
    axes: Axes,
    comparison: Comparison,
    measured: GroupMeasurement,
    phase: str,
    places: Places,
) -> None:
    """Medians with their 95 % intervals, and what MACs alone promise."""
    several = len(measured.settings.runtimes) > 1
    for number, runtime in enumerate(measured.settings.runtimes):
        points = []
        promise: dict[float, float] = {}
        for row in measured.rows:
            if row.runtime != runtime or row.row not in places.by_row:
                continue
            timing: Timing | None = getattr(row, phase)
            if timing is None:
                continue
            x = places.by_row[row.row].x
            dense = measured.baseline(row)
            reference: Timing | None = getattr(dense, phase) if dense else None
            says = f"{_named(row)}: {seconds_text(timing.median)}"
            interval = median_interval(timing)
            if interval is not None:
                says += f" (95 %: {seconds_text(interval[0])} to {seconds_text(interval[1])})"
            if dense is not None and reference is not None and dense.macs:
                promise[x] = 1000 * reference.median * row.macs / dense.macs
                times = ratio_text(speed_up(timing, reference).times)
                by_macs = ratio_text(ratio(dense.macs, row.macs))
                says += f", speed-up {times}, by MACs {by_macs}"
            bounds = None if interval is None else (1000 * interval[0], 1000 * interval[1])
            points.append(Point(x, 1000 * timing.median, says, bounds))
        name = f"measured with {RUNTIME_NAMES[runtime]}" if several else "measured, 95 % interval"
        style = look(number)
        shown = style if places.is_scale else style._replace(line="")
        series(axes, sorted(points), shown, name)
        if len(promise) > 1:
            what = "what MACs alone promise"
            label = f"{what}, {RUNTIME_NAMES[runtime]}" if several else what
            xs = sorted(promise)
            if places.is_scale:
                promised(
                    axes, xs, [promise[x] for x in xs], style.color if several else GREY, label
                )
            else:
                wanted = [Point(x, promise[x], f"{what}: {promise[x]:.3g} ms") for x in xs]
                series(axes, wanted, Look(GREY, "_", "", size=9), label)
    axes.set_ylabel(f"Time of a batch of {measured.settings.batch:,} / ms")
    from_zero(axes)
    axes.set_title(PHASES[phase])
    _mark_written(axes, comparison, places)
    _axis(axes, places)
    legend(axes)


def _accuracies(axes: Axes, comparison: Comparison, trained: GroupTraining, places: Places) -> None:
    """The mean over the seeds with its standard deviation, and every run."""
    means, runs = [], []
    for row in trained.rows:
        if row.accuracy is None or row.row not in places.by_row:
            continue
        x, mean = places.by_row[row.row].x, 100 * row.accuracy
        says = f"{_named(row)}: {accuracy_text(mean)} of {plural(len(row.runs), 'seed')}"
        interval = None
        if row.std is not None:
            interval = (mean - 100 * row.std, mean + 100 * row.std)
            says += f" ± {100 * row.std:.2g}"
        means.append(Point(x, mean, says, interval))
        runs += [
            Point(x, 100 * each, f"{_named(row)}: {accuracy_text(100 * each)}")
            for each in row.accuracies
        ]
    style = Look(BLUE, "o", "-" if places.is_scale else "")
    series(axes, sorted(means), style, "mean ± standard deviation")
    if trained.seeds > 1:
        series(axes, runs, Look(ORANGE, "_", "", size=7, level=2.5), "each seed")
    axes.set_ylabel(f"Accuracy on {trained.data.test_samples:,} test samples / %")
    axes.set_title(f"After training on {printable(trained.data.name)}")
    _mark_written(axes, comparison, places)
    _axis(axes, places)
    legend(axes)
