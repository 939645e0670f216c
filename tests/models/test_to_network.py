"""Keras models as networks: counts against Keras itself, TensorFlow's profiler and publications.

All of keras.applications: python -m pytest --nightly tests/models/test_to_network.py
"""

from __future__ import annotations

import json
from inspect import signature
from math import prod

import keras
import numpy as np
import pytest
from cases import CASES, Case, with_one_of_each
from keras import layers, ops
from keras_models import functional, twice_encoded
from profiled import COUNTED, profiled
from running import run_gconv
from specs import nightly_but

from groupconv_cli import UsageError, analyze, build, compare, diff, load
from groupconv_cli.models.load import applications
from groupconv_cli.ops.shape import Input
from groupconv_cli.render.csv import csv_text
from groupconv_cli.render.flow import plain
from groupconv_cli.render.json import summary_json
from groupconv_cli.render.markdown import markdown
from groupconv_cli.render.summary import summary_view
from groupconv_cli.render.text import lines

ALWAYS = ("MobileNetV3Large",)
EVERY = sorted(applications())

TORCHVISION = {
    "ConvNeXtTiny": 4.456,
    "DenseNet121": 2.834,
    "MobileNetV3Large": 0.217,
    "VGG16": 15.470,
}
"""MACs in 10⁹, to three decimals, as torchvision publishes them (`_ops` of its weights, which it
calls GFLOPS) for networks whose layers are the same."""


def weights_of(model) -> tuple[int, int]:
    """What Keras counts: all weights, and those that training changes."""
    return model.count_params(), sum(prod(w.shape) for w in model.trainable_weights)


# keras.applications


def test_every_application_is_there() -> None:
    assert len(EVERY) >= 38
    assert set(TORCHVISION) <= set(EVERY)


@pytest.mark.parametrize("name", nightly_but(ALWAYS, EVERY))
def test_an_application_has_keras_parameters_torchvisions_macs_and_no_unknown_layer(
    name: str,
) -> None:
    with keras.StatelessScope(initialize_variables=False):  # weights without values: quick
        model = applications()[name](weights=None)
    report = analyze(f"keras:{name}")
    assert (report.params, report.trainable_params) == weights_of(model)
    assert report.totals.unknown == ()
    assert report.name == model.name
    if name in TORCHVISION:
        assert round(report.macs / 1e9, 3) == TORCHVISION[name]


PROFILED = [
    ("DenseNet121", 64),
    ("EfficientNetV2B0", 64),
    ("MobileNetV2", 96),
    ("NASNetMobile", 96),
    ("ResNet50V2", 64),
    ("Xception", 96),
]


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "size"), PROFILED)
def test_flops_are_those_that_tensorflow_counts(name: str, size: int) -> None:
    model = applications()[name](weights=None, input_shape=(size, size, 3))
    found = profiled(model)
    report = analyze(model)
    assert sum(found.get(kind, 0) for kind in COUNTED) == report.flops
    assert report.macs == analyze(load(f"keras:{name}", settings={"input": [size] * 2 + [3]})).macs


