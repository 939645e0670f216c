"""Names that Keras does not publish: each still does what `keras_internals.py` uses it for.

A test that fails here means that Keras moved or changed the name. The docstring says what of gconv
is broken then; what has to be mended is the function in `keras_internals.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.both_ends
def test_functional_and_the_graph_of_a_sequential() -> None:
    """Breaks: no Keras model is read; each is refused as one with a call() of its own."""
    import keras

    from groupconv_cli.keras_internals import graph_of

    class WithCall(keras.Model):
        def call(self, x):
            return x

    class Named(keras.Model):
        """As applications of others derive from Model, without another `call`."""

    x = keras.Input((4,))
    functional = keras.Model(x, keras.layers.Dense(2)(x))
    assert graph_of(functional) is functional
    named = Named(x, keras.layers.Dense(2)(x))
    assert graph_of(named) is named
    sequential = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    assert graph_of(sequential).inputs[0].shape == (None, 4)
    assert graph_of(sequential).outputs[0].shape == (None, 2)
    assert graph_of(keras.Sequential([keras.layers.Dense(2)])) is None
    assert graph_of(WithCall()) is None
    assert graph_of(WithCall(x, x)) is None
    assert graph_of(keras.layers.Dense(2)) is None


@pytest.mark.both_ends
def test_run_through_graph() -> None:
    """Breaks: the layers of a Keras model cannot be gone through, so none is read."""
    import keras

    from groupconv_cli.keras_internals import walk_graph

    x = keras.Input((4,))
    first, last = keras.layers.Dense(3, name="first"), keras.layers.Add(name="last")
    shared = first(x)
    model = keras.Model(x, {"out": last([shared, shared])})
    visited = []

    def visitor(operation):
        def call(tensor):
            visited.append((operation, tensor))
            return f"{operation.name} of {tensor}"

        return call

    found = walk_graph(model, ["x"], visitor)
    assert visited == [(first, "x"), (last, ["first of x"] * 2)]
    assert found == {"out": "last of ['first of x', 'first of x']"}


@pytest.mark.both_ends
def test_flatten_layers() -> None:
    """Breaks: accelerate and portable miss convolutions in layers of the user's own."""
    import keras

    from groupconv_cli.keras_internals import all_layers

    class Holder(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.listed = [keras.layers.Dense(2)]
            self.model = keras.Sequential([keras.layers.Dense(3)])

        def call(self, x):
            return self.model(self.listed[0](x))

    holder = Holder()
    model = keras.Sequential([keras.Input((4,)), holder])
    found = all_layers(model)
    assert found[0] is model
    for inner in (holder, holder.listed[0], holder.model, holder.model.layers[0]):
        assert any(layer is inner for layer in found)


@pytest.mark.both_ends
def test_compile_config() -> None:
    """Breaks: a model compiled with a loss of the user's own cannot be accelerated."""
    import keras

    from groupconv_cli.keras_internals import compile_arguments

    def own_loss(y, found):
        return keras.ops.mean(y - found)

    class OwnMetric(keras.metrics.Mean):
        pass

    metric = OwnMetric()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    assert compile_arguments(model) is None
    model.compile("sgd", own_loss, metrics=[metric])
    given = keras.tree.flatten(compile_arguments(model))
    assert any(each is own_loss for each in given)
    assert any(each is metric for each in given)


@pytest.mark.both_ends
def test_names_and_uninitialized_variables_in_the_global_state() -> None:
    """Breaks: reading a model changes what the next layer of the user's is called."""
    import keras

    from groupconv_cli.keras_internals import fresh_names

    def name() -> str:
        return keras.layers.Dense(2).name

    def refuse(*_args, **_kwargs):
        raise EOFError

    def leave_a_variable_without_values() -> None:
        with keras.StatelessScope(initialize_variables=False):
            keras.layers.Dense(2, name="left", kernel_initializer=refuse).build((None, 2))

    before = int(name().removeprefix("dense").removeprefix("_") or 0)
    with fresh_names():
        assert [name(), name()] == ["dense", "dense_1"]
        leave_a_variable_without_values()
    assert name() == f"dense_{before + 1}"
    with keras.StatelessScope():
        pass
    # Left behind, it is given values as the next such scope ends.
    with fresh_names():
        leave_a_variable_without_values()
        with pytest.raises(EOFError), keras.StatelessScope():
            pass


@pytest.mark.both_ends
def test_deserialize_node() -> None:
    """Breaks: a file whose layers read what is not there keeps some versions of Keras for ever."""
    import keras

    from groupconv_cli.keras_internals import before_each_node

    x = keras.Input((4,))
    shared = keras.layers.Dense(4)
    model = keras.Model(x, shared(shared(x)))
    seen = []
    with before_each_node(lambda: seen.append(1)):
        keras.Model.from_config(model.get_config())
    assert len(seen) == 2

    def refuse() -> None:
        raise EOFError

    with pytest.raises(EOFError), before_each_node(refuse):
        keras.Model.from_config(model.get_config())
    keras.Model.from_config(model.get_config())
    assert len(seen) == 2


@pytest.mark.both_ends
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_hdf5_config(tmp_path: Path) -> None:
    """Breaks: HDF5 files cannot be read, or code in them is run without --trust."""
    import h5py
    import keras

    from groupconv_cli.keras_internals import model_from_hdf5_config

    def config(*layers: keras.layers.Layer) -> dict:
        keras.Sequential([keras.Input((4,)), *layers]).save(tmp_path / "net.h5")
        with h5py.File(tmp_path / "net.h5") as file:
            return json.loads(file.attrs["model_config"])

    model = model_from_hdf5_config(config(keras.layers.Dense(3, name="dense_of_3")), trust=False)
    assert [layer.name for layer in model.layers] == ["dense_of_3"]
    assert model.output_shape == (None, 3)
    brings_code = config(keras.layers.Lambda(lambda x: x + 1, output_shape=(4,)))
    with pytest.raises(ValueError, match=r"unsafe|arbitrary code"):
        model_from_hdf5_config(brings_code, trust=False)
    assert model_from_hdf5_config(brings_code, trust=True).output_shape == (None, 4)


@pytest.mark.both_ends
def test_modules_of_classes() -> None:
    """Breaks: no layer is known as one of Keras', and costs are unknown (?)."""
    import keras

    from groupconv_cli.keras_internals import family_of, is_stock

    class Own(keras.layers.Dense):
        pass

    for layer, family in [
        (keras.layers.ReLU, "layers.activations"),
        (keras.layers.Add, "layers.merging"),
        (keras.layers.BatchNormalization, "layers.normalization"),
        (keras.layers.MaxPooling2D, "layers.pooling"),
        (keras.layers.RandomFlip, "layers.preprocessing"),
        (keras.layers.Dropout, "layers.regularization"),
        (keras.layers.Reshape, "layers.reshaping"),
    ]:
        assert is_stock(layer)
        assert family_of(layer) == family
    assert not is_stock(Own)
    assert family_of(Own) == ""


@pytest.mark.both_ends
def test_classes_of_operations() -> None:
    """Breaks: functions of keras.ops in a model count other MACs than they have, or ? instead."""
    import keras

    from groupconv_cli.keras_internals import family_of

    image, kernel = keras.Input((8, 8, 4)), keras.ops.ones((3, 3, 4, 4))
    matrix = keras.Input((4, 4))
    for output, name, family in [
        (keras.ops.conv(image, kernel), "Conv", "ops.nn"),
        (keras.ops.matmul(matrix, matrix), "Matmul", "ops.numpy"),
        (keras.ops.einsum("bij,bjk->bik", matrix, matrix), "Einsum", "ops.numpy"),
        (keras.ops.tensordot(matrix, matrix, 1), "Tensordot", "ops.numpy"),
        (keras.ops.relu(image), "Relu", "ops.nn"),
        (image[..., :2], "GetItem", "ops.numpy"),
        (keras.ops.cast(image, "float16"), "Cast", "ops.core"),
    ]:
        made = keras.Function([x for x in (image, matrix) if reads(output, x)], output)
        kind = type(made.operations[-1])
        assert (kind.__name__, family_of(kind)) == (name, family)


def reads(output, entry) -> bool:
    """Whether the output comes from the entry: a graph of it can be made."""
    import keras

    try:
        keras.Function(entry, output)
    except ValueError:
        return False
    return True


def test_every_class_that_costs_go_by_is_one_of_keras() -> None:
    """Breaks: a class that Keras renamed counts no MACs if its family counts none.

    In the newest Keras only: some classes are younger than the lowest of our range.
    """
    import pkgutil
    from importlib import import_module

    import keras
    import keras.src.ops

    from groupconv_cli.models.known_layers import COSTLY, FREE
    from groupconv_cli.ops.base import FROM_KERAS

    modules = [
        import_module(f"keras.src.ops.{module.name}")
        for module in pkgutil.iter_modules(keras.src.ops.__path__)
        if not module.name.endswith("_test")
    ]
    operations = {
        f"ops.{name}"
        for module in modules
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, keras.Operation)
    }
    published = vars(keras.layers)
    # A class may be published under another name than it has: GroupQueryAttention, for one.
    layers = {*published, *(x.__name__ for x in published.values() if isinstance(x, type))}
    for application in ("convnext", "inception_resnet_v2"):
        layers |= set(dir(import_module(f"keras.src.applications.{application}")))
    known = {*COSTLY, *FREE, *FROM_KERAS}
    assert known - operations - layers == set()


