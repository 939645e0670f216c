"""Layers of Keras models that the spec language does not have."""

from __future__ import annotations

from collections.abc import Sequence

from groupconv_cli.errors import UsageError
from groupconv_cli.ops.base import Cost, Masks, Op, Shape
from groupconv_cli.ops.calls import LayerCall

PER_CHANNEL = {"normalization", "rescaling", "sigmoid", "silu", "relu", "activation"}
"""Layers that compute each channel from the same channel of their only input."""


class KerasLayer(Op):
    """A layer with the shape and the cost that Keras gave; gconv computes neither.

    It is not registered and has no arguments. No spec can name it; only reading a model makes it.
    """

    def __init__(self, *, layer: str, shape: Shape, figures: Cost) -> None:
        super().__init__()
        self.__dict__.update(_layer=layer, _shape=shape, _figures=figures)

    @property
    def op(self) -> str:
        """The name of the layer's class: in snake_case where gconv knows the class."""
        return str(self.__dict__["_layer"])

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape it was made with."""
        shape: Shape = self.__dict__["_shape"]
        return shape

    def cost(self, *inputs: Shape) -> Cost:
        """The cost it was made with."""
        cost: Cost = self.__dict__["_figures"]
        return cost

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks | None:
        """None, unless the layer is known to keep every channel in its place."""
        stays = len(inputs) == 1 and inputs[0] == self.output_shape()
        return masks[0] if stays and (self.is_view or self.op in PER_CHANNEL) else None

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """Raises UsageError: gconv has the layer's figures, but cannot make the layer."""
        raise not_rebuilt(name, self.op)


def not_rebuilt(name: str, op: str) -> UsageError:
    """The error for a layer that gconv has the figures of, and not the layer."""
    return UsageError(f"gconv can count layer {name!r} ({op}) of a Keras model but not rebuild it")


class KerasView(KerasLayer):
    """A layer that moves no data at inference, such as dropout and reshapes."""

    is_view = True
