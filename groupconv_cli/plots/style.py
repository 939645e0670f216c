"""How every figure looks: sizes, colours, axes and marks.

Colours are those of Okabe and Ito (2008), which people tell apart whatever their colour vision.
Each series also has a mark of its own, for print in black and white.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, log, nan
from typing import TYPE_CHECKING, Any, NamedTuple

from groupconv_cli.plots.hover import hover
from groupconv_cli.units import bytes_text, count_text, decimal_text
from groupconv_cli.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SKY, PURPLE, BLACK = "#56B4E9", "#CC79A7", "#000000"
GREY = "#767676"
"""For what is only there to compare with. Its contrast to white is 4.5."""

CYCLE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
MARKS = ("o", "s", "^", "D", "v", "P", "X")

PANEL = (4.6, 3.4)
"""The width and height of one panel in inches."""

WIDE = (9.2, 3.6)
"""The size of a panel with a mark for each layer."""

LETTER = 0.0165
"""The width of a letter of a label, as a share of the length of an axis."""

MOST_POINTS = 1000
"""The most data of a series of which each is a mark by itself, which can say something."""


def panels(
    title: str, count: int, size: tuple[float, float] = PANEL, columns: int = 2
) -> tuple[Figure, list[Axes]]:
    """A figure with a title, and its panels: beside each other, then below."""
    from groupconv_cli.plots.drawn import DrawnFigure

    across = min(columns, count)
    down = ceil(count / across)
    figure = DrawnFigure(figsize=(size[0] * across, size[1] * down + 0.3), layout="constrained")
    figure.suptitle(printable(title), x=0.01, ha="left")
    made = figure.subplots(down, across, squeeze=False).flatten().tolist()
    for unused in made[count:]:
        unused.remove()
    return figure, made[:count]


class Point(NamedTuple):
    """One datum."""

    x: float
    y: float
    says: str
    """What it says when the mouse is over it."""
    interval: tuple[float, float] | None = None
    """From where to where its y is likely to be."""


class Look(NamedTuple):
    """How a series looks."""

    color: str
    mark: str = "o"
    line: str = "-"
    """'-', '--' or ''."""
    hollow: bool = False
    size: float = 5.0
    level: float = 3.0
    """Those with a higher level cover those with a lower one."""


def look(number: int) -> Look:
    """The look of the series of that number. Where series meet, all their marks are seen."""
    size = 4.0 + 0.8 * min(number, 3)
    level = 3.0 - 0.1 * number
    return Look(CYCLE[number % len(CYCLE)], MARKS[number % len(MARKS)], size=size, level=level)


def series(axes: Axes, points: Sequence[Point], look: Look, label: str = "") -> None:
    """Draws points, the line through them, and their intervals."""
    xs, ys = [point.x for point in points], [point.y for point in points]
    if look.line:
        axes.plot(xs, ys, look.line, color=look.color, zorder=look.level - 1)
    ranged = [point for point in points if point.interval is not None]
    if ranged:
        # One line with gaps: unlike a collection, a legend does not cover a line if it need not.
        ends = [end for point in ranged for end in (*(point.interval or ()), nan)]
        places = [x for point in ranged for x in (point.x, point.x, nan)]
        axes.plot(places, ends, "-", color=look.color, linewidth=1.0, zorder=look.level - 1)
    style: dict[str, Any] = {
        "color": look.color,
        "markersize": look.size,
        "markerfacecolor": "white" if look.hollow else look.color,
        "zorder": look.level,
    }
    if len(points) > MOST_POINTS:
        axes.plot(xs, ys, look.mark, **style)
    else:
        for point in points:
            (mark,) = axes.plot([point.x], [point.y], look.mark, **style)
            hover(mark, point.says)
    # The legend has the line with its mark, as one sample.
    axes.plot([], [], look.line + look.mark, label=printable(label) or "_", **style)


def promised(axes: Axes, xs: Sequence[float], ys: Sequence[float], color: str, label: str) -> None:
    """Draws a line without marks: what would be, not what is."""
    axes.plot(xs, ys, "--", color=color, linewidth=1.1, zorder=1, label=label)


def legend(axes: Axes, *, beside: bool = False) -> None:
    """A legend if there is more than one series: where it covers least, or beside the panel."""
    if len(axes.get_legend_handles_labels()[1]) < 2:
        return
    if beside:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    else:
        axes.legend(loc="best")


def from_zero(axes: Axes) -> None:
    """Lets the y axis begin at 0, so that distances are shares."""
    axes.set_ylim(0, 1.07 * max(axes.dataLim.y1, 0.0) or 1.0)


def logarithmic(axes: Axes, which: str, ticks: Sequence[tuple[float, str]]) -> None:
    """Makes an axis logarithmic, with labels at these places as far as they have room."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    positions = [position for position, _ in ticks]
    if which == "x":
        axes.set_xscale("log", base=2)
    else:
        axes.set_yscale("log", base=2)
    axis = axes.xaxis if which == "x" else axes.yaxis
    shown = apart(ticks, log) if len(positions) > 1 else list(ticks)
    axis.set_major_locator(FixedLocator(positions))
    axis.set_minor_locator(NullLocator())
    labels = dict(shown)
    axis.set_major_formatter(FuncFormatter(lambda value, _: labels.get(value, "")))


def apart(
    ticks: Sequence[tuple[float, str]], scale: Callable[[float], float]
) -> list[tuple[float, str]]:
    """The ticks whose labels have room: of two that are too near, the first; and the last."""
    places = [scale(position) for position, _ in ticks]
    length = max(places) - min(places)

    def is_near(one: int, other: int) -> bool:
        letters = (len(ticks[one][1]) + len(ticks[other][1])) / 2 + 1
        return abs(places[one] - places[other]) < length * LETTER * letters

    kept: list[int] = []
    for index in [0, len(ticks) - 1, *range(1, len(ticks) - 1)]:
        if not any(is_near(index, other) for other in kept):
            kept.append(index)
    return [ticks[index] for index in sorted(kept)]


def amounts(axes: Axes, which: str, kind: str) -> None:
    """Writes the numbers of an axis as the tables do: 4.2 G, 250 MB."""
    from matplotlib.ticker import FuncFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: amount_text(float(value), kind)))


def decades(axes: Axes, which: str, kind: str) -> None:
    """Makes an axis logarithmic in tens."""
    from matplotlib.ticker import LogLocator, NullFormatter

    if which == "x":
        axes.set_xscale("log")
    else:
        axes.set_yscale("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = sorted(axes.get_xlim() if which == "x" else axes.get_ylim())
    few = low > 0 and high / low < 100
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axis.set_minor_formatter(NullFormatter())
    amounts(axes, which, kind)


def amount_text(value: float, kind: str) -> str:
    """A number of an axis, without zeros that say nothing."""
    if kind == "decimal":
        return f"{value:g}" if abs(value) < 1e6 else decimal_text(value)
    text = bytes_text(round(value)) if kind == "bytes" else _scaled_text(round(value))
    number, space, unit = text.partition(" ")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return f"{number}{space}{unit}"


def _scaled_text(value: int) -> str:
    """The text of a count; thousands have their prefix too, as their neighbours on the axis do."""
    if value and value % 1000 == 0 and abs(value) < 10_000:
        return f"{value // 1000} k"
    return count_text(value)
