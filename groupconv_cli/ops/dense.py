"""The dense (fully connected) layer."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from groupconv_cli.ops.activation import ACTIVATION
from groupconv_cli.ops.base import Arg, Cost, Op, Shape, arg
from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.kinds import Flag, Int
from groupconv_cli.ops.norm import BIAS_UNLESS_NORM, NORM


class Dense(Op, name="dense"):
    """A matrix multiplication of the channels, the same at every position.

    Shape: the input's, with `units` channels.
    Params: in channels × units, + units with bias.
    MACs: positions × in channels × units.
    Example: `dense: {units: 1000}`
    """

    units: int = arg(Int(), "number of output channels")
    bias: bool = arg(
        Flag(), "add a learned bias per unit", default=True, otherwise=BIAS_UNLESS_NORM
    )

    is_dense = True
    keras_classes = ("Dense",)
    follow_ups: ClassVar[dict[str, Arg]] = {"norm": NORM, "activation": ACTIVATION}

    def output_shape(self, *inputs: Shape) -> Shape:
        """The input's shape with `units` in place of its channels."""
        return (*inputs[0][:-1], self.units)

    def cost(self, *inputs: Shape) -> Cost:
        """Kernel (channels, units) and bias (units); one MAC per weight and position."""
        (x,) = inputs
        kernel = x[-1] * self.units
        return Cost(params=kernel + self.units * self.bias, macs=kernel * prod(x[:-1]))

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Dense`, which works on the last axis whatever the rank."""
        return [LayerCall("Dense", name, {"units": self.units}, {"use_bias": self.bias})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """A `Dense`."""
        return cls(units=use.operation.units, bias=use.operation.use_bias)
