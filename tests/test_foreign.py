"""What is shown of the errors of other libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import brief, first_line

KERAS = (
    "Exception encountered when calling {name}.call().\n\n\x1b[1m{reason}\x1b[0m\n\n"
    "Arguments received by {name}.call():\n  • inputs=tf.Tensor(shape=(1, 8, 8, 4))"
)
"""As keras/src/utils/traceback_utils.py writes it."""

MLIR = (
    '<unknown>:0: error: loc(callsite(fused["Einsum:", "functional_1/einsum_dense_1/einsum/Einsum@'
    '__inference_serve_35"] at callsite(fused["StatefulPartitionedCall:", "StatefulPartitionedCall@'
    "__inference_signature_wrapper_serve_43\"]))): 'tf.BatchMatMulV2' op found invalid output\n"
    '<unknown>:0: note: loc(fused["StatefulPartitionedCall:", "StatefulPartitionedCall"]): called'
)
"""As TensorFlow 2.21's converter to TFLite says it."""


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Too few axes.\nMore of it", "Too few axes."),
        ("These differ:\n  a and b", "These differ: a and b"),
        (KERAS.format(name="Dense", reason="Too few axes."), "Too few axes."),
        (
            KERAS.format(name="ConvTranspose", reason="'NoneType' object has no attribute 'lower'"),
            "ConvTranspose fails in its own code",
        ),
        ("zip() argument 2 is shorter than argument 1", "a library fails in its own code"),
        ("invalid literal for int() with base 10: 'p'", "a library fails in its own code"),
        (
            'in user code:\n\n    File "/a.py", line 3, in serve\n\n    ValueError: No such axis.',
            "No such axis.",
        ),
        (MLIR, "the converter fails on Einsum in functional_1/einsum_dense_1/einsum"),
        ("error: loc(nowhere): it fails", "the converter fails, and gives no reason that helps"),
        ("\x1b[31mred\x1b[0m \x07bell", "red ?bell"),
        ("", "ValueError"),
    ],
)
def test_a_reason_is_for_people(said: str, shown: str) -> None:
    assert first_line(ValueError(said)) == shown


def test_no_colours_of_others_are_shown() -> None:
    assert brief(ValueError("\x1b[1mHDF5\x1b[0m is\nbroken")) == "HDF5 is broken"
    framed = "{{function_node __wrapped__X_device_/job:localhost/device:CPU:0}} no image [Op:X]"
    assert brief(ValueError(framed)) == first_line(ValueError(framed)) == "no image"


def test_what_keras_itself_cannot_run_is_said_of_the_operation(tmp_path: Path) -> None:
    import keras
    import numpy as np

    from groupconv_cli import export

    x = keras.Input((8, 8, 4))
    y = keras.ops.conv_transpose(x, np.ones((3, 3, 4, 4), "float32"), strides=2)
    try:
        keras.Model(x, y)(np.ones((1, 8, 8, 4), "float32"))
    except AttributeError:
        with pytest.raises(
            UsageError, match=r"cannot be run: ConvTranspose fails in its own code$"
        ):
            export(keras.Model(x, y), tmp_path / "net.tflite")
    else:  # of a Keras that has mended it
        assert export(keras.Model(x, y), tmp_path / "net.tflite").agreement.relative < 1e-5


def test_a_model_that_keras_quantized_goes_to_onnx_and_not_to_tflite(tmp_path: Path) -> None:
    import keras

    from groupconv_cli import export

    model = keras.Sequential([keras.Input((12,)), keras.layers.Dense(8, name="units")])
    model.quantize("int8")
    with pytest.raises(UsageError, match="Keras has quantized its layer 'units' to int8\n  export"):
        export(model, tmp_path / "net.tflite")
    assert export(model, tmp_path / "net.onnx").agreement.relative < 1e-4
