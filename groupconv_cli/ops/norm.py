"""Normalisation, scales and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, inf, nextafter, prod

from groupconv_cli.divisors import MAX_FACTORED, divisors
from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Arg, Cost, Masks, Op, Shape, arg, mixed_in_groups, united
from groupconv_cli.ops.calls import Initializer, LayerCall
from groupconv_cli.ops.geometry import bordered, check_divides
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.kinds import (
    Flag,
    Int,
    KindError,
    LayerChoice,
    Odd,
    PerChannel,
    Real,
)


class BatchNorm(Op, name="batch_norm"):
    """Normalises each channel by statistics over batch and positions.

    Shape: the input's.
    Params: 2 × channels trainable (scale and shift), 2 × channels non-trainable (mean, variance).
    MACs: 0.
    Example: `batch_norm: {epsilon: 1.0e-5}`
    """

    keras_classes = ("BatchNormalization",)

    momentum: float = arg(Real(0, 1), "how slowly the statistics change", default=0.99)
    epsilon: float = arg(Real(0), "added to the variance", default=0.001)
    center: bool = arg(Flag(), "learn a shift per channel", default=True)
    scale: bool = arg(Flag(), "learn a scale per channel", default=True)

    def cost(self, *inputs: Shape) -> Cost:
        """gamma, beta, moving mean and variance, of shape (channels) each."""
        channels = inputs[0][-1]
        trainable = channels * (self.center + self.scale)
        return Cost(params=trainable + 2 * channels, non_trainable=2 * channels)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`BatchNormalization` over the last axis."""
        options = {key: getattr(self, key) for key in self.args}
        return [LayerCall("BatchNormalization", name, options={"axis": -1, **options})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """A `BatchNormalization` over the last axis."""
        return _norm_from_keras(cls, use)


class _LearnedNorm(Op):
    epsilon: float = arg(Real(0), "added to the variance", default=0.001)
    center: bool = arg(Flag(), "learn a shift per channel", default=True)
    scale: bool = arg(Flag(), "learn a scale per channel", default=True)

    def cost(self, *inputs: Shape) -> Cost:
        """Scale and shift, of shape (channels) each."""
        return Cost(params=inputs[0][-1] * (self.center + self.scale))

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """The layer of the same name, over the last axis."""
        return _norm_from_keras(cls, use)


class LayerNorm(_LearnedNorm, name="layer_norm"):
    """Normalises the channels of each position.

    Shape: the input's.
    Params: 2 × channels (scale and shift).
    MACs: 0.
    Example: `layer_norm: {epsilon: 1.0e-6}`
    """

    is_dense = True
    keras_classes = ("LayerNormalization",)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`LayerNormalization` over the last axis."""
        options = {key: getattr(self, key) for key in self.args}
        return [LayerCall("LayerNormalization", name, options={"axis": -1, **options})]


class GroupNorm(_LearnedNorm, name="group_norm"):
    """Normalises groups of channels, over their positions.

    Shape: the input's.
    Params: 2 × channels (scale and shift).
    MACs: 0.
    Example: `group_norm: {groups: 8}`
    """

    groups: int = arg(Int(), "number of groups; they must divide the channels", default=32)

    keras_classes = ("GroupNormalization",)

    def groups_of(self, *inputs: Shape) -> int:
        """The number of groups, each of which is normalised by itself."""
        return self.groups

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """A channel depends on all channels of its group, because they share statistics."""
        return mixed_in_groups(masks[0], self.groups, len(masks[0]))

    def check(self, *inputs: Shape) -> None:
        """Raises OpError unless the groups divide the channels."""
        check_divides(self.groups, inputs[0][-1])

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`GroupNormalization` over the last axis."""
        options = {key: getattr(self, key) for key in self.args}
        return [LayerCall("GroupNormalization", name, options={"axis": -1, **options})]


def with_fitting_groups(op: GroupNorm, channels: int) -> str:
    """A layer to write in place of a `norm` whose groups do not divide the channels."""
    fitting = gcd(op.groups, channels)
    if channels <= MAX_FACTORED:
        fitting = max(each for each in divisors(channels) if each <= op.groups)
    return f"for example: norm: {{group: {{groups: {fitting}}}}}"


class LayerScale(Op, name="layer_scale"):
    """Multiplies each channel by a learned number (Touvron et al. 2021; ConvNeXt).

    Shape: the input's.
    Params: channels.
    MACs: 0: one product per value, like a norm's scale.
    Example: `layer_scale: {initial: 1.0e-6}`
    """

    initial: float = arg(Real(), "the initial value of all scales", default=1e-6)

    keras_classes = ("LayerScale", "EinsumDense")
    """The class in the ConvNeXt of keras.applications, and what `calls` makes."""

    def cost(self, *inputs: Shape) -> Cost:
        """One scale per channel."""
        return Cost(params=inputs[0][-1])

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`EinsumDense` with one weight per channel: Keras has no layer that only scales."""
        (x,) = inputs
        axes = "abcd"[: len(x)]  # the batch, then the positions
        return [
            LayerCall(
                "EinsumDense",
                name,
                {"equation": f"{axes}z,z->{axes}z"},
                {
                    "output_shape": x,
                    "kernel_initializer": Initializer("Constant", self.initial),
                },
            )
        ]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """The layer of ConvNeXt, or an `EinsumDense` that multiplies each channel by a weight."""
        layer = use.operation
        if use.known_as == "LayerScale":
            return cls(initial=float(layer.init_values))
        axes, _, rest = layer.equation.replace(" ", "").partition(",")
        scales = rest == f"{axes[-1:]}->{axes}"
        name = getattr(layer.activation, "__name__", "linear")
        if not scales or layer.bias_axes or name != "linear":
            return None
        initial = getattr(layer.kernel_initializer, "value", None)
        return cls() if initial is None else cls(initial=float(initial))


class Dropout(Op, name="dropout"):
    """Zeroes a share of the values while training; does nothing at inference.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `dropout: {rate: 0.2}`
    """

    rate: float = arg(Real(0, 1), "share of the values that are dropped")

    is_view = True
    keras_classes = ("Dropout",)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Dropout`."""
        return [LayerCall("Dropout", name, {"rate": self.rate})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """A `Dropout` of single values, or of whole samples, which is `stochastic_depth`."""
        layer = use.operation
        rate, noise = float(layer.rate), layer.noise_shape
        if noise is None:
            return cls(rate=rate)
        whole = noise[0] is None and set(noise[1:]) <= {1}
        return StochasticDepth(rate=rate) if whole else None


class StochasticDepth(Op, name="stochastic_depth"):
    """Zeroes whole samples while training; does nothing at inference (Huang et al. 2016).

    At the end of the body of a `residual` it leaves out the body for a share of the samples. The
    other samples are scaled up by 1 / (1 - rate).

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `stochastic_depth: {rate: 0.2}`
    """

    rate: float = arg(Real(0, 1), "share of the samples that are dropped")

    is_view = True
    keras_classes = ("StochasticDepth",)
    """The class in the ConvNeXt of keras.applications."""

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Dropout` with a `noise_shape` of one number per sample."""
        noise = (None, *(1 for _ in inputs[0]))
        return [LayerCall("Dropout", name, {"rate": self.rate}, {"noise_shape": noise})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer of ConvNeXt."""
        return cls(rate=float(use.operation.drop_path_rate))


class Rescaling(Op, name="rescaling"):
    """Multiplies every value by a fixed number and adds another.

    Shape: the input's.
    Params: 0: the numbers are not learned.
    MACs: 0.
    Example: `rescaling: {scale: 1/127.5, offset: -1}`
    """

    scale: float | tuple[float, ...] = arg(PerChannel(), "factor of the values")
    offset: float | tuple[float, ...] = arg(PerChannel(), "added after that", default=0.0)

    keras_classes = ("Rescaling", "ops.Subtract", "ops.TrueDivide")

    def check(self, *inputs: Shape) -> None:
        """Raises OpError for a list that is not as long as there are channels."""
        channels = inputs[0][-1]
        for key in self.args:
            numbers = getattr(self, key)
            if isinstance(numbers, tuple) and len(numbers) != channels:
                raise OpError(
                    f"{key} has {len(numbers)} values, and the input of {{layer}} has "
                    f"{channels} channels",
                    arg=key,
                    hint="give one number for all channels, or one for each",
                )

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Rescaling`."""
        return [LayerCall("Rescaling", name, {"scale": self.scale}, {"offset": self.offset})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """A `Rescaling` by numbers for all channels, or for each of the last axis.

        Or arithmetic of a tensor and a number.
        """
        if use.known_as != "Rescaling":
            return cls.from_arithmetic(use)
        try:
            kind = cls.args["scale"].kind
            scale, offset = (
                kind.convert(each.tolist() if hasattr(each, "tolist") else each)
                for each in (use.operation.scale, use.operation.offset)
            )
        except KindError:
            return None
        by_channel = isinstance(scale, tuple) or isinstance(offset, tuple)
        return None if by_channel and use.channels != -1 else cls(scale=scale, offset=offset)

    @classmethod
    def from_arithmetic(cls, use: LayerUse) -> Op | None:
        """A sum, difference, product or quotient of a tensor and a number."""
        numbers = [i for i, each in enumerate(use.args) if type(each) in (int, float)]
        if len(use.args) != 2 or len(numbers) != 1 or use.kwargs:
            return None
        number, is_second = float(use.args[numbers[0]]), numbers == [1]
        if use.known_as == "ops.Add":
            return cls(scale=1.0, offset=number)
        if use.known_as == "ops.Multiply":
            return cls(scale=number)
        if use.known_as == "ops.Subtract":
            return cls(scale=1.0, offset=-number) if is_second else cls(scale=-1.0, offset=number)
        return cls(scale=1 / number) if is_second and number else None


class LocalResponse(Op, name="local_response", layer=False):
    """The factor that `local_response_norm` multiplies each value by: (k + alpha × sum)^-beta.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    """

    size: int = arg(Odd(), "number of channels in the sum")
    alpha: float = arg(Real(0), "factor of the sum")
    beta: float = arg(Real(0), "the exponent")
    k: float = arg(Real(0), "added to the sum")

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """A channel depends on the channels in its sum."""
        (channels,), reach = masks, self.size // 2
        return [
            united(channels[max(0, middle - reach) : middle + reach + 1])
            for middle in range(len(channels))
        ]

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """The sum is a mean over a window of channels, times its size: Keras has no such layer.

        `AveragePooling2D` slides over an image of positions by channels, with zeros around it.
        """
        (x,) = inputs
        image = (prod(x[:-1]), x[-1], 1)
        into = LayerCall("Reshape", f"{name}.image", {"target_shape": image})
        back = LayerCall("Reshape", f"{name}.shape", {"target_shape": x})
        return self._calls(name, into, back, rank=2)

    def open_calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """The same with the channels as one more axis to slide over, up to two dimensions."""
        (x,) = inputs
        if len(x) > 3:
            return self.calls(name, x)
        into = LayerCall("expand_dims", f"{name}.image", {"axis": -1}, of="ops")
        back = LayerCall("squeeze", f"{name}.shape", {"axis": -1}, of="ops")
        return self._calls(name, into, back, rank=len(x))

    def _calls(self, name: str, into: LayerCall, back: LayerCall, rank: int) -> Sequence[LayerCall]:
        """`into` gives an image of this rank whose last axis is the channels; `back` undoes it."""
        reach = self.size // 2
        around = [*((0, 0) for _ in range(rank - 1)), (reach, reach)]
        ends = [bordered("ZeroPadding", around, f"{name}.pad")]
        window = {"pool_size": (*(1 for _ in range(rank - 1)), self.size)}
        options = {"strides": 1, "padding": "valid", "data_format": "channels_last"}
        return [
            LayerCall("square", f"{name}.square", of="ops"),
            into,
            *(ends if reach else []),
            LayerCall(f"AveragePooling{rank}D", f"{name}.mean", window, options),
            back,
            LayerCall(
                "Rescaling",
                f"{name}.rescaling",
                {"scale": self.alpha * self.size},
                {"offset": self.k},
            ),
            LayerCall("power", name, {"x2": -self.beta}, of="ops"),
        ]

    @classmethod
    def from_chain(cls, uses: Sequence[LayerUse]) -> Op | None:
        """The numbers of the pool, the `Rescaling` and the power, if the last layers are these."""
        if [use.known_as for use in uses[-4::2]] != ["AveragePooling2D", "Rescaling"]:
            return None
        *_, pool, _, rescaling, power = uses
        (*_, size), scale = pool.operation.pool_size, float(rescaling.operation.scale)
        if power.known_as != "ops.Power" or len(power.args) != 2 or not size % 2:
            return None
        # The scale is alpha × size, rounded; one of these three has that product.
        near = (scale / size, nextafter(scale / size, 0), nextafter(scale / size, inf))
        alpha = next((each for each in near if each * size == scale), near[0])
        k, beta = float(rescaling.operation.offset), -float(power.args[1])
        return cls(size=size, alpha=alpha, beta=beta, k=k)


def _norm_from_keras(op: type[Op], use: LayerUse) -> Op | None:
    """A norm over the last axis, with the arguments of the layer."""
    if not use.is_over_channels(use.operation.axis):
        return None
    return op(**{key: getattr(use.operation, key) for key in op.args})


NORMS: dict[str, type[Op]] = {"batch": BatchNorm, "layer": LayerNorm, "group": GroupNorm}
"""The values of `norm:` on a layer."""

NORM = Arg(
    LayerChoice(NORMS, {word: f"{word}_norm" for word in NORMS}),
    "a normalisation after the layer: `batch_norm`, `layer_norm` or `group_norm` (of 32 groups), "
    "with other arguments as in `norm: {group: {groups: 8}}`",
    None,
    False,
)

BIAS_UNLESS_NORM = "true; false with `norm`"
