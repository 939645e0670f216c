"""Activations. Each Keras activation is a layer of the spec by its Keras name."""

from __future__ import annotations

from collections.abc import Sequence

from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Arg, Cost, Masks, Op, Shape, arg, mixed_in_groups, register
from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.ops.geometry import check_divides
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.kinds import Choice, Flag, Int, Real

FUNCTIONS = (
    "celu",
    "exponential",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
)
"""Functions without arguments that keep the shape; some work on all channels of a position."""

OVER_CHANNELS = ("log_softmax", "sparsemax")
"""Functions that combine all channels of a position."""

ALIASES = {"hard_swish": "hard_silu", "swish": "silu"}
"""Second names of functions, with the names that Keras has for them."""

OPERATIONS = {
    "ops.Relu": "relu",
    "ops.Relu6": "relu6",
    "ops.Sigmoid": "sigmoid",
    "ops.Silu": "silu",
}
"""Operations of Keras for these functions."""


class Activation(Op):
    """Applies a function of keras.activations to every value (sparsemax: to every position).

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `relu`
    """

    function: str = arg(Choice(FUNCTIONS), "name of the function")

    keras_classes = ("Activation", "ReLU", *OPERATIONS)

    @property
    def op(self) -> str:
        """The name of the function."""
        return self.function

    def mixes_all(self, *inputs: Shape) -> bool:
        """Whether the function combines all channels."""
        return self.function in OVER_CHANNELS

    def plainest(self, *inputs: Shape) -> Op:
        """The name that Keras gives a function with two names."""
        return self.replace(function=ALIASES.get(self.function, self.function))

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Activation` with the function of the same name."""
        return [LayerCall("Activation", name, {"activation": self.function})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """The function. If gconv has a layer of its own for the function, that layer."""
        layer = use.operation
        if use.known_as in OPERATIONS:
            return cls(function=OPERATIONS[use.known_as])
        if use.known_as == "ReLU":
            if layer.negative_slope or layer.threshold or layer.max_value not in (None, 6):
                return None
            return cls(function="relu6" if layer.max_value else "relu")
        name = getattr(layer.activation, "__name__", "")
        return cls(function=name) if name in FUNCTIONS else NAMED.get(name)


for _function in FUNCTIONS:
    register(_function, Activation, preset={"function": _function})


class Softmax(Op, name="softmax"):
    """Makes the channels of each position positive, with the sum 1; with `groups` g, of each group.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `softmax: {groups: 2}`
    """

    groups: int = arg(
        Int(), "number of groups of channels; they must divide the channels", default=1
    )

    keras_classes = ("Softmax", "ops.Softmax")

    def groups_of(self, *inputs: Shape) -> int | None:
        """The number of groups; None for the common case of one."""
        return self.groups if self.groups > 1 else None

    def check(self, *inputs: Shape) -> None:
        """Raises OpError unless the groups divide the channels."""
        check_divides(self.groups, inputs[0][-1])

    def mixes_all(self, *inputs: Shape) -> bool:
        """Whether there is one group."""
        return self.groups == 1

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """A channel depends on all channels of its group."""
        return mixed_in_groups(masks[0], self.groups, len(masks[0]))

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Activation`, or a `Softmax` of channels that a `Reshape` has put into groups."""
        (x,) = inputs
        if self.groups == 1:
            return [LayerCall("Activation", name, {"activation": "softmax"})]
        split = (*x[:-1], self.groups, x[-1] // self.groups)
        return [
            LayerCall("Reshape", f"{name}.split", {"target_shape": split}),
            LayerCall("Softmax", f"{name}.softmax", options={"axis": -1}),
            LayerCall("Reshape", name, {"target_shape": x}),
        ]

    def open_calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """The same in one dimension, where a `Reshape` can leave its size open."""
        (x,) = inputs
        if len(x) != 2:
            return self.calls(name, x)
        return [
            call._replace(leading={"target_shape": (-1, *call.leading["target_shape"][1:])})
            if call.function == "Reshape"
            else call
            for call in self.calls(name, x)
        ]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """The layer or the operation, over the channels."""
        return cls() if use.is_over_channels(use.operation.axis) else None

    @classmethod
    def from_chain(cls, uses: Sequence[LayerUse]) -> Op | None:
        """A `Softmax` between two `Reshape`."""
        if [use.known_as for use in uses] != ["Reshape", "Softmax", "Reshape"]:
            return None
        return cls(groups=uses[0].output[-2]) if len(uses[0].output) > 2 else None


class Elu(Op, name="elu"):
    """x where x is positive, and alpha × (exp(x) - 1) elsewhere.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `elu`
    """

    alpha: float = arg(Real(), "minus the limit for very negative inputs", default=1.0)

    keras_classes = ("ELU",)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`ELU`."""
        return [LayerCall("ELU", name, options={"alpha": self.alpha})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """An `ELU`."""
        return cls(alpha=float(use.operation.alpha))


class LeakyRelu(Op, name="leaky_relu"):
    """x where x is positive, and slope × x elsewhere.

    The default slope is that of Keras' layer. With `activation: leaky_relu` the slope is 0.2, as in
    the function of keras.activations.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `leaky_relu: {slope: 0.1}`
    """

    slope: float = arg(Real(0), "slope for negative values", default=0.3)

    keras_classes = ("LeakyReLU",)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`LeakyReLU`."""
        return [LayerCall("LeakyReLU", name, options={"negative_slope": self.slope})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """A `LeakyReLU`."""
        return cls(slope=float(use.operation.negative_slope))


class Gelu(Op, name="gelu"):
    """x times the share of a normal distribution below x.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `gelu: {approximate: true}`
    """

    approximate: bool = arg(Flag(), "use the tanh approximation", default=False)

    keras_classes = ("ops.Gelu",)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Activation("gelu")`, or the function `keras.ops.gelu` with `approximate`."""
        if self.approximate:
            return [LayerCall("gelu", name, options={"approximate": True}, of="ops")]
        return [LayerCall("Activation", name, {"activation": "gelu"})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The operation."""
        return cls(approximate=use.operation.approximate)


class Glu(Op, name="glu"):
    """The first half of the channels times the sigmoid of the second.

    Shape: the input's, with half as many channels.
    Params: 0.
    MACs: 0.
    Example: `glu`
    """

    keras_classes = ("ops.Glu",)

    def check(self, *inputs: Shape) -> None:
        """Raises OpError for an odd number of channels."""
        if inputs[0][-1] % 2:
            raise OpError(f"glu halves the channels of {{layer}}, which are {inputs[0][-1]}")

    def output_shape(self, *inputs: Shape) -> Shape:
        """The input's with half as many channels."""
        return (*inputs[0][:-1], inputs[0][-1] // 2)

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """Channel i depends on the i-th of both halves."""
        half = len(masks[0]) // 2
        return [a | b for a, b in zip(masks[0][:half], masks[0][half:], strict=True)]

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """The function `keras.ops.glu`: `Activation("glu")` returns the wrong shape."""
        return [LayerCall("glu", name, options={"axis": -1}, of="ops")]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """The operation, over the channels."""
        return cls() if use.is_over_channels(use.operation.axis) else None


class Threshold(Op, name="threshold"):
    """x where x is above the threshold, and another value elsewhere.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `threshold: {threshold: 0.1, value: 0}`
    """

    threshold: float = arg(Real(), "inputs above it pass unchanged")
    value: float = arg(Real(), "the output for all other inputs", default=0.0)

    keras_classes = ("ops.Threshold",)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """The function `keras.ops.threshold`: Keras has no layer for it."""
        values = {"threshold": self.threshold, "default_value": self.value}
        return [LayerCall("threshold", name, values, of="ops")]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The operation."""
        layer = use.operation
        return cls(threshold=float(layer.threshold), value=float(layer.default_value))


class Prelu(Op, name="prelu"):
    """x where x is positive, and a learned slope × x elsewhere.

    Shape: the input's.
    Params: one slope per value of the input; with `shared` one per channel.
    MACs: 0.
    Example: `prelu: {shared: true}`
    """

    shared: bool = arg(Flag(), "share a channel's slope over its positions", default=False)

    keras_classes = ("PReLU",)

    def cost(self, *inputs: Shape) -> Cost:
        """The slopes have the input's shape, with 1 for every axis that shares them."""
        (x,) = inputs
        slopes = x[-1]
        for size in () if self.shared else x[:-1]:
            slopes *= size
        return Cost(params=slopes)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`PReLU`."""
        axes = list(range(1, len(inputs[0])))  # Keras counts axes from 1, after the batch
        shared = axes if self.shared and axes else None
        return [LayerCall("PReLU", name, options={"shared_axes": shared})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """A `PReLU`."""
        return cls(shared=bool(use.operation.shared_axes))


NAMED: dict[str, Op] = {op.op: op for op in (Elu(), LeakyRelu(slope=0.2), Gelu(), Glu(), Softmax())}
"""The layers above that `activation:` may also name, with the defaults of keras.activations.

`prelu` is missing because it has weights, and `threshold` because it needs a number.
"""

ACTIVATION = Arg(
    Choice(tuple(sorted([*FUNCTIONS, *NAMED]))),
    "an activation after the layer (and its norm)",
    None,
    False,
)


def activation(name: str) -> Op:
    """The op for a name in `activation:`: the function of keras.activations with that name."""
    return Activation(function=name) if name in FUNCTIONS else NAMED[name]
