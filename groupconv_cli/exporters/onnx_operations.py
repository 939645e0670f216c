"""TensorFlow's operations that tf2onnx has nothing for, in ONNX' own: for the converter process."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper


def _erfc(context: Any, node: Any, _name: str, _arguments: list[Any]) -> None:
    """Erfc(x) = 1 - Erf(x). Keras makes its exact GELU of it."""
    erf = context.make_node("Erf", list(node.input), name=f"{node.name}/erf")
    _difference(context, node, _one(context, node), erf.output[0])


def _expm1(context: Any, node: Any, _name: str, _arguments: list[Any]) -> None:
    """Expm1(x) = Exp(x) - 1. Keras makes CELU of it."""
    power = context.make_node("Exp", list(node.input), name=f"{node.name}/exp")
    _difference(context, node, power.output[0], _one(context, node))


def _one(context: Any, node: Any) -> str:
    """A constant of the node's type."""
    dtype = helper.tensor_dtype_to_np_dtype(context.get_dtype(node.output[0]))
    return str(context.make_const(f"{node.name}/one", np.array(1, dtype)).output[0])


def _difference(context: Any, node: Any, one: str, other: str) -> None:
    """Makes the node the difference of two tensors."""
    node.type = "Sub"
    context.replace_inputs(node, [one, other])


HANDLERS: dict[str, tuple[Any, list[Any]]] = {"Erfc": (_erfc, []), "Expm1": (_expm1, [])}
"""As `tf2onnx.convert` takes them: the function and its arguments, by the operation's name."""


def without_constants(graph: Any, count: int, constants: list[Any]) -> None:
    """Makes initializers of constants that the function has taken in from outside of it.

    tf2onnx makes inputs of them, after the `count` real ones. `Normalization` keeps its mean so.
    """
    from onnx import numpy_helper

    taken = list(graph.input[count:])
    del graph.input[count:]
    known = {tensor.name for tensor in graph.initializer}
    used = {name for node in graph.node for name in node.input}
    for value, constant in zip(taken, constants, strict=True):
        if value.name in used and value.name not in known:
            graph.initializer.append(numpy_helper.from_array(constant.numpy(), value.name))
