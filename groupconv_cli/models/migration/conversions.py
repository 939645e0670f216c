"""Weights that have other values in Keras 3, so that a layer computes what it did in Keras 2.

Keras 2 has hard_sigmoid as clip(x/5 + 1/2, 0, 1), and Keras 3 as clip(x/6 + 1/2, 0, 1). With the
weights that make x taken 6/5 times, the second is the first. A layer of cuDNN has the weights of a
recurrent layer in an order of its own, and two biases that are added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from groupconv_cli.errors import UsageError
from groupconv_cli.keras_internals import all_layers
from groupconv_cli.models.migration.layers import CUDNN
from groupconv_cli.models.migration.origin import shown

Convert = Callable[[Any], Any]

LARGER = 6 / 5
"""How much larger the input of Keras 3's hard_sigmoid has to be."""

GATES = {layers.LSTMCell: ("ra", "ra", "a", "ra"), layers.GRUCell: ("ra", "ra", "a")}
"""What is applied to each gate, in the order of the weights: the activation, or the recurrent one.
A ConvLSTM has the gates of an LSTM."""


def is_changed(activation: Any) -> bool:
    """Whether Keras 2 computes an activation otherwise than Keras 3."""
    return activation is keras.activations.hard_sigmoid


def larger_inputs(path: Path, model: Any) -> dict[int, Convert]:
    """For the weights that enter a hard_sigmoid, by their ids, how they are converted.

    Raises UsageError for a hard_sigmoid of which no weight of the same layer makes the input.
    """
    found: dict[int, Convert] = {}
    for layer in all_layers(model):
        if isinstance(layer, layers.Bidirectional | layers.RNN | layers.Wrapper):
            continue  # the layers in it are looked at by themselves
        own = getattr(layer, "activation", None)
        recurrent = getattr(layer, "recurrent_activation", None)
        if not (is_changed(own) or is_changed(recurrent)):
            continue
        factors = _factors(layer, own, recurrent)
        if factors is None:
            raise UsageError(
                f"{path} was written by Keras 2, and its layer {shown(layer.name)!r} applies "
                "hard_sigmoid to something that has no weights; Keras 3 computes it otherwise: its "
                "outputs would not be those of the file",
                "counting it (gconv summary) is not affected",
            )
        for variable, factor in factors:
            found[id(variable)] = _times(np.repeat(factor, variable.shape[-1] // len(factor)))
    return found


def _times(factor: Any) -> Convert:
    return lambda array: (array * factor).astype(array.dtype)


def _factors(layer: Any, own: Any, recurrent: Any) -> list[tuple[Any, list[float]]] | None:
    """The weights that make the input of a layer's activations, each with a factor per gate."""
    gates = next((GATES[kind] for kind in GATES if isinstance(layer, kind)), None)
    if gates is None and hasattr(layer, "recurrent_kernel") and recurrent is not None:
        gates = GATES[layers.LSTMCell]
    if gates is not None:
        if len(gates) == len(GATES[layers.LSTMCell]) and is_changed(own):
            return None  # an LSTM applies it to its state as well
        changed = {"a": is_changed(own), "ra": is_changed(recurrent)}
        return [(each, [LARGER if changed[gate] else 1.0 for gate in gates]) for each in _of(layer)]
    makes_input = (
        *(layers.Dense, layers.EinsumDense, layers.SimpleRNNCell),
        *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
        *(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose),
        *(layers.DepthwiseConv1D, layers.DepthwiseConv2D),
        *(layers.SeparableConv1D, layers.SeparableConv2D),
    )
    return [(each, [LARGER]) for each in _of(layer)] if isinstance(layer, makes_input) else None


def _of(layer: Any) -> list[Any]:
    """The kernels whose product is the input of the activation, and the bias."""
    separable = isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D)
    kernels = ["pointwise_kernel"] if separable else ["kernel", "recurrent_kernel"]
    found = (getattr(layer, name, None) for name in (*kernels, "bias"))
    return [each for each in found if each is not None]


def from_cudnn(pairs: Iterator[tuple[Any, str]]) -> dict[int, Convert]:
    """For the weights of layers that were of cuDNN, by their ids, how they are converted.

    `pairs` are the layers, each with its class in Keras 2. The rules are those by which Keras 2
    loads weights of CuDNNLSTM into LSTM.
    """
    found: dict[int, Convert] = {}
    for layer, kind in pairs:
        if kind in CUDNN:
            gates, cell = CUDNN[kind], layer.cell
            found[id(cell.kernel)] = _each_gate(gates, _columns_first)
            found[id(cell.recurrent_kernel)] = _each_gate(gates, np.transpose)
            found[id(cell.bias)] = _added if kind == "CuDNNLSTM" else _two_rows
    return found


def _each_gate(gates: int, change: Convert) -> Convert:
    def converted(array: Any) -> Any:
        if array.ndim != 2 or array.shape[1] % gates:
            return array  # it does not fit, which the comparison of shapes tells
        return np.hstack([change(each) for each in np.hsplit(array, gates)])

    return converted


def _columns_first(kernel: Any) -> Any:
    return kernel.T.reshape(kernel.shape, order="F")


def _added(bias: Any) -> Any:
    return bias if bias.ndim != 1 or len(bias) % 2 else bias.reshape(2, -1).sum(axis=0)


def _two_rows(bias: Any) -> Any:
    return bias if bias.ndim != 1 or len(bias) % 2 else bias.reshape(2, -1)
