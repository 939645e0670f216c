"""Activations. Each Keras activation is a layer of the spec by its Keras name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groupconv_cli.ops.base import Arg, Op, Shape, arg, register
from groupconv_cli.ops.kinds import Choice

FUNCTIONS = (
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "hard_swish",
    "leaky_relu",
    "linear",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
)
"""Names that keras.activations knows and that work on each value (softmax: on each position)."""

ACTIVATION = Arg(Choice(FUNCTIONS), "an activation after the layer (and its norm)", None, False)
NORM = Arg(Choice(("batch",)), "a normalisation after the layer", None, False)


class Activation(Op):
    """Applies a function to every value.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `relu`
    """

    function: str = arg(Choice(FUNCTIONS), "name of the function")

    @property
    def op(self) -> str:
        """The name of the function."""
        return self.function

    def build(self, name: str, *inputs: Shape) -> Sequence[Any]:
        """`Activation` with the function of the same name."""
        from keras import layers

        return [layers.Activation(self.function, name=name)]


for _function in FUNCTIONS:
    register(_function, Activation, preset={"function": _function})