def test_an_application_takes_the_arguments_of_its_function() -> None:
    settings = {"alpha": "0.25", "input": "128,128,3", "classes": 10}
    with keras.StatelessScope(initialize_variables=False):
        wanted = keras.applications.MobileNet((128, 128, 3), alpha=0.25, classes=10, weights=None)
    net = load("keras:MobileNet", settings=settings)
    assert (net.name, net.input_shape) == ("mobilenet_0.25_128", (128, 128, 3))
    assert analyze(net).params == wanted.count_params()


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        ("keras:MobileNetV9", {}, "no model 'MobileNetV9'; did you mean 'MobileNetV2'"),
        ("keras:", {}, "there are ConvNeXtBase, ConvNeXtLarge"),
        ("keras:ResNet50", {"weights": "imagenet"}, "has random weights: gconv downloads none"),
        ("keras:ResNet50", {"units": 3}, "takes no 'units'; it takes classes"),
        ("keras:ResNet50", {"include_top": False}, r"leaves sizes .* \?×\?×3\n.*input=224,224,3"),
        ("keras:ResNet50", {"input": "a"}, "whole numbers such as 224,224,3, got 'a'"),
        ("keras:ResNet50", {"input": "2,2,3"}, "Keras cannot load keras:ResNet50: "),
    ],
)
def test_an_application_that_cannot_be(source: str, settings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(source, settings=settings)


# Models of specs, read back


READ_BACK = (
    *("alexnet_2group", "block", "efficientnet_b0"),
    *("resnext50_32x4d", "shufflenet_v1", "xception"),
)
"""How `shufflenet_v1` is read back is always tested in `test_full_networks.py`."""


@pytest.mark.parametrize("name", nightly_but(["block"], READ_BACK))
def test_a_spec_that_was_built_is_read_back_as_it_was(name: str) -> None:
    spec, read = analyze(name), analyze(build(name))
    for total, again in ((spec.totals, read.totals), (spec.baseline, read.baseline)):
        assert total == again
    priced = [(row.name, row.output_shape, row.cost) for row in spec.layers if row.params]
    assert [(row.name, row.output_shape, row.cost) for row in read.layers if row.params] == priced


SINGLE = [case for case in CASES if not isinstance(case.op, Input)]


@pytest.mark.parametrize("case", with_one_of_each(SINGLE))
def test_every_op_that_was_built_has_the_same_cost_when_it_is_read(case: Case) -> None:
    inputs = [keras.Input(shape) for shape in case.inputs]
    x = inputs if case.op.merges else inputs[0]
    for layer in case.op.build("tested", *case.inputs):
        x = layer(x)
    net = load(keras.Model(inputs, x))
    cost = case.op.cost(*case.inputs)
    report = analyze(net)
    assert (report.params, report.macs) == (cost.params, cost.macs)
    assert report.params - report.trainable_params == cost.non_trainable
    assert net.nodes[net.outputs[0]].shape == case.op.output_shape(*case.inputs)
    assert report.totals.macs_complete


# What has no word in the language


def products(model) -> float:
    """With inputs and kernels of 1, an output is the number of products it is the sum of."""
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape) if "bias" in weight.name else np.ones(weight.shape))
    output = model(np.ones((1, *model.input.shape[1:]), "float32"))
    return float(np.asarray(output).sum())


X = (4, 6, 8)
MULTIPLYING = {
    "einsum_dense": layers.EinsumDense("abcd,de->abce", (4, 6, 5), bias_axes="e"),
    "einsum_dense with an ellipsis": layers.EinsumDense("...x,xy->...y", (4, 6, 5)),
    "einsum_dense over two axes": layers.EinsumDense("abcd,cde->abe", (4, 5)),
    "dense": layers.Dense(5),
    "dense after the batch has gone into it": lambda x: layers.Dense(5)(ops.reshape(x, (-1, 8))),
    "dense of one number by itself": lambda x: layers.Reshape(())(
        layers.Dense(1)(layers.Flatten()(x))
    ),
    "matmul": lambda x: ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))),
    "matmul with numbers": lambda x: ops.matmul(x, np.ones((8, 3), "float32")),
    "einsum": lambda x: ops.einsum("abcd,abed->abce", x, x),
    "dot": lambda x: layers.Dot((2, 2))([layers.Reshape((4, 48))(x)] * 2),
    "conv function": lambda x: ops.conv(x, np.ones((3, 3, 8, 6), "float32"), padding="valid"),
}


@pytest.mark.parametrize("name", MULTIPLYING)
def test_macs_are_what_keras_adds_up(name: str) -> None:
    x = keras.Input(X)
    model = keras.Model(x, MULTIPLYING[name](x))
    report = analyze(model)
    assert report.totals.macs_complete
    assert report.macs == products(model) > 0
    assert report.params == model.count_params()


