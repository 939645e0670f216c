"""`accelerate` and `portable` on every kind of Keras model."""

import json
import pickle
import zipfile
from copy import deepcopy

import keras
import numpy as np
import pytest
from keras import layers

from groupconv_cli import UsageError, accelerate, build, portable
from groupconv_cli.layers import GROUPED, GroupConv2D

FAST = tuple(GROUPED.values())


def functional():
    inputs = keras.Input((8, 8, 8), name="image")
    shared = layers.Conv2D(8, 3, padding="same", groups=4, name="shared")
    x = shared(shared(inputs))
    x = layers.BatchNormalization()(x)
    x = layers.Lambda(lambda tensor: 2 * tensor)(x)
    x = keras.ops.relu(x)
    y = layers.Conv2D(8, 1, name="dense")(x)
    return keras.Model(inputs, [layers.GlobalAveragePooling2D()(x), y], name="functional")


def sequential():
    convolution = layers.Conv2D(8, 3, groups=2)
    return keras.Sequential([keras.Input((8, 8, 8)), convolution, layers.ReLU()], name="sequence")


def nested():
    inputs = keras.Input((8, 8, 8))
    x = functional()(inputs)[1]
    x = sequential()(x)
    return keras.Model(inputs, layers.Conv2D(4, 3, groups=4)(x), name="nested")


def one_dimension_over_time():
    inputs = keras.Input((5, 9, 8))
    return keras.Model(inputs, layers.TimeDistributed(layers.Conv1D(8, 3, groups=4))(inputs))


class Block(layers.Layer):
    """A layer that holds convolutions and is not registered."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Conv2D(8, 3, groups=2)
        self.rest = [layers.Conv2D(8, 1, groups=8)]

    def build(self, shape):
        self.first.build(shape)
        self.rest[0].build(self.first.compute_output_shape(shape))

    def call(self, x):
        return self.rest[0](self.first(x))


def with_a_composite_layer():
    return keras.Sequential([keras.Input((8, 8, 8)), Block()])


class Net(keras.Model):
    """A subclassed model that Keras can clone."""

    def __init__(self, groups=4, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups
        self.convolution = layers.Conv2D(8, 3, groups=groups)
        self.head = layers.Dense(3)

    def build(self, shape):
        self.convolution.build(shape)
        self.head.build(self.convolution.compute_output_shape(shape))
        self.built = True

    def call(self, x):
        return self.head(self.convolution(x))

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


def subclassed():
    model = Net(groups=2)
    model.build((None, 8, 8, 8))
    return model


MODELS = [
    functional,
    sequential,
    nested,
    one_dimension_over_time,
    with_a_composite_layer,
    subclassed,
]


def flat(outputs):
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]


def grouped_layers(model):
    return [x for x in model._flatten_layers() if isinstance(x, tuple(GROUPED)) and x.groups > 1]


@pytest.mark.both_ends
@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_every_kind_of_model_there_and_back(make):
    model = make()
    random = np.random.default_rng(0)
    model.set_weights([random.random(weight.shape) for weight in model.get_weights()])
    before = [type(layer) for layer in model._flatten_layers()]
    shape = model.input_shape if not isinstance(model, Net) else (None, 8, 8, 8)
    x = random.random((2, *shape[1:])).astype("float32")
    expected = flat(model(x))

    fast = accelerate(model)
    assert fast is not model
    assert grouped_layers(fast)
    assert all(isinstance(layer, FAST) for layer in grouped_layers(fast))
    back = portable(fast)
    assert not any(isinstance(layer, FAST) for layer in back._flatten_layers())
    for copy in (fast, back):
        assert copy.name == model.name
        names = [layer.name for layer in model._flatten_layers()]
        assert [layer.name for layer in copy._flatten_layers()] == names
        for ours, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        for ours, theirs in zip(flat(copy(x)), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert [type(layer) for layer in model._flatten_layers()] == before
    weights = model.get_weights()
    fast.set_weights([weight + 1 for weight in fast.get_weights()])
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_shared_layers_stay_shared_and_dense_convolutions_stay_stock():
    model = functional()
    fast = accelerate(model)
    assert len(grouped_layers(fast)) == 1
    assert type(fast.get_layer("dense")) is layers.Conv2D
    assert fast.output_names == model.output_names


@pytest.mark.nightly
def test_it_stays_compiled_frozen_and_in_the_middle_of_its_training():
    def loss(truth, predicted):
        return keras.ops.mean((truth - predicted) ** 2, axis=-1)

    model = nested()
    model.get_layer("functional").get_layer("shared").trainable = False
    model.compile(keras.optimizers.Adam(0.01), loss)
    x = np.random.default_rng(0).random((8, 8, 8, 8))
    y = np.zeros((8, *model.output_shape[1:]))
    model.fit(x, y, batch_size=4, verbose=0)
    fast = accelerate(model)
    assert not fast.get_layer("functional").get_layer("shared").trainable
    assert int(fast.optimizer.iterations) == int(model.optimizer.iterations) == 2
    history = [copy.fit(x, y, verbose=0).history["loss"] for copy in (model, fast)]
    np.testing.assert_allclose(history[1], history[0], rtol=1e-3)


class Custom(keras.Sequential):
    """A functional model with a class, a loss and an activation of its own."""

    def train_step(self, data):
        return {**super().train_step(data), "mine": 1.0}


class Loss(keras.losses.Loss):
    def call(self, truth, predicted):
        return keras.ops.mean((truth - predicted) ** 2, axis=-1)


def swishy(x):
    return x * keras.ops.sigmoid(2 * x)


def test_classes_and_functions_of_the_users_own_are_kept():
    convolution = layers.Conv2D(8, 3, groups=2, activation=swishy)
    model = Custom([keras.Input((8, 8, 8)), convolution, layers.Flatten(), layers.Dense(1)])
    model.compile(
        "sgd", Loss(), metrics=[lambda truth, predicted: truth - predicted], run_eagerly=True
    )
    fast = accelerate(model)
    assert type(fast) is Custom
    x = np.random.default_rng(0).random((8, 8, 8, 8)).astype("float32")
    np.testing.assert_allclose(fast(x), model(x), rtol=1e-4, atol=1e-5)
    assert fast.fit(x, np.zeros((8, 1)), verbose=0).history["mine"] == [1.0]


def test_state_that_is_not_a_weight_is_kept():
    x = np.random.default_rng(0).random((8, 8, 8, 8)).astype("float32")
    normalization = layers.Normalization()
    normalization.adapt(5 * x + 3)
    dtype = keras.DTypePolicy("bfloat16")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 8)),
            normalization,
            layers.Lambda(lambda tensor: tensor / 3, dtype=dtype),
            layers.Conv2D(8, 3, groups=2),
        ]
    )
    fast = accelerate(model)
    np.testing.assert_allclose(fast(x), model(x), rtol=1e-4, atol=1e-5)
    assert fast.layers[1].compute_dtype == "bfloat16"


def test_frozen_after_it_was_compiled_and_trained():
    model = sequential()
    model.compile("adam", "mse", run_eagerly=True)
    x = np.random.default_rng(0).random((8, 8, 8, 8))
    model.fit(x, np.zeros((8, *model.output_shape[1:])), verbose=0)
    model.layers[0].trainable = False
    assert not accelerate(model).layers[0].trainable


def test_a_model_of_mixed_precision_goes_on_scaling_its_loss():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    model = sequential()
    model.compile("sgd", "mse")
    keras.config.set_dtype_policy(before)
    fast = accelerate(model)
    assert type(fast.optimizer) is type(model.optimizer) is keras.optimizers.LossScaleOptimizer
    assert keras.config.dtype_policy() == before


def test_portable_leaves_no_layer_of_ours():
    model = keras.Sequential([keras.Input((8, 8, 8)), GroupConv2D(8, 3)])
    assert type(portable(model).layers[0]) is layers.Conv2D


def test_what_is_no_model():
    with pytest.raises(UsageError, match="needs a Keras model, got str"):
        accelerate("model.keras")


def test_what_it_cannot_reach_it_names():
    class Mine(layers.Conv2D):
        pass

    model = keras.Sequential([keras.Input((8, 8, 8)), Mine(8, 3, groups=2, name="odd")])
    with pytest.warns(UserWarning, match="stay unchanged: odd"):
        accelerate(model)

    class Closed(keras.Model):
        def __init__(self, size):
            super().__init__(name="closed")
            self.inner = layers.Dense(size)

        def call(self, x):
            return self.inner(x)

    with pytest.raises(UsageError, match="Keras cannot clone model 'closed'"):
        accelerate(Closed(3))


class Written(layers.Layer):
    """A grouped convolution that is no layer."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, 4, 8))

    def call(self, x):
        return keras.ops.conv(x, self.kernel)


