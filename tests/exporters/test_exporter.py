"""Models in other formats: what foreign runtimes compute from the files, and what is refused."""

from __future__ import annotations

import re
import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from specs import layers, nightly_but

from groupconv_cli import build, export
from groupconv_cli.errors import EnvironmentProblem, Source, UsageError
from groupconv_cli.exporters.formats import FORMATS, require_packages, reserved, targets
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.sources.catalogue import families, source_of

VARIANTS = {
    "googlenet": "torchvision_inference",
    "mobilenet_v1": "0.25",
    "regnet_x": "400mf",
    "resnet": "18",
    "resnext": "50_8x14d",
    "shufflenet_v1": "g3",
    "shufflenet_v2": "0.5",
}
"""The one that is smallest, has groups, or has one output."""

SIZES = {"alexnet": 67, "inception_v3": 75, "unet": 188, "xception": 71}
"""Where 32 pixels are too few for unpadded windows."""


def small(family: str):
    """A bundled network with every kind of block once, on a small input."""
    source = source_of(family)
    size = SIZES.get(family, 32)
    text = re.sub(
        r"^(input: \[)[\d$].*, (\d+)\]", rf"\g<1>{size}, {size}, \2]", source.text, flags=re.M
    )
    if family != "unet":  # whose crops are for two convolutions
        text = re.sub(r"(\b(?:repeat|n|d\d|depth\d?): )\d+", r"\g<1>1", text)
    text = re.sub(r"\b(depths|d): \[\d+(, \d+)*\]", _all_of_one, text)
    text = re.sub(r"units: \d+", "units: 10", text)
    # Rows of the MobileNets and EfficientNet that differ from others in width alone.
    text = re.sub(r"  - row: .*\bc: (?:64|80|96|112|160|192|320)\b.*\n", "", text)
    return SpecFile(Source(source.name, text)).network(variant=VARIANTS.get(family))


def _all_of_one(depths: re.Match) -> str:
    return re.sub(r"\d+", "1", depths[0])


def batch(model, count: int = 4):
    """Random input that gconv's own comparison has not seen."""
    random = np.random.default_rng(123)
    return random.standard_normal((count, *model.inputs[0].shape[1:])).astype("float32")


def keras_outputs(model, x):
    return np.asarray(model(x, training=False))