def test_macs_of_attention_are_counted_one_by_one() -> None:
    query, value = keras.Input((6, 8)), keras.Input((4, 5))
    heads, key, width = 2, 3, 7
    attention = layers.MultiHeadAttention(heads, key, value_dim=width)
    count = 0
    for _ in range(heads):
        count += sum(8 for _ in range(6) for _ in range(key))  # queries
        count += sum(5 for _ in range(4) for _ in range(key))  # keys
        count += sum(5 for _ in range(4) for _ in range(width))  # values
        count += sum(key for _ in range(6) for _ in range(4))  # scores
        count += sum(4 for _ in range(6) for _ in range(width))  # the mean of the values
        count += sum(width for _ in range(6) for _ in range(8))  # output
    model = keras.Model([query, value], attention(query, value))
    assert analyze(model).macs == count
    assert analyze(model).params == attention.count_params()
    plain_sum = keras.Model([query], layers.Attention()([query, query]))
    assert analyze(plain_sum).macs == 6 * 6 * 8 + 6 * 6 * 8


@pytest.mark.skipif(
    "use_gate" not in signature(layers.MultiHeadAttention).parameters,
    reason="this Keras has no gate of attention",
)
def test_the_gate_of_attention_is_a_dense_layer_of_every_query() -> None:
    x = keras.Input((6, 8))
    macs = []
    for gate in (False, True):
        attention = layers.MultiHeadAttention(2, 3, value_dim=7, use_gate=gate)
        model = keras.Model(x, attention(x, x))
        macs.append(analyze(model).macs)
        assert analyze(model).params == attention.count_params()
    gates = sum(8 for _head in range(2) for _query in range(6) for _width in range(7))
    assert macs[1] - macs[0] == gates


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_macs_of_recurrent_layers_are_each_kernel_once_per_step(kind) -> None:
    x = keras.Input((10, 3))
    model = keras.Model(x, kind(4, use_bias=False)(x))
    assert analyze(model).macs == 10 * model.count_params()


def test_a_separable_convolution_is_the_two_it_is() -> None:
    x = keras.Input((8, 8, 6))
    sequence = layers.SeparableConv2D(4, 3, strides=2, depth_multiplier=2, name="sep")
    report = analyze(keras.Model(x, sequence(x)))
    assert [(row.name, row.op, row.groups) for row in report.layers] == [
        ("sep.depthwise_conv", "depthwise_conv", 6),
        ("sep.conv", "conv", 1),
    ]
    assert report.params == sequence.count_params()
    assert report.macs == 3 * 3 * (12 * 9 + 12 * 4)


# Graphs


def test_a_shared_layer_has_its_weights_once_and_its_macs_each_time() -> None:
    model = twice_encoded()
    report = analyze(model)
    rows = {row.name: row for row in report.layers}
    assert list(rows) == [
        "encoder.conv",
        "encoder.relu",
        "encoder_2.conv",
        "encoder_2.relu",
        "frozen",
    ]
    assert (rows["encoder.conv"].params, rows["encoder_2.conv"].params) == (296, 0)
    assert rows["encoder.conv"].macs == rows["encoder_2.conv"].macs == 64 * 8 * 9 * 4
    assert (report.params, report.trainable_params) == weights_of(model)
    # The weights are read twice.
    moved = 4 * (4 * 8 * 64 + 2 * 296 + 72 + 4 * 8 * 64 + 2 * 8 * 64)
    assert report.totals.moved_bytes == moved


def test_a_sweep_takes_a_shared_layer_as_one() -> None:
    report = compare(twice_encoded(), [1, 4], only="encoder.conv")
    assert report.swept == ("encoder.conv", "encoder_2.conv")
    assert report.held == ("frozen",)
    written, dense, four = report.rows
    assert four.params == 8 * 9 * 2 + 8 + 72
    assert dense.macs - four.macs == 2 * 64 * 8 * 9 * (8 - 2)
    assert four.totals.trainable_params == four.params - 72
    assert written.params == 296 + 72


