"""Models of half and double precision, in formats whose runtimes compute in float32."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import keras
import numpy as np
import pytest
from specs import nightly_but

from groupconv_cli import export


def model_of(policy: str):
    """A grouped convolution with all that has a dtype of its own around it."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        keras.utils.set_random_seed(1)
        x = keras.Input((8, 8, 4))
        y = keras.layers.Conv2D(8, 3, groups=2, activation="gelu")(x)
        y = keras.layers.BatchNormalization()(y)
        inner = keras.Sequential([keras.Input(y.shape[1:]), keras.layers.Conv2D(4, 1)])
        return keras.Model(x, keras.layers.Dense(5)(keras.layers.Flatten()(inner(y))))
    finally:
        keras.config.set_dtype_policy(before)


def in_onnxruntime(path: Path, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def in_litert(path: Path, x):
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner()
    (name,) = runner.get_input_details()
    return np.concatenate([runner(**{name: row[None]})["output_0"] for row in x])


RUNTIMES = {".onnx": in_onnxruntime, ".tflite": in_litert}

ROUNDING = {"mixed_float16": 2**-8, "float16": 2**-8, "mixed_bfloat16": 2**-5, "float64": 1e-6}
"""A few units in the last place of each."""


ALWAYS = [("mixed_float16", ".onnx"), ("mixed_bfloat16", ".tflite"), ("float64", ".onnx")]


@pytest.mark.parametrize(("policy", "ending"), nightly_but(ALWAYS, product(ROUNDING, RUNTIMES)))
def test_other_precisions_are_exported_through_a_float32_copy(
    policy: str, ending: str, tmp_path: Path
) -> None:
    model = model_of(policy)
    path = tmp_path / f"net{ending}"
    written = export(model, path)
    assert written.agreement.relative < 1e-5
    assert 0 < written.through.relative < ROUNDING[policy]
    x = np.random.default_rng(3).standard_normal((4, 8, 8, 4)).astype("float32")
    expected = np.asarray(keras.ops.cast(model(x), "float32"))
    found = RUNTIMES[ending](path, x)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() / np.abs(expected).max() < ROUNDING[policy]
    assert model.layers[1].compute_dtype == policy.removeprefix("mixed_")


@pytest.mark.parametrize("ending", [".keras", ""])
def test_formats_of_tensorflow_keep_the_precision(ending: str, tmp_path: Path) -> None:
    written = export(model_of("mixed_float16"), tmp_path / f"net{ending}")
    assert written.through is None
    assert written.agreement.relative < 2**-8
