"""What output channels depend on, against gradients and moved values of the built Keras models.

A longer run: GCONV_EXAMPLES=1000 python -m pytest tests/analysis/test_channel_mixing.py -k random
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from cases import CASES
from hypothesis import HealthCheck, assume, given, settings
from random_specs import specs
from specs import examples, layers, nightly_but

from groupconv_cli import analyze, build, load
from groupconv_cli.analysis.channel_mixing import MAX_CHANNELS, follow
from groupconv_cli.network import Network
from groupconv_cli.ops.base import Op, united
from groupconv_cli.sources.catalogue import families

SEEDS = 2
POINTS = 4
"""At one of which each input of a maximum is the largest, or soon is."""
NOISE = 1e-5
"""In a row of layers less than that is rounding: norms divide by small numbers."""


def positive(model, seed: int) -> None:
    """Random weights above zero, small enough that nothing saturates: no path is cut off."""
    random = np.random.default_rng(seed)
    weights = []
    for weight in model.weights:
        fan_in = max(1, int(np.prod(weight.shape[:-1])))
        weights.append(random.uniform(0.5, 1.5, weight.shape) / fan_in)
    model.set_weights(weights)


def traced(model):
    """The model as a function: Keras has XLA compile a grouped convolution in each call else."""
    import tensorflow as tf

    return tf.function(lambda x: model(x, training=False), autograph=False)


def depends(run, input_shape, seed: int) -> list[np.ndarray]:
    """Of a model of one input: whether channel o of each output moves with input channel i, [o, i].

    Each input channel in turn has other values at all positions.
    """
    import keras

    random = np.random.default_rng(seed)
    x = random.uniform(0.5, 1.5, (1, *input_shape))
    channels = input_shape[-1]
    batch = np.repeat(x, channels + 1, axis=0)
    for channel in range(channels):
        batch[channel + 1, ..., channel] *= random.uniform(0.5, 0.9, input_shape[:-1])
    found = []
    for output in keras.tree.flatten(run(batch.astype("float64"))):
        y = np.asarray(output)
        moved = np.abs(y[1:] - y[:1]) > NOISE
        found.append(moved.any(axis=tuple(range(1, moved.ndim - 1))).T)
    return found


def measured(begin, *ends) -> list[np.ndarray]:
    """Of each end that is computed from the tensor it begins with: what moves its channels."""
    import keras

    model = keras.Model(begin, list(ends))
    run, shape = traced(model), begin.shape[1:]
    runs = []
    for seed in range(SEEDS):
        positive(model, seed)
        runs.append(depends(run, shape, seed))
    return [np.logical_or.reduce(found) for found in zip(*runs, strict=True)]


def output_of(model, name: str):
    """The output of a layer, or of a function that stands for one."""
    return next(each.output for each in model.operations if each.name == name)


def predicted(net: Network, index: int) -> np.ndarray:
    """[o, i] for the input's channels: through all origins on the way."""
    tensor = follow(net).tensors[index]
    channels = net.input_shape[-1]
    if tensor.origin != net.inputs[0]:
        return np.ones((net.nodes[index].shape[-1], channels), bool)
    masks = tensor.masks or [1 << channel for channel in range(channels)]
    return np.array([[bool(mask >> i & 1) for i in range(channels)] for mask in masks])


@pytest.fixture
def float64():
    import keras

    before = keras.config.dtype_policy()
    keras.backend.clear_session(free_memory=False)  # forgets the policy too
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def telling(cases: list) -> list:
    """One case of each op; of those that move channels about, one of each way they do it."""
    chosen = {}
    for case in cases:
        if case.inputs:
            op, channels = case.op, [shape[-1] for shape in case.inputs]
            own = type(op).mix is not Op.mix or op.mixes_all(*case.inputs)
            shape = op.output_shape(*case.inputs)
            way = (*channels, shape[-1], op.groups_of(*case.inputs), len(shape) > 1)
            chosen.setdefault((op.op, way if own else ()), case)
    return list(chosen.values())


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", telling(CASES), ids=lambda case: case.id)
def test_every_op_moves_channels_as_keras_does(case) -> None:
    """All inputs are one tensor's channels, each its own."""
    import keras

    masks, start = [], 0
    for shape in case.inputs:
        masks.append([1 << channel for channel in range(start, start + shape[-1])])
        start += shape[-1]
    if case.op.mixes_all(*case.inputs):
        mixed = [united(masks[0])] * case.op.output_shape(*case.inputs)[-1]
    else:
        mixed = case.op.mix(masks, *case.inputs)
    inputs = [keras.Input(shape, dtype="float64") for shape in case.inputs]
    y = inputs if case.op.merges else inputs[0]
    for layer in case.op.build("under_test", *case.inputs):
        y = layer(y)
    model = keras.Model(inputs, y)
    run = traced(model)
    moved = np.zeros((len(mixed), start), bool)
    for seed in range(SEEDS):
        if not case.op.op.endswith("scale"):  # its own initial value is as good
            positive(model, seed)
        moved |= moving(run, case, seed)
    assert (moved == [[bool(mask >> i & 1) for i in range(start)] for mask in mixed]).all()


