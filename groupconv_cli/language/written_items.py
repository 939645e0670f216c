"""The items of a spec for a network: one for each layer, or for a layer and what follows it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

from groupconv_cli.errors import UsageError
from groupconv_cli.language.items import NAME
from groupconv_cli.language.layer_names import NameScope
from groupconv_cli.language.validate import INPUT
from groupconv_cli.network import Network, Node
from groupconv_cli.ops import LAYERS
from groupconv_cli.ops.activation import FUNCTIONS, NAMED, activation
from groupconv_cli.ops.base import Arg, Op
from groupconv_cli.ops.conv import Conv, DepthwiseConv
from groupconv_cli.ops.merge import Multiply
from groupconv_cli.ops.norm import NORMS, LocalResponse

ACTIVATIONS = {activation(name): name for name in [*NAMED, *FUNCTIONS]}
"""What `activation:` may name, by the op."""

FROM_KERAS = re.compile(r"(input(_layer)?|keras_tensor)(_\d+)?")
"""Names of inputs that Keras has given; a spec calls its only input `input`."""

MAX_CLEAN = 90
"""The most characters of a name that was changed; a number may follow."""


class WrittenItem(NamedTuple):
    """One item of a list of layers."""

    layer: str
    args: dict[str, Any]
    """Plain values, without those that are the default."""
    label: str
    """Its name, or the name that it has without one."""
    is_named: bool
    """Whether the name must be written."""
    may_be_named: bool
    """Whether writing the name changes no other name."""
    reads: tuple[int, ...]
    """The nodes that it reads."""
    output: int
    """The node whose output is the item's."""
    repeat: int | str = 1
    """The number of repetitions, or the parameter that has it."""


class Written(NamedTuple):
    """All items of a network."""

    inputs: dict[int, str]
    """The names of the inputs."""
    items: list[WrittenItem]
    renamed: dict[str, str]
    """The names that a spec cannot have, and those in their place."""


def written_items(network: Network) -> Written:
    """The items for all layers, in the order of the network."""
    return _Items(network).written()