def in_onnxruntime(path: Path, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def in_litert(path: Path, x):
    """By tensor index, which gconv does not go by. int8 is quantized and back."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    (reads,), (gives,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for sample in x:
        value = sample[None]
        if reads["dtype"] == np.int8:
            scale, zero = reads["quantization"]
            value = np.clip(np.round(value / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(reads["index"], value)
        interpreter.invoke()
        row = interpreter.get_tensor(gives["index"])
        if gives["dtype"] == np.int8:
            scale, zero = gives["quantization"]
            row = (row.astype("float32") - zero) * scale
        rows.append(row)
    return np.concatenate(rows)


def in_tensorflow(path: Path, x):
    import tensorflow as tf

    return tf.saved_model.load(str(path)).signatures["serving_default"](tf.constant(x))["output_0"]


def in_keras(path: Path, x):
    import keras

    return keras_outputs(keras.models.load_model(path), x)


RUNTIMES = {
    "keras": in_keras,
    "saved_model": in_tensorflow,
    "tflite": in_litert,
    "onnx": in_onnxruntime,
}


def convolutions_of_onnx(path: Path) -> Counter:
    """The numbers of groups of the `Conv` nodes, and how many have each."""
    import onnx

    nodes = onnx.load(path).graph.node
    assert {node.domain for node in nodes} == {""}
    return Counter(
        next((each.i for each in node.attribute if each.name == "group"), 1)
        for node in nodes
        if node.op_type == "Conv"
    )


def operations_of_tflite(path: Path) -> Counter:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=resolver)
    return Counter(each["op_name"] for each in interpreter._get_ops_details())


def far(found, expected) -> float:
    """The largest difference, over the largest expected."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


WITH_ONE_OUTPUT = [family for family in families() if family != "fpn"]


@pytest.mark.nightly
@pytest.mark.parametrize("family", WITH_ONE_OUTPUT)
def test_every_family_in_every_format(family: str, tmp_path: Path) -> None:
    """What they are made of is tested always: groups and shuffles by rank below, every layer."""
    network = small(family)
    model = build(network, seed=1)
    x = batch(model)
    expected = keras_outputs(model, x)
    paths = {each.name: tmp_path / f"net{each.ending}" for each in FORMATS if each.name in RUNTIMES}
    for name, path in paths.items():
        export(model, path)
        assert far(RUNTIMES[name](path, x), expected) < 1e-5, name
    convs = [node for node in network.layers if node.op.is_convolution]
    assert convolutions_of_onnx(paths["onnx"]) == Counter(node.groups for node in convs)
    operations = operations_of_tflite(paths["tflite"])
    depthwise = sum(node.is_depthwise for node in convs)
    assert operations["DEPTHWISE_CONV_2D"] == depthwise
    assert operations["CONV_2D"] == len(convs) - depthwise
    assert not {"Conv2D", "CUSTOM", "FlexConv2D"} & set(operations)


GROUPED = """
- conv: {filters: 32, kernel: 3, groups: 4, norm: batch, activation: relu}
- channel_shuffle
- conv: {filters: 64, kernel: 3, stride: 2, groups: 8, activation: relu}
- depthwise_conv: {kernel: 3}
- conv: {filters: 32, kernel: 1, groups: 2}
- global_avg_pool
- dense: {units: 10}
"""


SMALL = """
- conv: {filters: 4, kernel: 1, groups: 2}
- global_avg_pool
- dense: {units: 10}
"""
"""For tests of what is the same with every network."""

RANKS = ("[24, 16]", "[12, 10, 16]", "[7, 6, 5, 16]")


@pytest.mark.both_ends
@pytest.mark.parametrize(
    "shape", nightly_but(["[12, 10, 16]", "[7, 6, 5, 16]"], RANKS), ids=("1d", "2d", "3d")
)
def test_grouped_convolutions_of_every_rank(shape: str, tmp_path: Path) -> None:
    model = build(layers(GROUPED, input_shape=shape), seed=1)
    x = batch(model)
    expected = keras_outputs(model, x)
    classes = [type(layer) for layer in model.layers]
    for name in ("onnx", "tflite"):
        path = tmp_path / f"net.{name}"
        export(model, path)
        assert far(RUNTIMES[name](path, x), expected) < 1e-5
    assert [type(layer) for layer in model.layers] == classes
    assert convolutions_of_onnx(tmp_path / "net.onnx") == Counter([4, 8, 64, 2])


def test_onnx_names_and_any_batch(tmp_path: Path) -> None:
    import onnx

    export(layers(SMALL), tmp_path / "net.onnx")
    graph = onnx.load(tmp_path / "net.onnx").graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["input", "dense"]
    for value in (*graph.input, *graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    for count in (1, 5):
        x = np.zeros((count, 8, 8, 12), "float32")
        assert in_onnxruntime(tmp_path / "net.onnx", x).shape == (count, 10)


def two_by_two():
    """A model of two inputs and two outputs, whose order is not that of their names."""
    import keras

    one, two = keras.Input((6, 6, 8), name="zebra"), keras.Input((4,), name="ape")
    x = keras.layers.Conv2D(8, 3, groups=2, name="conv")(one)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    y = keras.layers.Dense(8, name="late")(two)
    return keras.Model([one, two], [keras.layers.Add(name="sum")([x, y]), y], name="two")


def test_python_code_builds_the_model_and_needs_the_network(tmp_path: Path) -> None:
    network = layers(GROUPED)
    model, path = build(network), tmp_path / "net.py"
    export(network, path)
    assert "groupconv" not in path.read_text(encoding="utf-8")
    twin = runpy.run_path(str(path))["build"]()
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    twin.set_weights(model.get_weights())
    x = batch(model)
    assert far(keras_outputs(twin, x), keras_outputs(model, x)) < 1e-6
    with pytest.raises(UsageError, match="a Keras model cannot be written as Python code"):
        export(model, tmp_path / "model.py")


def test_a_sequential_model_is_a_model_too(tmp_path: Path) -> None:
    import keras

    conv = keras.layers.Conv1D(8, 3, groups=2, name="conv")
    model = keras.Sequential([keras.Input((16, 4)), conv, keras.layers.Flatten(name="flat")])
    assert export(model, tmp_path / "net.onnx").agreement.relative < 1e-5


@pytest.mark.parametrize("ending", [".keras", "", ".tflite", ".onnx"])
def test_several_inputs_and_outputs_keep_their_order(ending: str, tmp_path: Path) -> None:
    written = export(two_by_two(), tmp_path / f"two{ending}")
    assert written.agreement.relative < 1e-5
    assert written.agreement.largest > 0.1


@pytest.mark.parametrize(
    ("quantize", "most"), [("float16", 0.01), ("dynamic", 0.05), ("int8", 0.1)]
)
def test_quantized_files_are_smaller_and_near(quantize: str, most: float, tmp_path: Path) -> None:
    model = build(layers(GROUPED, input_shape="[12, 12, 64]"), seed=1)
    x = batch(model, 20)
    path = tmp_path / "small.tflite"
    calibration = x if quantize == "int8" else None
    size = export(model, path, quantize=quantize, calibration=calibration).size
    assert size < 0.75 * 4 * model.count_params()
    assert 0 < far(in_litert(path, x), keras_outputs(model, x)) < most
    operations = operations_of_tflite(path)
    assert (operations["CONV_2D"], operations["DEPTHWISE_CONV_2D"]) == (3, 1)
    assert ("QUANTIZE" in operations) is False


def test_a_file_that_computes_something_else_is_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch
) -> None:
    from groupconv_cli.exporters.onnx import Onnx

    write = Onnx.write

    def write_wrong(self, subject, path, options):
        kernel = subject.model.get_layer("dense").kernel
        right = kernel.numpy()
        kernel.assign(right * 1.0001)
        write(self, subject, path, options)
        kernel.assign(right)

    monkeypatch.setattr(Onnx, "write", write_wrong)
    with pytest.raises(
        EnvironmentProblem, match=r"net.onnx was not kept.*max difference is 0\.0001 .*1e-05"
    ):
        export(layers(SMALL), tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "ending", "quantize", "missing"),
    [
        (
            "upsample: {interpolation: bicubic}",
            ".tflite",
            None,
            "TFLite, which has no ResizeBicubic",
        ),
        ("upsample: {interpolation: lanczos3}", ".onnx", None, "ONNX, which has no ScaleAndTr"),
    ],
)
def test_what_a_format_cannot_express_is_named(
    text: str, ending: str, quantize: str | None, missing: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=missing):
        export(layers(f"- {text}"), tmp_path / f"net{ending}", quantize=quantize)


