"""Bundled networks that Keras has too: counted and computed as there."""

from __future__ import annotations

import numpy as np
import pytest
from profiled import COUNTED, profiled
from specs import nightly_but

from groupconv_cli import analyze, build

APPLICATIONS = {
    "densenet121": "DenseNet121",
    "densenet169": "DenseNet169",
    "densenet201": "DenseNet201",
    "efficientnet_b0": "EfficientNetB0",
    "efficientnet_b1": "EfficientNetB1",
    "efficientnet_b2": "EfficientNetB2",
    "efficientnet_b3": "EfficientNetB3",
    "inception_v3_keras": "InceptionV3",
    "mobilenet_v3_large": "MobileNetV3Large",
    "mobilenet_v3_small": "MobileNetV3Small",
    "nasnet_mobile": "NASNetMobile",
}
NORMALIZATION = 7
"""Mean, variance and count of the layer with which Keras' EfficientNets begin."""


def application(name: str):
    import keras

    keras.backend.clear_session(free_memory=False)
    shape = analyze(name).input
    make = getattr(keras.applications, APPLICATIONS[name])
    return make(weights=None, input_shape=shape, classifier_activation=None)


@pytest.mark.nightly
@pytest.mark.parametrize("name", APPLICATIONS)
def test_the_counts_are_those_of_the_application(name: str) -> None:
    """Always they are compared with what was published, and the outputs with the application's."""
    import keras

    model, summary = application(name), analyze(name)
    more = NORMALIZATION if name.startswith("efficientnet") else 0
    assert summary.params == model.count_params() - more
    trainable = sum(int(keras.ops.size(weight)) for weight in model.trainable_weights)
    assert summary.trainable_params == trainable
    found = profiled(model)
    assert summary.flops == sum(found.get(kind, 0) for kind in COUNTED)


IN_ORDER = ("densenet121", "efficientnet_b0", "inception_v3_keras", "mobilenet_v3_small")
"""Networks whose layers Keras has in the same order."""

PREPARED = {"efficientnet_b0": 1 / 255, "mobilenet_v3_small": 1 / 127.5}
"""Factors by which Keras' models scale their input. MobileNet v3 then subtracts 1."""


@pytest.mark.parametrize("name", nightly_but(["mobilenet_v3_small"], IN_ORDER))
def test_with_the_weights_of_the_application_the_outputs_are_the_same(name: str) -> None:
    import keras

    theirs, ours = application(name), build(name)
    random = np.random.default_rng(0)
    pairs = list(zip(weights_of(theirs), weights_of(ours), strict=True))
    for given, taken in pairs:
        value = random.normal(0, 0.3, given.shape) if len(given.shape) == 1 else np.asarray(given)
        if given.path.endswith(("gamma", "variance")):
            value = 1 + np.abs(value)
        given.assign(value)
        taken.assign(value.reshape(taken.shape))
    norms = [
        [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        for model in (theirs, ours)
    ]
    for one, other in zip(*norms, strict=True):
        other.epsilon = one.epsilon
    x = random.uniform(0, 2, (2, *analyze(name).input)).astype("float32")
    prepared = x - 1 if name.startswith("mobilenet") else x
    expected = np.asarray(theirs(x / PREPARED.get(name, 1), training=False))
    found = np.asarray(ours(prepared, training=False))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def weights_of(model) -> list:
    import keras

    layers = [each for each in model.layers if not isinstance(each, keras.layers.Normalization)]
    return [weight for layer in layers for weight in layer.weights]