class Around(layers.Layer):
    """Holds one, and a convolution that can be reached."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.written = Written(name="written")
        self.reached = layers.Conv2D(8, 3, groups=2)

    def build(self, shape):
        self.written.build(shape)
        self.reached.build(shape)

    def call(self, x):
        return self.written(x) + self.reached(x)


def test_convolutions_written_without_a_layer_are_named_where_they_are():
    model = keras.Sequential([keras.Input((8, 8, 8)), Around(name="around"), Block(name="block")])
    with pytest.warns(
        UserWarning, match="make grouped convolutions themselves and stay unchanged: written$"
    ):
        fast = accelerate(model)
    assert all(isinstance(layer, FAST) for layer in grouped_layers(fast))


@pytest.mark.parametrize(
    "copied",
    [deepcopy, lambda model: pickle.loads(pickle.dumps(model)), keras.models.clone_model],
    ids=["deepcopy", "pickle", "clone_model"],
)
def test_copies_of_a_fast_model_are_fast(copied):
    fast = accelerate(sequential())
    twin = copied(fast)
    assert type(twin.layers[0]) is GroupConv2D
    twin.set_weights(fast.get_weights())
    x = np.random.default_rng(0).random((2, 8, 8, 8)).astype("float32")
    np.testing.assert_allclose(twin(x), fast(x), rtol=1e-5, atol=1e-6)


def test_build_fast_and_the_files_of_both(tmp_path):
    spec = {
        "input": [8, 8, 8],
        "layers": [{"conv": {"filters": 8, "kernel": 3, "groups": 4, "norm": "batch"}}, "relu"],
    }
    fast = build(spec, fast=True)
    assert type(fast.get_layer("conv")) is GroupConv2D
    fast.save(tmp_path / "fast.keras")
    portable(fast).save(tmp_path / "portable.keras")
    again = keras.models.load_model(tmp_path / "fast.keras")
    assert type(again.get_layer("conv")) is GroupConv2D
    for file, ours in (("fast", True), ("portable", False)):
        with zipfile.ZipFile(tmp_path / f"{file}.keras") as archive:
            config = json.loads(archive.read("config.json"))
        assert ("groupconv_cli" in json.dumps(config)) == ours
