"""Models of Keras 2: what Keras 2 counted and computed of them is what is counted and computed."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import zipfile
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np
import pytest
from keras2_files import FOLDER, MADE, PARAMS_MADE, rewritten
from running import run_gconv
from specs import examples, nightly_but

from groupconv_cli import analyze
from groupconv_cli.errors import GconvError
from groupconv_cli.models.description import read_config
from groupconv_cli.models.migration.migrate import migrated
from groupconv_cli.models.model_file import ModelFile

PARAMS = json.loads((FOLDER / "params.json").read_text())
OUTPUTS = np.load(MADE / "outputs.npz")

MACS = {
    "depthwise": 30 * 30 * 9 * 8 * 2,
    "grouped": 32 * 32 * 16 * 9 * 2 + 16 * 3,
    "lstm": 20 * 4 * 7 * (8 + 7),
    # Four projections of 10 tokens, then scores and their mean by 2 heads of 8.
    "mha": 4 * 10 * 16 * 16 + 2 * 10 * 10 * 2 * 8,
    "separable": 30 * 30 * (9 * 8 + 8 * 16),
    "seq": 14 * 14 * 8 * 9 * 2 + 392 * 3,
    "siamese": 2 * 14 * 14 * 8 * 9 * 2,
    "td": 6 * 6 * 6 * 4 * 9 * 2,
    "tfop": 6 * 6 * 4 * 9 * 4,
    "transpose": 32 * 32 * 8 * 9 * 16,
}
"""By hand, from the layers' sizes."""


def files(names: Any) -> list[str]:
    return [f"{name}.{ending}" for name in names for ending in ("h5", "keras")]


@cache
def inputs_of(*shapes: tuple[int, ...]) -> list[Any]:
    spec = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.inputs_of(list(shapes)))


def computed(model: Any) -> list[Any]:
    import keras

    inputs = inputs_of(*(tuple(each.shape[1:]) for each in model.inputs))
    given: Any = inputs if len(inputs) > 1 else inputs[0]
    if model.name == "named":
        given = {"x": given}
    return [np.asarray(each) for each in keras.tree.flatten(model(given))]


@pytest.mark.parametrize("file", files(PARAMS))
def test_files_of_keras_2_15_are_counted(file: str) -> None:
    name = file.partition(".")[0]
    report = analyze(FOLDER / file)
    assert report.params == PARAMS[name]
    if name in MACS:
        assert (report.macs, report.totals.unknown) == (MACS[name], ())


WITH_WEIGHTS = [name for name in PARAMS_MADE if name != "mobilenetv3"]
IN_HDF5 = {"convolutions", "nested", "recurrent", "transferred"}
CARRIED = [f"{name}.{'h5' if name in IN_HDF5 else 'keras'}" for name in WITH_WEIGHTS]
"""Every model in one of the two formats; of some kinds of layer there are several."""


@pytest.mark.parametrize("file", nightly_but(CARRIED, files(WITH_WEIGHTS)))
def test_weights_are_carried_over(file: str) -> None:
    """Every output is what Keras 2 computes: arguments, calls and weights are the same."""
    name = file.partition(".")[0]
    path = MADE / file
    assert analyze(path).params == PARAMS_MADE[name]
    found = computed(ModelFile(str(path)).load())
    wanted = [OUTPUTS[f"{name}.{index}"] for index in range(len(found))]
    assert f"{name}.{len(found)}" not in OUTPUTS
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=2e-6)


def test_operations_are_counted() -> None:
    """Two products of matrices, 5×4 by 4×5 and 5×5 by 5×4. The others count nothing."""
    report = analyze(MADE / "operations.h5")
    assert (report.macs, report.totals.unknown) == (5 * 5 * 4 + 5 * 4 * 5, ())


@pytest.mark.parametrize("file", ["grouped.h5", "grouped.keras"])
def test_weights_of_keras_2_15_are_those_in_the_file(file: str) -> None:
    with h5py.File(FOLDER / "grouped.h5") as opened:
        group = opened["model_weights"]
        kernel = np.asarray(group["conv2d/conv2d/kernel:0"])
        dense = np.asarray(group["dense/dense/kernel:0"])
    model = ModelFile(str(FOLDER / file)).load()
    np.testing.assert_array_equal(model.get_layer("conv2d").kernel, kernel)
    np.testing.assert_array_equal(model.get_layer("dense").kernel, dense)