class _Items:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes = network.nodes
        self.readers = Counter(source for node in self.nodes for source in node.inputs)
        is_usual = network.outputs == (len(self.nodes) - 1,)
        self.outputs = () if is_usual else network.outputs
        """The nodes that `outputs` names."""
        self.readers.update(self.outputs)
        self.followed = {node.groups_from for node in self.nodes}
        """The convolutions whose groups a channel_shuffle takes."""
        self.scope = NameScope(())
        self.renamed: dict[str, str] = {}
        self.given = {node.name for node in self.nodes}
        self.names = [
            node.name if NAME.fullmatch(node.name) else self._unused(cleaned(node.name))
            for node in self.nodes
        ]

    def written(self) -> Written:
        """The inputs, and the items of all other nodes."""
        inputs = {index: self.names[index] for index in self.network.inputs}
        if len(inputs) == 1 and FROM_KERAS.fullmatch(next(iter(inputs.values()))):
            inputs = dict.fromkeys(inputs, INPUT)
        for name in inputs.values():
            self.scope.label(name, 0)
        items, index = [], 0
        while index < len(self.nodes):
            if index not in inputs:
                item = self._local_response(index) or self._separable(index) or self._single(index)
                items.append(item)
                index = item.output
            index += 1
        return Written(inputs, items, self.renamed)

    # One item

    def _single(self, index: int) -> WrittenItem:
        """The item of a layer, with the norm and the activation that follow it."""
        node, wanted = self.nodes[index], self.names[index]
        if wanted != node.name:
            self.renamed[node.name] = wanted
        layer = spec_layer(node.op)
        named = None if self.scope.free(layer)[0] == wanted else wanted
        self.scope.label(named or layer, index)
        args = spec_args(node.op)
        if node.op.takes_groups_before:
            args["groups"] = node.groups
            if node.groups_from is not None and self._groups_before(index) == node.groups_from:
                del args["groups"]
        elif index in self.followed:
            args["groups"] = node.groups
        if node.op.merges and len(node.inputs) == 1:  # which `from` cannot say
            layer, args = "parallel", {"branches": [[]], "merge": layer}
            self.renamed[node.name] = f"{wanted}.{node.op.op}"
            return WrittenItem(layer, args, wanted, True, True, node.inputs, index)
        last = index
        for key in ("norm", "activation"):
            after = self._next(last)
            if key not in LAYERS[layer].cls.follow_ups or after is None:
                continue
            op = self.nodes[after].op
            label = f"{named}_{op.op}" if named else op.op
            value = follow_up(key, op) if named or after not in self.outputs else None
            if value is not None and self.scope.free(label)[0] == self.names[after]:
                self.scope.label(label, index)
                _give(args, key, value, has_bias="bias" in node.op.args)
                last = after
        is_named = named is not None
        return WrittenItem(
            layer, args, wanted, is_named, is_named or last == index, node.inputs, last
        )

    def _separable(self, index: int) -> WrittenItem | None:
        """The item of a depthwise and a 1×1 convolution on a level of their own."""
        one, following = self.nodes[index], self._next(index)
        level, _, own = one.name.rpartition(".")
        if own != "depthwise_conv" or following is None or not level:
            return None
        two = self.nodes[following]
        if two.name != f"{level}.conv" or not _are_separable(one.op, two.op):
            return None
        halves = spec_args(one.op), spec_args(two.op)
        args = {"filters": halves[1].pop("filters"), **halves[0]}
        args.pop("bias")
        args |= {key: value for key, value in halves[1].items() if key == "bias"}
        last, used = following, 2
        for key in ("norm", "activation"):
            after = self._next(last)
            op = None if after is None else self.nodes[after].op
            value = None if op is None else follow_up(key, op)
            if after is None or op is None or value is None:
                continue
            if self.nodes[after].name == f"{level}.{op.op}":
                _give(args, key, value, has_bias=True)
                last, used = after, used + 1
        inside = sum(node.name.startswith(f"{level}.") for node in self.nodes)
        return self._leveled("separable_conv", level, args, one, last) if used == inside else None

    def _local_response(self, index: int) -> WrittenItem | None:
        """The item of a factor and the multiplication by it."""
        node = self.nodes[index]
        if not isinstance(node.op, LocalResponse) or index + 1 >= len(self.nodes):
            return None
        two = self.nodes[index + 1]
        if not isinstance(two.op, Multiply) or two.inputs != (*node.inputs, index):
            return None
        declared = LAYERS["local_response_norm"].args
        values = {key: getattr(node.op, key) for key in declared}
        args = {key: each for key, each in values.items() if each != declared[key].default}
        level = node.name.rpartition(".")[0] or two.name
        return self._leveled("local_response_norm", level, args, node, index + 1)

    def _leveled(
        self, layer: str, level: str, args: dict[str, Any], node: Node, last: int
    ) -> WrittenItem:
        """An item that is a level of names of its own."""
        wanted = level if NAME.fullmatch(level) else self._unused(cleaned(level))
        if wanted != level:
            self.renamed[level] = wanted
        named = None if self.scope.free(layer)[0] == wanted else wanted
        self.scope.label(named or layer, last)
        is_named = named is not None
        return WrittenItem(layer, args, wanted, is_named, True, node.inputs, last)

    # The graph

    def _next(self, index: int) -> int | None:
        """The next node, if it reads only this one, and only it does."""
        is_last = index + 1 >= len(self.nodes)
        if is_last or self.readers[index] != 1 or self.nodes[index + 1].inputs != (index,):
            return None
        return index + 1

    def _groups_before(self, index: int) -> int | None:
        """The convolution whose groups a channel_shuffle takes in a spec."""
        while self.nodes[index].inputs:
            index = self.nodes[index].inputs[0]
            node = self.nodes[index]
            is_given = index in self.followed or node.groups != 1
            if isinstance(node.op, Conv) and is_given and not node.is_depthwise:
                return index
        return None

    def _unused(self, name: str) -> str:
        """The name, with a number after it if it is taken."""
        wanted, number = name, 1
        while name in self.given:
            number += 1
            name = f"{wanted}_{number}"
        self.given.add(name)
        return name


