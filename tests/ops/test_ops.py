"""Every op against Keras (shapes, parameters) and against counting one by one (MACs)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from brute import conv_macs, dense_macs
from cases import CASES, MAPS, Case

from groupconv_cli.ops import OPS
from groupconv_cli.ops.activation import ACTIVATION, Elu, LeakyRelu, Prelu, activation
from groupconv_cli.ops.base import per_axis
from groupconv_cli.ops.conv import Conv, ConvTranspose, DepthwiseConv
from groupconv_cli.ops.dense import Dense
from groupconv_cli.ops.pool import AvgPool, MaxPool
from groupconv_cli.ops.shape import ChannelShuffle, Input

KERAS_CASES = [case for case in CASES if not isinstance(case.op, Input)]


def ids(cases: list[Case]) -> list[str]:
    return [case.id for case in cases]


class Ran(NamedTuple):
    """What came of an op's Keras layers."""

    output: np.ndarray
    layers: list
    name: str
    """Of the last operation."""


def run(case: Case, *arrays: np.ndarray) -> Ran:
    """Runs the op's Keras layers on arrays with a batch axis."""
    import keras

    inputs = [keras.Input(shape) for shape in case.inputs]
    layers = list(case.op.build("tested", *case.inputs))
    x = inputs if case.op.merges else inputs[0]
    for layer in layers:
        x = layer(x)
    model = keras.Model(inputs, x)
    return Ran(np.asarray(model(list(arrays))), layers, model.operations[-1].name)


def test_every_registered_op_has_a_case() -> None:
    assert {case.op.op for case in CASES} == set(OPS)


@pytest.mark.parametrize("case", KERAS_CASES, ids=ids(KERAS_CASES))
def test_shape_and_parameters_are_those_of_keras(case: Case) -> None:
    """Of a model that runs, not only of one that can be put together."""
    import keras

    output, layers, name = run(case, *(np.ones((2, *shape), "float32") for shape in case.inputs))
    case.op.check(*case.inputs)
    assert (2, *case.op.output_shape(*case.inputs)) == output.shape
    assert name == "tested"
    weights = [w for layer in layers if isinstance(layer, keras.Layer) for w in layer.weights]
    cost = case.op.cost(*case.inputs)
    assert cost.params == sum(int(np.prod(w.shape)) for w in weights)
    assert cost.non_trainable == sum(int(np.prod(w.shape)) for w in weights if not w.trainable)


CONVOLUTIONS = [case for case in CASES if isinstance(case.op, Conv | DepthwiseConv)]
TRANSPOSED = [case for case in CASES if isinstance(case.op, ConvTranspose)]


def counted(case: Case) -> int:
    (x,), op = case.inputs, case.op
    *spatial, channels = x
    rank = len(spatial)
    depthwise = isinstance(op, DepthwiseConv)
    return conv_macs(
        spatial,
        channels,
        channels * op.multiplier if depthwise else op.filters,
        per_axis(op.kernel, rank),
        per_axis(op.stride, rank),
        per_axis(op.dilation, rank),
        op.padding if isinstance(op.padding, str) else per_axis(op.padding, rank),
        channels if depthwise else op.groups,
    )


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=ids(CONVOLUTIONS))
def test_macs_of_convolutions_are_those_counted_one_by_one(case: Case) -> None:
    assert case.op.cost(*case.inputs).macs == counted(case)


@pytest.mark.parametrize("case", TRANSPOSED, ids=ids(TRANSPOSED))
def test_macs_of_transposed_convolutions_are_those_counted_one_by_one(case: Case) -> None:
    (x,), op = case.inputs, case.op
    *spatial, channels = x
    sizes = [per_axis(size, len(spatial)) for size in (op.kernel, op.stride, (1,))]
    expected = conv_macs(spatial, channels, op.filters, *sizes, "same", 1, transposed=True)
    assert op.cost(x).macs == expected


UNPADDED = [
    case
    for case in CONVOLUTIONS
    if case.op.padding == "valid" and getattr(case.op, "groups", 1) == 1
]


