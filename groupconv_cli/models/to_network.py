"""keras.Model → Network: walks the graph of the model once, with a batch of one sample."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from math import prod
from typing import Any

import keras

from groupconv_cli.errors import OpError, UsageError
from groupconv_cli.foreign import first_line
from groupconv_cli.keras_internals import graph_of, walk_graph
from groupconv_cli.models.known_layers import is_view, macs_of, our_op, use_of
from groupconv_cli.network import Network, Node, Step
from groupconv_cli.ops.base import Cost, Op, Shape, shape_text
from groupconv_cli.ops.composite import SeparableConv
from groupconv_cli.ops.keras_layer import KerasLayer, KerasView
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.shape import Input

SizesOfInputs = list[tuple[int, ...]]
"""The shape of each input of a model, without the batch."""

MAX_NAME = 100


def network_of(model: Any, sizes: SizesOfInputs | None = None) -> Network:
    """The network of a Keras model, with Keras' counts of parameters.

    Models inside it are walked too. A layer that is used at several places is a node at each place,
    and its weights are counted at the first. `sizes` are the shapes of inputs that the model leaves
    open. The model stays unchanged.

    Raises UsageError for a model without a graph (it was not built, or has a `call` of its own),
    for sizes that are unknown or do not fit, and for channels first.
    """
    graph = graph_of(model)
    if graph is None:
        raise _no_graph(model)
    reader = _Reader(model)
    inputs = []
    for entry, shape in zip(graph.inputs, _input_shapes(model, graph, sizes), strict=True):
        inputs.append(reader.enter(entry, shape))
    outputs = reader.walk(graph, inputs, ())
    return reader.network([reader.index[id(tensor)] for tensor in keras.tree.flatten(outputs)])


class _Reader:
    """The nodes that the walk has found."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.nodes: list[Node] = []
        self.index: dict[int, int] = {}
        """The node that made a tensor, by the tensor's id."""
        self._kept: list[Any] = []
        """The tensors, which are kept so that no other tensor gets their ids."""
        self._first: dict[int, int] = {}
        """The first node of a layer, by the layer's id."""
        self._counted: set[int] = set()
        """The ids of the weights that were counted already."""
        self._taken: set[str] = set()
        self._calls: dict[tuple[tuple[Step, ...], int], int] = defaultdict(int)
        """How often each inner model was used."""
        self._items: dict[tuple[str, ...], int] = {}

    def enter(self, entry: Any, shape: Shape) -> Any:
        """A tensor for an input of the model, with a batch of one sample."""
        tensor = keras.KerasTensor((1, *shape), dtype=entry.dtype)
        name = self._unique((), clean_name(entry.name))
        op = Input()
        self._keep(tensor, Node(name, op, (), (), shape, op.cost(), item=self._item((name,))))
        return tensor

    def walk(self, graph: Any, tensors: list[Any], path: tuple[Step, ...]) -> Any:
        """Goes through a graph for these inputs; returns the outputs of the graph."""

        def visitor(operation: Any) -> Any:
            return lambda *args, **kwargs: self._visit(operation, path, args, kwargs)

        return walk_graph(graph, tensors, visitor)

    def network(self, outputs: list[int]) -> Network:
        """The nodes so far as a network, ordered branch by branch."""
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
            clean_name(self.model.name),
            tuple(nodes),
            tuple(place[i] for i in inputs),
            tuple(dict.fromkeys(place[i] for i in outputs)),
            of_model=True,
        )

    def _visit(
        self, operation: Any, path: tuple[Step, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        tensors = [
            x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, keras.KerasTensor)
        ]
        graph = graph_of(operation)
        if graph is not None and len(tensors) == len(graph.inputs):
            return self.walk(graph, tensors, (*path, self._step(operation, path)))
        if getattr(operation, "data_format", None) == "channels_first" and _has_axes(tensors):
            raise UsageError(
                f"layer {clean_name(operation.name)!r} uses channels_first; gconv reads models "
                "with channels_last, which also run on a CPU"
            )
        try:
            made = operation.compute_output_spec(*args, **kwargs)
        except Exception as error:
            raise UsageError(
                f"Keras cannot compute the output shape of layer {clean_name(operation.name)!r} "
                f"for the input {_shapes_text(tensors)}: {first_line(error)}"
            ) from error
        outputs = keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, dtype=x.dtype), made
        )
        flat = keras.tree.flatten(outputs)
        if any(size is None for x in flat for size in x.shape):
            raise UsageError(
                f"the output size of layer {clean_name(operation.name)!r} depends on values, so "
                "it cannot be counted"
            )
        shapes = tuple(tuple(x.shape) for x in tensors)
        use = use_of(operation, args, kwargs, shapes, tuple(flat[0].shape) if flat else ())
        self._add(use, path, tensors, flat)
        return outputs

    def _add(
        self, use: LayerUse, path: tuple[Step, ...], tensors: list[Any], outputs: list[Any]
    ) -> None:
        """Nodes for one use of a layer: one for each of its output tensors."""
        sources = tuple(self.index[id(x)] for x in tensors)
        read = tuple(self.nodes[source].shape for source in sources)
        path, name = self._named(use.operation, path)
        item = self._item((*(step.name for step in path), name))
        for position, tensor in enumerate(outputs):
            shape = _sample_shape(tensor)
            full = self._unique(path, name if position == 0 else f"{name}_output_{position + 1}")
            # The layer's cost is at its first output; the others cost nothing.
            op: Op = KerasLayer(layer="output", shape=shape, figures=Cost())
            node = Node(full, op, sources, read, shape, Cost(), path, item)
            if position == 0 and use.known_as.startswith("SeparableConv"):
                halves = self._halves(use, node)
                if halves:
                    self.nodes.append(halves[0])
                    node = halves[1]
            if position == 0 and node.op is op:
                node = self._costed(use, node)
            self._keep(tensor, node)

    def _costed(self, use: LayerUse, node: Node) -> Node:
        """The node with an op of gconv if it agrees with Keras, else with Keras' figures."""
        first = self._first.setdefault(id(use.operation), len(self.nodes))
        if first == len(self.nodes):
            params, fixed = self._count(use.operation)
        else:
            params, fixed = _weights_of(use.operation)
            node = node._replace(shares=first if params else None)
        node = node._replace(is_frozen=0 < params == fixed)
        op = _agreeing(use, node, params, fixed)
        if op is None:
            macs = macs_of(use)
            figures = Cost(params, fixed, macs or 0, macs is not None)
            name = type(use.operation).__name__
            label = clean_name(name) if macs is None else snake_case(name)
            kind = KerasView if is_view(use) else KerasLayer
            op = kind(layer=label, shape=node.shape, figures=figures)
        own = op.cost(*node.input_shapes).non_trainable
        return node._replace(is_frozen=own != fixed).with_op(op)

    def _halves(self, use: LayerUse, node: Node) -> tuple[Node, Node] | None:
        """The two convolutions of a separable convolution; None if they disagree with Keras."""
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
        return one.with_op(depthwise), two.with_op(pointwise)

    def _count(self, operation: Any) -> tuple[int, int]:
        """The number of uncounted weights, and how many of them training does not change."""
        new = [w for w in getattr(operation, "weights", ()) if id(w) not in self._counted]
        self._counted.update(map(id, new))
        return _sums(operation, new)

    def _keep(self, tensor: Any, node: Node) -> None:
        self._kept.append(tensor)
        self.index[id(tensor)] = len(self.nodes)
        self.nodes.append(node)

    def _step(self, model: Any, path: tuple[Step, ...]) -> Step:
        """The level of an inner model. Each use of the model is a level of its own."""
        key = (path, id(model))
        self._calls[key] += 1
        name = clean_name(model.name).replace(".", "_")
        if self._calls[key] > 1:
            name += f"_{self._calls[key]}"
        return Step(name, "model", self._item((*(step.name for step in path), name)))

    def _named(self, operation: Any, path: tuple[Step, ...]) -> tuple[tuple[Step, ...], str]:
        """The path and the name of a layer. Dots in names separate levels, as gconv writes them."""
        *levels, name = clean_name(operation.name).split(".")
        if not all((*levels, name)):
            return path, clean_name(operation.name).replace(".", "_")
        for level in levels:
            above = (*(step.name for step in path), level)
            path = (*path, Step(level, re.sub(r"_\d+$", "", level), self._item(above)))
        return path, name

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


