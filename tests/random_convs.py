"""Random convolutions, and how far what layers compute of them is from NumPy's float64."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
import tensorflow as tf
from keras import layers
from numpy_conv import grouped_conv, output_shape

from groupconv_cli.layers import GroupConv1D, GroupConv2D, GroupConv3D

FAST = (GroupConv1D, GroupConv2D, GroupConv3D)


STOCK = (layers.Conv1D, layers.Conv2D, layers.Conv3D)


DTYPES = ["float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"]


TOLERANCE = {"float64": 1e-12, "float32": 1e-5, "float16": 0.01, "bfloat16": 0.05}
"""Largest difference, against the largest value. In half precision sums are rounded many times."""


@dataclass(frozen=True)
class Case:
    """A convolution, and several inputs for it."""

    shapes: list[tuple[int, ...]]
    """Channels last."""
    kernel: tuple[int, ...]
    filters: int
    groups: int
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str
    data_format: str
    dtype: str
    traced: str
    """Not at all, with the sizes known, or without them."""


def random_case(number: int) -> Case:
    random = Random(number)
    rank = random.choice([1, 2, 2, 2, 3])
    groups = random.choice([1, 2, 2, 3, 4, 8])
    # To trace a convolution takes ten times as long as to compute it.
    traced = random.choice([*["not"] * 22, "with sizes", "without"])
    # A volume's convolution is one of images for each tap of the depth: long to trace.
    depth = [random.randint(1, 3 if traced != "not" else 7)] if rank == 3 else []
    kernel = (*depth, *(random.randint(1, 7) for _ in range(rank - len(depth))))
    strides = dilation = (1,) * rank
    # Keras has no layers with both.
    if random.random() < 0.5:
        strides = tuple(random.randint(1, 3) for _ in range(rank))
        if groups == 1 and rank == 3:
            # TensorFlow shifts dense volumes whose stride is longer than their kernel.
            strides = tuple(map(min, strides, kernel))
    else:
        dilation = tuple(random.randint(1, 4) for _ in range(rank))
    padding = random.choice(["same", "same", "same", "valid", *["causal"] * (rank == 1)])
    channels = groups * random.choice([1, 1, 2, 3, 4])
    shapes = []
    for _ in range(3 if traced == "without" else 1):
        most = random.choice([1, 2, 3, 8])
        least = [
            (taps - 1) * spread + 1 if padding == "valid" else 1
            for taps, spread in zip(kernel, dilation, strict=True)
        ]
        spatial = (size + random.randrange(most) for size in least)
        shapes.append((random.randint(1, 3), *spatial, channels))
    return Case(
        shapes=shapes,
        kernel=kernel,
        filters=groups * random.choice([1, 1, 2, 3]),
        groups=groups,
        strides=strides,
        dilation=dilation,
        padding=padding,
        data_format=random.choice(["channels_last", "channels_last", "channels_first"]),
        dtype=random.choice(DTYPES),
        traced=traced,
    )


def layer_of(case: Case, classes=FAST):
    layer = classes[len(case.kernel) - 1](
        case.filters,
        case.kernel,
        strides=case.strides,
        dilation_rate=case.dilation,
        padding=case.padding,
        data_format=case.data_format,
        groups=case.groups,
        dtype=case.dtype,
        kernel_initializer="zeros",  # random ones take as long as the rest, and are replaced
    )
    channels = case.shapes[0][-1]
    open_sizes = (None,) * len(case.kernel)
    first = case.data_format == "channels_first"
    layer.build((None, channels, *open_sizes) if first else (None, *open_sizes, channels))
    return layer


def moved(values, case: Case):
    """From channels last to where the case has them."""
    return np.moveaxis(values, -1, 1) if case.data_format == "channels_first" else values


def moved_back(values, case: Case):
    return np.moveaxis(values, 1, -1) if case.data_format == "channels_first" else values


def rounded(random, shape, dtype):
    """Random numbers that the dtype can hold, so that only the computation differs."""
    return tf.cast(tf.cast(random.standard_normal(shape), dtype), "float64").numpy()


def run(layer, case: Case):
    """The function of x and the output's weights that gives the output and all gradients."""

    def forward_and_back(x, weights):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            total = tf.reduce_sum(weights * tf.cast(y, "float64"))
        return [y, *tape.gradient(total, [x, layer.kernel.value, layer.bias.value])]

    if case.traced == "not":
        return forward_and_back
    signature = None
    if case.traced == "without":
        sizes = [None] * len(case.kernel)
        x_shape = [None, *sizes, case.shapes[0][-1]]
        y_shape = [None, *sizes, case.filters]
        if case.data_format == "channels_first":
            x_shape, y_shape = [None, x_shape[-1], *sizes], [None, y_shape[-1], *sizes]
        signature = [tf.TensorSpec(x_shape, layer.compute_dtype), tf.TensorSpec(y_shape, "float64")]
    return tf.function(forward_and_back, input_signature=signature, autograph=False)


def differences(layer, case: Case):
    """For each input: output, input gradient, kernel gradient and bias gradient, against NumPy's.

    A difference is relative to the largest value, and infinite where either is not a number.
    """
    random = np.random.default_rng(0)
    dtype = layer.compute_dtype
    kernel = rounded(random, layer.kernel.shape, dtype)
    bias = rounded(random, layer.bias.shape, dtype)
    layer.set_weights([kernel, bias])
    how = {"strides": case.strides, "dilation": case.dilation, "padding": case.padding}
    compute = run(layer, case)
    for shape in case.shapes:
        x = rounded(random, shape, dtype)
        weights = rounded(random, output_shape(shape, kernel.shape, **how), dtype)
        truth = grouped_conv(x, kernel, bias, weights, groups=case.groups, **how)
        found = compute(tf.cast(moved(x, case), dtype), tf.constant(moved(weights, case)))
        values = [tf.cast(value, "float64").numpy() for value in found]
        values[:2] = [moved_back(value, case) for value in values[:2]]
        assert [value.shape for value in values] == [value.shape for value in truth]
        yield [
            np.nan_to_num(np.abs(value - true).max() / max(np.abs(true).max(), 0.1), nan=np.inf)
            for value, true in zip(values, truth, strict=True)
        ]
