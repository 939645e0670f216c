"""Taps that see nothing but padding, which some of TensorFlow's kernels leave unwritten."""

from __future__ import annotations

from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy_conv import idle_taps
from random_convs import TOLERANCE, Case, differences, layer_of, random_case
from specs import nightly_but
from tensorflow.python.ops import gen_nn_ops

from groupconv_cli import accelerate
from groupconv_cli.fastconv.choice import traced_as_single_op
from groupconv_cli.fastconv.taps import touches_data
from groupconv_cli.layers import GroupConv2D

SIZES = range(1, 9)
CONDITIONS = {"SelectV2", "If", "StatelessIf"}


def test_which_taps_touch_data() -> None:
    """As numbers and as tensors, against each window and tap laid on the input."""
    for taps, stride, dilation in product(range(1, 8), range(1, 4), range(1, 5)):
        useful = [~idle_taps([size], [taps], [stride], [dilation]) for size in SIZES]
        found = [touches_data(size, taps, stride, dilation) for size in SIZES]
        np.testing.assert_array_equal(found, useful)
        traced = touches_data(tf.constant(SIZES)[:, None], taps, stride, dilation)
        np.testing.assert_array_equal(traced, useful)
        reach = (taps - 1) * dilation + 1
        assert all(
            touches.all() for size, touches in zip(SIZES, found, strict=True) if size >= reach
        )


@pytest.fixture
def garbage(monkeypatch) -> None:
    """Gradients of kernels as they are with oneDNN on some processors, in every dtype.

    What belongs to taps that see nothing but padding is not a number.
    """

    def idle(sizes, kernel, strides, dilations):
        return idle_taps(sizes[1:-1], kernel[:-2], strides[1:-1], dilations[1:-1])

    def spoiled(real):
        def backprop(x, kernel_sizes, grad, **how):
            result = real(x, kernel_sizes, grad, **how)
            if how["padding"] not in ("SAME", b"SAME"):
                return result
            arguments = [tf.shape(x), kernel_sizes, how["strides"], how["dilations"]]
            unwritten = tf.numpy_function(idle, arguments, bool)[..., None, None]
            unwritten = tf.ensure_shape(unwritten, [None] * len(result.shape))
            return tf.where(unwritten, tf.constant(np.nan, result.dtype), result)

        return backprop

    for name in (
        "conv2d_backprop_filter",
        "depthwise_conv2d_native_backprop_filter",
        "conv3d_backprop_filter_v2",
    ):
        monkeypatch.setattr(gen_nn_ops, name, spoiled(getattr(gen_nn_ops, name)))


@pytest.mark.usefixtures("garbage")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_garbage_is_there(dtype) -> None:
    kernel, per_channel = tf.ones((3, 3, 1, 1), dtype), {"strides": [1, 2, 2, 1], "padding": "SAME"}
    x = tf.ones((2, 1, 1, 1), dtype)
    for convolve in (tf.nn.conv2d, tf.nn.depthwise_conv2d):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            y = convolve(x, kernel, **per_channel)
        found = tape.gradient(y, kernel)[..., 0, 0]
        assert float(found[1, 1]) == 2.0
        assert np.isnan(np.asarray(found, "float32")).sum() == 8


# What was seen to go wrong, and every kind of kernel and of idle axis.
SEEN = [
    ((2, 1, 1, 16), (3, 3), 16, 4, (2, 2), (1, 1)),
    ((2, 1, 1, 16), (1, 3), 16, 4, (2, 2), (1, 1)),
    ((2, 4, 2, 16), (4, 4), 16, 4, (2, 3), (1, 1)),
    ((2, 1, 9, 16), (3, 3), 16, 16, (1, 1), (1, 1)),
    ((2, 1, 1, 8), (2, 2), 8, 2, (1, 1), (2, 2)),
    ((2, 2, 2, 8), (5, 5), 8, 1, (3, 3), (1, 1)),
    ((2, 2, 8), (7,), 8, 1, (1,), (1,)),
    ((2, 1, 8), (3,), 8, 4, (2,), (1,)),
    ((2, 1, 8), (3,), 8, 8, (2,), (1,)),
    ((2, 1, 2, 1, 8), (3, 3, 3), 8, 4, (2, 3, 2), (1, 1, 1)),
    ((2, 1, 2, 1, 8), (3, 3, 3), 8, 1, (2, 3, 2), (1, 1, 1)),
]


