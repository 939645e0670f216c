"""Convolutions: grouped, depthwise and dense, in one, two or three spatial dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod
from typing import Any, ClassVar

from groupconv_cli.divisors import divisors_text
from groupconv_cli.errors import OpError
from groupconv_cli.ops.activation import ACTIVATION
from groupconv_cli.ops.base import (
    Arg,
    Cost,
    Masks,
    Op,
    Shape,
    Window,
    arg,
    mixed_in_groups,
    per_axis,
)
from groupconv_cli.ops.calls import LayerCall, one_if_equal
from groupconv_cli.ops.geometry import (
    Padding,
    keras_padding,
    make_window,
    output_sizes,
    padding_from_keras,
    padding_sides,
)
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.kinds import Choice, Fixed, Flag, Groups, Int
from groupconv_cli.ops.norm import BIAS_UNLESS_NORM, NORM
from groupconv_cli.ops.size_kinds import PaddingKind, Size

PADDING: Any = arg(
    PaddingKind(("same", "valid", "causal")),
    "padding around the input; causal: in one dimension, all of it before the input",
    default="same",
)


class Convolution(Op):
    """The common part of all convolutions: the window, the padding and the bias."""

    kernel: tuple[int, ...] = arg(Size(), "size of the window")
    stride: tuple[int, ...] = arg(Size(), "step between windows", default=(1,))
    dilation: tuple[int, ...] = arg(Size(), "step between taps inside a window", default=(1,))
    padding: Padding = PADDING
    bias: bool = arg(
        Flag(), "add a learned bias per filter", default=True, otherwise=BIAS_UNLESS_NORM
    )

    is_convolution = True
    follow_ups: ClassVar[dict[str, Arg]] = {"norm": NORM, "activation": ACTIVATION}

    @property
    def window(self) -> Window:
        """Kernel, stride and dilation; single values stand for all axes."""
        return Window(self.kernel, self.stride, self.dilation)

    def check(self, *inputs: Shape) -> None:
        """Raises OpError if the window does not fit the input."""
        (x,) = inputs
        window = make_window(self.op, x, *self.window)
        # Keras refuses this for Conv; for DepthwiseConv it lets TensorFlow compute something else.
        if max(window.stride) > 1 and max(window.dilation) > 1:
            raise OpError(
                f"stride {_brief(self.stride)} and dilation {_brief(self.dilation)} are both "
                "above 1, which Keras does not support",
                arg="dilation",
                hint=self._without_both(window),
            )
        output_sizes(x[:-1], window, self.padding)

    def _without_both(self, window: Window) -> str:
        """The layers to write in place of a stride with a dilation.

        Where the two are equal, every tap of every window lies on the grid of the stride, so that
        the same follows from the values on that grid alone. Padding must keep to the grid too.
        """
        steps = set(window.stride) | set(window.dilation)
        sides = [(0, 0)] if self.padding == "same" else padding_sides(self.padding, window)
        off_grid = any(pixels % max(steps) for side in sides for pixels in side)
        if len(steps) > 1 or self.padding == "same" or off_grid:
            return "use the stride in one layer and the dilation in another, which costs more"
        (step,) = steps
        less = ""
        if not isinstance(self.padding, str) and any(map(sum, sides)):
            fewer = tuple((before // step, after // step) for before, after in sides)
            less = f" and with padding: {_brief(PaddingKind().convert(fewer))}"
        return (
            f"avg_pool: {{size: 1, stride: {step}}} before it, without stride and dilation here"
            f"{less}, computes the same"
        )

    def _output_spatial(self, x: Shape) -> Shape:
        window = make_window(self.op, x, *self.window)
        return output_sizes(x[:-1], window, self.padding)

    def _keras_padding(
        self, x: Shape, name: str, *, causal: bool = False
    ) -> tuple[str, list[LayerCall]]:
        window = make_window(self.op, x, *self.window)
        return keras_padding(self.padding, window, name, causal=causal)

    def plainest(self, *inputs: Shape) -> Op:
        """Without padding if the window has one position, which `same` does not pad either."""
        is_point = all(size == 1 for size in self.kernel)
        none = {"same", "causal", (0,) * len(self.padding)}
        return self.replace(padding="valid") if is_point and self.padding in none else self

    @classmethod
    def from_chain(cls, uses: Sequence[LayerUse]) -> Op | None:
        """The convolution after a `ZeroPadding`."""
        if len(uses) != 2 or uses[1].known_as not in cls.keras_classes:
            return None
        padding, op = padding_from_keras(uses[0]), cls.from_keras(uses[1])
        return None if op is None or padding is None else op.replace(padding=padding)

    def _keras_options(self, rank: int, padding: str, **own: int) -> dict[str, Any]:
        return {
            "strides": _per_axis(self.stride, rank),
            "padding": padding,
            "dilation_rate": _per_axis(self.dilation, rank),
            **own,
            "use_bias": self.bias,
            "data_format": "channels_last",
        }


class Conv(Convolution, name="conv"):
    """A convolution; with `groups` g, each filter reads 1/g of the input channels.

    Shape: spatial sizes as the padding and stride make them, then `filters`.
    Params: filters × kernel volume × in channels / groups, + filters with bias.
    MACs: out positions × filters × kernel volume × in channels / groups.
    Example: `conv: {filters: 64, kernel: 3, groups: 4, norm: batch, activation: relu}`
    """

    filters: int = arg(Int(), "number of output channels")
    groups: int = arg(
        Groups(), "number of groups; `depthwise` is one group per input channel", default=1
    )

    keras_classes = ("Conv1D", "Conv2D", "Conv3D")

    @classmethod
    def resolve(cls, values: dict[str, Any], *inputs: Shape) -> None:
        """Turns `groups: depthwise` into the number of input channels."""
        if values.get("groups") == "depthwise":
            values["groups"] = inputs[0][-1]

    def groups_of(self, *inputs: Shape) -> int:
        """The number of groups; 1 is a dense convolution."""
        return self.groups

    def check(self, *inputs: Shape) -> None:
        """Raises OpError unless groups divide the channels on both sides and the window fits."""
        super().check(*inputs)
        channels = inputs[0][-1]
        check_groups(self.groups, channels, self.filters)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Spatial sizes by padding and stride; channels are the filters."""
        return (*self._output_spatial(inputs[0]), self.filters)

    def cost(self, *inputs: Shape) -> Cost:
        """Kernel (k, c_in / g, filters) and bias (filters); MACs as in Xie et al. 2017."""
        (x,) = inputs
        kernel = prod(per_axis(self.kernel, len(x) - 1)) * x[-1] // self.groups * self.filters
        positions = prod(self._output_spatial(x))
        return Cost(params=kernel + self.filters * self.bias, macs=kernel * positions)

    def mixes_all(self, *inputs: Shape) -> bool:
        """Whether there is one group."""
        return self.groups == 1

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """A filter depends on all channels of its group."""
        return mixed_in_groups(masks[0], self.groups, self.filters)

    def with_groups(self, groups: int, *inputs: Shape) -> Conv:
        """The same filters over the same window, in another number of groups."""
        return self.replace(groups=groups)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Conv1D`, `Conv2D` or `Conv3D`, after a `ZeroPadding` if the padding is in pixels."""
        rank = len(inputs[0]) - 1
        padding, chain = self._keras_padding(inputs[0], name, causal=True)
        leading = {"filters": self.filters, "kernel_size": _per_axis(self.kernel, rank)}
        options = self._keras_options(rank, padding, groups=self.groups)
        return [*chain, LayerCall(f"Conv{rank}D", name, leading, options)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer of any rank."""
        layer = use.operation
        return cls(filters=layer.filters, groups=layer.groups, **window_from_keras(layer))


class DepthwiseConv(Convolution, name="depthwise_conv"):
    """A convolution of each channel by itself, with `multiplier` filters per channel.

    Shape: spatial sizes as the padding and stride make them, then in channels × multiplier.
    Params: in channels × multiplier × kernel volume, + in channels × multiplier with bias.
    MACs: out positions × in channels × multiplier × kernel volume.
    Example: `depthwise_conv: {kernel: 3, stride: 2, norm: batch, activation: relu6}`
    """

    multiplier: int = arg(Int(), "filters per input channel", default=1)

    keras_classes = ("DepthwiseConv1D", "DepthwiseConv2D")

    def groups_of(self, *inputs: Shape) -> int:
        """As many groups as input channels."""
        return inputs[0][-1]

    def output_shape(self, *inputs: Shape) -> Shape:
        """Spatial sizes by padding and stride; channels are the input's, times the multiplier."""
        (x,) = inputs
        return (*self._output_spatial(x), x[-1] * self.multiplier)

    def cost(self, *inputs: Shape) -> Cost:
        """Kernel (k, c_in, multiplier) and bias; MACs as in Howard et al. 2017, section 3.1."""
        return self.with_groups(inputs[0][-1], *inputs).cost(*inputs)

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """The filters of a channel depend on the same channels as it does."""
        if self.multiplier == 1:
            return masks[0]
        return mixed_in_groups(masks[0], len(masks[0]), len(masks[0]) * self.multiplier)

    def with_groups(self, groups: int, *inputs: Shape) -> Conv:
        """A grouped convolution with as many filters as this layer has output channels."""
        shared = {key: getattr(self, key) for key in Convolution.args}
        return Conv(filters=inputs[0][-1] * self.multiplier, groups=groups, **shared)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`DepthwiseConv1D` or `2D`, after a `ZeroPadding` if the padding is causal or in pixels.

        In 3-D, and for strides that differ between axes, a grouped `Conv` instead.
        """
        (x,) = inputs
        rank = len(x) - 1
        if rank == 3 or len(set(per_axis(self.stride, rank))) > 1:
            # Keras has no DepthwiseConv3D, and TensorFlow's depthwise kernel refuses strides that
            # differ between axes when it runs.
            return self.with_groups(x[-1], x).calls(name, x)
        padding, chain = self._keras_padding(x, name)
        leading = {"kernel_size": _per_axis(self.kernel, rank)}
        options = self._keras_options(rank, padding, depth_multiplier=self.multiplier)
        return [*chain, LayerCall(f"DepthwiseConv{rank}D", name, leading, options)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer of any rank."""
        layer = use.operation
        return cls(multiplier=layer.depth_multiplier, **window_from_keras(layer))


class ConvTranspose(Op, name="conv_transpose"):
    """A transposed convolution: every input value is spread over a window of the output.

    Shape: with `same` the input's spatial sizes × stride; `valid` adds the part of the kernel that
    reaches beyond the stride; then `filters`.
    Params: filters × kernel volume × in channels, + filters with bias.
    MACs: in positions × filters × kernel volume × in channels.
    Example: `conv_transpose: {filters: 64, kernel: 2, stride: 2}`
    """

    filters: int = arg(Int(), "number of output channels")
    kernel: tuple[int, ...] = arg(Size(), "size of the window")
    stride: tuple[int, ...] = arg(Size(), "step between windows in the output", default=(1,))
    padding: str = arg(
        Choice(("same", "valid")), "which part of the output is kept", default="same"
    )
    groups: int = arg(
        Fixed(
            1,
            "Keras has no grouped transposed convolution",
            "upsample followed by a grouped conv is the usual substitute",
        ),
        "number of groups",
        default=1,
    )
    bias: bool = arg(
        Flag(), "add a learned bias per filter", default=True, otherwise=BIAS_UNLESS_NORM
    )

    is_dense = True
    keras_classes = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
    follow_ups: ClassVar[dict[str, Arg]] = {"norm": NORM, "activation": ACTIVATION}

    @property
    def window(self) -> Window:
        """Kernel and stride; single values stand for all axes."""
        return Window(self.kernel, self.stride, (1,))

    @property
    def downsampling(self) -> tuple[int, ...]:
        """1 on every axis: a transposed convolution never makes its input smaller."""
        return (1,)

    def check(self, *inputs: Shape) -> None:
        """Raises OpError if the window has another rank than the input."""
        make_window(self.op, inputs[0], *self.window)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Spatial sizes × stride; `valid` adds the part of the kernel beyond the stride."""
        (x,) = inputs
        window = make_window(self.op, x, *self.window)
        beyond = 0 if self.padding == "same" else 1
        spatial = [
            size * stride + beyond * max(kernel - stride, 0)
            for size, kernel, stride in zip(x[:-1], window.kernel, window.stride, strict=True)
        ]
        return (*spatial, self.filters)

    def cost(self, *inputs: Shape) -> Cost:
        """Kernel (k, filters, c_in) and bias; one MAC per weight and input position."""
        (x,) = inputs
        kernel = prod(per_axis(self.kernel, len(x) - 1)) * x[-1] * self.filters
        return Cost(params=kernel + self.filters * self.bias, macs=kernel * prod(x[:-1]))

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Conv1DTranspose`, `Conv2DTranspose` or `Conv3DTranspose`."""
        rank = len(inputs[0]) - 1
        leading = {"filters": self.filters, "kernel_size": _per_axis(self.kernel, rank)}
        options = {
            "strides": _per_axis(self.stride, rank),
            "padding": self.padding,
            "use_bias": self.bias,
            "data_format": "channels_last",
        }
        return [LayerCall(f"Conv{rank}DTranspose", name, leading, options)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer of any rank."""
        layer = use.operation
        return cls(
            filters=layer.filters,
            kernel=tuple(layer.kernel_size),
            stride=tuple(layer.strides),
            padding=layer.padding,
            bias=layer.use_bias,
        )


def window_from_keras(layer: Any) -> dict[str, Any]:
    """The arguments of a Keras convolution that all convolutions of gconv have too."""
    return {
        "kernel": tuple(layer.kernel_size),
        "stride": tuple(layer.strides),
        "dilation": tuple(layer.dilation_rate),
        "padding": layer.padding,
        "bias": layer.use_bias,
    }


def check_groups(groups: int, channels: int, filters: int) -> None:
    """Raises OpError unless `groups` divides both the input channels and the filters."""
    failing = [
        f"the {count} {what}"
        for count, what in ((channels, "input channels"), (filters, "filters"))
        if count % groups
    ]
    if failing:
        raise OpError(
            f"groups={groups} does not divide {' or '.join(failing)} of {{layer}}",
            arg="groups",
            hint=f"{channels} input and {filters} output channels share these divisors: "
            + divisors_text(gcd(channels, filters)),
        )


def _per_axis(size: tuple[int, ...], rank: int) -> Any:
    return one_if_equal(per_axis(size, rank))


def _brief(size: tuple[Any, ...]) -> str:
    """A size as it is written in a spec."""
    if isinstance(size[0], tuple):
        return str([list(pair) for pair in size])
    return str(size[0]) if len(set(size)) == 1 else str(list(size))