# Files of older versions, which differ from 2.15 in what they do not say


def without_modules(value: Any) -> Any:
    """As Keras up to 2.12 wrote objects into .h5: by the names of their classes alone."""
    if isinstance(value, list):
        return [without_modules(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: without_modules(each) for key, each in value.items()}
    if "class_name" in kept:
        kept.pop("module", None)
        kept.pop("registered_name", None)
        kept.pop("build_config", None)
    return kept


@pytest.mark.parametrize(
    "name", nightly_but(["recurrent", "others"], ["recurrent", "others", "nested"])
)
def test_classes_without_modules(tmp_path: Path, name: str) -> None:
    """Keras 2.6 named no modules, not even of the layers in a wrapper."""
    path = rewritten(tmp_path, MADE / f"{name}.h5", without_modules, "2.6.0")
    assert '"module"' not in json.dumps(read_config(path))
    found = computed(ModelFile(str(path)).load())
    for index, mine in enumerate(found):
        np.testing.assert_allclose(mine, OUTPUTS[f"{name}.{index}"], rtol=2e-5, atol=2e-6)


def test_a_sequential_that_is_a_list(tmp_path: Path) -> None:
    """Keras 2.0.8 wrote only the layers, with the input's shape at the first of them."""

    def change(config: Any) -> Any:
        layers = without_modules(config)["config"]["layers"][1:]
        assert layers[0]["config"]["batch_input_shape"] == [None, 16, 16, 4]
        scale = {"scale": 1.0, "mode": "fan_avg", "distribution": "normal", "seed": None}
        layers[0]["config"]["kernel_initializer"] = {
            "class_name": "VarianceScaling",
            "config": scale,
        }
        return {"class_name": "Sequential", "config": layers}

    path = rewritten(tmp_path, FOLDER / "seq.h5", change, "2.0.8")
    assert analyze(path).params == PARAMS["seq"]
    assert analyze(path).macs == MACS["seq"]
    old, new = (ModelFile(str(each)).load() for each in (FOLDER / "seq.h5", path))
    np.testing.assert_array_equal(computed(old)[0], computed(new)[0])


def test_a_model_before_it_was_functional(tmp_path: Path) -> None:
    def change(config: Any) -> Any:
        return without_modules(config) | {"class_name": "Model"}

    path = rewritten(tmp_path, FOLDER / "grouped.h5", change, "2.2.4-tf")
    assert analyze(path).params == PARAMS["grouped"]


def test_a_gru_of_before_there_was_reset_after(tmp_path: Path) -> None:
    """It is the one without, which has three biases for each unit; Keras 3 has six by default."""
    gru = {"name": "gru", "units": 3, "batch_input_shape": [None, 5, 2], "activation": "tanh"}
    config = {"class_name": "Sequential", "config": [{"class_name": "GRU", "config": gru}]}
    path = tmp_path / "gru.json"
    path.write_text(json.dumps(config | {"keras_version": "2.0.8"}))
    assert analyze(path).params == 3 * (2 * 3 + 3 * 3 + 3)


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_weights_in_the_places_of_keras_2_12(tmp_path: Path, separator: str) -> None:
    """It counted layers with weights twice, in another folder, with the slashes of its system."""
    path = tmp_path / "convolutions.keras"
    with zipfile.ZipFile(MADE / "convolutions.keras") as source:
        (tmp_path / "old.h5").write_bytes(source.read("model.weights.h5"))
        with h5py.File(tmp_path / "old.h5") as old, h5py.File(tmp_path / "new.h5", "w") as new:
            arrays: dict[str, Any] = {}
            old.visititems(
                lambda name, item: (
                    arrays.update({name: item}) if isinstance(item, h5py.Dataset) else None
                )
            )
            for name, array in arrays.items():
                _, layer, *rest = name.split("/")
                kind, _, number = layer.rpartition("_")
                layer = f"{kind}_{2 * int(number)}" if number.isdecimal() else layer
                place = ["_layer_checkpoint_dependencies", layer, *rest[:-1]]
                new.create_dataset(separator.join(place) + "/" + rest[-1], data=array)
        with zipfile.ZipFile(path, "w") as made:
            made.write(tmp_path / "new.h5", "model.weights.h5")
            for member in ("config.json", "metadata.json"):
                made.writestr(member, source.read(member))
    for index, mine in enumerate(computed(ModelFile(str(path)).load())):
        np.testing.assert_allclose(mine, OUTPUTS[f"convolutions.{index}"], rtol=2e-5, atol=2e-6)


# Architectures


def test_an_architecture_is_a_model() -> None:
    """MobileNetV3 of Keras 2 has slashes in names and arithmetic as layers of TensorFlow's."""
    shown = run_gconv("summary", str(MADE / "mobilenetv3.json"), "--format", "json")
    report = json.loads(shown.out)
    assert report["params"] == PARAMS_MADE["mobilenetv3"]
    assert report["macs"] == json.loads((MADE / "macs.json").read_text())["mobilenetv3"]
    assert not report["unknown"]


def test_an_architecture_has_its_weights_beside_it(tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(8, 3, groups=2, bias_initializer="random_normal")(inputs)
    model = keras.Model(inputs, x, name="mine")
    path = tmp_path / "mine.json"
    path.write_text(model.to_json())
    assert analyze(path).macs == 6 * 6 * 8 * 9 * 2
    alone = run_gconv("build", str(path), "-o", str(tmp_path / "alone.keras"))
    assert alone.status == 0
    assert "random" in alone.out + alone.err
    model.save_weights(tmp_path / "mine.weights.h5")
    np.testing.assert_array_equal(computed(ModelFile(str(path)).load())[0], computed(model)[0])


def test_an_architecture_of_keras_2_has_its_weights_beside_it(tmp_path: Path) -> None:
    config = read_config(MADE / "transferred.h5")
    (tmp_path / "net.json").write_text(json.dumps(config))
    with h5py.File(MADE / "transferred.h5") as source, h5py.File(tmp_path / "net.h5", "w") as file:
        for name, item in source["model_weights"].items():
            source.copy(item, file, name)
        file.attrs.update(source["model_weights"].attrs)
    for index, mine in enumerate(computed(ModelFile(str(tmp_path / "net.json")).load())):
        np.testing.assert_allclose(mine, OUTPUTS[f"transferred.{index}"], rtol=2e-5, atol=2e-6)


def test_json_of_specs_stays_a_spec(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text('{"input": [8, 8, 4], "layers": [{"conv": {"filters": 8, "kernel": 3}}]}')
    assert analyze(path).params == 8 * (9 * 4 + 1)


# What becomes of them


def test_a_file_of_keras_2_is_accelerated_and_built(tmp_path: Path) -> None:
    made = tmp_path / "new.keras"
    assert run_gconv("build", str(MADE / "convolutions.h5"), "-o", str(made)).status == 0
    for index, mine in enumerate(computed(ModelFile(str(made)).load())):
        np.testing.assert_allclose(mine, OUTPUTS[f"convolutions.{index}"], rtol=2e-5, atol=2e-6)
    fast = run_gconv(
        "accelerate", str(FOLDER / "grouped.keras"), "-o", str(tmp_path / "fast.keras")
    )
    assert fast.status == 0


# Refusals


def sequential(kind: str, **config: Any) -> dict[str, Any]:
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 8, 8, 2]}}
    layer = {"class_name": kind, "config": {"name": "strange", **config}}
    inner = {"name": "net", "layers": [first, layer]}
    return {"class_name": "Sequential", "config": inner, "keras_version": "2.9.0"}


