"""Layers that are made of other layers, such as `residual`. They expand into primitives."""

from __future__ import annotations

from typing import Any

from groupconv_cli.errors import OpError
from groupconv_cli.ops.activation import ACTIVATION, activation
from groupconv_cli.ops.base import Builder, Composite, Op, Shape, Tensor, arg, shape_text
from groupconv_cli.ops.conv import PADDING, Conv, DepthwiseConv, window_from_keras
from groupconv_cli.ops.geometry import Padding
from groupconv_cli.ops.kinds import Branches, Choice, Flag, Int, Layers, LayersOr, Odd, Real, Shares
from groupconv_cli.ops.merge import Add, Average, Concat, Maximum, Multiply
from groupconv_cli.ops.norm import BIAS_UNLESS_NORM, NORM, BatchNorm, LocalResponse
from groupconv_cli.ops.pool import GlobalAvgPool
from groupconv_cli.ops.shape import Split
from groupconv_cli.ops.size_kinds import Size

MERGES: dict[str, type[Op]] = {
    cls.registered_name: cls for cls in (Concat, Add, Multiply, Average, Maximum)
}


class Residual(Composite, name="residual"):
    """Adds the output of `body` to the input, or to a shortcut of the input.

    Shape: the body's.
    Params: those of its layers; `project` adds a 1×1 convolution without bias and a batch norm.
    MACs: those of its layers.
    Example: `residual: {body: [conv: {filters: $in, kernel: 3}], activation: relu}`
    """

    body: Any = arg(Layers(), "the layers of the main path")
    shortcut: Any = arg(
        LayersOr(("identity", "project", "if_same")),
        "identity; project: a 1×1 convolution with norm at the body's stride if the shapes "
        "differ; if_same: nothing is added if they differ; or layers",
        default="identity",
    )
    activation: str | None = arg(ACTIVATION.kind, "an activation after the sum", default=None)

    def expand(self, builder: Builder, x: Tensor) -> Tensor:
        """The layers of the body and of the shortcut, then `Add` and the activation.

        `project` is a `Conv` without bias and a `BatchNormalization`.
        """
        y = builder.walk(self.body, x)
        if not isinstance(self.shortcut, str):
            with builder.scope("shortcut"):
                short = builder.walk(self.shortcut, x)
        elif x.shape == y.shape or x.shape is None or y.shape is None:
            short = x
        elif self.shortcut == "if_same":
            return self._activated(builder, y)
        elif self.shortcut == "project":
            with builder.scope("shortcut"):
                short = self._project(builder, x, x.shape, y, y.shape)
        else:
            raise OpError(
                f"the body of {{layer}} turns {shape_text(x.shape)} into {shape_text(y.shape)}, "
                "which an identity shortcut cannot be added to",
                arg="shortcut",
                hint="use shortcut: project for a 1×1 convolution, or if_same to add nothing here",
            )
        if short.shape is not None and y.shape is not None and short.shape != y.shape:
            raise OpError(
                f"the body of {{layer}} makes {shape_text(y.shape)} and its shortcut "
                f"{shape_text(short.shape)}; the two cannot be added",
                arg="shortcut",
            )
        return self._activated(builder, builder.add(Add(), y, short))

    def _project(
        self, builder: Builder, x: Tensor, x_shape: Shape, y: Tensor, y_shape: Shape
    ) -> Tensor:
        fits = len(x_shape) == len(y_shape) > 1
        stride = builder.strides_since(x, y) if fits else (1,)
        conv = Conv(filters=y_shape[-1], kernel=(1,), stride=stride, bias=False)
        if not fits or conv.output_shape(x_shape) != y_shape:
            raise OpError(
                f"the body of {{layer}} turns {shape_text(x_shape)} into {shape_text(y_shape)}, "
                "which a 1×1 convolution at its stride cannot do",
                arg="shortcut",
                hint="pad with same inside the body, or write the shortcut's layers out",
            )
        return builder.add(BatchNorm(), builder.add(conv, x))

    def _activated(self, builder: Builder, x: Tensor) -> Tensor:
        if self.activation is None:
            return x
        return builder.add(activation(self.activation), x)


