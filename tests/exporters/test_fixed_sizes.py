"""Files of models that leave sizes open, written at given sizes."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import onnxruntime

from groupconv_cli.api.building import build_files
from groupconv_cli.exporters.convert_file import convert_file


def test_converted_formats_have_the_sizes_given_and_keras_keeps_them_open(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    x = keras.Input((None, None, 4), name="image")
    y = keras.layers.Conv2D(8, 3, groups=2)(x)
    y = keras.layers.GlobalAveragePooling2D()(y)
    model = keras.Model(x, keras.layers.Dense(3, name="head")(y))
    source = tmp_path / "open.keras"
    model.save(source)
    paths = [tmp_path / name for name in ("net.onnx", "net.tflite", "net.keras", "folder")]
    build_files(str(source), paths, settings={"input": "16,12,4"})
    image = np.random.default_rng(1).standard_normal((1, 16, 12, 4)).astype("float32")
    expected = np.asarray(model(image))

    session = onnxruntime.InferenceSession(paths[0], providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape[1:] == [16, 12, 4]
    (found,) = session.run(["head"], {"image": image})
    np.testing.assert_allclose(found, expected, atol=1e-5)

    runner = Interpreter(model_path=str(paths[1])).get_signature_runner()
    assert runner.get_input_details()["image"]["shape"].tolist() == [1, 16, 12, 4]
    np.testing.assert_allclose(runner(image=image)["output_0"], expected, atol=1e-5)

    again = keras.models.load_model(paths[2])
    assert again.input_shape == (None, None, None, 4)
    other = np.ones((1, 9, 20, 4), "float32")
    np.testing.assert_allclose(np.asarray(again(other)), np.asarray(model(other)), atol=1e-6)

    fast = tmp_path / "fast.keras"
    convert_file(str(source), fast, settings={"input": "16,12,4"})
    assert keras.models.load_model(fast).input_shape == (None, None, None, 4)
