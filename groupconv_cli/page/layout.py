"""Places boxes of a directed acyclic graph in rows, and leads its edges around them.

The way of Sugiyama, Tagawa and Toda 1981: every box gets the row after those that it reads, edges
over several rows get a place in each of them, and the rows are ordered so that few edges cross.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

GAP_X, GAP_Y, MARGIN = 22.0, 34.0, 8.0
LANE = 10.0
"""The width that an edge takes in a row that it passes."""

SWEEPS = 12


class Size(NamedTuple):
    """The size of a box."""

    width: float
    height: float


class Placed(NamedTuple):
    """Where the boxes are, and the points that edges go through."""

    width: float
    height: float
    boxes: tuple[tuple[float, float], ...]
    """The upper left corner of each box."""
    edges: tuple[tuple[tuple[float, float], ...], ...]
    """The points of each edge, from the lower side of a box to the upper side of another."""


Edge = tuple[int, int]


def placed(sizes: Sequence[Size], edges: Sequence[Edge]) -> Placed:
    """The layout. Each edge leads from a box to one that has a higher number."""
    ranks = _ranks(len(sizes), edges)
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=0) + 1)]
    for box, rank in enumerate(ranks):
        rows[rank].append(box)
    widths = [size.width for size in sizes]
    chains: list[list[int]] = []
    for source, target in edges:
        chain = [source]
        for rank in range(ranks[source] + 1, ranks[target]):
            chain.append(len(widths))
            rows[rank].append(len(widths))
            widths.append(LANE)
        chains.append([*chain, target])
    above: list[list[int]] = [[] for _ in widths]
    below: list[list[int]] = [[] for _ in widths]
    for chain in chains:
        for one, next_one in pairwise(chain):
            below[one].append(next_one)
            above[next_one].append(one)
    _order(rows, above, below)
    centers = _centers(rows, widths, above, below)
    least = min((c - w / 2 for c, w in zip(centers, widths, strict=True)), default=0.0)
    centers = [center - least + MARGIN for center in centers]
    tops, y = [], MARGIN
    for row in rows:
        tops.append(y)
        y += max((sizes[box].height for box in row if box < len(sizes)), default=0.0) + GAP_Y
    boxes = tuple(
        (centers[box] - size.width / 2, tops[ranks[box]]) for box, size in enumerate(sizes)
    )
    width = max((c + w / 2 for c, w in zip(centers, widths, strict=True)), default=0.0) + MARGIN
    lines = _lines(chains, sizes, ranks, centers, tops, rows)
    return Placed(width, y - GAP_Y + MARGIN, boxes, lines)


def _ranks(count: int, edges: Sequence[Edge]) -> list[int]:
    """The row of each box; one that reads nothing is right above the first that reads it."""
    ranks = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        ranks[target] = max(ranks[target], ranks[source] + 1)
    read = {target for _, target in edges}
    for box in range(count):
        readers = [ranks[target] for source, target in edges if source == box]
        if box not in read and readers:
            ranks[box] = min(readers) - 1
    return ranks


def _order(rows: list[list[int]], above: list[list[int]], below: list[list[int]]) -> None:
    """Orders every row by the places of what its boxes are connected with, down and up in turn."""
    for sweep in range(SWEEPS):
        is_down = sweep % 2 == 0
        neighbours = above if is_down else below
        for row in rows if is_down else reversed(rows):
            place = {each: index for other in rows for index, each in enumerate(other)}
            means = {
                each: sum(place[other] for other in neighbours[each]) / len(neighbours[each])
                if neighbours[each]
                else float(place[each])
                for each in row
            }
            row.sort(key=means.__getitem__)


def _centers(
    rows: list[list[int]],
    widths: Sequence[float],
    above: list[list[int]],
    below: list[list[int]],
) -> list[float]:
    """The middle of each box and lane: near what it is connected with, in the order of its row."""
    centers = [0.0] * len(widths)
    for row in rows:
        _spread(row, [0.0] * len(row), widths, centers)
    for sweep in range(SWEEPS):
        is_down = sweep % 2 == 0
        for row in rows if is_down else reversed(rows):
            wanted = []
            for each in row:
                others = (above if is_down else below)[each] or (below if is_down else above)[each]
                wanted.append(
                    sum(centers[other] for other in others) / len(others)
                    if others
                    else centers[each]
                )
            _spread(row, wanted, widths, centers)
    return centers


def _spread(
    row: Sequence[int], wanted: Sequence[float], widths: Sequence[float], centers: list[float]
) -> None:
    """Sets the middles nearest to those wanted so that nothing overlaps.

    Neighbours that would overlap are joined, and the mean of what they want is taken: this is the
    least sum of squares (pool adjacent violators).
    """
    offsets, offset = [], 0.0
    for index, each in enumerate(row):
        if index:
            offset += (widths[row[index - 1]] + widths[each]) / 2 + GAP_X
        offsets.append(offset)
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        value, count = want - offset, 1
        while pools and pools[-1][0] >= value:
            before, many = pools.pop()
            value, count = (before * many + value * count) / (many + count), many + count
        pools.append((value, count))
    position = 0
    for value, count in pools:
        for _ in range(count):
            centers[row[position]] = value + offsets[position]
            position += 1


def _lines(
    chains: list[list[int]],
    sizes: Sequence[Size],
    ranks: Sequence[int],
    centers: Sequence[float],
    tops: Sequence[float],
    rows: list[list[int]],
) -> tuple[tuple[tuple[float, float], ...], ...]:
    heights = [
        max((sizes[box].height for box in row if box < len(sizes)), default=0.0) for row in rows
    ]
    entering: dict[int, list[int]] = {}
    leaving: dict[int, list[int]] = {}
    for number, chain in enumerate(chains):
        entering.setdefault(chain[-1], []).append(number)
        leaving.setdefault(chain[0], []).append(number)
    enters: dict[int, float] = {}
    leaves: dict[int, float] = {}
    for many, at, place in ((entering, -2, enters), (leaving, 1, leaves)):
        for box, numbers in many.items():
            others = sorted((centers[chains[number][at]], number) for number in numbers)
            step = min(16.0, sizes[box].width * 0.8 / len(others))
            for index, (_, number) in enumerate(others):
                place[number] = centers[box] + step * (index - (len(others) - 1) / 2)
    lines = []
    for number, chain in enumerate(chains):
        source, target = chain[0], chain[-1]
        points = [(leaves[number], tops[ranks[source]] + sizes[source].height)]
        for step, lane in enumerate(chain[1:-1], ranks[source] + 1):
            points += [(centers[lane], tops[step]), (centers[lane], tops[step] + heights[step])]
        points.append((enters[number], tops[ranks[target]]))
        lines.append(tuple(points))
    return tuple(lines)