def cleaned(name: str) -> str:
    """The name without what names in a spec cannot have."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:MAX_CLEAN]
    return name if name[:1].isalpha() else f"layer_{name}"


def spec_layer(op: Op) -> str:
    """The name of the op in a spec. Raises UsageError for a part of a layer by itself."""
    name = op.op if op.op in LAYERS else op.plainest().op
    if name not in LAYERS:
        raise UsageError(f"no spec has the layer {name!r} by itself")
    return name


def spec_args(op: Op) -> dict[str, Any]:
    """The arguments of the op that are not the default, as plain values."""
    registered = LAYERS[spec_layer(op)]
    found = {}
    for key, declared in registered.args.items():
        if key not in type(op).args:
            continue
        value = getattr(op, key)
        if declared.required or not _is_default(value, declared):
            found[key] = _plain(value, declared)
    if found.get("stride") == found.get("size") and "size" in found:
        found.pop("stride", None)  # of a pool
    return found


def _is_default(value: Any, declared: Arg) -> bool:
    default = declared.default
    if isinstance(value, tuple) and isinstance(default, tuple) and len(default) == 1:
        default = default * len(value)
    return bool(value == default)


def _plain(value: Any, declared: Arg) -> Any:
    """The value as it is written: one number for all axes if they have the same."""
    if not isinstance(value, tuple):
        return value
    if declared.kind.per_axis and len(set(value)) == 1 and not isinstance(value[0], tuple):
        return value[0]
    return [list(each) if isinstance(each, tuple) else each for each in value]


def follow_up(key: str, op: Op) -> Any:
    """The value of `norm:` or `activation:` that stands for an op; None if none does."""
    if key == "activation":
        return ACTIVATIONS.get(op)
    for word, cls in NORMS.items():
        if type(op) is cls:
            args = spec_args(op)
            return {word: args} if args else word
    return None


def follow_up_key(item: WrittenItem, following: WrittenItem) -> str | None:
    """The argument of an item that can stand for the item after it, which reads it; else None."""
    keys = LAYERS[item.layer].args if item.layer in LAYERS else {}
    if following.reads != (item.output,) or "activation" not in keys or "activation" in item.args:
        return None
    if following.layer in ACTIVATIONS.values():
        is_plain = following.layer in FUNCTIONS or NAMED[following.layer] == LAYERS[
            following.layer
        ].cls(**following.args)
        return "activation" if is_plain else None
    is_norm = following.layer.removesuffix("_norm") in NORMS and "norm" in keys
    return "norm" if is_norm and "norm" not in item.args else None


def with_follow_up(item: WrittenItem, key: str, following: WrittenItem) -> WrittenItem:
    """The item with another one in its arguments."""
    args = dict(item.args)
    value: Any = following.layer
    if key == "norm":
        word = following.layer.removesuffix("_norm")
        value = {word: following.args} if following.args else word
    _give(args, key, value, has_bias="bias" in LAYERS[item.layer].args)
    return item._replace(args=args, output=following.output)


def _give(args: dict[str, Any], key: str, value: Any, *, has_bias: bool) -> None:
    """Adds a follow-up to the arguments. After a norm, a bias is the exception."""
    args[key] = value
    if key == "norm" and has_bias and args.pop("bias", True):
        args["bias"] = True


def _are_separable(one: Op, two: Op) -> bool:
    """Whether two ops are the halves of a separable convolution."""
    if not isinstance(one, DepthwiseConv) or not isinstance(two, Conv) or one.bias:
        return False
    sizes = {*two.kernel, *two.stride, *two.dilation, two.groups}
    return sizes == {1} and isinstance(two.padding, str)
