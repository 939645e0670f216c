"""Files with open height and width, and of a batch, at sizes that gconv did not try."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers
from running import run_gconv
from specs import nightly_but

from groupconv_cli import UsageError, export

IMAGES = """
input: [16, 12, 4]
layers:
  - conv: {filters: 8, kernel: 3, stride: 2, groups: 2}
  - residual:
      body: [conv: {filters: 8, kernel: 3, groups: 8}, squeeze_excite: {filters: 4}]
  - conv_transpose: {filters: 6, kernel: 3, stride: 2}
  - parallel: {branches: [[conv: {filters: 4, kernel: 1}], [relu]], merge: concat}
  - global_avg_pool
  - dense: {units: 5}
"""
SEQUENCES = """
input: [20, 4]
layers: [conv: {filters: 8, kernel: 3, groups: 4}, avg_pool: {size: 2}, global_max_pool]
"""
VOLUMES = """
input: [6, 8, 6, 4]
layers: [conv: {filters: 8, kernel: 3, groups: 2}, max_pool: {size: 2}, global_avg_pool]
"""


def of_onnx(path: Path, image: Any) -> tuple[list[Any], Any]:
    """The shape of the input, and the first output."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    return list(entry.shape), session.run(None, {entry.name: image})[0]


def of_tflite(path: Path, image: Any) -> tuple[list[int], Any]:
    """The shape of the input as the file has it, and the first output."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    (entry,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(entry["index"], image.shape, strict=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry["index"], image)
    interpreter.invoke()
    (made,) = interpreter.get_output_details()
    return entry["shape_signature"].tolist(), interpreter.get_tensor(made["index"])


OPEN = {
    "images": (IMAGES, (10, 22, 4), ["height", "width"]),
    "sequences": (SEQUENCES, (33, 4), ["length"]),
    "volumes": (VOLUMES, (4, 6, 10, 4), ["depth", "height", "width"]),
}
BOTH = (".onnx", ".tflite")
SEEN_ALWAYS = [("images", BOTH), ("sequences", (".tflite",)), ("volumes", (".onnx",))]


@pytest.mark.parametrize(
    ("what", "endings"),
    nightly_but(SEEN_ALWAYS, [*SEEN_ALWAYS, ("sequences", BOTH), ("volumes", BOTH)]),
)
def test_open_sizes(what: str, endings: tuple[str, ...], tmp_path: Path) -> None:
    spec, other, names = OPEN[what]
    Path(tmp_path, "net.yaml").write_text(spec)
    files = [f"net{ending}" for ending in (".keras", *endings)]
    done = run_gconv(
        *("build", "net.yaml", "--dynamic", "--init-seed", "1"),
        *(word for file in files for word in ("-o", file)),
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert "Its height and width are open: compared at " in done.out
    # The same model without fixed sizes, made by Keras alone of the same configuration.
    model = keras.models.load_model(tmp_path / "net.keras")
    config = model.get_config()
    config["layers"][0]["config"]["batch_shape"] = [None, *[None] * (len(other) - 1), other[-1]]
    same = keras.Model.from_config(config)
    same.set_weights(model.get_weights())
    image = np.random.default_rng(3).standard_normal((1, *other)).astype("float32")
    expected = np.asarray(same(image))
    if ".onnx" in endings:
        shape, found = of_onnx(tmp_path / "net.onnx", image)
        assert shape == ["batch", *names, other[-1]]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    if ".tflite" in endings:
        signature, found = of_tflite(tmp_path / "net.tflite", image)
        assert signature == [1, *[-1] * len(names), other[-1]]
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "quantize", nightly_but(["float16", "int8"], ["float16", "dynamic", "int8"])
)
def test_open_sizes_of_quantized_files(quantize: Any, tmp_path: Path) -> None:
    x = keras.Input((None, None, 4))
    y = layers.Conv2D(32, 3, groups=2, padding="same", activation="relu")(x)
    model = keras.Model(x, layers.Conv2D(3, 3, activation="sigmoid")(y))
    model.save(tmp_path / "open.keras")
    done = run_gconv(
        *("build", "open.keras", "--set", "input=12,16,4", "--dynamic", "-o", "net.tflite"),
        *("--quantize", quantize),
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert "compared at 12×16×4 and 24×32×4." in done.out
    image = np.random.default_rng(0).standard_normal((1, 14, 9, 4)).astype("float32")
    expected = np.asarray(model(image))
    given = np.clip(np.round(image / 0.035), -128, 127).astype("int8")
    signature, found = of_tflite(tmp_path / "net.tflite", given if quantize == "int8" else image)
    assert signature == [1, -1, -1, 4]
    assert found.shape == expected.shape == (1, 12, 7, 3)
    if quantize != "int8":
        np.testing.assert_allclose(found, expected, atol=0.05)


def test_models_of_half_precision_can_be_open(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 4))
    conv = layers.Conv2D(8, 3, groups=2, dtype="mixed_float16")
    model = keras.Model(x, conv(x))
    written = export(model, tmp_path / "net.onnx", dynamic=True)
    assert written.sizes == ((8, 8, 4), (16, 16, 4))
    assert written.agreement is not None
    assert written.agreement.relative < 1e-5
    image = np.ones((2, 5, 30, 4), "float32")
    expected = np.asarray(keras.Model(x, conv(x)).layers[1](image), "float32")
    np.testing.assert_allclose(of_onnx(tmp_path / "net.onnx", image)[1], expected, atol=0.02)


def test_layers_that_are_others_for_open_sizes(tmp_path: Path) -> None:
    """Keras' Reshape, of which a channel_shuffle is made, has fixed sizes."""
    spec = "input: [8, 8, 4]\nlayers: [channel_shuffle: {groups: 2}, conv: {filters: 4, kernel: 3}]"
    Path(tmp_path, "net.yaml").write_text(spec)
    outputs = ("-o", "net.onnx", "-o", "net.keras")
    done = run_gconv("build", "net.yaml", "--dynamic", *outputs, cwd=tmp_path)
    assert done.status == 0, done.err
    image = np.random.default_rng(0).standard_normal((1, 5, 13, 4)).astype("float32")
    conv = keras.models.load_model(tmp_path / "net.keras").layers[-1]
    expected = np.asarray(conv(image[..., [0, 2, 1, 3]]))
    np.testing.assert_allclose(of_onnx(tmp_path / "net.onnx", image)[1], expected, atol=1e-5)