@pytest.mark.parametrize("case", UNPADDED, ids=ids(UNPADDED))
def test_macs_are_what_keras_adds_up(case: Case) -> None:
    """With inputs and weights of 1, every output is the number of products it is the sum of."""
    import keras

    (x,) = case.inputs
    (layer,) = case.op.replace(bias=False).build("tested", x)
    layer.kernel_initializer = layer.depthwise_initializer = keras.initializers.Ones()
    output = np.asarray(layer(np.ones((1, *x), "float32")))
    assert case.op.cost(x).macs == output.sum()


DENSE = [case for case in CASES if isinstance(case.op, Dense)]


@pytest.mark.parametrize("case", DENSE, ids=ids(DENSE))
def test_macs_of_dense_layers_are_those_counted_one_by_one(case: Case) -> None:
    assert case.op.cost(*case.inputs).macs == dense_macs(case.inputs[0], case.op.units)


COUNTED = (Conv, DepthwiseConv, ConvTranspose, Dense)
FREE = [case for case in CASES if not isinstance(case.op, COUNTED)]


def test_everything_else_counts_no_macs() -> None:
    assert {case.op.cost(*case.inputs).macs for case in FREE} == {0}


GROUPED = [case for case in CONVOLUTIONS if not isinstance(case.op, Conv) or case.op.groups > 1]


@pytest.mark.parametrize("case", GROUPED, ids=ids(GROUPED))
def test_a_convolution_made_dense_is_the_keras_convolution_without_groups(case: Case) -> None:
    import keras

    (x,) = case.inputs
    dense = case.op.with_groups(1, x)
    inputs = keras.Input(x)
    tensor = inputs
    for layer in dense.build("tested", x):
        tensor = layer(tensor)
    assert layer.groups == 1
    assert tuple(tensor.shape[1:]) == case.op.output_shape(x)
    assert dense.cost(x).params == layer.count_params()
    groups = case.op.groups_of(x)
    assert dense.cost(x).macs == groups * case.op.cost(x).macs


@pytest.mark.parametrize("shape", MAPS, ids=str)
def test_channel_shuffle_transposes_groups_and_channels(shape) -> None:
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    shuffled, *_ = run(Case(ChannelShuffle(groups=2), (shape,)), x)
    group_size = shape[-1] // 2
    for i in range(2):
        for j in range(group_size):
            np.testing.assert_array_equal(shuffled[..., j * 2 + i], x[..., i * group_size + j])


def test_padding_in_pixels_never_wins_a_max_pool() -> None:
    x = -np.ones((1, *MAPS[1]), "float32")
    pooled, *_ = run(Case(MaxPool(size=(3,), stride=(2,), padding=(1,)), (MAPS[1],)), x)
    assert pooled.max() == -1


def test_padding_in_pixels_counts_as_zeros_in_an_average_pool() -> None:
    x = np.ones((1, *MAPS[1]), "float32")
    pooled, *_ = run(Case(AvgPool(size=(3,), stride=(2,), padding=(1,)), (MAPS[1],)), x)
    assert pooled[0, 0, 0, 0] == pytest.approx(4 / 9)


@pytest.mark.parametrize("name", ACTIVATION.kind.options)
def test_an_activation_argument_is_the_function_of_keras(name: str) -> None:
    import keras

    x = np.random.default_rng(0).normal(size=(2, *MAPS[1]), scale=3).astype("float32")
    output, *_ = run(Case(activation(name), (MAPS[1],)), x)
    np.testing.assert_allclose(output, getattr(keras.activations, name)(x), atol=1e-6)


@pytest.mark.parametrize("op", [Elu(), LeakyRelu(), Prelu()], ids=repr)
def test_activation_layers_default_to_the_layers_of_keras(op) -> None:
    import keras

    (built,) = op.build("tested", MAPS[1])
    own = type(built)(name="tested").get_config()
    assert type(built).__module__.startswith("keras.")
    assert keras.layers.serialize(built)["config"] == own


def test_a_depthwise_convolution_runs_with_strides_that_differ() -> None:
    """TensorFlow's own depthwise kernel refuses them."""
    shape = MAPS[1]
    case = Case(DepthwiseConv(kernel=(3,), stride=(2, 1)), (shape,))
    output, *_ = run(case, np.ones((1, *shape), "float32"))
    assert output.shape[1:] == case.op.output_shape(shape)
