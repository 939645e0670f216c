"""Ways to compute a grouped convolution in TensorFlow.

Inputs have the shape (batch, height, width, channels), weights (height, width, channels / groups,
filters): what `keras.layers.Conv2D` has. Every way gives the same result; which is fastest depends
on the shape and on what TensorFlow was built and started with, see `choice`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from groupconv_cli.fastconv.choice import Method


class ConvWindow(NamedTuple):
    """How the kernel moves over the input, per spatial axis."""

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
    """The kernel in groups / merge groups: blocks of the old ones on a diagonal, else zeros."""
    height, width, channels, filters = kernel.shape
    block = filters // groups
    shape = (height, width, 1, channels, groups // merge, merge, block)
    diagonal = np.eye(merge).reshape(1, 1, merge, 1, 1, merge, 1)
    blocks = tf.reshape(kernel, shape) * tf.constant(diagonal, kernel.dtype)
    return tf.reshape(blocks, (height, width, merge * channels, filters))


def _dense(x: Any, kernel: Any, window: ConvWindow) -> Any:
    """Unlike `conv2d`, `convolution` also has a gradient for dilated kernels without oneDNN."""
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
    """One channel and one pixel to each filter is a product."""
    filters = kernel.shape[-1]
    if filters != groups:
        x = tf.repeat(x, filters // groups, axis=-1)
    return x * tf.reshape(kernel, (filters,))
