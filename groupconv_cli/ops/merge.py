"""Layers that join several tensors, which a spec names by `from:` beside the layer."""

from __future__ import annotations

from collections.abc import Sequence

from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Masks, Op, Shape, shape_text, united
from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.norm import Rescaling


class _Elementwise(Op):
    merges = True
    is_elementwise = True

    def check(self, *inputs: Shape) -> None:
        """Raises OpError for shapes that do not broadcast: sizes must be equal, or one is 1."""
        broadcast(self.op, inputs)

    def output_shape(self, *inputs: Shape) -> Shape:
        """The larger size on every axis."""
        return broadcast(self.op, inputs)

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """A channel depends on the same channel of each input; a single channel counts for all."""
        count = max(map(len, masks))
        stretched = [each * count if len(each) == 1 else each for each in masks]
        return [united(channel) for channel in zip(*stretched, strict=True)]


class Add(_Elementwise, name="add"):
    """The sum of its inputs, value by value.

    `residual` and `parallel: {merge: add}` end with it.

    Shape: the inputs'; an axis of size 1 is stretched.
    Params: 0.
    MACs: 0.
    Example: `{add: {}, from: [-1, input]}`
    """

    keras_classes = ("Add", "ops.Add")

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Add`."""
        return [LayerCall("Add", name)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer, the operation on tensors, or a `rescaling` if one of two is a number."""
        return Rescaling.from_arithmetic(use) or cls()


class Multiply(_Elementwise, name="multiply"):
    """The product of its inputs, value by value.

    `squeeze_excite` and `parallel: {merge: multiply}` end with it.

    Shape: the inputs'; an axis of size 1 is stretched.
    Params: 0.
    MACs: 0.
    Example: `{multiply: {}, from: [-1, input]}`
    """

    keras_classes = ("Multiply", "ops.Multiply")

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Multiply`."""
        return [LayerCall("Multiply", name)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer, the operation on tensors, or a `rescaling` if one of two is a number."""
        return Rescaling.from_arithmetic(use) or cls()


class Average(_Elementwise, name="average"):
    """The mean of its inputs, value by value.

    Shape: the inputs'; an axis of size 1 is stretched.
    Params: 0.
    MACs: 0.
    Example: `{average: {}, from: [-1, input]}`
    """

    keras_classes = ("Average",)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Average`."""
        return [LayerCall("Average", name)]


class Maximum(_Elementwise, name="maximum"):
    """The largest of its inputs, value by value.

    Shape: the inputs'; an axis of size 1 is stretched.
    Params: 0.
    MACs: 0.
    Example: `{maximum: {}, from: [-1, input]}`
    """

    keras_classes = ("Maximum", "ops.Maximum")

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Maximum`."""
        return [LayerCall("Maximum", name)]


class Concat(Op, name="concat"):
    """The channels of its inputs one after another.

    `parallel` ends with it unless `merge` says otherwise.

    Shape: the inputs' spatial sizes, which must agree; the sum of their channels.
    Params: 0.
    MACs: 0.
    Example: `{concat: {}, from: [-1, input]}`
    """

    merges = True
    keras_classes = ("Concatenate", "ops.Concatenate")

    def check(self, *inputs: Shape) -> None:
        """Raises OpError unless all spatial sizes agree."""
        if len({x[:-1] for x in inputs}) > 1:
            raise OpError(
                f"cannot concatenate {_listed(inputs)}: their spatial sizes differ",
                hint="give the branches the same strides and padding",
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shared spatial sizes and the sum of the channels."""
        return (*inputs[0][:-1], sum(x[-1] for x in inputs))

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """The channels of one input after those of the other."""
        return [mask for each in masks for mask in each]

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Concatenate` over the last axis."""
        return [LayerCall("Concatenate", name, options={"axis": -1})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """The layer or the operation, over the last axis."""
        return cls() if use.is_over_channels(use.operation.axis) else None


def broadcast(op: str, inputs: Sequence[Shape]) -> Shape:
    """The shape that all inputs are stretched to, as in Keras' merge layers.

    Raises OpError if ranks differ, or if sizes differ and neither is 1.
    """
    if len({len(x) for x in inputs}) > 1:
        raise OpError(
            f"cannot {op} {_listed(inputs)}: one has spatial axes, the other has none",
            hint="a global pool with keepdims: true keeps them, with size 1",
        )
    if any(len(set(sizes) - {1}) > 1 for sizes in zip(*inputs, strict=True)):
        raise OpError(
            f"cannot {op} {_listed(inputs)}: the shapes differ",
            hint="give the branches the same filters, strides and padding",
        )
    return tuple(max(sizes) for sizes in zip(*inputs, strict=True))


def _listed(inputs: Sequence[Shape]) -> str:
    return " and ".join(shape_text(x) for x in inputs)
