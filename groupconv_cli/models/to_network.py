"""keras.Model → Network: the nodes of a walk through the graph of the model."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import keras

from groupconv_cli.analysis.branch_order import by_branches
from groupconv_cli.dtypes import Storage
from groupconv_cli.errors import OpError
from groupconv_cli.keras_internals import graph_of
from groupconv_cli.models.chains import chain_op, chains
from groupconv_cli.models.exactness import (
    SINGLE,
    applied_activation,
    shown_kind,
    why_not,
    why_not_separable,
)
from groupconv_cli.models.known_layers import is_view, macs_of, our_op, use_of
from groupconv_cli.models.layouts import LAST, channel_axes, channels_last
from groupconv_cli.models.model_inputs import SizesOfInputs, input_shapes, no_graph
from groupconv_cli.models.node_names import NodeNames
from groupconv_cli.models.stored import own_storage, sums, weights_of, with_weights
from groupconv_cli.models.tracing import Trace, TracedUse, clean_name, sample_shape
from groupconv_cli.network import Foreign, Network, Node, Step
from groupconv_cli.ops.base import Cost, Op, Shape
from groupconv_cli.ops.composite import SeparableConv
from groupconv_cli.ops.keras_layer import KerasLayer, KerasView
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.shape import Input
from groupconv_cli.ops.wrapped import Wrapped


class ReadModel(NamedTuple):
    """The network of a Keras model, and the weights of its nodes."""

    network: Network
    weights: dict[str, list[Any]]
    """The variables of each node that has some of its own, by its name, in Keras' order."""


def network_of(model: Any, sizes: SizesOfInputs | None = None) -> Network:
    """The network of `read_model`."""
    return read_model(model, sizes).network


def read_model(model: Any, sizes: SizesOfInputs | None = None) -> ReadModel:
    """The network of a Keras model, with Keras' counts of parameters, and its weights.

    Models inside it are walked too. A layer that is used at several places is a node at each place,
    and its weights are counted at the first. Shapes have the channels last, wherever the model has
    them. `sizes` are the shapes of inputs that the model leaves open. The model stays unchanged.

    Raises UsageError for a model without a graph (it was not built, or has a `call` of its own),
    and for sizes that are unknown or do not fit.
    """
    graph = graph_of(model)
    if graph is None:
        raise no_graph(model)
    trace = Trace()
    shapes = input_shapes(model, graph, sizes)
    inputs = [
        trace.tensor(shape, entry.dtype) for entry, shape in zip(graph.inputs, shapes, strict=True)
    ]
    outputs = trace.walk(graph, inputs)
    reader = _Reader(trace)
    for entry, tensor in zip(graph.inputs, inputs, strict=True):
        reader.enter(clean_name(entry.name), tensor)
    ends = keras.tree.flatten(outputs)
    for chain in chains(trace, ends):
        reader.add_chain(chain)
    return ReadModel(reader.network(clean_name(model.name), ends), reader.weights)


