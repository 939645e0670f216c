"""A search as a figure: the frontier, the choice, the single counts and the network as written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groupconv_cli.analysis.search.report import BudgetUse, SearchReport, SingleCount
from groupconv_cli.plots.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    VERMILION,
    WIDE,
    Look,
    Point,
    amounts,
    legend,
    panels,
    series,
)
from groupconv_cli.policy.times import NANOSECONDS, TIMES
from groupconv_cli.policy.totals import METRICS
from groupconv_cli.render.view import cell_text, inputs_text
from groupconv_cli.units import value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VALUES = {
    "connections": "Connections kept (minus the sum of log2 g)",
    "params": "Params kept",
    "macs": "MACs kept",
}
"""What the value of each thing to keep is."""

SIZE = (6.4, WIDE[1])

MOST_LABELS = 8


def search_figure(report: SearchReport) -> Figure:
    """The value that each amount of the first budget buys; with a frontier, of the one that varies.

    Single counts are there whether or not they are within the budgets.
    """
    title = f"{report.name} · {inputs_text(report.inputs)} · {report.dtype}"
    figure, (axes,) = panels(title, 1, SIZE)
    metric = report.frontier.metric if report.frontier else report.budgets[0].metric
    place = [each.metric for each in report.budgets].index(metric)
    _draw(axes, report, report.budgets[place], place)
    legend(axes)
    return figure


def _draw(axes: Axes, report: SearchReport, budget: BudgetUse, place: int) -> None:
    metric = budget.metric

    def point(used: float, value: float, what: str) -> Point:
        says = f"{what}: {_amount(metric, used)}, value {value_text(value)}"
        return Point(_in_unit(metric, used), value, says)

    singles = [
        point(each.used[place], each.value, f"all g={each.groups}" + _broken(each))
        for each in report.singles
    ]
    if report.frontier:
        points = [
            point(
                each.used,
                each.value,
                f"best within {_amount(metric, each.limit)}"
                + ("" if each.optimal else " (not proven)"),
            )
            for each in report.frontier.points
        ]
        # No line: between two of the budgets there may be choices above it.
        series(axes, sorted(points), Look(BLUE, "o", ""), "frontier")
    if singles:
        for allowed, label in (
            (True, "one count for all"),
            (False, "the same, against rule GC101"),
        ):
            points = [
                each
                for single, each in zip(report.singles, singles, strict=True)
                if single.is_allowed is allowed
            ]
            if points:
                series(axes, points, Look(ORANGE, "D", "", hollow=not allowed), label)
        step = max(1, len(singles) // MOST_LABELS)
        for each, single in list(zip(report.singles, singles, strict=True))[::step]:
            axes.annotate(
                f"g={each.groups}",
                (single.x, single.y),
                xytext=(5, -3),
                textcoords="offset points",
                va="top",
                fontsize=7,
                color=GREY,
            )
    written = point(budget.before, report.written_value, "as written")
    series(axes, [written], Look(BLACK, "X", "", size=7), "as written")
    proven = "proven optimal" if report.optimal else "not proven optimal"
    chosen = point(budget.used, report.value, f"chosen ({proven})")
    series(axes, [chosen], Look(VERMILION, "*", "", size=12), "chosen")
    limit = _in_unit(metric, budget.limit)
    axes.axvline(limit, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
    axes.plot([], [], ":", color=GREY, label=f"limit: {_amount(metric, budget.limit)}")
    if metric in TIMES:
        axes.set_xlabel(f"{TIMES[metric].heading} / ms")
    else:
        axes.set_xlabel(METRICS[metric].heading)
        amounts(axes, "x", METRICS[metric].kind)
    axes.set_ylabel(VALUES[report.keep])
    if report.keep != "connections":
        amounts(axes, "y", "count")
    axes.margins(x=0.08, y=0.08)


def _broken(single: SingleCount) -> str:
    return "" if single.is_allowed else " (against rule GC101)"


def _in_unit(metric: str, used: float) -> float:
    """What is drawn: milliseconds for times."""
    return 1000 * used / NANOSECONDS if metric in TIMES else used


def _amount(metric: str, used: float) -> str:
    if metric in TIMES:
        return cell_text(used / NANOSECONDS, "seconds", exact=False)
    return f"{cell_text(int(used), METRICS[metric].kind, exact=False)} {METRICS[metric].title}"
