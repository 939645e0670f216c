"""What layers compute, against Keras, TensorFlow and NumPy.

The cases of every layer only hold shapes and parameters against Keras: values are in question where
several layers of Keras stand for one of the language.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from groupconv_cli import build, load
from groupconv_cli.ops.conv import DepthwiseConv

RANDOM = np.random.default_rng(0)


def values(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=(2, *shape), scale=2).astype("float32")


def computed(layer: Any, x: np.ndarray, *, training: bool = False) -> np.ndarray:
    """The output of a layer of a spec, given its text."""
    model = build(load({"input": list(x.shape[1:]), "layers": [layer]}))
    return np.asarray(model(x, training=training))


def lowest_around(x: np.ndarray, *sides: tuple[int, int]) -> np.ndarray:
    return np.pad(x, [(0, 0), *sides, (0, 0)], constant_values=-np.inf)


def windows(x: np.ndarray, size: int, step: int) -> np.ndarray:
    """All windows of an image, in the axes after the channels."""
    seen = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return seen[:, ::step, ::step]


def test_a_max_pool_never_sees_the_padding_of_either_side() -> None:
    x = -np.abs(values(7, 8, 3)) - 1
    pool = {"max_pool": {"size": 3, "stride": 2, "padding": [[0, 1], [2, 0]]}}
    expected = windows(lowest_around(x, (0, 1), (2, 0)), 3, 2).max(axis=(-2, -1))
    np.testing.assert_array_equal(computed(pool, x), expected)


def test_an_average_pool_counts_the_padding_of_either_side_as_zeros() -> None:
    x = values(7, 8, 3)
    pool = {"avg_pool": {"size": 3, "stride": 2, "padding": [[0, 1], [2, 0]]}}
    padded = np.pad(x, [(0, 0), (0, 1), (2, 0), (0, 0)])
    expected = windows(padded, 3, 2).mean(axis=(-2, -1))
    np.testing.assert_allclose(computed(pool, x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        ([[0, 1], [0, 1]], ((0, 1), (0, 1))),
        ([[2, 0], 1], ((2, 0), (1, 1))),
        ([[1, 1], [1, 1]], ((1, 1), (1, 1))),
    ],
)
def test_a_convolution_reads_the_pixels_of_each_side(padding, sides) -> None:
    """With weights of 1 it adds up what its window sees."""
    x = values(8, 9, 3)
    spec = {"conv": {"filters": 1, "kernel": 3, "stride": 2, "padding": padding}}
    model = build(load({"input": list(x.shape[1:]), "layers": [spec]}))
    for weight in model.weights:
        weight.assign(np.ones(weight.shape) if len(weight.shape) > 1 else np.zeros(weight.shape))
    padded = np.pad(x, [(0, 0), *sides, (0, 0)])
    expected = windows(padded, 3, 2).sum(axis=(-3, -2, -1))[..., None]
    np.testing.assert_allclose(np.asarray(model(x)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("how", [{}, {"stride": (2,)}, {"dilation": (3,)}], ids=str)
def test_a_depthwise_convolution_is_causal_like_the_grouped_one_of_keras(how) -> None:
    import keras

    x = values(11, 4)
    (pad, layer) = DepthwiseConv(kernel=(3,), padding="causal", **how).build("tested", (11, 4))
    output = layer(pad(x))
    step = {"strides": how.get("stride", (1,))[0], "dilation_rate": how.get("dilation", (1,))[0]}
    grouped = keras.layers.Conv1D(4, 3, groups=4, padding="causal", **step)
    grouped.build(x.shape)
    kernel, bias = layer.get_weights()
    grouped.set_weights([kernel.transpose(0, 2, 1), bias])
    np.testing.assert_allclose(output, grouped(x), rtol=1e-5, atol=1e-5)


def test_pixel_shuffle_is_depth_to_space() -> None:
    import tensorflow as tf

    x = values(3, 4, 27)
    expected = tf.nn.depth_to_space(x, 3)
    np.testing.assert_array_equal(computed({"pixel_shuffle": {"size": 3}}, x), expected)


@pytest.mark.parametrize(
    ("shape", "block"), [((5, 6), (3,)), ((4, 5, 12), (3, 2)), ((2, 3, 4, 24), (2, 3, 2))], ids=str
)
def test_pixel_shuffle_puts_a_channel_where_its_number_says(shape, block) -> None:
    x = values(*shape)
    output = computed({"pixel_shuffle": {"size": list(block)}}, x)
    left = shape[-1] // int(np.prod(block))
    for position in np.ndindex(*block):
        number = int(np.ravel_multi_index(position, block))
        steps = (slice(start, None, step) for start, step in zip(position, block, strict=True))
        found = output[(slice(None), *steps)]
        np.testing.assert_array_equal(found, x[..., number * left : (number + 1) * left])


@pytest.mark.parametrize(
    ("given", "radius", "rest"),
    [
        ({}, 2, {"bias": 2.0, "alpha": 1e-4, "beta": 0.75}),
        ({"size": 3, "alpha": 0.5, "beta": 0.5, "k": 1}, 1, {"bias": 1, "alpha": 0.5, "beta": 0.5}),
        ({"size": 13, "alpha": 1, "k": 0.5}, 6, {"bias": 0.5, "alpha": 1, "beta": 0.75}),
    ],
    ids=str,
)
def test_local_response_norm_is_that_of_tensorflow(given, radius, rest) -> None:
    import tensorflow as tf

    x = values(5, 6, 9) * 10
    expected = tf.nn.local_response_normalization(x, depth_radius=radius, **rest)
    found = computed({"local_response_norm": given}, x)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_softmax_of_groups_is_a_softmax_of_each() -> None:
    x = values(3, 4, 12)
    found = computed({"softmax": {"groups": 3}}, x)
    for start in (0, 4, 8):
        part = np.exp(x[..., start : start + 4])
        expected = part / part.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(found[..., start : start + 4], expected, rtol=1e-5)


def test_rescaling_by_channel() -> None:
    x = values(3, 4, 2)
    found = computed({"rescaling": {"scale": [2, 0.5], "offset": [1, -1]}}, x)
    np.testing.assert_allclose(found, x * [2, 0.5] + [1, -1], rtol=1e-6)


@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 2)], ids=str)
def test_stochastic_depth_drops_whole_samples_and_only_in_training(shape) -> None:
    x = np.ones((200, *shape), "float32")
    layer = {"stochastic_depth": {"rate": 0.25}}
    np.testing.assert_array_equal(computed(layer, x), x)
    samples = computed(layer, x, training=True).reshape(200, -1)
    assert (samples == samples[:, :1]).all()
    kept = samples[:, 0] != 0
    assert 100 < kept.sum() < 190
    np.testing.assert_allclose(samples[kept], 1 / 0.75, rtol=1e-6)
