"""Layers that move values and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod

from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Masks, Op, Shape, arg, shape_text, united
from groupconv_cli.ops.calls import LayerCall, channel_slice
from groupconv_cli.ops.geometry import check_divides
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.kinds import Int
from groupconv_cli.ops.size_kinds import Target


class Input(Op, name="input", layer=False):
    """The network's input.

    Shape: as the spec's `input:` says.
    Params: 0.
    MACs: 0.
    """

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """Nothing: the whole-model build makes the `keras.Input`."""
        return []


class Flatten(Op, name="flatten"):
    """All values in one vector.

    Shape: (positions × channels).
    Params: 0.
    MACs: 0.
    Example: `flatten`
    """

    is_view = True
    keras_classes = ("Flatten",)

    def output_shape(self, *inputs: Shape) -> Shape:
        """One axis with as many values as the input has."""
        return (prod(inputs[0]),)

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks | None:
        """The channels, repeated for every position."""
        return reshaped(masks[0], prod(inputs[0]), prod(inputs[0]))

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Flatten`."""
        return [LayerCall("Flatten", name, options={"data_format": "channels_last"})]


class ChannelShuffle(Op, name="channel_shuffle"):
    """Reorders the channels of g groups so that every new group has channels of each old one.

    Channel i·(C/g) + j goes to j·g + i (Zhang et al. 2018, section 3.1).

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `channel_shuffle: {groups: 4}`
    """

    groups: int = arg(
        Int(),
        "number of groups",
        default=1,
        otherwise="those of the last convolution before it that was given groups",
    )

    takes_groups_before = True

    def groups_of(self, *inputs: Shape) -> int:
        """The number of groups that the channels come from."""
        return self.groups

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """The first channel of every group, then the second of every group, and so on."""
        size = len(masks[0]) // self.groups
        return [mask for first in range(size) for mask in masks[0][first::size]]

    def with_groups(self, groups: int, *inputs: Shape) -> ChannelShuffle:
        """The same layer with another number of groups."""
        return self.replace(groups=groups)

    def check(self, *inputs: Shape) -> None:
        """Raises OpError unless the groups divide the channels."""
        check_divides(self.groups, inputs[0][-1])

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Reshape`, `Permute` and `Reshape`: a transposition of (g, C/g) at every position."""
        (x,) = inputs
        *spatial, channels = x
        rank = len(spatial)
        split = (*spatial, self.groups, channels // self.groups)
        swap = (*range(1, rank + 1), rank + 2, rank + 1)  # Permute counts axes from 1
        return [
            LayerCall("Reshape", f"{name}.split", {"target_shape": split}),
            LayerCall("Permute", f"{name}.swap", {"dims": swap}),
            LayerCall("Reshape", name, {"target_shape": x}),
        ]

    def open_calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`ops.take` of the channels in their new order: a `Reshape` needs to know the sizes."""
        size = inputs[0][-1] // self.groups
        order = [i * size + j for j in range(size) for i in range(self.groups)]
        return [LayerCall("take", name, {"indices": order}, {"axis": -1}, of="ops")]

    @classmethod
    def from_chain(cls, uses: Sequence[LayerUse]) -> Op | None:
        """A transposition of (g, C/g) at every position, by layers or by operations."""
        if len(uses) != 3 or uses[1].known_as not in ("Permute", "ops.Transpose"):
            return None
        split, swap, whole = uses
        x, between = split.inputs[0], split.output
        is_permute = swap.known_as == "Permute"
        axes = (0, *swap.operation.dims) if is_permute else tuple(swap.operation.axes or ())
        last = len(between) - 1
        if not (_is_reshape(split) and _is_reshape(whole)):
            return None
        if len(between) != len(x) + 1 or between[:-2] != x[:-1] or whole.output != x:
            return None
        fits = axes == (*range(last - 1), last, last - 1)
        return cls(groups=between[-2]) if fits else None


class Reshape(Op, name="reshape"):
    """The same values in another shape, in the same order.

    Shape: `shape`, where one -1 is computed from the other sizes.
    Params: 0.
    MACs: 0.
    Example: `reshape: {shape: [-1, 64]}`
    """

    shape: tuple[int, ...] = arg(Target(), "the new shape: spatial sizes, then channels")

    is_view = True
    keras_classes = ("Reshape", "ops.Reshape")

    def check(self, *inputs: Shape) -> None:
        """Raises OpError unless the new shape holds as many values as the input."""
        (x,) = inputs
        if prod(self.output_shape(x)) != prod(x):
            raise OpError(
                f"{shape_text(x)} has {prod(x):,} values, which do not fit {list(self.shape)}",
                arg="shape",
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        """The new shape with -1 replaced."""
        known = prod(size for size in self.shape if size != -1)
        return tuple(prod(inputs[0]) // known if size == -1 else size for size in self.shape)

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks | None:
        """A channel depends on the channels whose values it receives."""
        channels = self.output_shape(*inputs)[-1:] or (1,)  # a number by itself has one
        return reshaped(masks[0], channels[0], prod(inputs[0]))

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Reshape`."""
        return [LayerCall("Reshape", name, {"target_shape": self.output_shape(*inputs)})]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """The op, from the output shape of the layer or operation."""
        return cls(shape=use.output[1:]) if _is_reshape(use) else None


def _is_reshape(use: LayerUse) -> bool:
    """Whether a use reshapes every sample by itself."""
    if use.known_as == "ops.Reshape":
        return bool(use.operation.newshape) and use.operation.newshape[0] in (-1, None)
    return use.known_as == "Reshape"


MAX_RESHAPED = 1 << 18
"""The most values of a reshape that are followed one by one."""


def reshaped(masks: Masks, channels: int, values: int) -> Masks | None:
    """The dependencies of `channels` new channels that receive `values` values in order.

    Value number v was in channel v mod C, and is now in channel v mod `channels`. None if that is
    too much to follow.
    """
    old = len(masks)
    if channels == old:
        return masks
    if channels > MAX_RESHAPED:
        return None
    cycle = old // gcd(old, channels)
    if values // channels >= cycle:  # every old channel of a remainder occurs
        step = gcd(old, channels)
        remainders = [united(masks[first::step]) for first in range(step)]
        return remainders * (channels // step)
    if values > MAX_RESHAPED:
        return None
    return [
        united([masks[value % old] for value in range(channel, values, channels)])
        for channel in range(channels)
    ]


class Split(Op, name="split", layer=False):
    """Some of the channels. A spec uses it through `split` of `parallel`.

    Shape: the input's, with `count` channels.
    Params: 0.
    MACs: 0.
    """

    start: int = arg(Int(0), "the first channel")
    count: int = arg(Int(), "the number of channels")

    is_part = True

    def output_shape(self, *inputs: Shape) -> Shape:
        """The input's shape with `count` channels."""
        return (*inputs[0][:-1], self.count)

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """The chosen channels."""
        return masks[0][self.start : self.start + self.count]

    def plainest(self, *inputs: Shape) -> Op:
        """A `slice`, whoever made it."""
        return Slice(start=self.start, count=self.count)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """A slice of the last axis: Keras has no layer that does it."""
        return [channel_slice(name, self.start, self.start + self.count)]


