"""Layers that hold what they compute with: wrappers, cells, attention, classes of the user's."""

from __future__ import annotations

from inspect import signature
from math import prod

import keras
import pytest
from keras import layers, ops
from profiled import COUNTED, profiled

from groupconv_cli import analyze, compare, load


def functional(layer, *shape):
    x = keras.Input(shape)
    return keras.Model(x, layer(x))


def counted(model) -> int:
    """The multiply-accumulates that TensorFlow counts in the layer's own calls."""
    found = profiled(model)
    return sum(found.get(kind, 0) for kind in COUNTED) // 2


def backbone():
    x = keras.Input((16, 16, 4), name="image")
    y = layers.Conv2D(8, 3, strides=2, groups=4, name="conv")(x)
    y = layers.BatchNormalization(name="norm")(y)
    return keras.Model(x, layers.GlobalAveragePooling2D(name="pool")(y), name="backbone")


WRAPPED = {
    "a convolution per step": (layers.TimeDistributed(layers.Conv2D(8, 3)), (5, 16, 16, 3)),
    "a grouped one": (layers.TimeDistributed(layers.Conv2D(8, 3, groups=4)), (5, 9, 9, 4)),
    "of one dimension": (layers.TimeDistributed(layers.Conv1D(8, 3, groups=2)), (5, 9, 4)),
    "a depthwise one": (layers.TimeDistributed(layers.DepthwiseConv2D(3)), (3, 9, 9, 4)),
    "a separable one": (layers.TimeDistributed(layers.SeparableConv2D(6, 3)), (3, 9, 9, 4)),
    "a dense layer": (layers.TimeDistributed(layers.Dense(7)), (5, 4, 3)),
    "steps of steps": (
        layers.TimeDistributed(layers.TimeDistributed(layers.Conv1D(4, 3))),
        (2, 3, 9, 5),
    ),
    "a model": (layers.TimeDistributed(backbone()), (3, 16, 16, 4)),
    "a normalized convolution": (
        layers.SpectralNormalization(layers.Conv2D(8, 3, groups=2)),
        (9, 9, 4),
    ),
    "a normalized dense layer": (layers.SpectralNormalization(layers.Dense(7)), (5,)),
    "a normalized convolution per step": (
        layers.TimeDistributed(layers.SpectralNormalization(layers.Conv2D(8, 3))),
        (3, 9, 9, 4),
    ),
    "there and back": (layers.Bidirectional(layers.LSTM(16, unroll=True)), (5, 8)),
    "there and back, summed": (
        layers.Bidirectional(layers.GRU(6, unroll=True, return_sequences=True), merge_mode="sum"),
        (4, 5),
    ),
    "a cell": (layers.RNN(layers.LSTMCell(6), unroll=True), (7, 5)),
    "a recurrent convolution": (
        layers.ConvLSTM2D(4, 3, strides=2, unroll=True, return_sequences=True),
        (3, 9, 9, 2),
    ),
    "its last state": (layers.ConvLSTM1D(4, 3, padding="same", unroll=True), (3, 9, 2)),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_what_a_layer_holds_is_counted_as_tensorflow_counts_its_calls(name: str) -> None:
    layer, shape = WRAPPED[name]
    model = functional(layer, *shape)
    report = analyze(model)
    assert report.totals.unknown == ()
    assert report.macs == counted(model) > 0
    assert report.params == model.count_params()
    assert report.trainable_params == sum(prod(w.shape) for w in model.trainable_weights)
    assert load(model).nodes[-1].shape == model.output_shape[1:]


def test_numbers_worked_out_by_hand() -> None:
    steps = functional(layers.TimeDistributed(layers.Conv2D(8, 3)), 5, 16, 16, 3)
    assert analyze(steps).macs == 5 * 14 * 14 * 8 * 27
    both = functional(layers.Bidirectional(layers.LSTM(16)), 20, 8)
    assert analyze(both).macs == 61_440
    stack = functional(layers.RNN([layers.GRUCell(6), layers.SimpleRNNCell(4)]), 7, 5)
    assert analyze(stack).macs == 7 * ((5 + 6) * 3 * 6 + (6 + 4) * 4)
    # Three time steps; gates of 4 × 2 filters; the state is 4³ and is padded.
    deep = functional(layers.ConvLSTM3D(2, 3), 3, 6, 6, 6, 5)
    assert analyze(deep).macs == 3 * 4**3 * 27 * (5 + 2) * 4 * 2


def test_a_convolution_in_every_step_is_swept_like_any_other() -> None:
    model = functional(layers.TimeDistributed(layers.Conv2D(8, 3, groups=4, name="c")), 5, 9, 9, 4)
    report = compare(model, "all")
    assert report.swept == (model.layers[-1].name,)
    macs = {row.groups: row.macs for row in report.rows}
    assert macs == {"as written": 5 * 49 * 8 * 9, **{g: 5 * 49 * 8 * 9 * 4 // g for g in (1, 2, 4)}}
    params = {row.groups: row.params for row in report.rows}
    assert params[1] == 9 * 4 * 8 + 8
    (row,) = analyze(model).layers
    assert (row.op, row.groups, row.output_shape) == ("conv", 4, (5, 7, 7, 8))
    assert row.window.kernel == (3, 3)
    assert row.dense_cost.macs == 5 * 49 * 8 * 9 * 4


def test_the_layers_of_a_model_in_every_step_are_listed_and_swept() -> None:
    model = functional(layers.TimeDistributed(backbone(), name="frames"), 3, 16, 16, 4)
    report = analyze(model)
    assert [row.name for row in report.layers] == ["frames.conv", "frames.norm", "frames.pool"]
    assert [row.output_shape for row in report.layers] == [(3, 7, 7, 8), (3, 7, 7, 8), (3, 8)]
    assert compare(model, [1, 2]).swept == ("frames.conv",)


def test_weights_around_a_layer_stay_when_its_groups_change() -> None:
    norm = layers.SpectralNormalization(layers.Conv2D(8, 3, groups=2), name="sn")
    one = compare(functional(norm, 9, 9, 4), [1]).rows[1]
    dense = functional(layers.SpectralNormalization(layers.Conv2D(8, 3)), 9, 9, 4)
    assert one.params == dense.count_params()
    assert one.trainable_params == sum(prod(w.shape) for w in dense.trainable_weights)


def test_a_step_that_is_used_twice_has_its_weights_once() -> None:
    x = keras.Input((3, 9, 9, 4))
    shared = layers.TimeDistributed(layers.Conv2D(4, 3, padding="same"))
    model = keras.Model(x, shared(shared(x)))
    report = analyze(model)
    assert (report.params, report.macs) == (model.count_params(), counted(model))


class OwnCell(layers.Layer):
    state_size = 4
    output_size = 4

    def call(self, x, states):
        return x, states


def test_a_cell_of_the_users_own_is_unknown() -> None:
    assert analyze(functional(layers.RNN(OwnCell()), 7, 4)).totals.unknown == ("RNN",)
    assert analyze(functional(layers.Bidirectional(layers.RNN(layers.GRUCell(3))), 7, 4)).macs > 0


# Attention, counted one by one


def test_grouped_query_attention() -> None:
    query, value = keras.Input((6, 8)), keras.Input((4, 8))
    head, heads, shared = 3, 4, 2
    attention = layers.GroupQueryAttention(head, heads, shared)
    model = keras.Model([query, value], attention(query, value))
    count = 0
    for _ in range(heads):
        count += sum(8 for _ in range(6) for _ in range(head))  # queries
        count += sum(head for _ in range(6) for _ in range(4))  # scores
        count += sum(4 for _ in range(6) for _ in range(head))  # the mean of the values
        count += sum(head for _ in range(6) for _ in range(8))  # output
    for _ in range(shared):
        count += sum(8 for _ in range(4) for _ in range(head))  # keys
        count += sum(8 for _ in range(4) for _ in range(head))  # values
    report = analyze(model)
    assert (report.macs, report.params) == (count, attention.count_params())


@pytest.mark.skipif(
    "use_gate" not in signature(layers.GroupQueryAttention).parameters,
    reason="this Keras has no gate of attention",
)
def test_the_gate_of_grouped_query_attention_is_a_dense_layer_of_every_query() -> None:
    x = keras.Input((6, 8))
    macs = [
        analyze(keras.Model(x, layers.GroupQueryAttention(3, 4, 2, use_gate=gate)(x, x))).macs
        for gate in (False, True)
    ]
    assert macs[1] - macs[0] == sum(8 for _head in range(4) for _query in range(6 * 3))


@pytest.mark.parametrize(
    ("layer", "per_score"),
    [
        (layers.AdditiveAttention(), 8),  # the scale weighs each of 8 channels
        (layers.AdditiveAttention(use_scale=False), 0),
        (layers.Attention(), 8),
        (layers.Attention(score_mode="concat"), 0),
    ],
)
def test_attention_without_projections(layer, per_score: int) -> None:
    query, value = keras.Input((6, 8)), keras.Input((4, 8))
    model = keras.Model([query, value], layer([query, value]))
    scores = sum(per_score for _ in range(6) for _ in range(4))
    means = sum(4 for _ in range(6) for _ in range(8))
    report = analyze(model)
    assert (report.macs, report.params) == (scores + means, model.count_params())


# Sizes that the inputs decide


def test_sizes_that_an_einsum_leaves_open_are_those_of_its_input() -> None:
    model = functional(layers.EinsumDense("abc,cd->abd", output_shape=(None, 4)), 6, 8)
    report = analyze(model)
    assert (report.macs, report.layers[0].output_shape) == (6 * 8 * 4, (6, 4))


# Classes of the user's that derive from a convolution


class Standardized(layers.Conv2D):
    """Weight standardisation with a gain, as NFNets have it."""

    def build(self, shape):
        super().build(shape)
        self.gain = self.add_weight(shape=(self.filters,), initializer="ones", name="gain")

    def convolution_op(self, x, kernel):
        kernel = (kernel - ops.mean(kernel, axis=(0, 1, 2))) * self.gain
        return super().convolution_op(x, kernel)


class Doubled(layers.Conv2D):
    """Something else under the name of a convolution: it has weights for another one."""

    def build(self, shape):
        super().build(shape)
        self.more = self.add_weight(shape=(3, 3, self.filters, self.filters), name="more")

    def call(self, x):
        return ops.conv(super().call(x), self.more, padding="same")


class Holding(layers.Conv2D):
    """A convolution that holds another layer."""

    def build(self, shape):
        super().build(shape)
        self.inner = layers.Dense(self.filters)
        self.inner.build((None, self.filters))

    def call(self, x):
        return self.inner(super().call(x))


def test_a_convolution_that_convolves_in_its_own_way_is_assumed_to_cost_the_same() -> None:
    model = functional(Standardized(8, 3, groups=2, name="ws"), 9, 9, 4)
    report = analyze(model)
    assert report.macs == counted(model) == 49 * 8 * 9 * 2
    assert report.params == model.count_params()
    assert report.totals.assumed == ("Standardized",)
    assert report.totals.macs_complete
    (row,) = report.layers
    assert (row.op, row.groups, row.assumed) == ("conv", 2, "Standardized")
    one = compare(model, [1]).rows[1]
    assert (one.macs, one.params) == (49 * 8 * 9 * 4, 9 * 4 * 8 + 8 + 8)


@pytest.mark.parametrize("kind", [Doubled, Holding])
def test_a_convolution_that_does_more_than_convolve_is_unknown(kind) -> None:
    model = functional(kind(8, 3), 9, 9, 4)
    report = analyze(model)
    assert report.totals.unknown == (kind.__name__,)
    assert report.totals.assumed == ()
    assert report.params == model.count_params()


# Channels first


def first_and_last(data_format: str):
    """The same network in either layout."""
    first = data_format == "channels_first"
    axis = 1 if first else -1
    options = {"data_format": data_format}
    x = keras.Input((4, 16, 16) if first else (16, 16, 4))
    y = layers.Rescaling(0.5)(x)
    y = layers.ZeroPadding2D(1, **options)(y)
    y = layers.Conv2D(8, 3, strides=2, groups=2, name="grouped", **options)(y)
    y = layers.BatchNormalization(axis=axis)(y)
    y = skip = layers.ReLU()(y)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise", **options)(y)
    y = layers.SeparableConv2D(8, 3, padding="same", name="separable", **options)(y)
    y = layers.Concatenate(axis=axis)([layers.Add()([y, skip]), skip])
    y = layers.MaxPooling2D(2, **options)(y)
    y = layers.Conv2DTranspose(6, 2, strides=2, name="transposed", **options)(y)
    y = layers.UpSampling2D(2, **options)(y)
    y = layers.GlobalAveragePooling2D(**options)(y)
    return keras.Model(x, layers.Dense(3)(y))


def test_channels_first_is_counted_and_shown_as_channels_last() -> None:
    first, last = (analyze(first_and_last(f"channels_{which}")) for which in ("first", "last"))
    assert first.inputs == last.inputs == ((16, 16, 4),)
    assert first.totals == last.totals
    assert first.baseline == last.baseline
    for one, other in zip(first.layers, last.layers, strict=True):
        assert (one.op, one.output_shape, one.cost, one.groups, one.window) == (
            other.op,
            other.output_shape,
            other.cost,
            other.groups,
            other.window,
        )
    swept = [
        compare(first_and_last(f"channels_{which}"), [1, 2], only="grouped")
        for which in ("first", "last")
    ]
    assert [row.totals for row in swept[0].rows] == [row.totals for row in swept[1].rows]


def test_flops_of_channels_first_are_those_that_tensorflow_counts_for_channels_last() -> None:
    # The profiler has no transposed convolution; it has one weight per input value and output.
    transposed = 4 * 4 * (2 * 2 * 6 * 16)
    seen = counted(first_and_last("channels_last"))
    assert analyze(first_and_last("channels_first")).macs == seen + transposed


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_frames_and_recurrent_convolutions_in_either_layout(data_format: str) -> None:
    first = data_format == "channels_first"
    x = keras.Input((3, 2, 9, 9) if first else (3, 9, 9, 2))
    y = layers.TimeDistributed(layers.Conv2D(4, 3, data_format=data_format))(x)
    y = layers.ConvLSTM2D(4, 3, return_sequences=True, data_format=data_format)(y)
    y = layers.ConvLSTM2D(5, 3, data_format=data_format)(y)
    report = analyze(keras.Model(x, y))
    assert [row.output_shape for row in report.layers] == [
        (3, 7, 7, 4),
        (3, 5, 5, 4),
        (3, 3, 5),
    ]
    by_hand = 3 * (49 * 9 * 2 * 4 + 25 * 9 * (4 + 4) * 16 + 9 * 9 * (4 + 5) * 20)
    assert report.macs == by_hand


def test_layouts_that_meet_are_each_counted_right() -> None:
    x = keras.Input((4, 9, 9))
    y = layers.Conv2D(8, 3, data_format="channels_first")(x)
    y = layers.Permute((2, 3, 1))(y)
    y = layers.Conv2D(6, 3, groups=2)(y)
    report = analyze(keras.Model(x, y))
    assert [row.output_shape for row in report.layers] == [(7, 7, 8), (7, 7, 8), (5, 5, 6)]
    assert report.macs == 49 * 9 * 4 * 8 + 25 * 9 * 4 * 6
