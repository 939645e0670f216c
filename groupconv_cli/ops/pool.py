"""Pooling, over windows and over all positions."""

from __future__ import annotations

from collections.abc import Sequence

from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Op, Shape, Window, arg, per_axis
from groupconv_cli.ops.calls import LayerCall, one_if_equal
from groupconv_cli.ops.geometry import (
    Padding,
    keras_padding,
    make_window,
    output_sizes,
    padding_from_keras,
    padding_sides,
    sides_of,
    spatial_rank,
)
from groupconv_cli.ops.keras_use import LayerUse, sizes
from groupconv_cli.ops.kinds import Flag
from groupconv_cli.ops.size_kinds import PaddingKind, Size


class _Pool(Op):
    size: tuple[int, ...] = arg(Size(), "size of the window", default=(2,))
    stride: tuple[int, ...] | None = arg(
        Size(), "step between windows", default=None, otherwise="the size"
    )
    padding: Padding = arg(
        PaddingKind(),
        "padding around the input; pixels must be fewer than the size",
        default="same",
    )

    @property
    def window(self) -> Window:
        """Size and stride; single values stand for all axes."""
        return Window(self.size, self.size if self.stride is None else self.stride, (1,))

    def _fitted(self, x: Shape) -> Window:
        return make_window(self.op, x, *self.window, kernel_arg="size")

    def check(self, *inputs: Shape) -> None:
        """Raises OpError if a window does not fit the input, or could hold only padding."""
        (x,) = inputs
        window = self._fitted(x)
        output_sizes(x[:-1], window, self.padding, "size")
        sides = padding_sides("valid" if self.padding == "same" else self.padding, window)
        for size, pads in zip(window.kernel, sides, strict=True):
            if max(pads) >= size:
                raise OpError(
                    f"with a padding of {max(pads)}, some windows of size {size} hold only padding",
                    arg="padding",
                    hint="the padding of a pool must be smaller than its size",
                )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Spatial sizes by padding and stride; the input's channels."""
        (x,) = inputs
        return (*output_sizes(x[:-1], self._fitted(x), self.padding, "size"), x[-1])

    def _keras_pool(self, kind: str, name: str, x: Shape, padding: str) -> LayerCall:
        rank = len(x) - 1
        size, stride, _ = (one_if_equal(per_axis(size, rank)) for size in self.window)
        options = {
            "strides": None if stride == size else stride,
            "padding": padding,
            "data_format": "channels_last",
        }
        return LayerCall(f"{kind}Pooling{rank}D", name, {"pool_size": size}, options)

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer of any rank."""
        layer = use.operation
        return cls(size=sizes(layer.pool_size), stride=sizes(layer.strides), padding=layer.padding)

    @classmethod
    def from_chain(cls, uses: Sequence[LayerUse]) -> Op | None:
        """The pool after a layer that pads."""
        if len(uses) != 2 or uses[1].known_as not in cls.keras_classes:
            return None
        padding, op = cls._padding_before(uses[0]), cls.from_keras(uses[1])
        return None if padding is None else op.replace(padding=padding)

    @classmethod
    def _padding_before(cls, use: LayerUse) -> Padding | None:
        """The padding that a layer before the pool adds."""
        return padding_from_keras(use)


class MaxPool(_Pool, name="max_pool"):
    """The largest value of each window. Padding never wins, whatever the sign of the values.

    Shape: spatial sizes as the padding and stride make them, the input's channels.
    Params: 0.
    MACs: 0.
    Example: `max_pool: {size: 3, stride: 2}`
    """

    keras_classes = ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D")

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`MaxPooling`, after `keras.ops.pad` with minus infinity if the padding is in pixels."""
        (x,) = inputs
        if isinstance(self.padding, str):
            return [self._keras_pool("Max", name, x, self.padding)]
        widths = ((0, 0), *padding_sides(self.padding, self._fitted(x)), (0, 0))
        lowest = {"constant_values": float("-inf")}
        return [
            LayerCall("pad", f"{name}.pad", {"pad_width": widths}, lowest, of="ops"),
            self._keras_pool("Max", name, x, "valid"),
        ]

    @classmethod
    def _padding_before(cls, use: LayerUse) -> Padding | None:
        """The padding of `keras.ops.pad`."""
        return sides_of(use.operation.pad_width[1:-1]) if use.known_as == "ops.Pad" else None


class AvgPool(_Pool, name="avg_pool"):
    """The mean of each window. Padding in pixels counts as zeros; `same` padding does not count.

    Shape: spatial sizes as the padding and stride make them, the input's channels.
    Params: 0.
    MACs: 0.
    Example: `avg_pool: {size: 3, stride: 2}`
    """

    keras_classes = ("AveragePooling1D", "AveragePooling2D", "AveragePooling3D")

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`AveragePooling`, after a `ZeroPadding` if the padding is in pixels."""
        (x,) = inputs
        padding, chain = keras_padding(self.padding, self._fitted(x), name)
        return [*chain, self._keras_pool("Average", name, x, padding)]


class _GlobalPool(Op):
    keepdims: bool = arg(Flag(), "keep the spatial axes, with size 1", default=False)

    def check(self, *inputs: Shape) -> None:
        """Raises OpError for an input without spatial axes."""
        spatial_rank(self.op, inputs[0])

    def output_shape(self, *inputs: Shape) -> Shape:
        """(channels), or 1 for every spatial axis and then the channels."""
        (x,) = inputs
        return ((1,) * (len(x) - 1) if self.keepdims else ()) + x[-1:]

    def _keras_pool(self, kind: str, name: str, x: Shape) -> Sequence[LayerCall]:
        options = {"keepdims": self.keepdims, "data_format": "channels_last"}
        return [LayerCall(f"Global{kind}Pooling{len(x) - 1}D", name, options=options)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """The layer of any rank."""
        return cls(keepdims=use.operation.keepdims)


class GlobalAvgPool(_GlobalPool, name="global_avg_pool"):
    """The mean of each channel over all positions.

    Shape: (channels); with `keepdims` 1 for every spatial axis, then the channels.
    Params: 0.
    MACs: 0.
    Example: `global_avg_pool`
    """

    keras_classes = (
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
    )

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`GlobalAveragePooling`."""
        return self._keras_pool("Average", name, inputs[0])


class GlobalMaxPool(_GlobalPool, name="global_max_pool"):
    """The largest value of each channel over all positions.

    Shape: (channels); with `keepdims` 1 for every spatial axis, then the channels.
    Params: 0.
    MACs: 0.
    Example: `global_max_pool`
    """

    keras_classes = ("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D")

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`GlobalMaxPooling`."""
        return self._keras_pool("Max", name, inputs[0])
