"""Keras models whose layers are all in the language: they are full networks.

The claim is tested mechanically: whatever argument of a layer is changed, either the network names
the layer as foreign, or the rebuilt model gives the same outputs with the same weights.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from cases import CASES, Case, with_one_of_each
from keras import layers
from keras import ops as functions
from specs import nightly_but

from groupconv_cli import build, load
from groupconv_cli.network import Network
from groupconv_cli.ops.shape import Input


def model_of(case: Case) -> keras.Model:
    """The op of a case as a model."""
    inputs = [keras.Input(shape, name=f"input_{i}") for i, shape in enumerate(case.inputs)]
    x = inputs if case.op.merges else inputs[0]
    for layer in case.op.build("tested", *case.inputs):
        x = layer(x)
    return keras.Model(inputs, x)


def check_same(old: Network, new: Network) -> None:
    """Both networks are built as the same layers with the same names and connections."""
    assert [node.name for node in old.nodes] == [node.name for node in new.nodes]
    for one, other in zip(old.nodes, new.nodes, strict=True):
        assert (one.inputs, one.shape, one.cost) == (other.inputs, other.shape, other.cost)
        shapes = one.input_shapes
        calls = [node.op.plainest(*shapes).calls(node.name, *shapes) for node in (one, other)]
        assert calls[0] == calls[1]
    assert (old.inputs, old.outputs) == (new.inputs, new.outputs)


def check_computes_the_same(model: keras.Model, rebuilt: keras.Model) -> None:
    """With the same weights in layers of the same names, both have the same outputs."""
    random = np.random.default_rng(0)
    for layer in rebuilt.layers:
        layer.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(weights_for(layer, rebuilt))
    inputs = [random.normal(size=(2, *each.shape[1:])).astype("float32") for each in model.inputs]
    given = inputs[0] if len(inputs) == 1 else inputs
    for one, other in zip(
        keras.tree.flatten(model(given)), keras.tree.flatten(rebuilt(given)), strict=True
    ):
        np.testing.assert_allclose(np.asarray(other), np.asarray(one), rtol=1e-4, atol=1e-5)


def weights_for(layer, rebuilt: keras.Model) -> list[np.ndarray]:
    """The weights of the layer in the rebuilt model, which makes two of a separable one."""
    if not type(layer).__name__.startswith("Separable"):
        return rebuilt.get_layer(layer.name).get_weights()
    halves = [rebuilt.get_layer(f"{layer.name}.{half}") for half in ("depthwise_conv", "conv")]
    return [weight for half in halves for weight in half.get_weights()]


# What gconv built


BUILT = [case for case in CASES if not isinstance(case.op, Input)]
FAR_APART = ("shufflenet_v1", "resnext50_32x4d", "mobilenet_v2")


@pytest.mark.parametrize("case", with_one_of_each(BUILT))
def test_every_op_is_read_back_as_what_it_was_built_as(case: Case) -> None:
    network = load(model_of(case))
    assert network.foreign == ()
    (node,) = network.layers
    ops = [op.plainest(*case.inputs) for op in (node.op, case.op)]
    calls = [op.calls("x", *case.inputs) for op in ops]
    assert calls[0] == calls[1]


@pytest.mark.parametrize("name", nightly_but(["shufflenet_v1"], FAR_APART))
def test_a_network_is_read_back_as_it_was(name: str) -> None:
    network = load(name)
    read = load(build(network))
    assert read.foreign == ()
    check_same(network, read)


# What others built


MAP, LINE, VOLUME, VECTOR = (6, 8, 4), (8, 4), (4, 6, 8, 4), (8,)

LAYERS = {
    "Activation": (MAP, {"activation": "relu"}),
    "AveragePooling1D": (LINE, {"pool_size": 2}),
    "AveragePooling2D": (MAP, {"pool_size": 2}),
    "AveragePooling3D": (VOLUME, {"pool_size": 2}),
    "BatchNormalization": (MAP, {}),
    "Conv1D": (LINE, {"filters": 6, "kernel_size": 3}),
    "Conv1DTranspose": (LINE, {"filters": 6, "kernel_size": 3}),
    "Conv2D": (MAP, {"filters": 6, "kernel_size": 3}),
    "Conv2DTranspose": (MAP, {"filters": 6, "kernel_size": 3}),
    "Conv3D": (VOLUME, {"filters": 6, "kernel_size": 3}),
    "Cropping1D": (LINE, {}),
    "Cropping2D": (MAP, {"cropping": 1}),
    "Cropping3D": (VOLUME, {}),
    "Dense": (MAP, {"units": 5}),
    "DepthwiseConv1D": (LINE, {"kernel_size": 3}),
    "DepthwiseConv2D": (MAP, {"kernel_size": 3}),
    "Dropout": (MAP, {"rate": 0.3}),
    "ELU": (MAP, {}),
    "EinsumDense": (MAP, {"equation": "abcd,d->abcd", "output_shape": MAP}),
    "Flatten": (MAP, {}),
    "GaussianNoise": (MAP, {"stddev": 0.1}),
    "GlobalAveragePooling1D": (LINE, {}),
    "GlobalAveragePooling2D": (MAP, {}),
    "GlobalMaxPooling2D": (MAP, {}),
    "GlobalMaxPooling3D": (VOLUME, {}),
    "GroupNormalization": (MAP, {"groups": 2}),
    "LayerNormalization": (MAP, {}),
    "LeakyReLU": (MAP, {}),
    "MaxPooling1D": (LINE, {}),
    "MaxPooling2D": (MAP, {}),
    "MaxPooling3D": (VOLUME, {}),
    "PReLU": (MAP, {}),
    "Permute": (MAP, {"dims": (2, 1, 3)}),
    "ReLU": (MAP, {}),
    "Rescaling": (MAP, {"scale": 0.5}),
    "Reshape": (MAP, {"target_shape": (-1, 4)}),
    "SeparableConv1D": (LINE, {"filters": 6, "kernel_size": 3}),
    "SeparableConv2D": (MAP, {"filters": 6, "kernel_size": 3}),
    "Softmax": (MAP, {}),
    "SpatialDropout2D": (MAP, {"rate": 0.3}),
    "UnitNormalization": (MAP, {}),
    "UpSampling1D": (LINE, {}),
    "UpSampling2D": (MAP, {}),
    "UpSampling3D": (VOLUME, {}),
    "ZeroPadding1D": (LINE, {}),
    "ZeroPadding2D": (MAP, {}),
    "ZeroPadding3D": (VOLUME, {}),
}
"""Layers of Keras by class, with an input and the arguments that they need."""

TRAINING = {"name", "seed", "autocast"}

VALUES = {
    "activation": ["elu", "gelu", "leaky_relu", "softmax", "swish", keras.activations.relu6, abs],
    "axis": [1, [1, 2], [2], [-1], 3],
    "bias_axes": ["d"],
    "cropping": [((0, 1), (1, 0)), (1, 2), (2, 0)],
    "data_format": ["channels_first", "channels_last"],
    "dims": [(1, 3, 2), (3, 1, 2)],
    "dtype": ["float16", "mixed_bfloat16"],
    "equation": ["abcd,cd->abcd", "abcd,de->abce", "...d,d->...d", "abcd,b->abcd"],
    "groups": [1, 2],
    "interpolation": ["bilinear", "bicubic"],
    "kernel_size": [1, (1, 3), (3, 1, 2)],
    "max_value": [6, 6.0, 4],
    "noise_shape": [(None, 1, 1, 4), (None, 1, 1, 1)],
    "output_shape": [(6, 8, 5)],
    "padding": ["same", "valid", "causal", 2, (0, 1), ((0, 1), (2, 0)), (1, 2, 0)],
    "pool_size": [3, (1, 3), (3, 1, 2)],
    "shared_axes": [[1], [1, 2], [2, 1]],
    "size": [3, (1, 3), (3, 1, 2)],
    "strides": [2, (1, 2), (2, 1, 1)],
    "target_shape": [(4, -1), (12, 4, 4), (192,)],
    "threshold": [0.5],
}
"""Other values of arguments; numbers and flags have some of their own."""


FEW = ["leaky_relu", keras.activations.relu6, abs]
"""Activations: one with an argument of its own, one given as a function, and one of nobody's."""

