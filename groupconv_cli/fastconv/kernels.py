"""Methods to compute a grouped convolution in TensorFlow.

Inputs have the shape (batch, height, width, channels), weights (height, width, channels / groups,
filters), as in `keras.layers.Conv2D`. All methods give the same result. The fastest method depends
on the shape and on how TensorFlow was built and started; see `choice`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from groupconv_cli.fastconv.choice import Method


class ConvWindow(NamedTuple):
    """The movement of the kernel over the input, per spatial axis."""

    stride: tuple[int, ...]
    padding: str
    """'SAME' or 'VALID'."""
    dilation: tuple[int, ...]


def convolve(x: Any, kernel: Any, groups: int, window: ConvWindow, method: Method) -> Any:
    """The convolution of x in the given number of groups, (batch, height, width, filters)."""
    if method.merge > 1:
        kernel = merged(kernel, groups, method.merge)
        groups //= method.merge
    if method.kernel == "depthwise":
        return _depthwise(x, kernel, groups, window)
    if method.kernel == "scale":
        return _scale(_every(x, window.stride), kernel, groups)
    if method.kernel == "split":
        parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
        return tf.concat([_dense(part, weights, window) for part, weights in parts], -1)
    return tf.nn.conv2d(x, kernel, window.stride, window.padding, dilations=window.dilation)


def merged(kernel: Any, groups: int, merge: int) -> Any:
    """The kernel with groups / merge groups: the old groups are diagonal blocks, else zeros."""
    height, width, channels, filters = kernel.shape
    block = filters // groups
    shape = (height, width, 1, channels, groups // merge, merge, block)
    diagonal = np.eye(merge).reshape(1, 1, merge, 1, 1, merge, 1)
    blocks = tf.reshape(kernel, shape) * tf.constant(diagonal, kernel.dtype)
    return tf.reshape(blocks, (height, width, merge * channels, filters))


def _dense(x: Any, kernel: Any, window: ConvWindow) -> Any:
    """A dense convolution. Unlike `conv2d` it has a gradient if kernels dilate without oneDNN."""
    return tf.nn.convolution(
        x, kernel, window.stride, window.padding, data_format="NHWC", dilations=window.dilation
    )


def _depthwise(x: Any, kernel: Any, groups: int, window: ConvWindow) -> Any:
    height, width, _, filters = kernel.shape
    kernel = tf.reshape(kernel, (height, width, groups, filters // groups))
    strides = (1, *window.stride, 1)
    return tf.nn.depthwise_conv2d(
        x, kernel, strides, window.padding, dilations=list(window.dilation)
    )


def _every(x: Any, stride: tuple[int, ...]) -> Any:
    """The positions that a kernel of one pixel sees."""
    return x if set(stride) == {1} else x[:, :: stride[0], :: stride[1], :]


def _scale(x: Any, kernel: Any, groups: int) -> Any:
    """The product for filters that read one channel and one pixel."""
    filters = kernel.shape[-1]
    if filters != groups:
        x = tf.repeat(x, filters // groups, axis=-1)
    return x * tf.reshape(kernel, (filters,))
