"""Layers that change the spatial sizes: by borders, repeats, or channels that become positions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Masks, Op, Shape, arg, per_axis, united
from groupconv_cli.ops.calls import LayerCall, one_if_equal
from groupconv_cli.ops.geometry import Pairs, Sides, bordered, both_sides, check_axes, spatial_rank
from groupconv_cli.ops.keras_use import LayerUse, sizes
from groupconv_cli.ops.kinds import Choice
from groupconv_cli.ops.size_kinds import SidesKind, Size


class ZeroPad(Op, name="zero_pad"):
    """Puts zeros around the input.

    Shape: spatial sizes + `padding` before + `after`; the input's channels.
    Params: 0.
    MACs: 0.
    Example: `zero_pad: {padding: 0, after: 1}`
    """

    keras_classes = ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")

    padding: Sides = arg(
        SidesKind(), "pixels before each axis; or before and after, in place of `after`"
    )
    after: tuple[int, ...] | None = arg(
        Size(0), "pixels after each axis", default=None, otherwise="the same as before it"
    )

    @classmethod
    def resolve(cls, values: dict[str, Any], *inputs: Shape) -> None:
        """Turns pairs of pixels before and after each axis into `padding` and `after`."""
        _unpair("padding", values)

    def _pairs(self, x: Shape) -> Pairs:
        rank = spatial_rank(self.op, x)
        return _pairs("padding", self.padding, self.after, rank)

    def check(self, *inputs: Shape) -> None:
        """Raises OpError if the input has another rank."""
        self._pairs(inputs[0])

    def output_shape(self, *inputs: Shape) -> Shape:
        """Every spatial size plus the padding before and after it."""
        (x,) = inputs
        pairs = self._pairs(x)
        spatial = (n + before + after for n, (before, after) in zip(x[:-1], pairs, strict=True))
        return (*spatial, x[-1])

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`ZeroPadding1D`, `2D` or `3D`."""
        return [bordered("ZeroPadding", self._pairs(inputs[0]), name)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer of any rank."""
        before, after = _ends(use.operation.padding)
        return cls(padding=before, after=after)


class Crop(Op, name="crop"):
    """Removes values at the borders of the input.

    Shape: spatial sizes - `cropping` before - `after`; the input's channels.
    Params: 0.
    MACs: 0.
    Example: `crop: {cropping: 2}`
    """

    keras_classes = ("Cropping1D", "Cropping2D", "Cropping3D")

    cropping: Sides = arg(
        SidesKind(),
        "pixels removed at the start of each axis; or at the start and the end, in place of "
        "`after`",
    )
    after: tuple[int, ...] | None = arg(
        Size(0),
        "pixels removed at the end of each axis",
        default=None,
        otherwise="the same as at the start",
    )

    @classmethod
    def resolve(cls, values: dict[str, Any], *inputs: Shape) -> None:
        """Turns pairs of pixels at the start and the end of each axis into both arguments."""
        _unpair("cropping", values)

    def _pairs(self, x: Shape) -> Pairs:
        rank = spatial_rank(self.op, x)
        pairs = _pairs("cropping", self.cropping, self.after, rank)
        for size, (first, last) in zip(x[:-1], pairs, strict=True):
            if first + last >= size:
                raise OpError(f"nothing is left of a size of {size}", arg="cropping")
        return pairs

    def check(self, *inputs: Shape) -> None:
        """Raises OpError if the input has another rank, or would be cropped away."""
        self._pairs(inputs[0])

    def output_shape(self, *inputs: Shape) -> Shape:
        """Every spatial size minus the removed pixels."""
        (x,) = inputs
        pairs = self._pairs(x)
        return (*(n - first - last for n, (first, last) in zip(x[:-1], pairs, strict=True)), x[-1])

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`Cropping1D`, `2D` or `3D`."""
        return [bordered("Cropping", self._pairs(inputs[0]), name)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer of any rank."""
        before, after = _ends(use.operation.cropping)
        return cls(cropping=before, after=after)


def _unpair(key: str, values: dict[str, Any]) -> None:
    """Writes pairs under `key` as numbers under `key` and `after`, unless `after` is given too."""
    if values.get("after") is None and isinstance(values[key][0], tuple):
        values[key], values["after"] = zip(*values[key], strict=True)


def _pairs(key: str, first: Sides, after: tuple[int, ...] | None, rank: int) -> Pairs:
    """The pixels before and after each axis."""
    if after is None:
        return both_sides(key, first, rank)
    if isinstance(first[0], tuple):
        raise OpError(
            f"both {key} and after have pixels for the ends of the axes",
            arg="after",
            hint=f"leave out after, or give {key} numbers only",
        )
    check_axes(key, first, rank)
    check_axes("after", after, rank)
    return list(zip(per_axis(first, rank), per_axis(after, rank), strict=True))


def _ends(pairs: Any) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """The pixels before and after each axis in a Keras layer, which has one pair for one axis.

    None if there are as many after an axis as before it.
    """
    before, after = zip(*([pairs] if isinstance(pairs[0], int) else pairs), strict=True)
    return tuple(before), None if before == after else tuple(after)


class Upsample(Op, name="upsample"):
    """Repeats or interpolates values so that the spatial sizes grow.

    Shape: spatial sizes × `size`; the input's channels.
    Params: 0.
    MACs: 0: interpolation is not counted.
    Example: `upsample: {size: 2, interpolation: bilinear}`
    """

    keras_classes = ("UpSampling1D", "UpSampling2D", "UpSampling3D")

    size: tuple[int, ...] = arg(Size(), "how often each value is repeated", default=(2,))
    interpolation: str = arg(
        Choice(("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")),
        "how new values are computed; only nearest works in one and three dimensions",
        default="nearest",
    )

    def check(self, *inputs: Shape) -> None:
        """Raises OpError if the input has another rank, or Keras lacks the interpolation."""
        rank = spatial_rank(self.op, inputs[0])
        check_axes("size", self.size, rank)
        if rank != 2 and self.interpolation != "nearest":
            raise OpError(
                f"Keras supports {self.interpolation} interpolation only in two spatial "
                f"dimensions, and the input has {rank}",
                arg="interpolation",
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Every spatial size times the repeats."""
        (x,) = inputs
        rank = spatial_rank(self.op, x)
        check_axes("size", self.size, rank)
        return (*(n * m for n, m in zip(x[:-1], per_axis(self.size, rank), strict=True)), x[-1])

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`UpSampling1D`, `2D` or `3D`."""
        rank = len(inputs[0]) - 1
        size = {"size": one_if_equal(per_axis(self.size, rank))}
        options = {"interpolation": self.interpolation} if rank == 2 else {}
        if rank > 1:
            options["data_format"] = "channels_last"
        return [LayerCall(f"UpSampling{rank}D", name, size, options)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer of any rank."""
        method = getattr(use.operation, "interpolation", "nearest")
        return cls(size=sizes(use.operation.size), interpolation=method)


class PixelShuffle(Op, name="pixel_shuffle"):
    """Turns channels into positions, so that the spatial sizes grow (Shi et al. 2016).

    Each position becomes a block of B positions, B being the product of `size`. The channels are
    in the order of `depth_to_space` of Keras and TensorFlow: position b of a block has, as its C
    channels, those from b·C on. PyTorch's `PixelShuffle` has every B-th channel from b on there.

    Shape: spatial sizes × `size`; the input's channels / B.
    Params: 0.
    MACs: 0.
    Example: `pixel_shuffle: {size: 2}`
    """

    size: tuple[int, ...] = arg(Size(), "positions that each position becomes", default=(2,))

    keras_classes = ("ops.DepthToSpace",)

    def check(self, *inputs: Shape) -> None:
        """Raises OpError unless the values of a block divide the channels."""
        channels, block = inputs[0][-1], prod(self._block(inputs[0]))
        if channels % block:
            raise OpError(
                f"{{layer}} makes blocks of {block:,} positions, and {block:,} does not divide the "
                f"{channels:,} channels of its input",
                arg="size",
                hint=f"for example a 1×1 convolution before it: "
                f"conv: {{filters: {block} * $in, kernel: 1}}",
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Every spatial size times that of the block, and the channels that are left."""
        (x,) = inputs
        block = self._block(x)
        spatial = (n * times for n, times in zip(x[:-1], block, strict=True))
        return (*spatial, x[-1] // prod(block))

    def _block(self, x: Shape) -> Shape:
        rank = spatial_rank(self.op, x)
        check_axes("size", self.size, rank)
        return per_axis(self.size, rank)

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks:
        """A channel depends on all channels that become its positions."""
        count = self.output_shape(*inputs)[-1]
        return [united(masks[0][channel::count]) for channel in range(count)]

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """A `Reshape` and `Permute` for every axis but the last, then a `Reshape`.

        Keras 3.12 has no `depth_to_space`, and later versions have it for two dimensions. Axis by
        axis, no tensor has more axes than other runtimes transpose.
        """
        (x,) = inputs
        block = self._block(x)
        made: list[LayerCall] = []
        before, rest = 1, x[-1]
        for number, (size, times) in enumerate(zip(x[:-2], block[:-1], strict=True), 1):
            rest //= times
            if times == 1:
                before *= size
                continue
            target = (before * size, prod(x[number:-1]), times, rest)
            step = "" if number == 1 else f"_{number}"
            made += [
                LayerCall("Reshape", f"{name}.split{step}", {"target_shape": target}),
                LayerCall("Permute", f"{name}.swap{step}", {"dims": (1, 3, 2, 4)}),
            ]
            before *= size * times
        return [*made, LayerCall("Reshape", name, {"target_shape": self.output_shape(x)})]

    def open_calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """A `Reshape` in one dimension, and `depth_to_space` in two: neither needs the sizes."""
        (x,) = inputs
        block = self._block(x)
        if len(block) == 1:
            target = (-1, self.output_shape(x)[-1])
            return [LayerCall("Reshape", name, {"target_shape": target})]
        if len(block) == 2 and block[0] == block[1]:
            return [LayerCall("depth_to_space", name, {"block_size": block[0]}, of="ops")]
        return self.calls(name, x)

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The operation `depth_to_space`."""
        return cls(size=(use.operation.block_size,))

    @classmethod
    def from_chain(cls, uses: Sequence[LayerUse]) -> Op | None:
        """The block that turns the first shape into the last, if the layers are of these kinds."""
        if {use.known_as for use in uses} != {"Reshape", "Permute"}:
            return None
        (_, *old, _), (_, *new, _) = uses[0].inputs[0], uses[-1].output
        if len(old) != len(new) or any(b % a for a, b in zip(old, new, strict=True)):
            return None
        return cls(size=tuple(b // a for a, b in zip(old, new, strict=True)))