class _Reader:
    """The nodes of the uses that the walk has found."""

    def __init__(self, trace: Trace) -> None:
        self.nodes: list[Node] = []
        self.weights: dict[str, list[Any]] = {}
        self._trace = trace
        self._axes = channel_axes(trace)
        self._index: dict[int, int] = {}
        """The node that made a tensor, by the tensor's identity."""
        self._first: dict[int, int] = {}
        """The first node of a layer, by the layer's id."""
        self._counted: set[int] = set()
        """The ids of the weights that were counted already."""
        self._names = NodeNames()
        self._foreign: dict[str, str] = {}
        """What is not in the language, by the names of nodes."""

    def enter(self, name: str, tensor: Any) -> None:
        """Adds an input of the model."""
        op, shape = Input(), self._shown(tensor)
        name = self._names.unique((), name)
        if str(tensor.dtype) != SINGLE:
            self._foreign[name] = f"an input of {tensor.dtype}"
        item, storage = self._names.item((), name), Storage(output=str(tensor.dtype))
        self._keep(tensor, Node(name, op, (), (), shape, op.cost(), item=item, storage=storage))

    def network(self, name: str, tensors: list[Any]) -> Network:
        """The nodes so far as a network with these outputs, ordered branch by branch."""
        outputs = [self._index[self._trace.identity(x)] for x in tensors]
        inputs = [i for i, node in enumerate(self.nodes) if isinstance(node.op, Input)]
        order = by_branches(self.nodes, inputs, outputs)
        place = {old: new for new, old in enumerate(order)}
        nodes = []
        for old in order:
            node = self.nodes[old]
            sources = tuple(place[source] for source in node.inputs)
            shares = None if node.shares is None else place[node.shares]
            followed = None if node.groups_from is None else place[node.groups_from]
            nodes.append(node._replace(inputs=sources, shares=shares, groups_from=followed))
        self._check_ends(nodes, [place[i] for i in outputs])
        return Network(
            name,
            tuple(nodes),
            tuple(place[i] for i in inputs),
            tuple(dict.fromkeys(place[i] for i in outputs)),
            foreign=tuple(
                Foreign(node.name, self._foreign[node.name])
                for node in nodes
                if node.name in self._foreign
            ),
        )

    def _check_ends(self, nodes: list[Node], outputs: list[int]) -> None:
        """Notes inputs and outputs that no spec can have."""
        read = {index for node in nodes for index in node.inputs}
        for index, node in enumerate(nodes):
            if outputs.count(index) > 1:
                self._foreign.setdefault(node.name, "an output twice")
            elif index in outputs and isinstance(node.op, Input):
                self._foreign.setdefault(node.name, "an input that is an output")
            elif index not in outputs and index not in read:
                self._foreign.setdefault(node.name, "read by no layer")

    def add_chain(self, uses: list[TracedUse]) -> None:
        """Adds the one node of several uses that are one op of gconv, or the nodes of each use."""
        if len(uses) == 1 or not self._one_op(uses):
            for use in uses:
                self._add(use)

    def _one_op(self, uses: list[TracedUse]) -> bool:
        """Adds the node of uses that are what gconv makes of one op, if they are."""
        layers = [use_of(use, self._axis_of) for use in uses]
        op = chain_op(layers)
        if op is None or any(id(each.operation) in self._first for each in layers):
            return False
        source = self._index[self._trace.identity(uses[0].tensors[0])]
        tensor = uses[-1].outputs[0]
        shapes = (self.nodes[source].shape,)
        try:
            op.check(*shapes)
            if op.output_shape(*shapes) != self._shown(tensor) or why_not(op, shapes, layers):
                return False
        except OpError:
            return False
        path, name = self._names.placed(uses[-1].name, uses[-1].path)
        full, item = self._names.unique(path, name), self._names.item(path, name)
        storage, fixed = Storage(output=str(tensor.dtype)), 0
        for layer in layers:
            weights = self._new_weights(layer.operation)
            if weights:  # one of them has all weights, as a convolution after a padding
                storage = own_storage(storage, layer, weights)
            fixed += sums(layer.operation, weights)[1]
            self._first[id(layer.operation)] = len(self.nodes)
        made_of = (self._shown(tensor), Cost(), path, item)
        node = Node(full, op, (source,), shapes, *made_of, storage=storage)
        self.weights[full] = [w for each in layers for w in weights_of(each.operation)]
        is_frozen = op.cost(*shapes).non_trainable != fixed
        node = node._replace(is_frozen=is_frozen, groups_from=self._followed(op, source))
        self._keep(tensor, node.with_op(op))
        return True

    def _followed(self, op: Op, index: int) -> int | None:
        """The convolution whose groups an op takes, as in a spec: the last grouped one before it.

        None if that has other groups, or the op takes none.
        """
        while op.takes_groups_before and self.nodes[index].inputs:
            node = self.nodes[index]
            if node.is_grouped and not node.is_depthwise:
                return index if node.groups == op.groups_of(*node.input_shapes) else None
            index = node.inputs[0]
        return None

    def _add(self, use: TracedUse) -> None:
        """Adds the nodes for one use of a layer: one for each of its output tensors."""
        sources = tuple(self._index[self._trace.identity(x)] for x in use.tensors)
        steps = use.steps
        read = tuple(self.nodes[source].shape[len(steps) :] for source in sources)
        path, name = self._names.placed(use.name, use.path)
        item = self._names.item(path, name)
        layer = use_of(use, self._axis_of)
        for position, tensor in enumerate(use.outputs):
            shape = self._shown(tensor)
            label = name if position == 0 else f"{name}_output_{position + 1}"
            full = self._names.unique(path, label)
            # The layer's cost is at its first output; the others cost nothing.
            op: Op = KerasLayer(layer="output", shape=shape, figures=Cost())
            storage = Storage(output=str(tensor.dtype))
            made = [Node(full, op, sources, read, shape, Cost(), path, item, storage=storage)]
            extra = Cost()
            if position == 0:
                made = self._halves(layer, made[0]) or [self._costed(layer, made[0])]
                extra, besides = self._besides(layer, use.around)
                made[-1] = made[-1]._replace(storage=with_weights(made[-1].storage, besides))
                if not (steps or use.around):
                    made += self._activated(layer, made, name)
            if steps or use.around:
                kind = type(use.around[-1]).__name__ if use.around else "TimeDistributed"
                self._foreign[made[-1].name] = clean_name(kind)
            for node in made[:-1]:
                self.nodes.append(_in_place(node, steps, Cost()))
            self._keep(tensor, _in_place(made[-1], steps, extra))

    def _axis_of(self, tensor: Any) -> int:
        """The axis of a tensor's channels, counted from the end."""
        return self._axes.get(self._trace.identity(tensor), LAST)

    def _shown(self, tensor: Any) -> Shape:
        """The shape without the batch, the channels last."""
        return channels_last(sample_shape(tensor), self._axis_of(tensor))

    def _besides(self, use: LayerUse, around: tuple[Any, ...]) -> tuple[Cost, list[Any]]:
        """The cost of the weights that layers around a layer add to it, and these weights."""
        own = {id(w) for w in getattr(use.operation, "weights", ())}
        extra, besides = Cost(), []
        for layer in around:
            weights = [w for w in layer.weights if id(w) not in own]
            self._counted.update(map(id, weights))
            extra = _sum(extra, Cost(*sums(layer, weights)))
            own.update(map(id, weights))
            besides += weights
        return extra, besides

    def _costed(self, use: LayerUse, node: Node) -> Node:
        """The node with an op of gconv if it agrees with Keras, else with Keras' figures."""
        first = self._first.setdefault(id(use.operation), len(self.nodes))
        if first == len(self.nodes):
            weights = self._new_weights(use.operation)
            params, fixed = sums(use.operation, weights)
        else:
            weights = weights_of(use.operation)
            params, fixed = sums(use.operation, weights)
            node = node._replace(shares=first if params else None)
        if node.shares is None:
            self.weights[node.name] = weights_of(use.operation)
        node = node._replace(
            is_frozen=0 < params == fixed, storage=own_storage(node.storage, use, weights)
        )
        more = _vectors(use)
        op = _agreeing(use, node, params - more.params, fixed - more.non_trainable)
        if use.assumed:
            if op is not None:
                op = Wrapped(op, extra=more, assumed=use.assumed)
            else:  # it does something else than the class it derives from
                use = use._replace(known_as="")
        if op is None:
            macs = macs_of(use)
            figures = Cost(params, fixed, macs or 0, macs is not None)
            name = type(use.operation).__name__
            label = clean_name(name) if macs is None else snake_case(name)
            kind = KerasView if is_view(use) else KerasLayer
            op = kind(layer=label, shape=node.shape, figures=figures)
        is_ours = not isinstance(op, KerasLayer | Wrapped)
        self._compare(node, use, why_not(op, node.input_shapes, [use]) if is_ours else "")
        own = op.cost(*node.input_shapes).non_trainable
        return node._replace(is_frozen=own != fixed).with_op(op)

    def _compare(self, node: Node, use: LayerUse, difference: str | None) -> None:
        """Notes a difference from what gconv would make of a node; '' means another layer."""
        if difference is None and node.shares is not None:
            difference = f"{shown_kind(use)} with the weights of another layer"
        if difference is not None:
            self._foreign[node.name] = difference or shown_kind(use)

    def _activated(self, use: LayerUse, made: list[Node], name: str) -> list[Node]:
        """The node of the activation that the layer of some nodes applies itself, if it does."""
        node = made[-1]
        has_activation = "activation" in getattr(node.op, "follow_ups", ())
        op = applied_activation(use) if has_activation else None
        if isinstance(op, str):
            self._foreign.setdefault(node.name, f"{shown_kind(use)} with the activation {op}")
        if not isinstance(op, Op):
            return []
        label = f"{name}_{op.op}" if len(made) == 1 else op.op  # as the language names it
        full, shapes = self._names.unique(node.path, label), (node.shape,)
        before = (len(self.nodes) + len(made) - 1,)
        storage = Storage(output=node.storage.output) if node.storage else None
        made_of = (node.shape, op.cost(), node.path, node.item)
        return [Node(full, op, before, shapes, *made_of, storage=storage)]

    def _halves(self, use: LayerUse, node: Node) -> list[Node] | None:
        """The two convolutions of a separable convolution; None if it is none, or they disagree."""
        if not use.known_as.startswith("SeparableConv"):
            return None
        depthwise, pointwise = SeparableConv.from_keras(use.operation)
        difference = why_not_separable(use, depthwise, use.operation.filters)
        params, fixed = sums(use.operation, weights_of(use.operation))
        x = node.input_shapes[0]
        try:
            between = depthwise.output_shape(x)
            fits = pointwise.output_shape(between) == node.shape
            own = depthwise.cost(x).params + pointwise.cost(between).params
        except OpError:
            return None
        if not fits or own != params or fixed not in (0, params):
            return None
        index = len(self.nodes)
        first = self._first.setdefault(id(use.operation), index)
        shares = [None, None] if first == index else [first, first + 1]
        self._new_weights(use.operation)
        storage = own_storage(
            node.storage, use, weights_of(use.operation)
        )  # both have the same dtypes
        step = Step(node.name.rpartition(".")[2], "separable_conv", node.item)
        is_frozen = 0 < params == fixed
        node = node._replace(path=(*node.path, step), is_frozen=is_frozen, storage=storage)
        one = node._replace(
            name=self._names.unique(node.path, "depthwise_conv"), shape=between, shares=shares[0]
        )
        two = node._replace(
            name=self._names.unique(node.path, "conv"),
            inputs=(index,),
            input_shapes=(between,),
            shares=shares[1],
        )
        if first == index:
            (self.weights[one.name], self.weights[two.name]) = ([], [])
            for number, weight in enumerate(weights_of(use.operation)):
                self.weights[two.name if number else one.name].append(weight)
        self._compare(one, use, difference)
        return [one.with_op(depthwise), two.with_op(pointwise)]

    def _new_weights(self, operation: Any) -> list[Any]:
        """The weights that were not counted yet; they are then."""
        new = [w for w in weights_of(operation) if id(w) not in self._counted]
        self._counted.update(map(id, new))
        return new

    def _keep(self, tensor: Any, node: Node) -> None:
        self._index[self._trace.identity(tensor)] = len(self.nodes)
        self.nodes.append(node)