WAYS = list(product(["float32", "mixed_bfloat16"], ["not", "with sizes", "without"]))
IN_TURN = [(seen, *WAYS[number % len(WAYS)]) for number, seen in enumerate(SEEN)]
EAGER = [(seen, "float32", "not") for seen in SEEN]
"""All of them in the way that takes least, and each in one of the other ways."""


@pytest.mark.usefixtures("garbage")
@pytest.mark.parametrize(
    ("seen", "dtype", "traced"),
    nightly_but([*EAGER, *IN_TURN], [(seen, *way) for seen, way in product(SEEN, WAYS)]),
)
def test_gradients_are_right_with_garbage_where_taps_are_idle(seen, dtype, traced) -> None:
    shape, kernel, filters, groups, strides, dilation = seen
    settings = ("same", "channels_last", dtype, traced)
    case = Case([shape], kernel, filters, groups, strides, dilation, *settings)
    layer = layer_of(case)
    (found,) = differences(layer, case)
    assert max(found) <= TOLERANCE[layer.compute_dtype]


@pytest.mark.usefixtures("garbage")
@pytest.mark.parametrize("number", nightly_but(range(1000, 1020), range(1000, 1040)))
def test_random_gradients_are_right_with_garbage(number: int) -> None:
    case = random_case(number)
    layer = layer_of(case)
    for found in differences(layer, case):
        assert max(found) <= TOLERANCE[layer.compute_dtype], case


@pytest.mark.nightly
def test_training_with_garbage_is_that_of_stock_keras(request) -> None:
    keras.utils.set_random_seed(0)
    stock = keras.Sequential(
        [
            keras.Input((1, 1, 32)),
            layers.Conv2D(32, 3, strides=2, padding="same", groups=4, dtype="mixed_bfloat16"),
        ]
    )
    stock.compile(keras.optimizers.SGD(0.5), "mse")
    fast = accelerate(stock)
    random = np.random.default_rng(0)
    x, y = random.standard_normal((2, 32, 1, 1, 32)).astype("float32")
    before = stock.get_weights()
    stock.fit(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0)
    request.getfixturevalue("garbage")
    fast.fit(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0)
    for ours, theirs, old in zip(fast.get_weights(), stock.get_weights(), before, strict=True):
        assert np.abs(theirs - old).max() > 0.05
        np.testing.assert_allclose(ours, theirs, atol=5e-3)


def operations(layer, sizes) -> set[str]:
    """Types of operations in a trace of the layer and its gradients, inner functions included."""

    @tf.function(input_signature=[tf.TensorSpec((None, *sizes, 8))], autograph=False)
    def train(x):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(layer(x))
        return tape.gradient(y, layer.kernel.value)

    return {operation.type for operation in train.get_concrete_function().graph.get_operations()}


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_only_convolutions_that_may_have_idle_taps_are_traced_otherwise(groups) -> None:
    layer = GroupConv2D(8, 3, padding="same", groups=groups)
    layer.build((None, None, None, 8))
    assert not CONDITIONS & operations(layer, (8, 8))
    assert not CONDITIONS & operations(layer, (3, 2))
    assert CONDITIONS & operations(layer, (8, 1))
    assert CONDITIONS & operations(layer, (8, None))
    with traced_as_single_op(2, 3):
        traced = tf.function(layer, input_signature=[tf.TensorSpec((None, None, 1, 8))])
        graph = traced.get_concrete_function().graph
    assert not CONDITIONS & {operation.type for operation in graph.get_operations()}
    valid = GroupConv2D(8, 3, groups=groups)
    valid.build((None, None, None, 8))
    assert not CONDITIONS & operations(valid, (None, None))
