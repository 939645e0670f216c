"""What the network is, in a few facts, and where channels are kept apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from groupconv_cli.analysis.report import LayerRow, Summary
from groupconv_cli.network import Network
from groupconv_cli.ops.base import shape_text
from groupconv_cli.render.view import reach_text
from groupconv_cli.words import joined, plural, printable

MOST_REACHES = 24
MOST_GROUPS = 6


class Fact(NamedTuple):
    """A fact."""

    what: str
    is_said: str


def facts_of(summary: Summary, network: Network | None) -> Iterator[Fact]:
    """The facts of a network."""
    yield Fact("Input", joined([shape_text(shape) for shape in summary.inputs]))
    if network is not None:
        outputs = [network.nodes[index] for index in network.outputs]
        texts = [f"{printable(node.name)} {shape_text(node.shape)}" for node in outputs]
        yield Fact("Output" if len(texts) == 1 else "Outputs", joined(texts))
    yield Fact("Type", summary.dtype)
    yield Fact("Layers", _layers(summary))
    grouped = [each for each in summary.layers if _is_grouped(each)]
    counts = sorted({each.groups or 1 for each in grouped})
    if grouped:
        shown = [f"g={count}" for count in counts[:MOST_GROUPS]]
        shown += [f"{len(counts) - MOST_GROUPS} more"] if len(counts) > MOST_GROUPS else []
        yield Fact("Grouped convolutions", f"{len(grouped):,}, with {joined(shown)}")
    deep = sum(each.is_depthwise for each in summary.layers)
    if deep:
        yield Fact("Depthwise convolutions", f"{deep:,}")


def _layers(summary: Summary) -> str:
    convolutions = sum(each.groups is not None and bool(each.macs) for each in summary.layers)
    return f"{len(summary.layers):,}, of which {plural(convolutions, 'convolution')}"


def _is_grouped(layer: LayerRow) -> bool:
    is_convolution = layer.groups is not None and bool(layer.macs)
    return is_convolution and not layer.is_depthwise and (layer.groups or 1) > 1


class ReachRow(NamedTuple):
    """Grouped convolutions whose outputs do not depend on all channels."""

    first: str
    times: int
    groups: int
    reach: str
    share: str
    origin: str


class ReachPart(NamedTuple):
    """Where channels are kept apart."""

    rows: tuple[ReachRow, ...]
    more: int
    """How many rows are left out."""
    is_known: bool
    """Whether the reach of every layer is known."""


def reach_of(summary: Summary) -> ReachPart:
    """The reach of grouped convolutions, those that see the smallest share first."""
    found: dict[tuple[object, ...], list[LayerRow]] = {}
    for layer in summary.layers:
        if layer.reach is None or layer.reach.is_full or not _is_grouped(layer):
            continue
        block = layer.path[-1].kind if layer.path else layer.name
        name = layer.name.rpartition(".")[2]
        key = (layer.reach.channels, layer.reach.of, layer.groups, block, name)
        found.setdefault(key, []).append(layer)
    ordered = sorted(found.values(), key=lambda each: each[0].reach.share if each[0].reach else 1)
    rows = tuple(
        ReachRow(
            printable(layers[0].name),
            len(layers),
            layers[0].groups or 1,
            reach_text(layers[0].reach),
            f"{100 * layers[0].reach.share:.3g} %",
            printable(layers[0].reach.origin),
        )
        for layers in ordered
        if layers[0].reach is not None
    )
    is_known = all(layer.reach is not None for layer in summary.layers)
    return ReachPart(rows[:MOST_REACHES], max(0, len(rows) - MOST_REACHES), is_known)
