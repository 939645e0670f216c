"""The fast layers against Keras' own, with oneDNN on and off."""

import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from random import Random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from running import ROOT
from specs import nightly_but

from groupconv_cli.fastconv.grouped_conv import runs_natively
from groupconv_cli.layers import GROUPED, GroupConv1D, GroupConv2D, GroupConv3D

STOCK = [layers.Conv1D, layers.Conv2D, layers.Conv3D]
# No filters are as many as a spatial size: Keras 3.15 then adds a channels-first bias to the wrong
# axis.
SPATIAL = [9, 7, 5]
CHANNELS = [(8, 8, 2), (6, 12, 6), (12, 6, 3), (4, 4, 4), (4, 6, 2), (32, 32, 16)]
STEPS = [(1, 1), (2, 1), (1, 2), ((2, 1, 1), 1)]
DTYPES = ["float32", "float64", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16"]
RANDOM = "tests/fastconv/test_gradients.py::test_outputs_and_gradients"
REFERENCES = "GCONV_TEST_REFERENCES"
"""The variable with a folder of stock results, which one run of the cases leaves for the next."""
TOLERANCE = {"float32": 2e-5, "float64": 1e-11, "bfloat16": 0.05, "float16": 0.02}


def cases():
    """A spread over all combinations: each channel case, step and padding with each rank."""
    random = Random(7)
    for rank, (channels, step, kernel) in product(
        (1, 2, 3), product(CHANNELS, STEPS[: 3 + 1], (1, 3))
    ):
        stride, dilation = step
        if isinstance(stride, tuple):
            if rank == 1:
                continue
            stride = stride[:rank]
        if random.random() < 0.55:
            continue
        padding = random.choice(["same", "valid"] + ["causal"] * (rank == 1))
        yield {
            "rank": rank,
            "channels": channels[0],
            "filters": channels[1],
            "groups": channels[2],
            "kernel_size": kernel,
            "strides": stride,
            "dilation_rate": dilation,
            "padding": padding,
            "data_format": random.choice(["channels_last", "channels_last", "channels_first"]),
            "dtype": random.choice(DTYPES),
            "use_bias": random.random() < 0.8,
        }


def run(layer, x, jit_compile=None):
    """The output of the layer and the gradients of its input and weights, as float64."""

    @tf.function(jit_compile=jit_compile)
    def forward_and_back(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(tf.sin(tf.cast(y, tf.float64)))
        return [y, *tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)])]

    return [np.asarray(tf.cast(value, tf.float64)) for value in forward_and_back(x)]


def distances(values, reference):
    return [
        np.abs(value - truth).max() / max(np.abs(truth).max(), 1e-3)
        for value, truth in zip(values, reference, strict=True)
    ]


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """Where stock Keras' float64 results are kept: no setting of oneDNN changes what XLA gives."""
    return Path(os.environ.get(REFERENCES) or tmp_path_factory.mktemp("references"))


def kept(path, compute):
    """What `compute` gives, from the file if there is one: XLA takes most of a case's time."""
    if not path.exists():
        np.savez(path, *compute())
    with np.load(path) as file:
        return [file[name] for name in file.files]


def with_one_of_each_rank():
    """All cases, of which one of each rank runs always: XLA takes seconds for some.

    `fastconv/test_gradients.py` always tries them all, against NumPy.
    """
    waiting = {(1, "float32"), (2, "mixed_bfloat16"), (3, "float16")}
    for case in cases():
        kind = case["rank"], case["dtype"]
        marks = () if kind in waiting else pytest.mark.nightly
        waiting.discard(kind)
        yield pytest.param(case, id="-".join(map(str, case.values())), marks=marks)
    assert not waiting


