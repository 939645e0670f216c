"""What is drawn of a network: boxes and edges, in a drawing for the whole and for each block.

A convolution and its norm and activation are one box. Repeats that are built alike are one box with
their number. A block has a drawing of its own, unless it is a short chain of layers, which stands
in its box. Blocks that are drawn alike share a drawing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from groupconv_cli.analysis.summary import window_of
from groupconv_cli.network import Network, Node
from groupconv_cli.ops.activation import Activation
from groupconv_cli.ops.base import shape_text
from groupconv_cli.ops.norm import BatchNorm
from groupconv_cli.page.tree import Block, tree_of
from groupconv_cli.render.summary import window_text
from groupconv_cli.words import plural, printable

PARTS_OF_LAYERS = re.compile(r"shortcut|branch_\d+")
"""Kinds of blocks that are parts of a layer such as residual. They are drawn where they stand."""

AFTER_A_LAYER = (Activation.__module__, BatchNorm.__module__)
"""The families of ops that stand in the box of what they read. In a Keras model each is a layer."""

LONGEST_CHAIN = 12
"""The most layers of a block whose layers stand in its box."""

MOST_DRAWINGS = 16
"""If blocks have more drawings than these, blocks that differ only in their shapes share one."""

MOST_BOXES = 400
"""The most boxes of a drawing; one with more can not be read."""

MOST_SEEN = 2


class Line(NamedTuple):
    """A line of text in a box."""

    text: str
    style: str = ""
    """'', 'name', 'shape' or 'groups'."""


class Box(NamedTuple):
    """A box: some layers, or something that is read from outside of the drawing."""

    lines: tuple[Line, ...]
    style: str = ""
    """'', 'block', 'grouped' or 'port'."""
    inside: int | None = None
    """The number of the drawing of its inside."""


class Arrow(NamedTuple):
    """What one box reads of another."""

    source: int
    target: int
    says: str
    """The name and the shape of what is read."""


class Drawing(NamedTuple):
    """The whole network, or a block."""

    number: int
    title: str
    others: tuple[str, ...]
    """The names of the other blocks that are drawn alike."""
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    is_exact: bool = True
    """Whether the others have the same shapes too."""
    too_large: bool = False
    """Whether it would have too many boxes, and has none."""


class _Unit(NamedTuple):
    """What becomes a box: a run of layers, or a block and its repeats."""

    first: int
    after: int
    blocks: tuple[Block, ...] = ()


def drawings(network: Network) -> tuple[Drawing, ...]:
    """The drawing of the whole network, and those of its blocks."""
    for is_exact in (True, False):
        made = tuple(_Drawer(network, is_exact).all())
        if len(made) <= MOST_DRAWINGS:
            break
    return made


class _Drawer:
    def __init__(self, network: Network, is_exact: bool) -> None:
        self.network = network
        self.nodes = network.nodes
        self.is_exact = is_exact
        self.read_by = [0] * len(self.nodes)
        for node in self.nodes:
            for source in node.inputs:
                self.read_by[source] += 1
        self.numbers: dict[object, int] = {}
        self.blocks: list[Block] = []
        self.names: list[list[str]] = []

    def all(self) -> Iterator[Drawing]:
        root = tree_of([node.path for node in self.nodes])
        self.blocks, self.names = [root], [[]]
        number = 0
        made = []
        while number < len(self.blocks):
            made.append(self._drawing(number))
            number += 1
        for drawing, names in zip(made, self.names, strict=True):
            yield drawing._replace(others=tuple(names[1:]), is_exact=self.is_exact)

    def _drawing(self, number: int) -> Drawing:
        block = self.blocks[number]
        units = self._units(block)
        title = printable(block.name or self.network.name)
        if len(units) > MOST_BOXES:
            return Drawing(number, title, (), (), (), too_large=True)
        unit_of = {index: place for place, unit in enumerate(units) for index in range(*unit[:2])}
        outside = sorted(
            {
                source
                for index in range(block.first, block.after)
                for source in self.nodes[index].inputs
                if source not in unit_of
            }
        )
        ports = {source: place for place, source in enumerate(outside)}
        arrows: dict[tuple[int, int], Arrow] = {}
        for index, place in unit_of.items():
            for source in self.nodes[index].inputs:
                start = ports[source] if source in ports else len(ports) + unit_of[source]
                end = len(ports) + place
                if start != end:
                    read = self.nodes[source]
                    says = f"{printable(read.name)} {shape_text(read.shape)}"
                    arrows.setdefault((start, end), Arrow(start, end, says))
        boxes = [self._port(source) for source in outside]
        boxes += [self._box(unit) for unit in units]
        ordered = tuple(arrows[ends] for ends in sorted(arrows))
        return Drawing(number, title, (), tuple(boxes), ordered)

    def _units(self, block: Block) -> list[_Unit]:
        units: list[_Unit] = []
        for part in _flat(block):
            if isinstance(part, int):
                if units and self._continues(units[-1], part):
                    units[-1] = units[-1]._replace(after=part + 1)
                else:
                    units.append(_Unit(part, part + 1))
            elif units and self._repeats(units[-1], part):
                last = units[-1]
                units[-1] = _Unit(last.first, part.after, (*last.blocks, part))
            else:
                units.append(_Unit(part.first, part.after, (part,)))
        return units

    def _continues(self, unit: _Unit, index: int) -> bool:
        """Whether a layer belongs into the box of the layer before it: a norm, an activation."""
        last, node = self.nodes[unit.after - 1], self.nodes[index]
        return (
            not unit.blocks
            and unit.after == index
            and last.path == node.path
            and (last.item == node.item or type(node.op).__module__ in AFTER_A_LAYER)
            and node.inputs == (index - 1,)
            and self.read_by[index - 1] == 1
            and index - 1 not in self.network.outputs
            and index - 1 not in self.network.inputs
            and not node.op.is_convolution
        )

    def _repeats(self, unit: _Unit, block: Block) -> bool:
        if not unit.blocks:
            return False
        before = unit.blocks[-1]
        same = (before.step.kind, before.step.item) == (block.step.kind, block.step.item)
        return same and self._build(before, False) == self._build(block, False)

    def _build(self, block: Block, with_shapes: bool) -> object:
        """How a block is built: its layers and what they read of each other."""
        return tuple(
            (
                node.op.op,
                node.op.window,
                node.is_grouped,
                node.is_depthwise,
                tuple(max(source - block.first, -1) for source in node.inputs),
                (node.groups, node.shape, node.input_shapes) if with_shapes else None,
            )
            for node in self.nodes[block.first : block.after]
        )

    def _is_chain(self, block: Block) -> bool:
        return block.after - block.first <= LONGEST_CHAIN and all(
            len(self.nodes[index].inputs) == 1
            and (index == block.first or self.nodes[index].inputs[0] == index - 1)
            for index in range(block.first, block.after)
        )

    def _inside(self, block: Block) -> int:
        """The number of the drawing of a block, which may be that of another."""
        key = (block.step.kind, self._build(block, self.is_exact))
        if key not in self.numbers:
            self.numbers[key] = len(self.blocks)
            self.blocks.append(block)
            self.names.append([])
        number = self.numbers[key]
        if block.name not in self.names[number]:
            self.names[number].append(printable(block.name))
        return number

    def _port(self, source: int) -> Box:
        node = self.nodes[source]
        shape = Line(shape_text(node.shape), "shape")
        return Box((Line(f"from {printable(node.name)}"), shape), "port")

    def _box(self, unit: _Unit) -> Box:
        nodes = self.nodes[unit.first : unit.after]
        if not unit.blocks:
            lines = [*self._own_lines(unit.first, nodes), *_groups(nodes)]
        else:
            block = unit.blocks[0]
            first = self.nodes[block.first : block.after]
            times = f" ×{len(unit.blocks)}" if len(unit.blocks) > 1 else ""
            lines = [Line(printable(block.step.name) + times, "name")]
            if self._is_chain(block):
                lines += [Line(text) for text in self._chain_texts(block)]
                lines += _groups(first)
            else:
                lines += [Line(plural(len(first), "layer")), *_groups(first)]
        lines.append(Line(self._shapes(unit), "shape"))
        if any(index in self.network.outputs for index in range(unit.first, unit.after)):
            lines.append(Line("output", "shape"))
        inside = None
        for block in unit.blocks:
            if not self._is_chain(block):
                number = self._inside(block)
                inside = number if inside is None else inside
        is_grouped = any(line.style == "groups" for line in lines)
        style = "grouped" if is_grouped else "block" if unit.blocks else ""
        return Box(tuple(lines), style, inside)

    def _shapes(self, unit: _Unit) -> str:
        """The shape of its output; of repeats whose shapes differ, the first and the last."""
        last = shape_text(self.nodes[unit.after - 1].shape)
        if len(unit.blocks) < 2:
            return last
        first = shape_text(self.nodes[unit.blocks[0].after - 1].shape)
        return last if first == last else f"{first} … {last}"

    def _own_lines(self, index: int, nodes: Sequence[Node]) -> list[Line]:
        name = nodes[0].name.rpartition(".")[2]
        op = nodes[0].op.op
        if index in self.network.inputs or re.fullmatch(rf"{re.escape(op)}(_\d+)?", name):
            return [Line(_ops_text(nodes), "name")]
        return [Line(printable(name), "name"), Line(_ops_text(nodes))]

    def _chain_texts(self, block: Block) -> list[str]:
        """A line for each layer with the norm and the activation after it."""
        runs: list[_Unit] = []
        for index in range(block.first, block.after):
            if runs and not self.nodes[index].op.is_convolution:
                runs[-1] = runs[-1]._replace(after=index + 1)
            else:
                runs.append(_Unit(index, index + 1))
        return [_ops_text(self.nodes[run.first : run.after]) for run in runs]


def _flat(block: Block) -> Iterator[Block | int]:
    """What is in a block, with the content of parts of layers in their place."""
    for part in block.parts:
        if isinstance(part, Block) and PARTS_OF_LAYERS.fullmatch(part.step.kind):
            yield from _flat(part)
        else:
            yield part


def _ops_text(nodes: Sequence[Node]) -> str:
    return " · ".join(_op_text(node) for node in nodes)


def _op_text(node: Node) -> str:
    window = window_of(node)
    return f"{node.op.op} {window_text(window)}" if window else node.op.op


def _groups(nodes: Sequence[Node]) -> list[Line]:
    """What the grouped convolutions see of their inputs."""
    grouped = [node for node in nodes if node.is_grouped]
    seen: dict[str, None] = {}
    for node in grouped:
        if not node.is_depthwise:
            of = node.input_shapes[0][-1]
            seen[f"{of // (node.groups or 1):,} of {of:,}"] = None
    lines = []
    if seen:
        shown = list(seen)[:MOST_SEEN]
        more = ", …" if len(seen) > MOST_SEEN else ""
        counts = {node.groups for node in grouped if not node.is_depthwise}
        count = f"g={counts.pop()}: " if len(counts) == 1 else "grouped: "
        lines.append(Line(f"{count}each sees {', '.join(shown)}{more} channels", "groups"))
    if any(node.is_depthwise for node in grouped):
        lines.append(Line("depthwise: each sees 1 channel", "groups"))
    return lines
