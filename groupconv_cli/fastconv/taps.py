"""Taps of a kernel that see only padding. They compute nothing and must learn nothing.

If oneDNN computes a kernel's gradient in bfloat16 with instructions of the processor, TensorFlow
leaves the places of these taps unwritten. Training then adds whatever was in memory.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import tensorflow as tf


def touches_data(size: Any, taps: int, stride: int, dilation: int) -> Any:
    """For each tap along an axis, whether some window puts it on the input, with SAME padding.

    `size` is the size of the input, a number or a scalar tensor. If the input is at least as large
    as the kernel's reach, all taps are useful.
    """
    outputs = -(-size // stride)
    # This is negative if windows leave out some of the input; then no tap is idle.
    padding = (outputs - 1) * stride + (taps - 1) * dilation + 1 - size
    in_first_window = np.arange(taps, dtype="int32") * dilation - padding // 2
    in_last_window = in_first_window + (outputs - 1) * stride
    # A step is never longer than the input, so no step jumps from before the input to after it.
    return (in_first_window < size) & (in_last_window >= 0)


def without_idle_taps(
    kernel: Any, sizes: list[Any], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Any:
    """The kernel with zeros for taps that see only SAME padding. No output changes.

    The gradient of these taps is then zero, whatever TensorFlow computes. `sizes` of the input are
    numbers, or scalar tensors if they are not known yet. If they are known and no tap is idle, the
    same kernel is returned.
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
    # Copying a kernel without idle taps takes time, compared with the convolution of a small image.
    return tf.cond(reduce(tf.logical_or, small), without, lambda: kernel)
