"""A diff as a figure: the totals before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groupconv_cli.analysis.diff import Diff
from groupconv_cli.plots.hover import hover
from groupconv_cli.plots.style import BLUE, GREY, panels
from groupconv_cli.policy.totals import TOTALS, TotalInfo
from groupconv_cli.render.view import cell_text
from groupconv_cli.units import ratio, share_change_text
from groupconv_cli.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (6.4, 3.4)

HEIGHT = 0.38
"""Of a bar; there are two in a row."""

LIGHT = "#b8b8b8"

SAME_AS = ("flops", "weight_bytes")
"""FLOPs are 2 × MACs, and weights are params in bytes."""


def diff_figure(*diffs: Diff) -> Figure:
    """The totals of both sides, each as a share of the larger; a panel for each diff."""
    names = [f"{diff.old_name or 'nothing'} → {diff.new_name}" for diff in diffs]
    if len(diffs) == 1:
        figure, axes = panels(f"{names[0]} · {diffs[0].dtype}", 1, SIZE)
    else:
        figure, axes = panels("Before and after", len(diffs), SIZE)
        for panel, name in zip(axes, names, strict=True):
            panel.set_title(printable(name))
    for panel, diff in zip(axes, diffs, strict=True):
        _bars(panel, diff)
    return figure


def _bars(axes: Axes, diff: Diff) -> None:
    shown = [
        total
        for total in TOTALS
        if total.is_shown and not total.is_part and total.field not in SAME_AS
    ]
    for row, total in enumerate(shown):
        before, after = diff.before.value(total), diff.after.value(total)
        largest = max(before, after) or 1
        sides = (("before", before, LIGHT, -0.5), ("after", after, BLUE, 0.5))
        for word, value, color, side in sides:
            (bar,) = axes.barh(row + side * HEIGHT, value / largest, HEIGHT, color=color)
            text = _text(diff, total, value)
            if word == "after":
                change = share_change_text(ratio(after - before, before))
                text += f" ({change})" if change and after != before else ""
            hover(bar, f"{total.heading} {word}: {text}")
            axes.annotate(
                text,
                (value / largest, row + side * HEIGHT),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
                color=GREY if word == "before" else "#000000",
            )
    axes.set_yticks(range(len(shown)), [total.heading for total in shown])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("Share of the larger of the two")
    for word, color in (("before", LIGHT), ("after", BLUE)):
        axes.barh([0], [0], color=color, label=word)
    axes.legend(loc="lower left", bbox_to_anchor=(0.55, 1.0), ncols=2, borderaxespad=0.2)


def _text(diff: Diff, total: TotalInfo, value: float) -> str:
    known = (diff.before.macs_complete and diff.after.macs_complete) or not total.is_of_macs
    text = cell_text(value, total.kind, exact=False)
    return text if known else f"≥ {text}"