def moving(run, case, seed: int) -> np.ndarray:
    """[o, i]: whether channel o of the output moves with channel i of all inputs in a row."""
    random = np.random.default_rng(seed)
    scale = 0.02 if "sparse" in case.op.op else 1  # so that nothing is cut off
    channels = sum(shape[-1] for shape in case.inputs)
    first, values = 0, []
    for shape in case.inputs:
        value = random.uniform(-1, 1, (POINTS, 1, *shape)) * scale
        batch = np.repeat(value, channels + 1, axis=1)
        for channel in range(shape[-1]):
            change = random.uniform(0.2, 1, (POINTS, *shape[:-1]))
            batch[:, first + channel + 1, ..., channel] += change * scale
        values.append(batch.reshape(-1, *shape))
        first += shape[-1]
    y = np.asarray(run(values))
    y = y.reshape(POINTS, channels + 1, *y.shape[1:])
    moved = (np.abs(y[:, 1:] - y[:, :1]) > 1e-12).any(axis=0)
    return moved.any(axis=tuple(range(1, moved.ndim - 1))).T


STACKS = {
    "two that keep apart": "- conv: {filters: 16, kernel: 3, groups: 4}\n"
    "- batch_norm\n- relu\n- conv: {filters: 32, kernel: 3, groups: 8}",
    "with a shuffle": "- conv: {filters: 16, kernel: 1, groups: 4}\n- channel_shuffle\n"
    "- conv: {filters: 16, kernel: 1, groups: 4}",
    "with a shuffle of too few": "- conv: {filters: 16, kernel: 1, groups: 8}\n"
    "- channel_shuffle: {groups: 2}\n- conv: {filters: 16, kernel: 1, groups: 8}",
    "depthwise with a multiplier": "- depthwise_conv: {kernel: 3, multiplier: 2}\n"
    "- conv: {filters: 16, kernel: 1, groups: 4}",
    "a residual of grouped": "- residual: {body: [conv: {filters: 16, kernel: 3, groups: 4}, relu,"
    " conv: {filters: 16, kernel: 3, groups: 2}], activation: relu}\n"
    "- conv: {filters: 16, kernel: 1, groups: 8}",
    "a residual of dense": "- residual: {body: [conv: {filters: 16, kernel: 3, groups: 4},"
    " conv: {filters: 16, kernel: 1}]}\n- conv: {filters: 16, kernel: 1, groups: 4}",
    "halves, one passed on": "- parallel: {branches: [[], [conv: {filters: 8, kernel: 1},"
    " depthwise_conv: {kernel: 3}, conv: {filters: 8, kernel: 1}]], split: true}\n"
    "- channel_shuffle: {groups: 2}\n- conv: {filters: 16, kernel: 1, groups: 4}",
    "halves, both grouped": "- parallel: {branches: [[conv: {filters: 4, kernel: 1, groups: 2}],"
    " [conv: {filters: 12, kernel: 1, groups: 4}]], split: true}",
    "squeeze and excitation": "- conv: {filters: 16, kernel: 3, groups: 4}\n"
    "- squeeze_excite: {filters: 4}\n- conv: {filters: 16, kernel: 3, groups: 4}",
    "flattened": "- conv: {filters: 16, kernel: 3, groups: 4}\n- flatten",
    "flattened and dense": "- conv: {filters: 16, kernel: 3, groups: 4}\n- flatten\n"
    "- dense: {units: 5}",
    "pooled": "- conv: {filters: 16, kernel: 3, groups: 4}\n- global_avg_pool",
    "normed in groups": "- depthwise_conv: {kernel: 3}\n- group_norm: {groups: 2}",
    "normed": "- conv: {filters: 16, kernel: 3, groups: 4}\n- layer_norm",
    "separable in two": "- depthwise_conv: {kernel: [1, 3]}\n- depthwise_conv: {kernel: [3, 1]}\n"
    "- conv: {filters: 8, kernel: 1}",
    "gated": "- conv: {filters: 16, kernel: 1, groups: 4}\n- glu",
    "branches of different depth": "- parallel: {branches: [[conv: {filters: 16, kernel: 1},"
    " conv: {filters: 8, kernel: 1}], [conv: {filters: 8, kernel: 1, groups: 4}]], merge: concat}\n"
    "- conv: {filters: 16, kernel: 1, groups: 4}",
    "dense of a part": "- parallel: {branches: [[conv: {filters: 4, kernel: 1}],"
    " [conv: {filters: 4, kernel: 1}]], split: true}\n- conv: {filters: 8, kernel: 1, groups: 2}",
}