class Slice(Split, name="slice"):
    """Some of the channels: `count` of them from number `start` on, which is counted from 0.

    Shape: the input's, with `count` channels.
    Params: 0.
    MACs: 0.
    Example: `slice: {start: 16, count: 32}`
    """

    start: int = arg(Int(0), "the first channel", default=0)
    count: int = arg(Int(), "the number of channels")

    keras_classes = ("ops.GetItem",)

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """An index that takes a range of the channels and all of the rest."""
        rank, key = len(use.inputs[0]), use.args[1] if len(use.args) == 2 else ()
        key = tuple(key) if isinstance(key, list | tuple) else (key,)
        if sum(each is Ellipsis for each in key) == 1:
            hidden = key.index(Ellipsis)
            key = (*key[:hidden], *[slice(None)] * (rank + 1 - len(key)), *key[hidden + 1 :])
        if len(key) != rank or not all(isinstance(each, slice) for each in key):
            return None
        if any(each != slice(None) for each in key[:-1]):
            return None
        start, stop, step = key[-1].indices(use.inputs[0][-1])
        return cls(start=start, count=stop - start) if step == 1 and stop > start else None

    def check(self, *inputs: Shape) -> None:
        """Raises OpError if the input has fewer channels."""
        channels = inputs[0][-1]
        if self.start + self.count > channels:
            raise OpError(
                f"{{layer}} takes channels {self.start:,} to {self.start + self.count - 1:,}, and "
                f"its input has {channels:,}",
                arg="count",
                hint="channels are counted from 0",
            )