@pytest.mark.parametrize("case", list(with_one_of_each_rank()))
def test_equality_of_outputs_and_gradients(case, references):
    config = dict(case)
    rank, channels, dtype = (config.pop(key) for key in ("rank", "channels", "dtype"))
    random = np.random.default_rng(0)
    shape = (2, *SPATIAL[:rank], channels)
    if config["data_format"] == "channels_first":
        shape = (2, channels, *SPATIAL[:rank])
    fast = GROUPED[STOCK[rank - 1]](**config, dtype=dtype)
    exact = STOCK[rank - 1](**config, dtype="float64")
    x = tf.cast(0.5 * random.standard_normal(shape), fast.compute_dtype)
    fast.build(shape)
    exact.build(shape)
    # The exact ones are rounded as the others are, so that only the computation differs.
    for variable, twin in zip(fast.weights, exact.weights, strict=True):
        assert variable.shape == twin.shape
        value = tf.cast(0.5 * random.standard_normal(variable.shape), fast.compute_dtype)
        variable.assign(tf.cast(value, variable.dtype))
        twin.assign(tf.cast(value, "float64"))
    name = "-".join(map(str, case.values())) + ".npz"
    reference = kept(references / name, lambda: run(exact, tf.cast(x, "float64")))
    values = run(fast, x)
    assert [value.shape for value in values] == [value.shape for value in reference]
    found = distances(values, reference)
    tolerance = TOLERANCE[fast.compute_dtype]
    if max(found) <= tolerance:
        return
    # Long sums in half precision are coarse in Keras too.
    assert fast.compute_dtype in {"bfloat16", "float16"}, found
    stock = STOCK[rank - 1](**config, dtype=dtype)
    stock.build(shape)
    stock.set_weights(fast.get_weights())
    assert max(found) <= 2 * max(distances(run(stock, x), reference)), found


SWITCHED_OVER = """
import sys, pytest
from groupconv_cli.runtime import light_imports

with light_imports():
    import tensorflow, keras
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_equality_with_onednn_switched_over(references, every: bool):
    """Cases where TensorFlow has been started with the other setting.

    oneDNN has kernels of its own for float32 and bfloat16. The first random cases have both
    and each rank, and take less than one case that is compared with stock Keras.
    """
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") is not None:
        pytest.skip("this is the other one")
    setting = "0" if runs_natively("float32") else "1"
    chosen = [f"{RANDOM}[{number}]" for number in range(12)]
    if every:
        chosen = ["-k", "not switched_over and not another_process", "--nightly", __file__]
    done = subprocess.run(
        [sys.executable, "-c", SWITCHED_OVER, "-q", "-x", "-n", "0", *chosen],
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": setting, REFERENCES: str(references)},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("groups", "dtype"),
    nightly_but(
        [(4, "bfloat16")],
        product((2, 4, 8), ("float32", "bfloat16", "float16", "float64")),
    ),
)
def test_unknown_batch_and_spatial_sizes(dtype, groups):
    for layer, rank in ((GroupConv1D, 1), (GroupConv2D, 2), (GroupConv3D, 3)):
        inputs = keras.Input((*[None] * rank, 8), dtype=dtype)
        outputs = layer(8, 3, dilation_rate=2, padding="same", groups=groups, dtype=dtype)(inputs)
        assert outputs.shape == (None, *[None] * rank, 8)
        model = keras.Model(inputs, outputs)
        for size in (5, 8):
            x = np.ones((3, *[size] * rank, 8), "float32")
            assert model.predict(x, verbose=0).shape == x.shape


@pytest.mark.both_ends
@pytest.mark.parametrize("groups", [4, 16])
def test_compiled_by_xla(groups):
    layer = GroupConv2D(16, 3, padding="same", groups=groups)
    x = tf.random.stateless_normal((2, 8, 8, 16), (1, 2))
    layer.build(x.shape)
    for ours, theirs in zip(run(layer, x, jit_compile=True), run(layer, x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.both_ends
def test_the_second_derivative():
    x = tf.random.stateless_normal((1, 6, 6, 8), (1, 2))
    results = []
    weights = None
    for cls in (layers.Conv2D, GroupConv2D):
        layer = cls(8, 3, groups=4, activation="tanh")
        layer.build(x.shape)
        weights = weights or layer.get_weights()
        layer.set_weights(weights)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = layer(x)
            first = inner.gradient(y, x)
        results.append(outer.gradient(first, x))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-3, atol=1e-5)


def test_an_empty_output_is_an_error_as_in_keras():
    layer = GroupConv2D(8, 3, groups=2)
    layer.build((None, None, None, 8))
    with pytest.raises(ValueError, match="empty output"):
        layer(np.ones((1, 2, 2, 8), "float32"))


def test_automatic_names_and_weight_files_are_those_of_the_stock_layers(tmp_path):
    def model(conv):
        keras.utils.clear_session()
        inputs = keras.Input((8, 8, 8))
        x = conv(8, 3, groups=2)(inputs)
        x = layers.Conv2D(8, 1)(x)
        return keras.Model(inputs, conv(16, 3, groups=4)(x))

    stock, fast = model(layers.Conv2D), model(GroupConv2D)
    names = [layer.name for layer in stock.layers]
    assert names == ["input_layer", "conv2d", "conv2d_1", "conv2d_2"]
    assert [layer.name for layer in fast.layers] == names
    x = np.random.default_rng(0).standard_normal((2, 8, 8, 8)).astype("float32")
    stock.save_weights(tmp_path / "stock.weights.h5")
    fast.load_weights(tmp_path / "stock.weights.h5")
    np.testing.assert_allclose(fast(x), stock(x), rtol=1e-4, atol=1e-5)
    fast.save_weights(tmp_path / "fast.weights.h5")
    stock.load_weights(tmp_path / "fast.weights.h5")


def test_the_config_is_that_of_the_stock_layer():
    options = {"kernel_size": 3, "groups": 4, "padding": "same", "activation": "relu"}
    fast, stock = GroupConv2D(8, **options, name="a"), layers.Conv2D(8, **options, name="a")
    assert fast.get_config() == stock.get_config()
    assert isinstance(fast, layers.Conv2D)


ELSEWHERE = """
import sys, numpy as np, tensorflow as tf, keras

