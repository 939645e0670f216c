"""Memory over the layers, in the order in which they run: how much is alive, and what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from groupconv_cli.analysis.alive import Lifetime, alive_at, lifetimes, output_bytes
from groupconv_cli.network import Network
from groupconv_cli.ops.base import shape_text
from groupconv_cli.units import bytes_text
from groupconv_cli.words import printable

LEFT, WIDTH, TOP, HEIGHT = 70.0, 720.0, 12.0, 170.0
MOST_BARS = 180
MOST_TENSORS = 16
ROW = 15.0
LETTER = 6.2
"""The width of a letter of a label."""


class Bar(NamedTuple):
    """A bar, and what it says when the mouse is over it."""

    x: float
    y: float
    width: float
    height: float
    says: str
    is_peak: bool = False


class Span(NamedTuple):
    """The time in which a tensor is alive."""

    x: float
    y: float
    width: float
    text_x: float
    anchor: str
    name: str
    says: str


class Alive(NamedTuple):
    """A tensor that is alive at the peak."""

    name: str
    shape: str
    size: str
    written_by: str
    until: str


class Memory(NamedTuple):
    """The chart, and what is alive at the peak."""

    bars: tuple[Bar, ...]
    spans: tuple[Span, ...]
    ticks: tuple[tuple[float, str], ...]
    width: float
    height: float
    bottom: float
    peak: str
    peak_layer: str
    alive: tuple[Alive, ...]
    layers: int
    joined: int
    """How many layers a bar is for."""
    tensors: int
    """How many tensors there are."""


def alive_by_layer(network: Network, dtype: str | None) -> dict[str, int]:
    """The bytes that are alive while each layer runs, by its name."""
    tensors = lifetimes(network, output_bytes(network, dtype))
    alive = alive_at(tensors, len(network.nodes))
    return {node.name: size for node, size in zip(network.nodes, alive, strict=True)}


def memory_of(network: Network, dtype: str | None) -> Memory:
    """The memory of a network, for one sample."""
    nodes = network.nodes
    tensors = lifetimes(network, output_bytes(network, dtype))
    alive = alive_at(tensors, len(nodes))
    most = max(alive, default=0) or 1
    peak = alive.index(max(alive, default=0)) if alive else 0
    joined = -(-len(nodes) // MOST_BARS)
    step = WIDTH / max(len(nodes), 1)
    bars = []
    for first in range(0, len(nodes), joined):
        group = range(first, min(first + joined, len(nodes)))
        highest = max(group, key=alive.__getitem__)
        height = HEIGHT * alive[highest] / most
        says = f"{printable(nodes[highest].name)}: {bytes_text(alive[highest])} alive"
        if len(group) > 1:
            says = f"the most of {len(group)} layers, at {says}"
        bars.append(
            Bar(
                LEFT + step * first,
                TOP + HEIGHT - height,
                step * len(group),
                height,
                says,
                peak in group,
            )
        )
    bottom = TOP + HEIGHT
    spans = _spans(network, tensors, step, bottom + 14)
    here = [each for each in tensors if each.first <= peak <= each.last]
    return Memory(
        bars=tuple(bars),
        spans=tuple(spans),
        ticks=tuple(
            (bottom - HEIGHT * share, bytes_text(round(most * share)) if share else "0")
            for share in (0.0, 0.5, 1.0)
        ),
        width=LEFT + WIDTH + 8,
        height=bottom + 20 + ROW * len(spans),
        bottom=bottom,
        peak=bytes_text(alive[peak]) if alive else "0",
        peak_layer=printable(nodes[peak].name),
        alive=tuple(_alive(network, each) for each in sorted(here, key=lambda each: -each.size)),
        layers=len(network.layers),
        joined=joined,
        tensors=len(tensors),
    )


def _alive(network: Network, tensor: Lifetime) -> Alive:
    node, last = network.nodes[tensor.first], network.nodes[tensor.last]
    is_kept = tensor.last == len(network.nodes) - 1 and tensor.first in network.outputs
    return Alive(
        printable(node.name),
        shape_text(node.shape),
        bytes_text(tensor.size),
        node.op.op,
        "the end" if is_kept else printable(last.name),
    )


def _spans(network: Network, tensors: Sequence[Lifetime], step: float, top: float) -> list[Span]:
    """The tensors that take most: bytes times the layers for which they are kept."""
    most = sorted(tensors, key=lambda each: -each.size * (each.last - each.first + 1))
    chosen = sorted(most[:MOST_TENSORS])
    spans = []
    for row, tensor in enumerate(chosen):
        name = printable(network.nodes[tensor.first].name)
        x, width = LEFT + step * tensor.first, step * (tensor.last - tensor.first + 1)
        room_after = LEFT + WIDTH - x - width
        fits = len(name) * LETTER < room_after
        says = (
            f"{name}: {bytes_text(tensor.size)}, alive until "
            f"{printable(network.nodes[tensor.last].name)} has run"
        )
        spans.append(
            Span(
                x,
                top + ROW * row,
                max(width, 2.0),
                x + width + 4 if fits else x - 4,
                "start" if fits else "end",
                name,
                says,
            )
        )
    return spans
