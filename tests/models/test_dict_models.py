"""Models whose inputs and outputs have names: dicts go wherever lists do."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from groupconv_cli import UsageError, accelerate, analyze, compare, diff, export, portable
from groupconv_cli.layers import GroupConv2D

MACS = 64 * (8 * 9 * 8 // 4 + 8 * 4)
"""64 places: a 3×3 kernel of 4 groups from 8 channels to 8, and a 1×1 kernel from 4 to 8."""


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Two inputs and two outputs whose order is not that in which they were made."""
    inputs = {"right": keras.Input((8, 8, 8), name="right")}
    inputs["left"] = keras.Input((8, 8, 4), name="left")
    grouped = layers.Conv2D(8, 3, groups=4, padding="same", use_bias=False)(inputs["right"])
    dense = layers.Conv2D(8, 1, use_bias=False)(inputs["left"])
    pooled = layers.GlobalAveragePooling2D()(grouped)
    outputs = {"sum": layers.Add()([grouped, dense]), "alone": pooled}
    return keras.Model(inputs, outputs, name="named")


def samples(count: int = 2) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    shapes = {"right": (8, 8, 8), "left": (8, 8, 4)}
    return {
        name: random.standard_normal((count, *shape)).astype("float32")
        for name, shape in shapes.items()
    }


def expected(model: keras.Model, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in model(given).items()}


def test_its_costs(model: keras.Model) -> None:
    assert analyze(model).macs == MACS
    assert [row.groups for row in compare(model, [2]).rows] == ["as written", 1, 2]
    assert diff(model, model).before.macs == MACS


def test_accelerated_and_back(model: keras.Model) -> None:
    given = samples()
    fast = accelerate(model)
    assert any(isinstance(layer, GroupConv2D) for layer in fast.layers)
    for copy in (fast, portable(fast)):
        found = copy(given)
        assert set(found) == {"sum", "alone"}
        for name, value in expected(model, given).items():
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5)


def test_in_keras_and_tensorflow(model: keras.Model, tmp_path: Path) -> None:
    import tensorflow as tf

    given = samples()
    for path in (tmp_path / "net.keras", tmp_path / "net"):
        assert export(model, path).agreement.difference < 1e-5
    loaded = keras.models.load_model(tmp_path / "net.keras")
    serve = tf.saved_model.load(str(tmp_path / "net")).signatures["serving_default"]
    of_tensors = {name: tf.constant(value) for name, value in given.items()}
    for found in (loaded(given), serve(**of_tensors)):
        for name, value in expected(model, given).items():
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_in_tflite(model: keras.Model, quantize, tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    given, path = samples(1), tmp_path / "net.tflite"
    calibration = None if quantize is None else given
    export(model, path, quantize=quantize, calibration=calibration)
    runner = Interpreter(model_path=str(path)).get_signature_runner()
    assert set(runner.get_input_details()) == {"left", "right"}
    assert set(runner.get_output_details()) == {"sum", "alone"}
    if quantize is None:
        for name, value in runner(**given).items():
            np.testing.assert_allclose(value, expected(model, given)[name], rtol=1e-4, atol=1e-5)


def test_in_onnx(model: keras.Model, tmp_path: Path) -> None:
    import onnxruntime

    given, path = samples(), tmp_path / "net.onnx"
    export(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert {each.name for each in session.get_inputs()} == {"left", "right"}
    found = {value.shape: value for value in session.run(None, given)}
    for value in expected(model, given).values():
        np.testing.assert_allclose(found[value.shape], value, rtol=1e-4, atol=1e-5)


def test_a_file_of_it(model: keras.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "net.keras")
    assert analyze(tmp_path / "net.keras").macs == MACS
    assert export(tmp_path / "net.keras", tmp_path / "net.onnx").agreement.relative < 1e-5


def test_it_is_no_spec(model: keras.Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        export(model, tmp_path / "net.py")
    assert list(tmp_path.iterdir()) == []