def _agreeing(use: LayerUse, node: Node, params: int, fixed: int) -> Op | None:
    """The op of gconv for a use of a layer, if its shape and weights agree with Keras."""
    op = our_op(use)
    if op is None:
        return None
    try:
        shape, cost = op.output_shape(*node.input_shapes), op.cost(*node.input_shapes)
    except OpError:
        return None
    non_trainable = cost.params if node.is_frozen else cost.non_trainable
    agrees = (shape, cost.params, non_trainable) == (node.shape, params, fixed)
    return op if agrees else None


def _vectors(use: LayerUse) -> Cost:
    """The weights that a custom class has besides those of its parent, if they only scale."""
    own = {id(getattr(use.operation, name, None)) for name in ("kernel", "bias")}
    more = [w for w in use.operation.weights if id(w) not in own] if use.assumed else []
    scale = all(sum(size > 1 for size in w.shape) <= 1 for w in more)
    return Cost(*sums(use.operation, more)) if scale else Cost()


def _in_place(node: Node, steps: Shape, extra: Cost) -> Node:
    """The node of a layer by itself at its place: with all steps and what is around it."""
    if not (steps or extra.params):
        return node
    op = Wrapped(node.op, steps=steps, extra=extra)
    shapes = tuple((*steps, *shape) for shape in node.input_shapes)
    placed = node._replace(input_shapes=shapes, shape=(*steps, *node.shape))
    return placed.with_op(op)


def _sum(one: Cost, other: Cost) -> Cost:
    """The weights of both."""
    return Cost(one.params + other.params, one.non_trainable + other.non_trainable)


def snake_case(name: str) -> str:
    """The name in the style of specs: `max_pooling` for MaxPooling2D."""
    name = re.sub(r"[123]D(?=$|Transpose)", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
