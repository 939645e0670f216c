"""Models whose inputs and outputs are dicts: names decide what is compared with what."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import keras
import numpy as np
import pytest
from specs import nightly_but

from groupconv_cli import export

PLAIN, IMAGE = np.float32([[1, 2, 3], [-1, 0, 5]]), (6, 6, 4)


def model_with(*keys, nested: bool = False):
    """Each output is its place's number times the sum of the input `b`, so no two are alike."""
    image, plain = keras.Input(IMAGE, name="a"), keras.Input((3,), name="b")
    conv = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(1, 3, groups=1)(image))
    total = keras.ops.sum(plain, axis=1, keepdims=True)
    outputs = {key: total * (number + 1) + 0 * conv for number, key in enumerate(keys)}
    if nested:
        outputs = {"inner": outputs, "list": [total * 7, total * 8]}
    return keras.Model({"b": plain, "a": image}, outputs)


def in_litert(path: Path) -> dict:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner()
    return runner(a=np.zeros((1, *IMAGE), "float32"), b=PLAIN[:1])


def in_onnxruntime(path: Path) -> dict:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {"a": np.zeros((1, *IMAGE), "float32"), "b": PLAIN[:1]}
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True))


def in_tensorflow(path: Path) -> dict:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return loaded.signatures["serving_default"](a=tf.zeros((1, *IMAGE)), b=tf.constant(PLAIN[:1]))


RUNTIMES = {"": in_tensorflow, ".tflite": in_litert, ".onnx": in_onnxruntime}


KEYS = ("p q", "x_1 x_0 x_10", "output_10 output_2 output_1")
ALWAYS = list(zip(KEYS, ["", ".tflite", ".onnx"], strict=True))


@pytest.mark.parametrize(("keys", "ending"), nightly_but(ALWAYS, product(KEYS, RUNTIMES)))
def test_every_output_of_a_dict_has_its_key(keys: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{ending}"
    assert export(model_with(*keys.split()), path).agreement.relative < 1e-5
    found = RUNTIMES[ending](path)
    total = float(PLAIN[0].sum())
    assert {name: float(np.ravel(value)[0]) for name, value in found.items()} == {
        key: total * (number + 1) for number, key in enumerate(keys.split())
    }


def test_an_output_may_be_called_as_an_input(tmp_path: Path) -> None:
    assert export(model_with("a", "b"), tmp_path / "net.tflite").agreement.relative < 1e-5
    found = in_litert(tmp_path / "net.tflite")
    assert [float(found[name].ravel()[0]) for name in "ab"] == [6.0, 12.0]
    assert export(model_with("a", "b"), tmp_path / "net.onnx").agreement.relative < 1e-5


NUMBERED = {"nested": lambda: model_with("k", nested=True), "ints": lambda: model_with(1, 0)}
NUMBERED_ALWAYS = [("nested", ".tflite"), ("ints", ".onnx")]


@pytest.mark.parametrize(
    ("model", "ending"), nightly_but(NUMBERED_ALWAYS, product(NUMBERED, RUNTIMES))
)
def test_outputs_that_no_name_fits_are_numbered(model: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{ending}"
    made = NUMBERED[model]()
    assert export(made, path).agreement.relative < 1e-5
    found = {name: float(np.ravel(value)[0]) for name, value in RUNTIMES[ending](path).items()}
    given = {"b": PLAIN[:1], "a": np.zeros((1, *IMAGE), "float32")}
    expected = [float(np.ravel(each)[0]) for each in keras.tree.flatten(made(given))]
    if ending == ".onnx":
        assert list(found.values()) == expected
    else:
        assert found == {f"output_{number}": value for number, value in enumerate(expected)}
