"""Layers as TFLite's converter takes them: it has no operation for some that Keras writes.

The classes are as those of Keras but for `call`, so a layer of the one becomes one of the other and
back. Each computes what Keras' own does.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from keras import layers

from groupconv_cli.fastconv.grouped_conv import sizes_of
from groupconv_cli.layers import GroupConv3D

VOLUME = 5
"""Axes of a batch of volumes."""


class _Pooling3D:
    """A window over a volume is one over each of its images, and then one over the depth.

    That holds of the mean too: of the places in a window that count, each image has as many.
    """

    def call(self: Any, inputs: Any) -> Any:
        """The pooled volume, by two poolings of images."""
        _, depth, height, width, channels = sizes_of(inputs)
        size, stride = self.pool_size, self.strides
        flat = tf.reshape(inputs, (-1, height, width, channels))
        flat = self._pooled(flat, size[1:], stride[1:])
        _, height, width, _ = sizes_of(flat)
        columns = tf.reshape(flat, (-1, depth, height * width, channels))
        columns = self._pooled(columns, (size[0], 1), (stride[0], 1))
        return tf.reshape(columns, (-1, sizes_of(columns)[1], height, width, channels))

    def _pooled(self: Any, x: Any, size: tuple[int, ...], stride: tuple[int, ...]) -> Any:
        pool = tf.nn.max_pool2d if self.pool_mode == "max" else tf.nn.avg_pool2d
        return pool(x, size, stride, self.padding.upper())


class _MaxPooling3D(_Pooling3D, layers.MaxPooling3D):  # type: ignore[misc]
    """`keras.layers.MaxPooling3D`."""


class _AveragePooling3D(_Pooling3D, layers.AveragePooling3D):  # type: ignore[misc]
    """`keras.layers.AveragePooling3D`."""


class _PReLU(layers.PReLU):  # type: ignore[misc]
    """As a choice: the converter makes one operation of Keras' sum, which takes no volumes."""

    def call(self, inputs: Any) -> Any:
        """The inputs, the negative ones times alpha."""
        return tf.where(inputs > 0, inputs, self.alpha * inputs)


class _Scale(layers.EinsumDense):  # type: ignore[misc]
    """A product without a sum: the converter makes a product of matrices of it, and fails."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The inputs times the kernel, in their last axes."""
        x = inputs * self.kernel
        x = x if self.bias is None else x + self.bias
        return x if self.activation is None else self.activation(x)


def stand_in(layer: Any) -> type | None:
    """The class that a layer is to have while TFLite's converter traces it; None for its own."""
    kind = type(layer)
    if getattr(layer, "data_format", "channels_last") == "channels_last":
        if kind is layers.MaxPooling3D:
            return _MaxPooling3D
        if kind is layers.AveragePooling3D:
            return _AveragePooling3D
        if kind is layers.Conv3D and max(layer.dilation_rate) > 1:
            return GroupConv3D
    if kind is layers.PReLU and len(layer.alpha.shape) + 1 == VOLUME:
        return _PReLU
    return _Scale if kind is layers.EinsumDense and _only_scales(layer.equation) else None


def _only_scales(equation: str) -> bool:
    """Whether the kernel's axes are the last ones of the input, and all of those the output's."""
    read, _, written = equation.replace(" ", "").partition("->")
    values, _, kernel = read.partition(",")
    return values == written and values.endswith(kernel)