def test_several_inputs_outputs_and_tensors_of_a_layer() -> None:
    image, vector = keras.Input((6, 3), name="a"), keras.Input((5,), name="b")
    y, state, memory = layers.LSTM(4, return_state=True, name="lstm")(image)
    both = layers.Concatenate(name="both")([y, memory, layers.Dense(2, name="dense")(vector)])
    left, right = ops.split(both, [3], axis=-1)
    model = functional(left, right, state, inputs={"a": image, "b": vector})
    report, net = analyze(model), load(model)
    assert report.inputs == ((6, 3), (5,))
    assert summary_view(report).title.split(" · ")[1] == "inputs 6×3 and 5"
    assert [net.nodes[i].shape for i in net.outputs] == [(3,), (7,), (4,)]
    assert report.params == model.count_params()
    names = [row.name for row in report.layers]
    assert {"lstm", "lstm_output_2", "lstm_output_3"} <= set(names)


def test_a_sweep_without_groups_holds_what_reads_the_input_through_padding_and_scaling() -> None:
    x = keras.Input((16, 16, 3))
    y = layers.ZeroPadding2D(3)(layers.Rescaling(1 / 255)(x))
    y = layers.Conv2D(64, 7, strides=2, name="first")(y)
    y = layers.Conv2D(64, 3)(layers.ReLU()(layers.BatchNormalization()(y)))
    report = compare(keras.Model(x, y), [1, 64])
    assert report.rule == "dense"
    assert report.held == ("first",)
    assert report.rows[-1].valid


def test_the_model_stays_as_it_is() -> None:
    model = twice_encoded()
    before = [len(layer._inbound_nodes) for layer in model._flatten_layers()]
    load(model)
    assert [len(layer._inbound_nodes) for layer in model._flatten_layers()] == before


# Layers that nobody knows