def _sample_shape(tensor: Any) -> Shape:
    """The shape without the batch of 1; the whole shape if the batch was merged into other axes."""
    shape = tuple(tensor.shape)
    return shape[1:] if shape[:1] == (1,) else shape


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


def _input_shapes(model: Any, graph: Any, sizes: SizesOfInputs | None) -> list[Shape]:
    """The shapes of the inputs, without the batch. Raises UsageError for unknown sizes."""
    declared = [tuple(entry.shape[1:]) for entry in graph.inputs]
    name = clean_name(model.name)
    listed = " and ".join(_open_text(shape) for shape in declared)
    if sizes is None:
        if any(size is None for shape in declared for size in shape):
            raise UsageError(
                f"model {name!r} leaves sizes of its input open: {listed}",
                f"set them: --set input={_example(declared)}",
            )
        return declared
    fits = len(sizes) == len(declared) and all(
        len(given) == len(shape)
        and all(want in (None, size) for size, want in zip(given, shape, strict=True))
        for given, shape in zip(sizes, declared, strict=True)
    )
    if not fits:
        given = " and ".join(shape_text(shape) for shape in sizes)
        raise UsageError(
            f"the input of model {name!r} is {listed}, and {given} does not fit it; only open "
            "sizes (?) can be set"
        )
    return [tuple(shape) for shape in sizes]


def _open_text(shape: tuple[int | None, ...]) -> str:
    return "×".join("?" if size is None else str(size) for size in shape)


def _example(declared: list[tuple[int | None, ...]]) -> str:
    """The text to type for the sizes, with 224 for each open size."""
    filled = [[224 if size is None else size for size in shape] for shape in declared]
    texts = [",".join(map(str, shape)) for shape in filled]
    return texts[0] if len(texts) == 1 else "'[" + ", ".join(f"[{text}]" for text in texts) + "]'"


def _no_graph(model: Any) -> UsageError:
    name = clean_name(model.name)
    if isinstance(model, keras.Sequential):
        return UsageError(
            f"model {name!r} was not built, so its layers have no shapes",
            "start it with a keras.Input, or call model.build((None, 224, 224, 3)), with your "
            "sizes; for a file: --set input=224,224,3",
        )
    return UsageError(
        f"model {name!r} has the custom class {clean_name(type(model).__name__)} with its own "
        "call(): Keras has no graph of its layers",
        "make it functional: x = keras.Input(...), then keras.Model(x, model.call(x))",
    )


def _has_axes(tensors: list[Any]) -> bool:
    return any(len(x.shape) > 2 for x in tensors)


def _shapes_text(tensors: list[Any]) -> str:
    return " and ".join(shape_text(_sample_shape(x)) or "a number" for x in tensors) or "no input"


def snake_case(name: str) -> str:
    """The name in the style of specs: `max_pooling` for MaxPooling2D."""
    name = re.sub(r"[123]D(?=$|Transpose)", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def clean_name(name: str) -> str:
    """A name from a model, shortened and without characters that break terminals or tables."""
    return re.sub(r"[^\w.+/-]", "_", str(name)[:MAX_NAME]) or "_"