def called(function: str, **arguments: Any) -> dict[str, Any]:
    """A model that calls a function of TensorFlow on its input of 8×8×2."""
    first = {"batch_input_shape": [None, 8, 8, 2], "name": "x"}
    layers = [
        {"class_name": "InputLayer", "config": first, "name": "x", "inbound_nodes": []},
        {
            "class_name": "TFOpLambda",
            "config": {"name": "strange", "function": function},
            "name": "strange",
            "inbound_nodes": [["x", 0, 0, arguments]],
        },
    ]
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["strange", 0, 0]]}
    config = {"name": "net", "layers": layers, **ends}
    return {"class_name": "Functional", "config": config, "keras_version": "2.9.0"}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (sequential("LocallyConnected2D", filters=2), "is a LocallyConnected2D, which Keras 3"),
        (sequential("LSTM", units=2, time_major=True), "is a LSTM with time_major=True"),
        (sequential("DepthwiseConv2D", kernel_size=3, groups=2), "with groups=2"),
        (sequential("Dense", units=2, wings=3), "with an argument 'wings'"),
        (sequential("Mine"), "is of the class 'Mine', which is not registered"),
        (called("image.ssim", y=1.0), "calls tf.image.ssim, which gconv cannot translate"),
        (called("reshape", shape=[["x", 0, 0], -1]), "with a shape that other layers compute"),
        (called("math.add", y=1.0, wings=2), "with wings=2"),
    ],
)
def test_refusals_name_the_version_and_the_layer(
    tmp_path: Path, config: dict[str, Any], reason: str
) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps(config))
    done = run_gconv("summary", str(path))
    told = " ".join(done.err.split())
    assert done.status == 2
    assert "was written by Keras 2.9.0; its layer 'strange'" in told
    assert reason in told