@pytest.mark.both_ends
def test_keras_history() -> None:
    """Breaks: no model is built that slices or pads a tensor, nor by Python code of gconv's."""
    import keras

    from groupconv_cli.codegen.file import HELPERS
    from groupconv_cli.keras_internals import name_operation

    namespace: dict = {}
    exec(HELPERS["named"], namespace)
    x = keras.Input((4,))
    half = x[..., :2]
    name_operation(half, "half")
    quarter = half[..., :1]
    assert namespace["named"](quarter, "quarter") is quarter
    operations = keras.Model(x, quarter).operations[1:]
    assert [each.name for each in operations] == ["half", "quarter"]
    assert [each.output for each in operations] == [half, quarter]


@pytest.mark.both_ends
def test_the_generator_of_default_seeds() -> None:
    """Breaks: --init-seed and --train give other weights each time."""
    import random

    import keras

    from groupconv_cli.keras_internals import seeds_from

    def weights() -> list[float]:
        layer = keras.layers.Dense(3)
        layer.build((None, 2))
        return layer.kernel.numpy().ravel().tolist()

    state = random.getstate()
    made = []
    for _ in range(2):
        with seeds_from(random.Random(5)):
            made.append(weights())
    assert made[0] == made[1] != weights()
    random.setstate(state)
    before = weights()
    random.setstate(state)
    with seeds_from(random.Random(5)):
        weights()
    assert weights() == before, "the generator of the program was drawn from"