# Two devices have to be asked for before the first computation.
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
try:
    keras.models.load_model(sys.argv[1])
except Exception as error:
    print("'import groupconv_cli.layers>GroupConv2D'" in str(error))

from groupconv_cli.layers import GroupConv2D

model = keras.models.load_model(sys.argv[1])
print([type(layer).__qualname__ for layer in model.layers])
print(float(np.abs(model.predict(np.ones((1, 8, 8, 8)), verbose=0)).sum()))

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    layers = [keras.Input((8, 8, 8)), GroupConv2D(8, 3, groups=4), GroupConv2D(8, 3, groups=8)]
    model = keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
# The last batch leaves nothing for the second replica.
x = np.random.default_rng(0).standard_normal((33, 8, 8, 8))
losses = model.fit(x, x.mean((1, 2, 3)), epochs=3, batch_size=8, verbose=0).history["loss"]
print(strategy.num_replicas_in_sync, losses[-1] < losses[0])
"""


def test_a_file_names_the_package_that_its_layers_are_in(tmp_path, monkeypatch) -> None:
    """Keras says so where nothing has registered them, as in a process that imports only Keras."""
    inputs = keras.Input((8, 8, 8))
    model = keras.Model(inputs, GroupConv2D(8, 3, groups=2)(inputs))
    model.save(tmp_path / "fast.keras")
    again = keras.models.load_model(tmp_path / "fast.keras")
    x = np.ones((1, 8, 8, 8), "float32")
    assert type(again.layers[1]) is GroupConv2D
    np.testing.assert_allclose(again(x), model(x), rtol=1e-5)
    registered = keras.saving.get_custom_objects()
    for name, cls in list(registered.items()):
        if cls in GROUPED.values():
            monkeypatch.delitem(registered, name)
    remedy = "'import groupconv_cli.layers>GroupConv2D'"
    with pytest.raises(TypeError, match=re.escape(remedy)):
        keras.models.load_model(tmp_path / "fast.keras")


@pytest.mark.nightly
def test_in_another_process_a_saved_model_loads_and_a_mirrored_one_learns(tmp_path):
    """One process for both: TensorFlow takes most of the time."""
    inputs = keras.Input((8, 8, 8))
    model = keras.Model(inputs, GroupConv2D(8, 3, groups=2)(inputs))
    model.save(tmp_path / "fast.keras")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path / "fast.keras")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    refused, classes, total, mirrored = done.stdout.splitlines()[-4:]
    assert refused == "True"
    assert classes == "['InputLayer', 'GroupConv2D']"
    expected = float(np.abs(model.predict(np.ones((1, 8, 8, 8)), verbose=0)).sum())
    assert float(total) == pytest.approx(expected, rel=1e-4)
    assert mirrored == "2 True"


@pytest.mark.both_ends
@pytest.mark.parametrize(
    ("groups", "dtype"),
    nightly_but(
        [(2, "mixed_bfloat16")],
        product((2, 8), ("float32", "mixed_bfloat16", "float64")),
    ),
)
def test_fit_lowers_a_loss(dtype, groups):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((10, 10, 8)),
            GroupConv2D(16, 3, groups=groups, activation="relu", dtype=dtype),
            layers.GlobalAveragePooling2D(dtype=dtype),
            layers.Dense(1, dtype="float32"),
        ]
    )
    model.compile("adam", "mse")
    x = np.random.default_rng(0).standard_normal((64, 10, 10, 8))
    y = x[..., :2].mean((1, 2, 3))
    losses = model.fit(x, y, epochs=4, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_native_kernels_are_not_taken_for_what_they_cannot_do():
    assert not runs_natively("float64")
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        assert not runs_natively("float32")


@pytest.mark.parametrize("groups", [2, 4, 8])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_batch_of_nothing(groups, padding):
    layer = GroupConv2D(8, 3, strides=2, padding=padding, groups=groups)
    layer.build((None, 8, 8, 8))
    x = tf.zeros((0, 8, 8, 8))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    assert y.shape == (0, *layer.compute_output_shape((1, 8, 8, 8))[1:])
    gradients = tape.gradient(y, [x, layer.kernel.value])
    assert [value.shape for value in gradients] == [x.shape, layer.kernel.shape]


def test_a_number_of_channels_that_is_not_known():
    for rank, cls in enumerate((GroupConv1D, GroupConv2D, GroupConv3D), 1):
        layer = cls(8, 3, groups=2)
        layer.build((None, *[6] * rank, 8))
        anything = tf.function(layer, input_signature=[tf.TensorSpec([None] * (rank + 2))])
        x = tf.random.stateless_normal((2, *[6] * rank, 8), (1, 2))
        np.testing.assert_allclose(anything(x), layer(x), rtol=1e-4, atol=1e-5)


def test_a_subclass_may_change_the_convolution_as_in_keras():
    class Nothing(GroupConv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, 0 * kernel)

    y = Nothing(8, 3, groups=2)(np.ones((1, 8, 8, 8), "float32"))
    assert not np.any(y)


def test_a_file_of_the_first_version_loads() -> None:
    """The names that the fast layers were registered under are still known: files have them.

    The file was made by `gconv build tiny.yaml --fast --init-seed 1` of that version, with two
    convolutions of 4 and 2 groups.
    """
    model = keras.models.load_model(ROOT / "tests/data/layers/first_version.keras")
    assert [type(layer) for layer in model.layers[1:]] == [GroupConv2D, GroupConv2D]
    assert [layer.groups for layer in model.layers[1:]] == [4, 2]
    assert model.count_params() == 8 * 2 * 9 + 8 + 16 * 4 * 9 + 16
    assert np.isfinite(np.asarray(model(np.ones((1, 6, 6, 8), "float32")))).all()