STACKED_ALWAYS = list(STACKS)[::2]
"""Layer by layer; the others as a whole."""


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", nightly_but(STACKED_ALWAYS, STACKS))
def test_every_layer_depends_on_what_moves_it(name: str) -> None:
    net = layers(STACKS[name], input_shape="[4, 4, 16]")
    model = build(net)
    ends = [output_of(model, node.name) for node in net.nodes[1:]]
    for index, found in enumerate(measured(model.input, *ends), start=1):
        assert found.tolist() == predicted(net, index).tolist(), net.nodes[index].name


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", nightly_but(set(STACKS) - set(STACKED_ALWAYS), STACKS))
def test_reach_counts_from_the_last_fully_mixed_tensor(name: str) -> None:
    """Models from each origin on: the least that a channel depends on is what moves it."""
    net = layers(STACKS[name], input_shape="[4, 4, 16]")
    model = build(net)
    reaches = defaultdict(dict)
    for node, reach in zip(net.nodes, follow(net).reach, strict=True):
        if node.op.is_convolution:
            reaches[reach.origin][node.name] = reach
    for origin, nodes in reaches.items():
        begin = output_of(model, origin)
        ends = measured(begin, *(output_of(model, name) for name in nodes))
        for found, (name, reach) in zip(ends, nodes.items(), strict=True):
            assert (found.sum(axis=1).min(), begin.shape[-1]) == reach[:2], name


SHARES = {
    "block": {"conv": (16, 64), "conv_2": (16, 64), "relu_2": (16, 64)},
    "depthwise": {"conv": (1, 16)},
    "resnext50_32x4d": {
        "stage.bottleneck.conv": (64, 64),
        "stage.bottleneck.conv_2": (4, 128),
        "stage.bottleneck.conv_3": (128, 128),
        "stage.bottleneck.add": (64, 64),
    },
    "shufflenet_v1": {
        "unit_2.path.conv": (80, 240),
        "unit_2.path.channel_shuffle": (80, 240),
        "unit_2.path.conv_2": (240, 240),
    },
    "alexnet": {"conv_2": (48, 96), "conv_4": (192, 384), "conv_5": (192, 384)},
}
"""By hand: c_in / g of the channels that a grouped convolution reads, all after mixing."""


@pytest.mark.parametrize("name", SHARES)
def test_shares_by_hand(name: str) -> None:
    rows = {row.name: row.reach for row in analyze(name).layers}
    assert {key: rows[key][:2] for key in SHARES[name]} == SHARES[name]


@pytest.mark.parametrize("name", families())
def test_what_leaves_a_published_network_is_fully_mixed(name: str) -> None:
    last = analyze(name).layers[-1].reach
    assert last.is_full == (name not in ("block", "basic", "depthwise"))


@settings(
    max_examples=examples(6),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(specs())
def test_random_networks_never_depend_on_more(spec) -> None:
    import keras

    # TensorFlow has no pools of three dimensions in float64.
    assume(len(spec["input"]) < 4 or "pool" not in str(spec))
    keras.backend.clear_session(free_memory=False)
    keras.config.set_dtype_policy("float64")
    try:
        net = load(spec)
        model = build(net)
    finally:
        keras.config.set_dtype_policy("float32")
    (found,) = measured(model.input, model.output)
    allowed = predicted(net, net.outputs[0])
    assert not (found & ~allowed).any()


# Bounds


def test_what_is_too_large_to_follow_is_unknown_and_known_again_after_it_is_mixed() -> None:
    much = 10**12
    net = layers(
        f"- conv: {{filters: {much}, kernel: 1}}\n"
        f"- conv: {{filters: {much}, kernel: 1, groups: 4}}\n- relu\n"
        f"- conv: {{filters: 8, kernel: 1}}\n- conv: {{filters: 8, kernel: 1, groups: 2}}"
    )
    reach = [each and each[:2] for each in follow(net).reach[1:]]
    assert reach == [(12, 12), None, None, (much, much), (4, 8)]


def test_the_work_is_bounded() -> None:
    channels = MAX_CHANNELS
    item = "- depthwise_conv: {kernel: 1}\n- channel_shuffle: {groups: 2}\n- glu\n" * 2
    item += f"- conv: {{filters: {channels}, kernel: 1}}"
    net = layers("\n".join([item] * 30), input_shape=f"[8, {channels}]")
    reach = follow(net).reach
    assert reach[1] is not None
    assert None in reach


def test_json_and_csv_have_it_raw() -> None:
    import json

    from groupconv_cli.render.csv import csv_text
    from groupconv_cli.render.json import summary_json
    from groupconv_cli.render.summary import summary_view

    summary = analyze("block")
    layer = json.loads(summary_json(summary))["layers"][3]
    assert layer["reach"] == {"channels": 16, "of": 64, "origin": "input", "share": 0.25}
    head, first, *_ = csv_text(summary_view(summary, nested=False)).splitlines()
    assert dict(zip(head.split(","), first.split(","), strict=True))["reach"] == "0.25"
    view = summary_view(analyze("resnet18"), nested=False)
    reach = [column.title for column in view.tables[0].columns].index("Reach")
    assert all(row.cells[reach] is None for row in view.tables[0].rows)  # all 1: nothing to show
