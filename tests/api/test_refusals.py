"""What the command line refuses, the functions refuse too, in words and before any work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import groupconv_cli
from groupconv_cli import MeasureSettings, UsageError
from groupconv_cli.exporters.calibration import Input, given_samples
from groupconv_cli.exporters.formats import FORMATS, check_quantization

SPEC = {"input": [8, 8, 4], "layers": [{"conv": {"filters": 8, "kernel": 3, "groups": 2}}]}
TFLITE = [each for each in FORMATS if each.name == "tflite"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 0}, "batch must be a whole number, 1 or more; got 0"),
        ({"batch": None}, "batch must be a whole number, 1 or more; got None"),
        ({"runs": 2.0}, "runs must be a whole number, 1 or more; got 2.0"),
        ({"runs": True}, "runs must be a whole number, 1 or more; got True"),
        ({"threads": 1025}, "threads must be at most 1,024; got 1,025"),
        ({"dtype": "int8"}, "unknown dtype 'int8'; there are "),
        ({"runtimes": ()}, "runtimes must be a tuple of gconv, keras, litert and onnx; got ()"),
        (
            {"runtimes": "gconv"},
            "runtimes must be a tuple of gconv, keras, litert and onnx; got 'gconv'",
        ),
        (
            {"runtimes": ("torch",)},
            "runtimes must be a tuple of gconv, keras, litert and onnx; got ('torch',)",
        ),
    ],
)
def test_settings_of_a_measurement(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as error:
        MeasureSettings(**settings)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("settings", [{}, {"runs": None}, {"batch": np.int64(2)}, {"threads": 1}])
def test_settings_that_are_right(settings: dict[str, object]) -> None:
    assert MeasureSettings(**settings).batch in (2, 8)


@pytest.mark.parametrize("quantize", [None, "float16", "dynamic"])
def test_samples_that_nothing_would_heed(quantize: str | None) -> None:
    with pytest.raises(UsageError) as error:
        check_quantization(quantize, TFLITE, calibrated=True)
    assert (
        str(error.value) == f"calibration samples are for int8; got quantize {quantize or 'none'}"
    )
    check_quantization("int8", TFLITE, calibrated=True)


def test_export_says_so(tmp_path: Path) -> None:
    samples = np.zeros((2, 8, 8, 4))
    with pytest.raises(UsageError, match="calibration samples are for int8"):
        groupconv_cli.export(SPEC, tmp_path / "net.tflite", calibration=samples)
    assert not any(tmp_path.iterdir())


def test_weights_that_no_tflite_file_can_hold(tmp_path: Path) -> None:
    """2^29 weights of 4 bytes are one byte too many; the model is not built for that."""
    wide = {"input": [1, 1, 2**15], "layers": [{"conv": {"filters": 2**14, "kernel": 1}}]}
    with pytest.raises(UsageError, match=r"the weights take 2\.15 GB, and TFLite files hold"):
        groupconv_cli.export(wide, tmp_path / "net.tflite")
    assert not any(tmp_path.iterdir())


def test_weights_are_looked_at_before_the_model_is_built(monkeypatch, tmp_path: Path) -> None:
    from groupconv_cli.builder import build_model

    monkeypatch.setattr(build_model, "build_model", lambda _: pytest.fail("it was built"))
    with pytest.raises(UsageError, match="weights must be in a"):
        groupconv_cli.build(SPEC, weights=tmp_path / "net.npz")


ONE = [Input("x", (2,))]
FLOAT32_MOST = float(np.finfo(np.float32).max)


@pytest.mark.parametrize(
    "given", [[[1.0, FLOAT32_MOST]], np.array([[1, 2]], np.float64), [[True, 0]]]
)
def test_samples_become_float32(given: object) -> None:
    (array,) = given_samples(given, ONE)
    assert array.dtype == np.float32
    assert array.shape == (1, 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.array([[1.0, 1e39]]), "not finite, or too large for float32"),
        (np.array([[1.0, np.nan]]), "values that are not finite"),
        (np.zeros((2, 3)), "the array for the input 'x' in calibration is 2×3; it must be"),
        ([[[1.0], [1.0, 2.0]]], "calibration is not an array of numbers: "),
        ([["a", "b"]], "must hold numbers, got <U1"),
        (np.zeros((0, 2)), "has no samples"),
    ],
    ids=["beyond float32", "nan", "shape", "ragged", "text", "none"],
)
def test_samples_that_cannot_be(given: object, message: str) -> None:
    with pytest.raises(UsageError) as error:
        given_samples(given, ONE)
    assert message in str(error.value)


@pytest.mark.parametrize("call", [groupconv_cli.measure, groupconv_cli.measure_layers])
def test_a_model_with_layers_that_no_spec_has_is_not_measured(call) -> None:
    import keras

    noise = keras.layers.GaussianNoise(0.1)
    model = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2D(4, 3, groups=2), noise])
    with pytest.raises(UsageError, match="can count this Keras model but not rebuild it"):
        call(groupconv_cli.load(model))


def test_an_input_of_text_is_said_to_be_one(tmp_path) -> None:
    import keras
    import tensorflow as tf

    class Length(keras.layers.Layer):
        def call(self, x):
            return tf.cast(tf.strings.length(x), "float32")

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape, "float32")

    entry = keras.Input((1,), dtype="string", name="words")
    with pytest.raises(UsageError, match=r"input .words. takes text"):
        groupconv_cli.export(keras.Model(entry, Length()(entry)), tmp_path / "a.tflite")


@pytest.mark.parametrize("given", [SPEC, 3, groupconv_cli.load(SPEC)], ids=["spec", "3", "network"])
def test_check_takes_what_has_places(given: object) -> None:
    with pytest.raises(UsageError) as error:
        groupconv_cli.check(given)
    assert error.value.message.endswith(f"got {type(given).__name__}")
    assert "analyze takes networks" in (error.value.hint or "")


@pytest.mark.parametrize("convert", [groupconv_cli.accelerate, groupconv_cli.portable])
def test_a_path_is_no_model(convert) -> None:
    with pytest.raises(UsageError) as error:
        convert(Path("a.keras"))
    assert error.value.hint == "load it first: keras.saving.load_model('a.keras')"
