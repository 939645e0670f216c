"""keras.Model → Network: the nodes of a walk through the graph of the model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from typing import Any

import keras

from groupconv_cli.errors import OpError
from groupconv_cli.keras_internals import graph_of
from groupconv_cli.models.known_layers import is_view, macs_of, our_op, use_of
from groupconv_cli.models.layouts import LAST, channel_axes, channels_last
from groupconv_cli.models.model_inputs import SizesOfInputs, input_shapes, no_graph
from groupconv_cli.models.tracing import PathNames, Trace, TracedUse, clean_name, sample_shape
from groupconv_cli.network import Network, Node, Step
from groupconv_cli.ops.base import Cost, Op, Shape
from groupconv_cli.ops.composite import SeparableConv
from groupconv_cli.ops.keras_layer import KerasLayer, KerasView
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.shape import Input
from groupconv_cli.ops.wrapped import Wrapped


def network_of(model: Any, sizes: SizesOfInputs | None = None) -> Network:
    """The network of a Keras model, with Keras' counts of parameters.

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
    for use in trace.uses:
        reader.add(use)
    return reader.network(clean_name(model.name), keras.tree.flatten(outputs))


class _Reader:
    """The nodes of the uses that the walk has found."""

    def __init__(self, trace: Trace) -> None:
        self.nodes: list[Node] = []
        self._trace = trace
        self._axes = channel_axes(trace)
        self._index: dict[int, int] = {}
        """The node that made a tensor, by the tensor's identity."""
        self._first: dict[int, int] = {}
        """The first node of a layer, by the layer's id."""
        self._counted: set[int] = set()
        """The ids of the weights that were counted already."""
        self._taken: set[str] = set()
        self._items: dict[tuple[str, ...], int] = {}

    def enter(self, name: str, tensor: Any) -> None:
        """Adds an input of the model."""
        op, shape = Input(), self._shown(tensor)
        name = self._unique((), name)
        self._keep(tensor, Node(name, op, (), (), shape, op.cost(), item=self._item((name,))))

    def network(self, name: str, tensors: list[Any]) -> Network:
        """The nodes so far as a network with these outputs, ordered branch by branch."""
        outputs = [self._index[self._trace.identity(x)] for x in tensors]
        inputs = [i for i, node in enumerate(self.nodes) if isinstance(node.op, Input)]
        order = _by_branches(self.nodes, inputs, outputs)
        place = {old: new for new, old in enumerate(order)}
        nodes = []
        for old in order:
            node = self.nodes[old]
            sources = tuple(place[source] for source in node.inputs)
            shares = None if node.shares is None else place[node.shares]
            nodes.append(node._replace(inputs=sources, shares=shares))
        return Network(
            name,
            tuple(nodes),
            tuple(place[i] for i in inputs),
            tuple(dict.fromkeys(place[i] for i in outputs)),
            of_model=True,
        )

    def add(self, use: TracedUse) -> None:
        """Adds the nodes for one use of a layer: one for each of its output tensors."""
        sources = tuple(self._index[self._trace.identity(x)] for x in use.tensors)
        steps = use.steps
        read = tuple(self.nodes[source].shape[len(steps) :] for source in sources)
        path, name = self._named(use.name, self._levels(use.path))
        item = self._item((*(step.name for step in path), name))
        layer = use_of(use, self._axis_of)
        for position, tensor in enumerate(use.outputs):
            shape = self._shown(tensor)
            full = self._unique(path, name if position == 0 else f"{name}_output_{position + 1}")
            # The layer's cost is at its first output; the others cost nothing.
            op: Op = KerasLayer(layer="output", shape=shape, figures=Cost())
            made = [Node(full, op, sources, read, shape, Cost(), path, item)]
            if position == 0:
                made = self._halves(layer, made[0]) or [self._costed(layer, made[0])]
            extra = self._besides(layer, use.around) if position == 0 else Cost()
            for node in made[:-1]:
                self.nodes.append(_in_place(node, steps, Cost()))
            self._keep(tensor, _in_place(made[-1], steps, extra))

    def _axis_of(self, tensor: Any) -> int:
        """The axis of a tensor's channels, counted from the end."""
        return self._axes.get(self._trace.identity(tensor), LAST)

    def _shown(self, tensor: Any) -> Shape:
        """The shape without the batch, the channels last."""
        return channels_last(sample_shape(tensor), self._axis_of(tensor))

    def _besides(self, use: LayerUse, around: tuple[Any, ...]) -> Cost:
        """The weights that layers around a layer add to it."""
        own = {id(w) for w in getattr(use.operation, "weights", ())}
        extra = Cost()
        for layer in around:
            weights = [w for w in layer.weights if id(w) not in own]
            self._counted.update(map(id, weights))
            extra = _sum(extra, Cost(*_sums(layer, weights)))
            own.update(map(id, weights))
        return extra

    def _costed(self, use: LayerUse, node: Node) -> Node:
        """The node with an op of gconv if it agrees with Keras, else with Keras' figures."""
        first = self._first.setdefault(id(use.operation), len(self.nodes))
        if first == len(self.nodes):
            params, fixed = self._count(use.operation)
        else:
            params, fixed = _weights_of(use.operation)
            node = node._replace(shares=first if params else None)
        node = node._replace(is_frozen=0 < params == fixed)
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
        own = op.cost(*node.input_shapes).non_trainable
        return node._replace(is_frozen=own != fixed).with_op(op)

    def _halves(self, use: LayerUse, node: Node) -> list[Node] | None:
        """The two convolutions of a separable convolution; None if it is none, or they disagree."""
        if not use.known_as.startswith("SeparableConv"):
            return None
        depthwise, pointwise = SeparableConv.from_keras(use.operation)
        params, fixed = _weights_of(use.operation)
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
        self._count(use.operation)
        step = Step(node.name.rpartition(".")[2], "separable_conv", node.item)
        node = node._replace(path=(*node.path, step), is_frozen=0 < params == fixed)
        one = node._replace(
            name=self._unique(node.path, "depthwise_conv"), shape=between, shares=shares[0]
        )
        two = node._replace(
            name=self._unique(node.path, "conv"),
            inputs=(index,),
            input_shapes=(between,),
            shares=shares[1],
        )
        return [one.with_op(depthwise), two.with_op(pointwise)]

    def _count(self, operation: Any) -> tuple[int, int]:
        """The number of uncounted weights, and how many of them training does not change."""
        new = [w for w in getattr(operation, "weights", ()) if id(w) not in self._counted]
        self._counted.update(map(id, new))
        return _sums(operation, new)

    def _keep(self, tensor: Any, node: Node) -> None:
        self._index[self._trace.identity(tensor)] = len(self.nodes)
        self.nodes.append(node)

    def _levels(self, names: PathNames) -> tuple[Step, ...]:
        """The levels above a layer."""
        path: tuple[Step, ...] = ()
        for name, kind in names:
            above = tuple(step.name for step in path)
            path = (*path, Step(name, kind, self._item((*above, name))))
        return path

    def _named(self, name: str, path: tuple[Step, ...]) -> tuple[tuple[Step, ...], str]:
        """The path and the name of a layer. Dots in names separate levels, as gconv writes them."""
        *levels, last = name.split(".")
        if not all((*levels, last)):
            return path, name.replace(".", "_")
        for level in levels:
            above = (*(step.name for step in path), level)
            path = (*path, Step(level, re.sub(r"_\d+$", "", level), self._item(above)))
        return path, last

    def _unique(self, path: tuple[Step, ...], name: str) -> str:
        full = wanted = ".".join([*(step.name for step in path), name])
        number = 1
        while full in self._taken:
            number += 1
            full = f"{wanted}_{number}"
        self._taken.add(full)
        return full

    def _item(self, names: tuple[str, ...]) -> int:
        return self._items.setdefault(names, len(self._items))


