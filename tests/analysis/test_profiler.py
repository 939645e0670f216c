"""MACs against TensorFlow's own profiler, on networks whose convolutions it can see."""

from __future__ import annotations

import pytest
from profiled import COUNTED, profiled
from specs import nightly_but

from groupconv_cli import analyze, build


def visible(layer):
    """The layer again, a grouped convolution as one operation instead of a compiled function."""
    import keras
    import tensorflow as tf

    class Direct(keras.layers.Conv2D):
        def call(self, x):
            options = {"strides": self.strides, "dilations": self.dilation_rate}
            y = tf.nn.conv2d(x, self.kernel, padding=self.padding.upper(), **options)
            return y + self.bias if self.use_bias else y

    kind = type(layer)
    grouped = kind is keras.layers.Conv2D and layer.groups > 1
    return (Direct if grouped else kind).from_config(layer.get_config())


NAMES = ("resnext50_32x4d", "shufflenet_v1_g8", "mobilenet_v1", "efficientnet_b0", "alexnet_2group")


@pytest.mark.parametrize("name", nightly_but(("shufflenet_v1_g8", "mobilenet_v1"), NAMES))
def test_flops_are_those_that_tensorflow_counts(name: str) -> None:
    import keras

    model = keras.models.clone_model(build(name), clone_function=visible)
    found = profiled(model)
    assert sum(found.get(kind, 0) for kind in COUNTED) == analyze(name).flops


def test_stock_grouped_convolutions_are_not_seen() -> None:
    """Why `visible` is needed: Keras sends them through XLA, and the profiler counts nothing."""
    found = profiled(build("basic"))
    assert found.get("Conv2D", 0) == 0
    assert analyze("basic").flops > 0
