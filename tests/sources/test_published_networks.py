"""Bundled networks that Keras has too: counted and computed as there."""

from __future__ import annotations

import pytest
from profiled import COUNTED, profiled
from specs import nightly_but

from groupconv_cli import analyze

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

ALWAYS = ("mobilenet_v3_small",)


def application(name: str):
    import keras

    keras.backend.clear_session(free_memory=False)
    shape = analyze(name).input
    make = getattr(keras.applications, APPLICATIONS[name])
    return make(weights=None, input_shape=shape, classifier_activation=None)


@pytest.mark.parametrize("name", nightly_but(ALWAYS, APPLICATIONS))
def test_the_counts_are_those_of_the_application(name: str) -> None:
    import keras

    model, summary = application(name), analyze(name)
    more = NORMALIZATION if name.startswith("efficientnet") else 0
    assert summary.params == model.count_params() - more
    trainable = sum(int(keras.ops.size(weight)) for weight in model.trainable_weights)
    assert summary.trainable_params == trainable
    found = profiled(model)
    assert summary.flops == sum(found.get(kind, 0) for kind in COUNTED)
