"""Models of Keras 2 whose weights have other values in Keras 3, and one too large to keep.

The files with such weights that are kept are among those of `test_migration.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras2_files import FOLDER, MADE, PARAMS_MADE, rewritten
from running import run_gconv

from groupconv_cli import analyze
from groupconv_cli.models.model_file import ModelFile


@pytest.mark.parametrize("layer", ["Activation", "LSTM"])
def test_hard_sigmoid_of_what_has_no_weights_is_counted_and_not_converted(
    layer: str, tmp_path: Path
) -> None:
    """Keras 2 computes x/5 + 1/2 and Keras 3 x/6 + 1/2. An LSTM applies it to its state too."""

    def change(config: Any) -> Any:
        layers = config["config"]["layers"]
        if layer == "LSTM":
            lstm = next(each for each in layers if each["class_name"] == "LSTM")
            lstm["config"]["activation"] = "hard_sigmoid"
        if layer == "Activation":
            last = deepcopy(layers[-1]) | {"class_name": layer}
            last["config"] = {"name": "hard", "activation": "hard_sigmoid"}
            layers.append(last)
        return config

    path = rewritten(tmp_path, MADE / "tokens.h5", change, "2.2.4")
    assert analyze(path).params == PARAMS_MADE["tokens"]
    done = run_gconv("build", str(path), "-o", str(tmp_path / "new.keras"))
    assert done.status == 2
    told = " ".join(done.err.split())
    assert "applies hard_sigmoid to something that has no weights; Keras 3 computes it" in told


def test_a_size_that_is_computed_is_refused_if_it_is_no_batch(tmp_path: Path) -> None:
    def change(config: Any) -> Any:
        text = json.dumps(config)
        assert '"slice_spec": 0' in text
        return json.loads(text.replace('"slice_spec": 0', '"slice_spec": 1'))

    path = rewritten(tmp_path, MADE / "computed.h5", change, "2.15.0")
    done = run_gconv("summary", str(path))
    assert done.status == 2
    assert "calls tf.shape, which gconv cannot translate" in " ".join(done.err.split())


@pytest.mark.nightly
def test_efficientnet_of_keras_2(tmp_path: Path) -> None:
    """Made by tf_keras here, because the files have 17 MB each."""
    pytest.importorskip("tf_keras")
    make = [sys.executable, str(FOLDER / "make.py"), str(tmp_path)]
    subprocess.run(make, check=True, timeout=600, capture_output=True)
    known = np.load(tmp_path / "efficientnetb0.npz")
    assert np.abs(known["outputs"][0] - known["outputs"][1]).max() > 1e-3
    for ending in ("h5", "keras"):
        path = tmp_path / f"efficientnetb0.{ending}"
        report = analyze(path)
        assert (report.params, report.macs) == (int(known["params"]), int(known["macs"]))
        found = np.asarray(ModelFile(str(path)).load()(known["images"]))
        largest = np.abs(known["outputs"]).max()
        np.testing.assert_allclose(found, known["outputs"], atol=1e-5 * largest)