ALL_ACTIVATIONS = {"Activation", "Dense"}
"""Layers that are always tried with all of them: the same code reads those of the others."""


def others(key: str, value: object, *, few: bool) -> list[object]:
    if key == "activation" and few:
        return FEW
    if key in VALUES:
        return VALUES[key]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, 2]
    if isinstance(value, float):
        return [value / 2, 0.25]
    if isinstance(value, tuple):
        return [2, (1, 2), (2, 1, 1)]
    return [2, 0.5, True]


def variants(name: str, *, few: bool) -> dict[int, tuple]:
    """The inputs and outputs of layers `v0`, `v1` and so on.

    The first is as it is by default. In the others one argument is changed, where Keras accepts it.
    """
    shape, needed = LAYERS[name]
    cls = getattr(layers, name)
    changes: list[dict[str, object]] = [
        {key: other}
        for key, value in cls(**needed).get_config().items()
        if not key.endswith(("_initializer", "_regularizer", "_constraint")) and key not in TRAINING
        for other in others(key, value, few=few)
    ]
    found = {}
    for number, change in enumerate([{}, *changes]):
        x = keras.Input(shape, name=f"input_{number}")
        try:
            found[number] = x, cls(**{**needed, **change}, name=f"v{number}")(x)
        except Exception:  # noqa: BLE001  (Keras refuses some values in many ways)
            continue
    return found