class Parallel(Composite, name="parallel"):
    """Runs branches side by side on the same input and merges their outputs.

    Shape: with concat the channels of all branches one after another; else the shape of a branch.
    Params: those of its branches.
    MACs: those of its branches.
    Example: `parallel: {branches: [[conv: {filters: 8, kernel: 3}], []], merge: concat}`
    """

    branches: Any = arg(Branches(), "lists of layers; an empty list is the identity")
    merge: str = arg(Choice(tuple(MERGES)), "how the branches become one", default="concat")
    split: bool | tuple[int, ...] = arg(
        Shares(),
        "give each branch its share of the channels instead of all: equal ones, or these",
        default=False,
    )

    def expand(self, builder: Builder, x: Tensor) -> Tensor:
        """The layers of the branches, then the layer of `merge`.

        With `split` each branch begins with a slice of the channels.
        """
        # One that its `when` leaves out is None; the others keep their numbers.
        there = [(number, each) for number, each in enumerate(self.branches, 1) if each is not None]
        if not there:
            raise OpError(
                "{layer} has no branch left",
                arg="branches",
                hint="a `when` beside the layer itself leaves it out as a whole",
            )
        shares = self._shares(x.shape, len(there)) if self.split and x.shape else None
        outputs, off, start = [], [], 0
        for position, (number, branch) in enumerate(there):
            with builder.scope(f"branch_{number}"):
                entering = x
                if shares is not None:
                    entering = builder.add(Split(start=start, count=shares[position]), x)
                    start += shares[position]
                outputs.append(builder.walk(branch, entering))
                if branch and outputs[-1] == entering:
                    off.append(number)
        merge = MERGES[self.merge]()
        if off:
            self._check_with_identities(merge, outputs, off)
        return builder.add(merge, *outputs)

    def _check_with_identities(self, merge: Op, outputs: list[Tensor], off: list[int]) -> None:
        """Raises OpError if the outputs do not fit, and says which branches pass on their input."""
        shapes = [each.shape for each in outputs if each.shape is not None]
        if len(shapes) < len(outputs):
            return
        try:
            merge.check(*shapes)
        except OpError as error:
            hint = (
                f"every layer of branch {off[0]} is left out, so it passes on its input; "
                "{when: …, layers: […]} is a branch that is there or not"
            )
            raise OpError(error.message, arg="branches", hint=hint) from None

    def _shares(self, x: Shape, count: int) -> tuple[int, ...]:
        """The channels of each branch."""
        if not isinstance(self.split, tuple):
            if x[-1] % count:
                raise OpError(
                    f"the {x[-1]} channels of {{layer}} cannot be split between {count} branches",
                    arg="split",
                    hint="the number of branches must divide the channels",
                )
            return (x[-1] // count,) * count
        if len(self.split) != count:
            raise OpError(
                f"the channels of {{layer}} are split between {len(self.split)} branches, and it "
                f"has {count}",
                arg="split",
                hint="split has a number of channels for every branch",
            )
        if sum(self.split) != x[-1]:
            raise OpError(
                f"{{layer}} splits {sum(self.split)} channels, and its input has {x[-1]}",
                arg="split",
                hint="the numbers of channels add up to those of the input",
            )
        return self.split


class SeparableConv(Composite, name="separable_conv"):
    """A depthwise convolution without bias, then a 1×1 convolution.

    Shape: spatial sizes as the padding and stride make them, then `filters`.
    Params: in channels × multiplier × (kernel volume + filters), + filters with bias.
    MACs: out positions × in channels × multiplier × (kernel volume + filters).
    Example: `separable_conv: {filters: 64, kernel: 3, norm: batch, activation: relu}`
    """

    filters: int = arg(Int(), "number of output channels")
    kernel: tuple[int, ...] = arg(Size(), "size of the depthwise window")
    stride: tuple[int, ...] = arg(Size(), "step between windows", default=(1,))
    dilation: tuple[int, ...] = arg(Size(), "step between taps inside a window", default=(1,))
    padding: Padding = PADDING
    multiplier: int = arg(Int(), "depthwise filters per input channel", default=1)
    bias: bool | None = arg(
        Flag(), "add a learned bias per filter", default=None, otherwise=BIAS_UNLESS_NORM
    )
    norm: Op | None = arg(NORM.kind, NORM.doc, default=None)
    activation: str | None = arg(ACTIVATION.kind, ACTIVATION.doc, default=None)

    def expand(self, builder: Builder, x: Tensor) -> Tensor:
        """The layers of `depthwise_conv`, then a `Conv`: two layers, not a `SeparableConv`."""
        shared = {key: getattr(self, key) for key in ("kernel", "stride", "dilation", "padding")}
        x = builder.add(DepthwiseConv(multiplier=self.multiplier, bias=False, **shared), x)
        bias = self.norm is None if self.bias is None else self.bias
        x = builder.add(Conv(filters=self.filters, kernel=(1,), bias=bias), x)
        if self.norm is not None:
            x = builder.add(self.norm, x)
        return x if self.activation is None else builder.add(activation(self.activation), x)

    @staticmethod
    def from_keras(layer: Any) -> tuple[Op, Op]:
        """The two convolutions of a `SeparableConv` of Keras."""
        window = window_from_keras(layer) | {"bias": False}
        first = DepthwiseConv(multiplier=layer.depth_multiplier, **window)
        return first, Conv(filters=layer.filters, kernel=(1,), bias=layer.use_bias)


class SqueezeExcite(Composite, name="squeeze_excite"):
    """Scales each channel by a number between 0 and 1, computed from the means of all channels.

    Global average pool, 1×1 convolution to `filters`, activation, 1×1 convolution back, gate,
    multiplication (Hu et al. 2018, section 3).

    Shape: the input's.
    Params: 2 × channels × `filters` + `filters` + channels.
    MACs: 2 × channels × `filters`.
    Example: `squeeze_excite: {filters: $in // 4, activation: swish}`
    """

    filters: int = arg(Int(), "number of channels between the two convolutions")
    activation: str = arg(ACTIVATION.kind, "the activation between the two", default="relu")
    gate: str = arg(ACTIVATION.kind, "the activation of the result", default="sigmoid")

    def expand(self, builder: Builder, x: Tensor) -> Tensor:
        """`GlobalAveragePooling`, `Conv`, the activation, `Conv`, the gate, and `Multiply`."""
        if x.shape is None:
            return x
        y = builder.add(GlobalAvgPool(keepdims=True), x)
        y = builder.add(Conv(filters=self.filters, kernel=(1,)), y)
        y = builder.add(activation(self.activation), y)
        y = builder.add(Conv(filters=x.shape[-1], kernel=(1,)), y)
        y = builder.add(activation(self.gate), y)
        return builder.add(Multiply(), x, y)


class LocalResponseNorm(Composite, name="local_response_norm"):
    """Divides each value by a power of k + alpha × the sum of squares of the channels around it.

    The formula is that of AlexNet (Krizhevsky et al. 2012, section 3.3), and so are the defaults:
    value / (k + alpha × sum)^beta, with the sum over `size` channels, the value's own in the
    middle. `tf.nn.local_response_normalization` has the same alpha and, in place of `size`, a
    `depth_radius` of (size - 1) / 2. PyTorch and Caffe divide alpha by the size: their alpha is
    `size` times the one here.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `local_response_norm: {size: 5, alpha: 1.0e-4, beta: 0.75, k: 2}`
    """

    size: int = arg(Odd(), "number of channels in the sum", default=5)
    alpha: float = arg(Real(0), "factor of the sum", default=1e-4)
    beta: float = arg(Real(0), "the exponent", default=0.75)
    k: float = arg(Real(0), "added to the sum", default=2.0)

    def expand(self, builder: Builder, x: Tensor) -> Tensor:
        """The layers that make the factor of each value, then `Multiply`.

        The factor comes from `keras.ops.square`, an `AveragePooling` over the channels,
        `Rescaling` and `keras.ops.power`.
        """
        factor = builder.add(LocalResponse(**{key: getattr(self, key) for key in self.args}), x)
        return builder.add(Multiply(), x, factor)
