"""Runs the written code with a stand-in for Keras and checks the layers that it makes.

The stand-in records every layer with its arguments, its name and its inputs. They are compared with
those of the network.
"""

from __future__ import annotations

import builtins
import fractions
import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from groupconv_cli.codegen.defaults import is_default
from groupconv_cli.language.open_sizes import OpenShape
from groupconv_cli.network import Network
from groupconv_cli.ops.base import Shape
from groupconv_cli.ops.calls import Initializer, LayerCall

ALLOWED = (
    *("int", "float", "range", "min", "max", "round", "len", "tuple", "set", "zip", "enumerate"),
    *("__build_class__", "object", "True", "False"),
)
"""The built-in names of Python that the code may use."""


class Made(NamedTuple):
    """A layer or an operation, with everything that defines it."""

    function: str
    arguments: tuple[tuple[str, Any], ...]
    inputs: tuple[str, ...] | list[str]
    """A list if the layer takes a list."""


def reproduces(code: str, network: Network) -> bool:
    """Whether running the code makes the network's layers, in order, and nothing else."""
    expected = _expected(network)
    keras = _Keras(expected.calls, expected.shapes)
    try:
        exec(code, keras.outer())  # noqa: S102 - our own text, and nothing is in its reach
        built = keras.namespace["build"]()
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not what was wanted
        return False
    ends = (list(expected.inputs), list(expected.outputs))
    return built == ends and list(keras.made.items()) == list(expected.made.items())


class _Expected(NamedTuple):
    calls: dict[str, LayerCall]
    shapes: dict[str, OpenShape]
    made: dict[str, Made]
    inputs: list[str]
    outputs: list[str]


def _expected(network: Network) -> _Expected:
    calls: dict[str, LayerCall] = {}
    made: dict[str, Made] = {}
    shapes = _shapes(network)
    for index, node in enumerate(network.nodes):
        if index in network.inputs:
            made[node.name] = Made("Input", (("shape", shapes[node.name]),), ())
            continue
        names = [network.nodes[source].name for source in node.inputs]
        sources: tuple[str, ...] | list[str] = names if node.op.merges else tuple(names)
        calls_of = node.op.open_calls if network.open_inputs else node.op.calls
        for call in calls_of(node.name, *node.input_shapes):
            calls[call.name] = call
            arguments = _given(call, {**call.leading, **call.options})
            made[call.name] = Made(f"{call.of}.{call.function}", arguments, sources)
            sources = (call.name,)
    inputs, outputs = (
        [network.nodes[index].name for index in indices]
        for indices in (network.inputs, network.outputs)
    )
    return _Expected(calls, shapes, made, inputs, outputs)


def _shapes(network: Network) -> dict[str, OpenShape]:
    """The shape of every output, with None for sizes that the model leaves open."""
    if network.open_inputs is None:
        return {node.name: node.shape for node in network.nodes}
    shapes: dict[str, OpenShape] = {}
    others: list[Shape] = []
    for index, node in enumerate(network.nodes):
        if index in network.inputs:
            declared = network.open_inputs[network.inputs.index(index)]
            pairs = zip(node.shape, declared, strict=True)
            others.append(tuple(2 * size if open_ is None else size for size, open_ in pairs))
        else:
            others.append(node.op.output_shape(*(others[source] for source in node.inputs)))
        shapes[node.name] = tuple(
            size if size == other else None
            for size, other in zip(node.shape, others[-1], strict=True)
        )
    return shapes


def _with_pairs(value: Any) -> Any:
    """A tuple with the pairs in it as tuples: Keras takes lists for pairs of a padding too."""
    if not isinstance(value, tuple):
        return value
    return tuple(tuple(each) if isinstance(each, list) else each for each in value)


def _given(call: LayerCall, arguments: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Arguments by name, except those with their default values; 1, 1.0 and True differ."""
    return tuple(
        sorted(
            (key, repr(_with_pairs(value)))
            for key, value in arguments.items()
            if key in call.leading or not is_default(call.function, key, value)
        )
    )


class _Tensor:
    def __init__(self, keras: _Keras, name: str) -> None:
        self.keras = keras
        self.name = name
        self._keras_history = SimpleNamespace(operation=self)

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (None, *self.keras.shapes[self.name])

    def __getitem__(self, key: tuple[Any, slice]) -> _Tensor:
        stop = self.shape[-1] if key[1].stop is None else key[1].stop
        return self.keras.operation("getitem", (key[1].start or 0, stop), {}, self)


class _Operation(_Tensor):
    """The output of an operation, which is recorded when it gets its name."""

    def __init__(self, keras: _Keras, make: Callable[[str], None]) -> None:
        self.make = make
        super().__init__(keras, "")

    def __setattr__(self, key: str, value: Any) -> None:
        super().__setattr__(key, value)
        if key == "name" and value:
            self.make(value)


class _Keras:
    """The stand-in."""

    def __init__(self, calls: Mapping[str, LayerCall], shapes: Mapping[str, OpenShape]) -> None:
        self.calls = calls
        self.shapes = shapes
        self.made: dict[str, Made] = {}
        self.namespace: dict[str, Any] = {}

    def outer(self) -> dict[str, Any]:
        """The globals to run the code with."""
        keras = SimpleNamespace(
            Input=self._input,
            Model=_model,
            layers=_Functions(self.layer),
            ops=_Functions(self._function),
            initializers=_Functions(Initializer),
        )
        known = {name: getattr(builtins, name) for name in ALLOWED if hasattr(builtins, name)}
        modules = {"keras": keras, "math": math, "fractions": fractions}
        known["__import__"] = lambda name, *_: modules[name]
        self.namespace.update({"__builtins__": known, "__name__": "written"})
        return self.namespace

    def layer(self, function: str, *leading: Any, name: str, **options: Any) -> Any:
        """A stand-in for a layer, which is recorded when it is called."""

        def apply(inputs: _Tensor | list[_Tensor]) -> _Tensor:
            self._note(f"layers.{function}", leading, options, name, inputs)
            return _Tensor(self, name)

        return apply

    def operation(
        self, function: str, leading: tuple[Any, ...], options: Mapping[str, Any], x: _Tensor
    ) -> _Tensor:
        """The output of a function of keras.ops, recorded when it gets its name."""
        source = _Tensor(self, x.name)
        return _Operation(
            self, lambda name: self._note(f"ops.{function}", leading, options, name, source)
        )

    def _function(self, function: str, x: _Tensor, *leading: Any, **options: Any) -> _Tensor:
        return self.operation(function, leading, options, x)

    def _input(self, shape: OpenShape, name: str) -> _Tensor:
        self.made[name] = Made("Input", (("shape", shape),), ())
        return _Tensor(self, name)

    def _note(
        self,
        function: str,
        leading: tuple[Any, ...],
        options: Mapping[str, Any],
        name: str,
        sources: _Tensor | list[_Tensor],
    ) -> None:
        if name in self.made:
            raise ValueError(name)
        call = self.calls[name]
        arguments = {**dict(zip(call.leading, leading, strict=True)), **options}
        inputs: tuple[str, ...] | list[str]
        if isinstance(sources, list):
            inputs = [source.name for source in sources]
        else:
            inputs = (sources.name,)
        self.made[name] = Made(function, _given(call, arguments), inputs)


class _Functions:
    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *leading, **options: self._call(name, *leading, **options)


def _model(inputs: Any, outputs: Any, name: str) -> tuple[list[str], list[str]]:  # noqa: ARG001
    listed = (each if isinstance(each, list) else [each] for each in (inputs, outputs))
    first, last = ([tensor.name for tensor in each] for each in listed)
    return first, last
