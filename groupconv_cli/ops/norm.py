"""Normalisation, learned scales and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from groupconv_cli.divisors import MAX_FACTORED, divisors, divisors_text
from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Arg, Cost, Masks, Op, Shape, arg, mixed_in_groups
from groupconv_cli.ops.calls import Initializer, LayerCall
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.kinds import Flag, Int, LayerChoice, Real


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
        """A `BatchNormalization` over the last axis, without momentum, which is for training."""
        return _norm_from_keras(cls, use, leave_out=("momentum",))


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
        channels = inputs[0][-1]
        if channels % self.groups:
            raise OpError(
                f"groups={self.groups} does not divide the {channels} channels of {{layer}}",
                arg="groups",
                hint=f"{channels} has these divisors: {divisors_text(channels)}",
            )

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

    keras_classes = ("LayerScale",)
    """The class in the ConvNeXt of keras.applications."""

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
    def from_keras(cls, use: LayerUse) -> Op:
        """A `Dropout`."""
        return cls(rate=float(use.operation.rate))


def _norm_from_keras(op: type[Op], use: LayerUse, leave_out: tuple[str, ...] = ()) -> Op | None:
    """A norm over the last axis, with the arguments of the layer except those in `leave_out`."""
    if not use.is_over_channels(use.operation.axis):
        return None
    return op(**{key: getattr(use.operation, key) for key in op.args if key not in leave_out})


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
