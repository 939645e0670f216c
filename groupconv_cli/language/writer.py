"""The text of a spec for a network, such as one that was read from a Keras model.

The text is read again, and must give the same network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from groupconv_cli.errors import InternalError, Source, SpecError
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.language.validate import INPUT
from groupconv_cli.language.written_items import Written, written_items
from groupconv_cli.language.written_yaml import flow, item_lines, scalar
from groupconv_cli.network import Network, Node, refuse_foreign
from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.words import printable

NEAR = 2
"""The distance up to which an item is read by its distance."""


class SpecText(NamedTuple):
    """A spec that was written for a network."""

    text: str
    renamed: Mapping[str, str]
    """The names of layers that a spec cannot have, and those that they have now."""
    unfrozen: int
    """The number of layers that are trained although they were frozen."""


def spec_text(network: Network) -> str:
    """The text of a spec of the network. Raises the errors of `written_spec`."""
    return written_spec(network).text


def written_spec(network: Network, comment: str = "") -> SpecText:
    """A spec of the network, with one item for each layer or fewer, after a comment.

    Raises UsageError for a network with layers that are not in the language, InternalError if the
    text does not give the same network.
    """
    refuse_foreign(network)
    written = written_items(network)
    lines = [*_head(network, written.inputs), "layers:", *_List(written).lines(network.outputs)]
    if comment:
        lines.insert(0, f"# {printable(comment)}")
    text = "\n".join(lines) + "\n"
    try:
        again = SpecFile(Source("<written>", text)).network()
    except SpecError as error:
        raise InternalError(f"the spec written for {network.name} is wrong: {error}") from error
    different = difference(network, again)
    if different:
        raise InternalError(f"the spec written for {network.name} has another {different}")
    frozen = sum(node.is_frozen for node in network.nodes)
    return SpecText(text, written.renamed, frozen)


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


class _List:
    """The lines of a list of items, whose names are written where something needs them."""

    def __init__(self, written: Written) -> None:
        self.items = written.items
        self.inputs = written.inputs
        self.place = {item.output: position for position, item in enumerate(self.items)}
        self.named = {item.output for item in self.items if item.is_named}

    def lines(self, outputs: tuple[int, ...]) -> list[str]:
        """The items, and the names of the outputs if it is not only the last item."""
        reads = [self._reads(position) for position in range(len(self.items))]
        ends = [] if outputs == (self.items[-1].output,) else list(map(self._name, outputs))
        lines = []
        for item, read in zip(self.items, reads, strict=True):
            beside: dict[str, Any] = {"name": item.label} if item.output in self.named else {}
            beside |= {} if read is None else {"from": read}
            lines += [f"  {line}" for line in item_lines(item.layer, item.args, beside)]
        return [*lines, *([f"outputs: {flow(ends)}"] if ends else [])]

    def _reads(self, position: int) -> Any:
        """What stands in `from` of an item; None if that is the item before it."""
        item = self.items[position]
        found = [self._one(node, position) for node in item.reads]
        return None if found == [-1] else found if len(found) > 1 else found[0]

    def _one(self, node: int, position: int) -> str | int:
        """A tensor that an item reads: the one before it, a near one, or one by its name."""
        if node in self.inputs:
            is_first = position == 0 and node == next(iter(self.inputs))
            return -1 if is_first else self.inputs[node]
        distance = self.place[node] - position
        item = self.items[self.place[node]]
        return distance if distance >= -NEAR or not item.may_be_named else self._name(node)

    def _name(self, node: int) -> str:
        """The name by which a node can be read, which its item has from now on."""
        self.named.add(node)
        return self.items[self.place[node]].label