@pytest.mark.parametrize("spec", [True, False])
def test_a_model_that_has_one_size_is_refused(spec: bool, tmp_path: Path) -> None:
    Path(tmp_path, "net.yaml").write_text(
        "input: [8, 8, 4]\nlayers: [conv: {filters: 4, kernel: 3}, flatten, dense: {units: 3}]"
    )
    if not spec:
        assert run_gconv("build", "net.yaml", cwd=tmp_path).status == 0
    file = "net.yaml" if spec else "net.keras"
    done = run_gconv("build", file, "-o", "net.onnx", "--dynamic", cwd=tmp_path)
    assert done.status == 2
    told = " ".join(done.err.split())
    assert "model 'net' cannot have open sizes: it does not run at 16×16×4, which is twice" in told
    assert "leave --dynamic out" in told
    assert not (tmp_path / "net.onnx").exists()


def test_an_input_without_height_is_refused(tmp_path: Path) -> None:
    x = keras.Input((8,))
    model = keras.Model(x, layers.Dense(4)(x))
    with pytest.raises(UsageError, match="has no height and width to leave open: its input is 8"):
        export(model, tmp_path / "net.onnx", dynamic=True)


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_a_batch_of_tflite(quantize: Any, tmp_path: Path) -> None:
    x = keras.Input((6, 6, 4))
    y = layers.Conv2D(8, 3, groups=2, activation="relu")(x)
    model = keras.Model(x, layers.Dense(5)(layers.Flatten()(y)))
    samples = np.random.default_rng(0).standard_normal((9, 6, 6, 4)).astype("float32")
    given = {"calibration": samples} if quantize else {}
    written = export(model, tmp_path / "net.tflite", batch=4, quantize=quantize, **given)
    assert written.agreement is not None
    assert written.agreement.relative < (0.25 if quantize else 1e-5)
    image = samples[:4].astype("int8" if quantize else "float32")
    signature, found = of_tflite(tmp_path / "net.tflite", image)
    assert (signature, found.shape) == ([4, 6, 6, 4], (4, 5))
    if not quantize:
        np.testing.assert_allclose(found, np.asarray(model(image)), atol=1e-5)


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (["--batch", "4"], "batch 4 is for TFLite: name an output that ends in .tflite"),
        (["--dynamic"], "dynamic is for TFLite or ONNX: name an output that ends in .tflite or"),
    ],
)
def test_options_of_other_formats_are_refused(option: list[str], reason: str, tmp_path) -> None:
    done = run_gconv("build", "block", "-o", "net.keras", *option, cwd=tmp_path)
    assert done.status == 2
    assert reason in " ".join(done.err.split())


@pytest.mark.parametrize("batch", [0, -1, True, 2.0, "4"])
def test_a_batch_is_a_number_of_samples(batch: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="batch is a whole number of samples, 1 or more"):
        export("block", tmp_path / "net.tflite", batch=batch)
