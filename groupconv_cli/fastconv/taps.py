"""Taps of a kernel that see nothing but padding: they compute nothing, and learn nothing.

TensorFlow leaves their places in a kernel's gradient unwritten where oneDNN computes it in bfloat16
with a processor's own instructions: training then adds whatever was in memory.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import tensorflow as tf


def touches_data(size: Any, taps: int, stride: int, dilation: int) -> Any:
    """For each tap along an axis, whether some window lays it on the input, with SAME padding.

    `size` is the input's, a number or a tensor of one. All taps are useful from the size on that
    the kernel reaches over.
    """
    outputs = -(-size // stride)
    # Below zero where windows leave something out; no tap is idle then.
    padding = (outputs - 1) * stride + (taps - 1) * dilation + 1 - size
    in_first_window = np.arange(taps, dtype="int32") * dilation - padding // 2
    in_last_window = in_first_window + (outputs - 1) * stride
    # Steps are no longer than the input where there are any: none leads from before it to behind.
    return (in_first_window < size) & (in_last_window >= 0)


def without_idle_taps(
    kernel: Any, sizes: list[Any], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Any:
    """The kernel with zeros for taps that see nothing but SAME padding, which changes no output.

    The gradient of these taps is zero then, whatever TensorFlow computes for it. `sizes` of the
    input are numbers, or tensors of one where they are not known yet. Where they are known and no
    tap is idle, the kernel comes back as it is.
    """
    rank = len(stride)
    useful, small = [], []
    for axis, (taps, size) in enumerate(zip(kernel.shape[:rank], sizes, strict=True)):
        known = isinstance(size, int)
        touches = touches_data(size, taps, stride[axis], dilation[axis])
        if taps == 1 or (known and touches.all()):
            continue
        useful.append(tf.reshape(touches, [taps if i == axis else 1 for i in range(rank + 2)]))
        if not known:
            small.append(size < (taps - 1) * dilation[axis] + 1)
    if not useful:
        return kernel

    def without() -> Any:
        return tf.where(reduce(tf.logical_and, useful), kernel, tf.zeros((), kernel.dtype))

    if len(small) < len(useful):
        return without()
    # To copy a kernel that has no idle taps takes time, beside the convolution of a small image.
    return tf.cond(reduce(tf.logical_or, small), without, lambda: kernel)
