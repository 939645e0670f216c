"""The text of a spec for a network, such as one that was read from a Keras model.

The text is read again, and must give the same network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from groupconv_cli.errors import InternalError, Source, SpecError, UsageError
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.language.validate import INPUT
from groupconv_cli.language.written_blocks import ENTERING, Blocks, with_blocks
from groupconv_cli.language.written_items import Written, WrittenItem, written_items
from groupconv_cli.language.written_yaml import flow, item_lines, scalar
from groupconv_cli.network import Network, Node, refuse_foreign
from groupconv_cli.ops.base import Shape, shape_text
from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.words import printable

NEAR = 2
"""The distance up to which an item is read by its distance."""


class SpecText(NamedTuple):
    """A spec that was written for a network."""

    text: str
    renamed: Mapping[str, str]
    """The names of layers that are others in the spec, and those that they have there."""
    unfrozen: int
    """The number of layers that are trained although they were frozen."""
    has_blocks: bool
    network: Network
    """The network of the text."""


def spec_text(network: Network, *, flat: bool = False) -> str:
    """The text of a spec of the network. Raises the errors of `written_spec`."""
    return written_spec(network, flat=flat).text


def written_spec(network: Network, comment: str = "", *, flat: bool = False) -> SpecText:
    """A spec of the network, with one item for each layer or fewer, after a comment.

    What repeats is written as blocks, unless it must be `flat`: names inside blocks are others.

    Raises UsageError for a network with layers that are not in the language, InternalError if the
    text does not give the same network.
    """
    refuse_foreign(network)
    for index in network.inputs:
        name, shape = network.nodes[index].name, network.nodes[index].shape
        if not may_be_input(shape):
            size = shape_text(shape) or "a number"
            raise UsageError(
                f"no spec has the input {name!r} of {network.name}: its shape is {size}",
                "an input of a spec has one to three spatial sizes, and then the channels, as "
                "convolutions need them; `gconv summary` and `gconv build` take the model itself",
            )
    written = written_items(network)
    head = _head(network, written.inputs)
    if comment:
        head.insert(0, f"# {printable(comment)}")
    plain = [*head, "layers:", *_List(written.items, written.inputs).lines(network.outputs)]
    ways = [plain]
    found = None if flat else with_blocks(written, network.outputs)
    if found is not None and found.blocks:
        ways.insert(0, [*head, *_with_blocks(found, written, network.outputs)])
    wrong = ""
    for lines in ways:
        text = "\n".join(lines) + "\n"
        try:
            again = SpecFile(Source("<written>", text)).network()
        except SpecError as error:
            wrong = f"the spec written for {network.name} is wrong: {error}"
            continue
        different = difference(network, again)
        if different is None:
            frozen = sum(node.is_frozen for node in network.nodes)
            return SpecText(text, _renamed(network, again), frozen, lines is not plain, again)
        wrong = f"the spec written for {network.name} has another {different}"
    raise InternalError(wrong)


def may_be_input(shape: Shape) -> bool:
    """Whether an input of a spec can have the shape."""
    return 2 <= len(shape) <= 4


def _renamed(network: Network, again: Network) -> dict[str, str]:
    """The names of layers that differ."""
    pairs = zip(network.layers, again.layers, strict=True)
    return {old.name: new.name for old, new in pairs if old.name != new.name}


def difference(one: Network, other: Network) -> str | None:
    """What differs between two networks besides names; None if they are built as the same model."""
    if len(one.nodes) != len(other.nodes):
        return f"number of layers: {len(other.layers)} in place of {len(one.layers)}"
    if (one.inputs, one.outputs) != (other.inputs, other.outputs):
        return "set of inputs or outputs"
    for old, new in zip(one.nodes, other.nodes, strict=True):
        same = (old.inputs, old.shape, old.groups_from) == (new.inputs, new.shape, new.groups_from)
        if not same or _calls(old) != _calls(new):
            return f"layer {old.name!r}: {new.op!r} in place of {old.op!r}"
    return None


def _calls(node: Node) -> Sequence[LayerCall]:
    return node.op.plainest(*node.input_shapes).calls("", *node.input_shapes)


def _head(network: Network, inputs: Mapping[int, str]) -> list[str]:
    """The lines before the layers."""
    shapes = {name: list(network.nodes[index].shape) for index, name in inputs.items()}
    only = shapes.get(INPUT) if len(shapes) == 1 else None
    given = f"input: {flow(only)}" if only else f"inputs: {flow(shapes)}"
    return [f"name: {scalar(network.name)}", given, ""]


def _with_blocks(found: Blocks, written: Written, outputs: tuple[int, ...]) -> list[str]:
    """The blocks, and the layers that use them."""
    lines = ["blocks:"]
    for block in found.blocks:
        body = _List(block.items, {block.reads: ENTERING})
        layers = body.lines((block.items[-1].output,), "      ")
        lines.append(f"  {block.name}:")
        if block.params:
            lines.append(f"    params: {{{', '.join(block.params)}}}")
        if body.inputs_read:
            lines.append(f"    inputs: [{ENTERING}]")
        lines += ["    layers:", *layers]
    return [*lines, "", "layers:", *_List(found.items, written.inputs).lines(outputs)]


class _List:
    """A list of items, whose names are written where something needs them."""

    def __init__(self, items: list[WrittenItem], inputs: Mapping[int, str]) -> None:
        self.items = items
        self.inputs = inputs
        self.inputs_read: set[int] = set()
        """The inputs that items read by their names."""
        self.item = {item.output: item for item in items}
        self.place = {item.output: position for position, item in enumerate(items)}
        self.named = {item.output for item in items if item.is_named}

    def lines(self, outputs: tuple[int, ...], indent: str = "  ") -> list[str]:
        """The lines of the items, and of the outputs if it is not only the last item."""
        reads = [self.reads(position) for position in range(len(self.items))]
        is_usual = outputs == (self.items[-1].output,)
        ends = [] if is_usual else [self.name(node) for node in outputs]
        lines = []
        for item, read in zip(self.items, reads, strict=True):
            beside: dict[str, Any] = {"name": item.label} if item.output in self.named else {}
            beside |= {} if read is None else {"from": read}
            beside |= {"repeat": item.repeat} if item.repeat != 1 else {}
            lines += [indent + line for line in item_lines(item.layer, item.args, beside)]
        return [*lines, *([f"outputs: {flow(ends)}"] if ends else [])]

    def reads(self, position: int) -> Any:
        """What stands in `from` of an item; None if that is the item before it."""
        item = self.items[position]
        found = [self._one(node, position) for node in item.reads]
        return None if found == [-1] else found if len(found) > 1 else found[0]

    def name(self, node: int) -> str:
        """The name by which a node can be read, which its item has from now on."""
        self.named.add(node)
        return self.item[node].label

    def _one(self, node: int, position: int) -> str | int:
        """A tensor that an item reads: the one before it, a near one, or one by its name."""
        if node in self.inputs:
            is_first = position == 0 and node == next(iter(self.inputs))
            if not is_first:
                self.inputs_read.add(node)
            return -1 if is_first else self.inputs[node]
        distance = self.place[node] - position
        is_near = distance >= -NEAR or not self.item[node].may_be_named
        between = self.items[self.place[node] + 1 : position]
        if is_near and all(item.repeat == 1 for item in between):
            return distance  # which counts every repetition as one
        return self.name(node)