def test_models_without_known_sizes_are_refused(tmp_path: Path) -> None:
    import keras

    sizeless = keras.Sequential([keras.Input((None, 4)), keras.layers.Conv1D(4, 3)])
    with pytest.raises(UsageError, match="all sizes but the batch's"):
        export(sizeless, tmp_path / "net.onnx")
    with pytest.raises(UsageError, match="has no known inputs"):
        export(keras.Sequential([keras.layers.Dense(4)]), tmp_path / "net.onnx")


def test_without_what_runs_it_the_file_is_written_and_that_is_said(tmp_path, monkeypatch) -> None:
    from groupconv_cli.exporters import onnx

    monkeypatch.setattr(onnx, "find_spec", lambda name: None)
    assert export(layers(SMALL), tmp_path / "net.onnx").agreement is None


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch) -> None:
    from groupconv_cli.exporters import formats

    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "tf2onnx" else name)
    expected = r"ONNX needs tf2onnx, which is not installed\n  in a .*: pip install '.\[onnx\]'"
    with pytest.raises(EnvironmentProblem, match=expected):
        require_packages(FORMATS)


@pytest.mark.parametrize(
    ("paths", "to", "formats"),
    [
        ([], [], ["keras"]),
        ([], ["onnx", "tflite"], ["onnx", "tflite"]),
        (["a.ONNX", "b.tflite", "c", "d.py"], [], ["onnx", "tflite", "saved_model", "python"]),
        (["v1.5"], ["saved_model"], ["saved_model"]),
        (["net.bin"], ["tflite"], ["tflite"]),
    ],
)
def test_formats_are_told_by_endings_or_named(paths, to, formats) -> None:
    found = targets([Path(path) for path in paths], to, "stem")
    assert [target.format.name for target in found] == formats


@pytest.mark.parametrize(
    ("paths", "to", "message"),
    [
        (["a.h5"], [], r"unknown format '.h5'; use \.keras, \.tflite, \.onnx or \.py"),
        (["a.onnx"], ["tflite"], "--to tflite contradicts"),
        (["a.bin"], ["keras"], "must end in .keras"),
        (["a", "b"], ["onnx", "keras"], "--to can be repeated only without -o"),
        (["a.onnx", "./a.onnx"], [], "given twice"),
        ([], ["tfllite"], "did you mean 'tflite'"),
    ],
)
def test_targets_that_make_no_sense(paths, to, message) -> None:
    with pytest.raises(UsageError, match=message):
        targets([Path(path) for path in paths], to, "stem")


def test_all_targets_are_kept_or_none(tmp_path: Path) -> None:
    wanted = targets([tmp_path / "a.onnx", tmp_path / "folder"], [], "")

    def fail() -> None:
        with reserved(wanted, force=False) as places:
            places[0][1].write_text("x")
            places[1][1].mkdir()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".keras", ".tflite"])
def test_the_same_seed_gives_the_same_bytes(ending: str, tmp_path: Path) -> None:
    network = layers(SMALL)
    found = []
    for number, seed in enumerate((7, 7, 8)):
        path = tmp_path / f"{number}{ending}"
        export(build(network, seed=seed), path)
        found.append(path.read_bytes())
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("name", "quantize", "message"),
    [
        ("net.tflite", "int4", "quantize is float16, dynamic or int8, got 'int4'"),
        ("net.onnx", "int8", "quantize int8 is for TFLite"),
    ],
)
def test_quantization_that_makes_no_sense(name, quantize, message, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        export(layers(GROUPED), tmp_path / name, quantize=quantize)