def with_variants(found: dict[int, tuple]) -> keras.Model:
    """A model with all these layers, each with an input of its own."""
    return keras.Model(*map(list, zip(*found.values(), strict=True)))


OTHER_RANKS = {name for name in LAYERS if name.replace("1D", "2D").replace("3D", "2D") != name}
"""Layers of lines and of volumes: those of images are read by the same code."""

ALWAYS = {*LAYERS} - OTHER_RANKS | {"Conv1D", "MaxPooling3D"}


@pytest.mark.parametrize("name", nightly_but(ALWAYS, LAYERS))
def test_a_layer_is_foreign_or_computes_the_same_when_it_is_rebuilt(
    name: str, request: pytest.FixtureRequest
) -> None:
    few = name not in ALL_ACTIVATIONS and not request.config.option.nightly
    found = variants(name, few=few)
    foreign = {each.name.partition(".")[0] for each in load(with_variants(found)).foreign}
    kept = {number: each for number, each in found.items() if f"v{number}" not in foreign}
    if name in ("GaussianNoise", "Permute", "SpatialDropout2D", "UnitNormalization"):
        assert not kept
        return
    assert 0 in kept
    model = with_variants(kept)
    network = load(model)
    assert network.foreign == ()
    rebuilt = build(network)
    check_computes_the_same(model, rebuilt)
    key = {"BatchNormalization": "momentum", "Dropout": "rate"}.get(name)
    for number in kept if key else ():  # what only training shows
        both = [each.get_layer(f"v{number}") for each in (model, rebuilt)]
        assert getattr(both[0], key) == getattr(both[1], key)


def twice(layer):
    """Two uses of one layer."""
    return lambda x: layer(layer(x) - 1)


