"""Drawings with the places of their boxes and the paths of their edges, for a template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from groupconv_cli.network import Network
from groupconv_cli.page.drawing import Box, Drawing, Line, drawings
from groupconv_cli.page.layout import GAP_Y, Size, placed

LETTER, BOLD = 7.5, 1.13
"""The width of most letters in the widest of usual fonts, and how much wider bold ones are."""

LETTERS = {
    **dict.fromkeys("0123456789", 7.7),
    **dict.fromkeys("MWmw@…", 11.8),
    **dict.fromkeys("×=+<>", 10.1),
    **dict.fromkeys(" .,:;·'ijl|", 4.0),
    **dict.fromkeys("frt()/-", 5.0),
}
"""The widths of letters that differ from it."""

LINE, PADDING = 15.0, 9.0
NARROWEST = 64.0


class TextAt(NamedTuple):
    """A line of text of a box."""

    y: float
    text: str
    style: str


class BoxAt(NamedTuple):
    """A box in its place; what is in it is placed from its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    style: str
    inside: int | None
    lines: tuple[TextAt, ...]


class EdgeAt(NamedTuple):
    """An edge as the path of an SVG element."""

    path: str
    says: str


class Sketch(NamedTuple):
    """A drawing in its place."""

    number: int
    title: str
    others: tuple[str, ...]
    is_exact: bool
    width: float
    height: float
    boxes: tuple[BoxAt, ...]
    edges: tuple[EdgeAt, ...]
    too_large: bool


class Sketches(NamedTuple):
    """All drawings of a network."""

    shown: tuple[Sketch, ...]
    left_out: tuple[str, ...]
    """The blocks whose drawings would make the page too large."""

    @property
    def styles(self) -> frozenset[str]:
        """The looks that boxes have, which the legend explains."""
        return frozenset(box.style for each in self.shown for box in each.boxes)

    @property
    def has_insides(self) -> bool:
        """Whether a block has a drawing of its own."""
        return any(box.inside is not None for each in self.shown for box in each.boxes)

    @property
    def has_repeats(self) -> bool:
        """Whether a box stands for several in a row."""
        texts = (line.text for each in self.shown for box in each.boxes for line in box.lines)
        return any(" ×" in text for text in texts)


def all_sketches(network: Network) -> tuple[Sketch, ...]:
    """The drawings of the network and of its blocks."""
    return tuple(_sketch(drawing) for drawing in drawings(network))


def within(sketches: Sequence[Sketch], most: int) -> Sketches:
    """The drawings as long as they have at most so many boxes together; the first in any case."""
    shown: list[Sketch] = []
    left_out: list[str] = []
    boxes = 0
    for sketch in sketches:
        boxes += len(sketch.boxes)
        if boxes > most and shown:
            left_out.append(sketch.title)
        else:
            shown.append(sketch)
    there = {sketch.number for sketch in shown}
    linked = (
        sketch._replace(
            boxes=tuple(
                box if box.inside in there else box._replace(inside=None) for box in sketch.boxes
            )
        )
        for sketch in shown
    )
    return Sketches(tuple(linked), tuple(left_out))


def _sketch(drawing: Drawing) -> Sketch:
    sizes = [_size(box) for box in drawing.boxes]
    ends = [(arrow.source, arrow.target) for arrow in drawing.arrows]
    layout = placed(sizes, ends)
    boxes = tuple(
        _box(box, corner, size)
        for box, corner, size in zip(drawing.boxes, layout.boxes, sizes, strict=True)
    )
    edges = tuple(
        EdgeAt(_path(points), arrow.says)
        for points, arrow in zip(layout.edges, drawing.arrows, strict=True)
    )
    return Sketch(
        drawing.number,
        drawing.title,
        drawing.others,
        drawing.is_exact,
        round(layout.width),
        round(layout.height),
        boxes,
        edges,
        drawing.too_large,
    )


def _size(box: Box) -> Size:
    widest = max(map(_width, box.lines), default=0.0)
    return Size(max(NARROWEST, widest + 2 * PADDING), LINE * len(box.lines) + PADDING)


def _width(line: Line) -> float:
    width = sum(LETTERS.get(letter, LETTER) for letter in line.text)
    return width * BOLD if line.style == "name" else width


def _box(box: Box, corner: tuple[float, float], size: Size) -> BoxAt:
    lines = tuple(
        TextAt(round(PADDING + LINE * (index + 0.55), 1), line.text, line.style)
        for index, line in enumerate(box.lines)
    )
    x, y = corner
    return BoxAt(
        round(x, 1), round(y, 1), round(size.width, 1), size.height, box.style, box.inside, lines
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    """The path through the points: down through rows, and in curves between them."""
    x, y = points[0]
    parts = [f"M{x:.0f} {y:.0f}"]
    for index, (to_x, to_y) in enumerate(points[1:], 1):
        if index % 2 == 0:  # beside the boxes of a row
            parts.append(f"V{to_y:.0f}")
        elif abs(to_x - x) < 1:
            parts.append(f"L{to_x:.0f} {to_y:.0f}")
        else:
            # A box that is less high than its row has a longer way; it begins straight.
            start = max(y, to_y - GAP_Y)
            if start > y:
                parts.append(f"V{start:.0f}")
            half = (start + to_y) / 2
            parts.append(f"C{x:.0f} {half:.0f} {to_x:.0f} {half:.0f} {to_x:.0f} {to_y:.0f}")
        x, y = to_x, to_y
    return "".join(parts)