class Block(layers.Layer):
    """A layer with weights and a computation of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(8, 3, padding="same")

    def build(self, shape):
        self.conv.build(shape)

    def call(self, x):
        return self.conv(x)


def with_unknown():
    x = keras.Input((8, 8, 8))
    y = layers.Conv2D(8, 1, groups=2, name="known")(x)
    return functional(Block(name="mine")(y), inputs=x)


KNOWN_MACS = 64 * 8 * 4


def test_a_layer_nobody_knows_has_keras_parameters_and_macs_unknown() -> None:
    report = analyze(with_unknown())
    mine = report.layers[-1]
    assert (mine.op, mine.params, mine.macs, mine.flops) == ("Block", 8 * 9 * 8 + 8, None, None)
    assert report.totals.unknown == ("Block",)
    assert not report.totals.macs_complete
    assert report.macs_at_least == KNOWN_MACS
    totals = report.totals
    assert [report.macs, report.flops, totals.macs, totals.flops, totals.intensity] == [None] * 5
    assert totals.flops_at_least == 2 * KNOWN_MACS
    assert [row.macs for row in compare(with_unknown(), [1, 2]).rows] == [None] * 3


def test_every_format_marks_a_lower_bound() -> None:
    report = analyze(with_unknown())
    view = summary_view(report)
    table = plain(lines(view, width=None, exact=True))
    rows = {line.split()[0]: line.split() for line in table.splitlines() if line.strip()}
    assert rows["mine"][3:] == ["584", *"?????"]  # MACs, FLOPs, ratio, reach and share
    assert rows["MACs"] == ["MACs", "≥", f"{KNOWN_MACS:,}", "≥", f"{2 * KNOWN_MACS:,}", "?"]
    assert "does not know the MACs of Block" in table
    assert f"≥ {KNOWN_MACS:,}" in markdown(view, exact=True)
    assert "mine,Block,8x8x8,,584,?,?,?,?,?" in csv_text(view).splitlines()
    data = json.loads(summary_json(report))
    assert (data["macs"], data["macs_complete"], data["unknown"]) == (KNOWN_MACS, False, ["Block"])
    assert data["layers"][-1]["macs"] is None
    folded = csv_text(summary_view(report, depth=1))
    assert "?" in folded


def test_every_format_marks_a_lower_bound_of_a_comparison() -> None:
    from groupconv_cli.render.compare import compare_view
    from groupconv_cli.render.json import compare_json

    report = compare(with_unknown(), [1, 2])
    view = compare_view(report)
    assert f"≥ {KNOWN_MACS:,}" in plain(lines(view, width=None))
    assert f",>={KNOWN_MACS}," in csv_text(view)
    row = json.loads(compare_json(report))["rows"][0]
    assert (row["macs"], row["macs_complete"], row["macs_ratio"]) == (KNOWN_MACS, False, None)
    assert row["params_ratio"] is not None


def test_a_sequential_model_with_a_call_of_its_own_is_not_its_layers() -> None:
    class Twice(keras.Sequential):
        def call(self, x):
            return super().call(super().call(x))

    x = keras.Input((8,))
    inner = Twice([keras.Input((8,)), layers.Dense(8)], name="twice")
    report = analyze(keras.Model(x, inner(x)))
    assert [(row.op, row.params, row.macs) for row in report.layers] == [("Twice", 72, None)]


def test_a_diff_marks_what_is_not_known() -> None:
    from groupconv_cli.analysis.growth import verdicts
    from groupconv_cli.policy.limits import parse_limits
    from groupconv_cli.render.diff import diff_view, layers_view
    from groupconv_cli.render.json import diff_json

    x = keras.Input((8, 8, 8))
    before = functional(layers.Conv2D(8, 1, groups=2, name="known")(x), inputs=x)
    report = diff(before, with_unknown())
    rows = plain(lines(diff_view(report), width=None)).splitlines()
    assert [line.split() for line in rows if line.startswith("MACs")] == [
        ["MACs", f"{KNOWN_MACS:,}", "≥", f"{KNOWN_MACS:,}", "?", "?"]
    ]
    assert any(line.startswith("+") and " ? " in line for line in rows)
    assert csv_text(layers_view(report)).splitlines()[-1].endswith(",0,584,0,?")
    data = json.loads(diff_json(report))
    assert (data["change"]["macs"], data["change"]["params"]) == (None, 584)
    assert data["after"]["macs_complete"] is False
    assert verdicts(parse_limits(["params=5%"]), report)[0].is_broken
    with pytest.raises(UsageError, match=r"the limit macs=5% cannot be checked: .*Block"):
        verdicts(parse_limits(["5%"]), report)


def test_a_diff_of_a_spec_and_the_model_it_was_built_as_has_nothing(tmp_path) -> None:
    build("block").save(tmp_path / "block.keras")
    result = run_gconv("diff", "block", "block.keras", "--format", "json", cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["same"] is True


def test_a_model_that_is_more_than_its_analysis_says_is_not_built_anew() -> None:
    for model in (twice_encoded(), with_unknown()):
        with pytest.raises(UsageError, match="but not rebuild it"):
            build(model)


def test_numbers_by_themselves_are_tensors_of_one_channel() -> None:
    """A sample may be a number without an axis, as an input or as what comes out."""
    number = keras.Input(())
    model = keras.Model(number, number * 2 + 1)
    assert [layer.output_shape for layer in analyze(model).layers] == [(), ()]
    x = keras.Input((4, 4, 8))
    pooled = keras.ops.argmax(layers.GlobalAveragePooling2D()(layers.Conv2D(8, 1)(x)), -1)
    report = analyze(keras.Model(x, pooled))
    assert report.layers[-1].output_shape == ()
    assert report.macs == 16 * 8 * 8