CALLS = {
    "a number added": (lambda x: x + 3.0, True),
    "a number first": (lambda x: 1 - x, True),
    "a number taken away": (lambda x: x - 2, True),
    "a quotient": (lambda x: x / 3, True),
    "a number divided": (lambda x: 1 / x, False),
    "a product": (lambda x: 0.5 * x, True),
    "an array added": (lambda x: x + np.ones(4, "float32"), False),
    "the larger of it and a number": (lambda x: functions.maximum(x, 0.1), False),
    "the sum with itself": (lambda x: x + x, True),
    "channels": (lambda x: x[..., 1:3], True),
    "channels of all axes": (lambda x: x[:, :, :, -3:], True),
    "every second channel": (lambda x: x[..., ::2], False),
    "rows": (lambda x: x[:, 1:], False),
    "one channel": (lambda x: x[..., 1], False),
    "gelu": (lambda x: functions.gelu(x, approximate=True), True),
    "exact gelu": (lambda x: functions.gelu(x, approximate=False), True),
    "relu": (functions.relu, True),
    "silu": (functions.silu, True),
    "softmax": (lambda x: functions.softmax(x, axis=-1), True),
    "softmax over rows": (lambda x: functions.softmax(x, axis=1), False),
    "glu": (lambda x: functions.glu(x, axis=-1), True),
    "glu over rows": (lambda x: functions.glu(x, axis=1), False),
    "a threshold": (lambda x: functions.threshold(x, 0.2, 0.1), True),
    "a join of channels": (lambda x: functions.concatenate([x, x], axis=-1), True),
    "a join of rows": (lambda x: functions.concatenate([x, x], axis=1), False),
    "a join of rows by a layer": (lambda x: layers.Concatenate(axis=1)([x, x]), False),
    "a reshape of samples": (lambda x: functions.reshape(x, (-1, 24, 8)), True),
    "a reshape of the batch": (lambda x: functions.reshape(x, (1, -1)), False),
    "dropout that is always on": (lambda x: layers.Dropout(0.5)(x, training=True), False),
    "a norm that is never trained": (
        lambda x: layers.BatchNormalization()(x, training=False),
        True,
    ),
    "a norm of the batch": (lambda x: layers.BatchNormalization()(x, training=True), False),
    "an activation layer inside": (
        layers.Conv2D(4, 1, activation=layers.ReLU()),
        False,
    ),
    "a shuffle": (
        lambda x: layers.Reshape(MAP)(
            layers.Permute((1, 2, 4, 3))(layers.Reshape((6, 8, 2, 2))(x))
        ),
        True,
    ),
    "a shuffle by functions": (
        lambda x: functions.reshape(
            functions.transpose(functions.reshape(x, (-1, 6, 8, 2, 2)), (0, 1, 2, 4, 3)),
            (-1, *MAP),
        ),
        True,
    ),
    "no shuffle": (
        lambda x: layers.Reshape(MAP)(
            layers.Permute((2, 1, 3, 4))(layers.Reshape((6, 8, 2, 2))(x))
        ),
        False,
    ),
    "a frozen convolution": (layers.Conv2D(4, 1, trainable=False), True),
    "a layer twice": (twice(layers.Conv2D(4, 1)), False),
    "an activation twice": (twice(layers.ReLU()), True),
    "step by step": (layers.TimeDistributed(layers.Conv1D(4, 3)), False),
    "a spectral norm": (layers.SpectralNormalization(layers.Conv2D(4, 1)), False),
    "a model inside": (
        keras.Sequential([keras.Input(MAP), layers.Conv2D(4, 1, name="c")], name="m"),
        True,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_else_a_model_computes(name: str) -> None:
    call, is_full = CALLS[name]
    x = keras.Input(MAP)
    model = keras.Model(x, call(x))
    network = load(model)
    assert (network.foreign == ()) is is_full
    if is_full:
        rebuilt = build(network)
        rebuilt.set_weights(model.get_weights())
        image = np.random.default_rng(1).normal(size=(2, *MAP)).astype("float32")
        np.testing.assert_allclose(rebuilt(image), model(image), rtol=1e-5, atol=1e-6)
        assert len(rebuilt.trainable_weights) == len(model.trainable_weights)


def test_ends_of_a_model_that_no_spec_has() -> None:
    x, other = keras.Input(MAP, name="x"), keras.Input((3,), name="other")
    y = layers.ReLU(name="y")(x)
    whole = layers.Rescaling(2, name="whole")(keras.Input(MAP, name="pixels", dtype="uint8"))
    models = {
        "x": keras.Model(x, [x, y]),
        "y": keras.Model(x, [y, y]),
        "other": keras.Model([x, other], y),
        "pixels": keras.Model(whole._keras_history.operation.input, whole),
    }
    for name, model in models.items():
        assert name in [each.name for each in load(model).foreign], name
