"""The walk through a Keras model's graph: every use of a layer, in the order that Keras has."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, NamedTuple

import keras

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import first_line
from groupconv_cli.keras_internals import graph_of, traced_spec, walk_graph
from groupconv_cli.ops.base import Shape, shape_text

MAX_NAME = 100

PathNames = tuple[tuple[str, str], ...]
"""The levels above a layer: the name and the kind of each."""


class TracedUse(NamedTuple):
    """One use of a layer or operation, with a batch of one sample."""

    operation: Any
    name: str
    """The name of the layer, or that of the layer around it."""
    path: PathNames
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: list[Any]
    """All tensors that go in."""
    outputs: list[Any]
    steps: Shape
    """How often it runs: the sizes that the layers around it go through step by step."""
    around: tuple[Any, ...]
    """Layers around it whose weights belong to it."""


class Trace:
    """All uses of layers in a model, and which tensors are one and the same."""

    def __init__(self) -> None:
        self.uses: list[TracedUse] = []
        self._same: dict[int, int] = {}
        """The tensor of which another is a step, by ids."""
        self._kept: list[Any] = []
        """All tensors, so that no other tensor is given their ids."""
        self._calls: dict[tuple[PathNames, int], int] = defaultdict(int)
        """How often a model inside was used."""
        self._steps: Shape = ()
        self._around: tuple[Any, ...] = ()

    def tensor(self, shape: Shape, dtype: Any) -> Any:
        """A tensor for an input of the model."""
        return self._keep(keras.KerasTensor((1, *shape), dtype=dtype))

    def identity(self, tensor: Any) -> int:
        """The same number for a tensor and for one step of it."""
        return self._same.get(id(tensor), id(tensor))

    def walk(self, graph: Any, tensors: list[Any], path: PathNames = ()) -> Any:
        """Goes through a graph for these inputs; returns the outputs of the graph."""

        def visitor(operation: Any) -> Any:
            return lambda *args, **kwargs: self._visit(operation, path, args, kwargs)

        return walk_graph(graph, tensors, visitor)

    def _visit(
        self,
        operation: Any,
        path: PathNames,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
    ) -> Any:
        """Adds a use. `name` is that of a layer around it, if there is one."""
        name = clean_name(operation.name) if name is None else name
        tensors = [
            x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, keras.KerasTensor)
        ]
        graph = graph_of(operation)
        if graph is not None and len(tensors) == len(graph.inputs):
            return self.walk(graph, tensors, (*path, self._step(operation, path, name)))
        outputs = keras.tree.map_structure(
            lambda x: self._keep(keras.KerasTensor(x.shape, dtype=x.dtype)),
            _output_spec(operation, args, kwargs, tensors),
        )
        flat = keras.tree.flatten(outputs)
        if type(operation) is keras.layers.TimeDistributed:
            inside = self._step_by_step(operation, path, name, tensors[0], flat)
        elif type(operation) is keras.layers.SpectralNormalization:
            inside = self._with_weights_of(operation, path, name, args, flat)
        else:
            inside = False
        if not inside:
            steps, around = self._steps, self._around
            use = TracedUse(operation, name, path, args, kwargs, tensors, flat, steps, around)
            self.uses.append(use)
        return outputs

    def _step_by_step(
        self, layer: Any, path: PathNames, name: str, tensor: Any, outputs: list[Any]
    ) -> bool:
        """Goes through what a TimeDistributed does in every step, if that explains its output."""
        steps, before = tensor.shape[1], (self._steps, len(self.uses))
        step = self._keep(keras.KerasTensor((1, *tensor.shape[2:]), dtype=tensor.dtype))
        self._same[id(step)] = self.identity(tensor)
        self._steps = (*before[0], steps)
        try:
            made = keras.tree.flatten(self._visit(layer.layer, path, (step,), {}, name))
        finally:
            self._steps = before[0]
        shapes = [(1, steps, *each.shape[1:]) for each in made]
        if shapes == [tuple(each.shape) for each in outputs]:
            self._rename(made, outputs)
            return True
        del self.uses[before[1] :]
        return False

    def _with_weights_of(
        self,
        layer: Any,
        path: PathNames,
        name: str,
        args: tuple[Any, ...],
        outputs: list[Any],
    ) -> bool:
        """Goes through the layer that a SpectralNormalization runs, if that gives its output.

        At inference it runs that layer and nothing else.
        """
        before = self._around, len(self.uses)
        self._around = (*before[0], layer)
        try:
            made = keras.tree.flatten(self._visit(layer.layer, path, args[:1], {}, name))
        finally:
            self._around = before[0]
        if [x.shape for x in made] == [x.shape for x in outputs]:
            self._rename(made, outputs)
            return True
        del self.uses[before[1] :]
        return False

    def _rename(self, inner: list[Any], outer: list[Any]) -> None:
        """Takes each outer tensor for the inner one that it is, or is many steps of."""
        for one, other in zip(inner, outer, strict=True):
            self._same[id(other)] = self.identity(one)

    def _keep(self, tensor: Any) -> Any:
        self._kept.append(tensor)
        return tensor

    def _step(self, model: Any, path: PathNames, name: str) -> tuple[str, str]:
        """The level of a model inside. Each use of the model is a level of its own."""
        key = (path, id(model))
        self._calls[key] += 1
        name = name.replace(".", "_")
        if self._calls[key] > 1:
            name += f"_{self._calls[key]}"
        return name, "model"


def _output_spec(operation: Any, args: Any, kwargs: Any, tensors: list[Any]) -> Any:
    """What comes out, as Keras says; or where it leaves sizes open, as it computes it.

    Raises UsageError if Keras cannot tell, or a size depends on values.
    """
    name = clean_name(operation.name)
    try:
        made = operation.compute_output_spec(*args, **kwargs)
        if _is_open(made):
            made = traced_spec(operation, args, kwargs)
    except Exception as error:
        raise UsageError(
            f"Keras cannot compute the output shape of layer {name!r} "
            f"for the input {_shapes_text(tensors)}: {first_line(error)}"
        ) from error
    if _is_open(made):
        raise UsageError(
            f"the output size of layer {name!r} depends on values, so it cannot be counted"
        )
    return made


def _is_open(made: Any) -> bool:
    return any(size is None for x in keras.tree.flatten(made) for size in x.shape)


def sample_shape(tensor: Any) -> Shape:
    """The shape without the batch, which is 1; whole where the batch has gone into other axes."""
    shape = tuple(tensor.shape)
    return shape[1:] if shape[:1] == (1,) else shape


def _shapes_text(tensors: list[Any]) -> str:
    return " and ".join(shape_text(sample_shape(x)) or "a number" for x in tensors) or "no input"


def clean_name(name: str) -> str:
    """A name out of a model, short and without what a terminal or a table would trip over."""
    return re.sub(r"[^\w.+/-]", "_", str(name)[:MAX_NAME]) or "_"