def _weights_of(operation: Any) -> tuple[int, int]:
    """The number of a layer's weights, and how many of them training does not change."""
    return _sums(operation, list(getattr(operation, "weights", ())))


def _sums(operation: Any, weights: list[Any]) -> tuple[int, int]:
    trainable = {id(w) for w in getattr(operation, "trainable_weights", ())}
    params = sum(prod(w.shape) for w in weights)
    return params, params - sum(prod(w.shape) for w in weights if id(w) in trainable)


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
    return Cost(*_sums(use.operation, more)) if scale else Cost()


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


def _by_branches(nodes: list[Node], inputs: list[int], outputs: list[int]) -> list[int]:
    """Indices in an order in which each branch is finished before the next begins.

    Models are written in that order. Keras sorts its layers by depth.
    """
    order, seen = list(inputs), set(inputs)
    for root in [*outputs, *range(len(nodes))]:
        waiting: list[tuple[int, Iterator[int]]] = [(root, iter(nodes[root].inputs))]
        while waiting:
            index, sources = waiting[-1]
            following = None if index in seen else next((i for i in sources if i not in seen), None)
            if following is not None:
                waiting.append((following, iter(nodes[following].inputs)))
                continue
            waiting.pop()
            if index not in seen:
                seen.add(index)
                order.append(index)
    return order


def snake_case(name: str) -> str:
    """The name in the style of specs: `max_pooling` for MaxPooling2D."""
    name = re.sub(r"[123]D(?=$|Transpose)", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