def test_ellipsis_in_a_slice(tmp_path: Path) -> None:
    part = {"start": None, "stop": None, "step": 2}
    config = called("__operators__.getitem", slice_spec=[{"class_name": "__ellipsis__"}, 0])
    config["config"]["layers"][1]["class_name"] = "SlicingOpLambda"
    path = tmp_path / "model.json"
    path.write_text(json.dumps(config))
    assert ModelFile(str(path)).load().output_shape == (None, 8, 8)
    spec = config["config"]["layers"][1]["inbound_nodes"][0][3]
    spec["slice_spec"] = [{"start": None, "stop": None, "step": None}, part, None]
    path.write_text(json.dumps(config))
    assert ModelFile(str(path)).load().output_shape == (None, 4, 1, 8, 2)


def test_keras_1_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps(sequential("Dense", units=2) | {"keras_version": "1.2.2"}))
    done = run_gconv("summary", str(path))
    assert done.status == 2
    assert "load it in Keras 2 and save it there again" in " ".join(done.err.split())


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    def change(config: Any) -> Any:
        config["config"]["layers"][1]["config"]["filters"] = 8
        return config

    path = rewritten(tmp_path, FOLDER / "grouped.h5", change, "2.15.0")
    done = run_gconv("build", str(path), "-o", str(tmp_path / "new.keras"))
    assert done.status == 2
    assert "layer 'conv2d' has weights 3×3×2×8, 8, the file has 3×3×2×16, 16" in " ".join(
        done.err.split()
    )


# Hostile descriptions


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a description: what it is in, and its key or index there."""
    found, waiting = [], [value]
    while waiting:
        inner = waiting.pop()
        keys = inner.keys() if isinstance(inner, dict) else range(len(inner))
        for key in list(keys):
            found.append((inner, key))
            if isinstance(inner[key], dict | list):
                waiting.append(inner[key])
    return found


ODD = [None, True, -1, 10**30, 1.5, "", "x/y\x1b[31m", [], {}, [[]], {"class_name": 3}, ["x", 0, 0]]


@pytest.mark.parametrize("name", ["nested", "operations", "recurrent", "tokens", "others"])
def test_no_description_crashes_the_migration(name: str) -> None:
    """Any value may be anything: it is migrated or refused, and nothing else is raised."""
    config = json.loads(json.dumps(read_config(MADE / f"{name}.h5")))
    random = Random(0)
    for _ in range(examples(100)):
        hostile = deepcopy(config)
        for _ in range(random.choice([1, 1, 2])):
            inner, key = random.choice(places(hostile))
            if random.random() < 0.2:
                del inner[key]
            else:
                inner[key] = deepcopy(random.choice(ODD))
        with contextlib.suppress(GconvError):
            migrated(Path("x.h5"), hostile)