@pytest.mark.both_ends
def test_the_switch_of_onednn() -> None:
    """Breaks: whether oneDNN is on is told by whether its kernel of grouped convolutions is."""
    from tensorflow.python.util import _pywrap_util_port

    assert _pywrap_util_port.IsMklEnabled() in (True, False)


@pytest.mark.both_ends
def test_a_computation_is_traced_for_sizes_that_a_layers_own_rule_leaves_open():
    """`backend.compute_output_spec`; without it some `EinsumDense` cannot be counted."""
    import keras

    from groupconv_cli.keras_internals import traced_spec

    layer = keras.layers.EinsumDense("abc,cd->abd", output_shape=(None, 4))
    x = keras.KerasTensor((1, 6, 8))
    layer.build((None, None, 8))
    assert layer.compute_output_spec(x).shape[1:] == (None, 4)
    assert traced_spec(layer, (x,), {}).shape == (1, 6, 4)


def test_operations_are_serialized_as_keras_does() -> None:
    """Without it, functions of TensorFlow in files of Keras 2 are refused."""
    import keras

    from groupconv_cli.keras_internals import serialized_operation

    x = keras.Input((4, 4))
    for made, name, config in (
        (keras.ops.mean(x, axis=1), "Mean", {"axis": 1}),
        (keras.ops.relu6(x), "Relu6", {}),
        (keras.ops.image.resize(keras.Input((4, 4, 1)), (2, 2)), "Resize", {"size": (2, 2)}),
        (keras.ops.erf(x), "Erf", {}),
        (keras.ops.cast(x, "float16"), "Cast", {"dtype": "float16"}),
    ):
        model = keras.Model(made._keras_history.operation._inbound_nodes[0].input_tensors, made)
        described = model.get_config()["layers"][-1]
        mine = serialized_operation(name, config)
        assert mine is not None
        for key in ("module", "class_name", "registered_name"):
            assert mine[key] == described[key]
    assert serialized_operation("Nothing", {}) is None
