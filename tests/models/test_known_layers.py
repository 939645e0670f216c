"""Single layers of Keras, and the op that each is read as."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from groupconv_cli import load
from groupconv_cli.ops import Op
from groupconv_cli.ops.activation import Softmax
from groupconv_cli.ops.conv import Conv
from groupconv_cli.ops.norm import Dropout, Rescaling, StochasticDepth
from groupconv_cli.ops.resize import PixelShuffle


@pytest.mark.parametrize(
    ("layer", "op"),
    [
        (layers.Rescaling(1 / 255), Rescaling(scale=1 / 255)),
        (layers.Rescaling(np.float32(0.5), np.array([1, 2])), Rescaling(scale=0.5, offset=(1, 2))),
        (layers.Softmax(), Softmax()),
        (layers.Activation("softmax"), Softmax()),
        (ops.softmax, Softmax()),
        (layers.Dropout(0.1), Dropout(rate=0.1)),
        (layers.Dropout(0.1, noise_shape=(None, 1, 1)), StochasticDepth(rate=0.1)),
        (
            layers.Conv1D(4, 3, padding="causal", groups=2),
            Conv(filters=4, kernel=(3,), padding="causal", groups=2),
        ),
    ],
    ids=lambda each: repr(each) if isinstance(each, Op) else None,
)
def test_a_layer_of_keras_is_the_op_that_computes_the_same(layer, op: Op) -> None:
    inputs = keras.Input((9, 2))
    net = load(keras.Model(inputs, layer(inputs)))
    found = net.nodes[net.outputs[0]].op
    assert type(found) is type(op)
    assert {key: getattr(found, key) for key in op.args} == {
        key: (1,) if key in ("stride", "dilation") else getattr(op, key) for key in op.args
    }


def test_dropout_of_positions_is_neither_dropout_nor_stochastic_depth() -> None:
    inputs = keras.Input((9, 2))
    net = load(keras.Model(inputs, layers.Dropout(0.1, noise_shape=(None, 1, 2))(inputs)))
    op = net.nodes[net.outputs[0]].op
    assert (op.op, op.is_view, isinstance(op, Dropout | StochasticDepth)) == (
        "dropout",
        True,
        False,
    )


@pytest.mark.skipif(not hasattr(ops, "depth_to_space"), reason="Keras has it since 3.13")
def test_depth_to_space_is_pixel_shuffle() -> None:
    inputs = keras.Input((3, 4, 18))
    net = load(keras.Model(inputs, ops.depth_to_space(inputs, 3)))
    assert net.nodes[net.outputs[0]].op == PixelShuffle(size=(3,))
