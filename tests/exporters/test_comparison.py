"""What a comparison of a file with its model shows, and that it is said where it shows nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from running import run_gconv
from specs import layers

from groupconv_cli import build
from groupconv_cli.exporters.comparison import measured


@pytest.mark.parametrize(
    ("output", "says_little"),
    [
        ([[0.1, 0.9], [0.1, 0.9], [0.1 + 1e-6, 0.9]], True),
        ([[0.1, 0.9], [0.1, 0.9], [0.2, 0.8]], False),
        ([[0.1, 0.9]], False),  # nothing to tell it by
        ([[np.nan, 0.9], [np.nan, 0.9]], False),
    ],
)
def test_a_comparison_of_outputs_that_do_not_depend_on_the_input_says_little(
    output, says_little: bool
) -> None:
    found = measured("LiteRT", [np.array(output)], [np.array(output)])
    assert (found.relative, found.says_little) == (0, says_little)


@pytest.mark.parametrize(
    ("found", "expected", "says_nothing"),
    [
        ([[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], True),
        ([[0.0, 0.0], [0.0, 0.0]], [[1e-10, 2e-10], [3e-10, 1e-10]], True),  # vanished in int8
        ([[1e-10, 2e-10], [2.9e-10, 1e-10]], [[1e-10, 2e-10], [3e-10, 1e-10]], False),
        ([[np.nan], [np.nan]], [[np.nan], [np.nan]], False),  # is_finite says that
    ],
)
def test_a_comparison_of_outputs_that_vanish_says_nothing(found, expected, says_nothing) -> None:
    agreement = measured("LiteRT", [np.array(found)], [np.array(expected)])
    assert agreement.says_nothing is says_nothing
    assert not (agreement.says_nothing and agreement.says_little)


VANISHING = """
input: [8, 8, 4]
layers: [{bottleneck: {}, repeat: 22}, conv: {filters: 6, kernel: 1}]
blocks:
  bottleneck:
    layers:
      - conv: {filters: 32, kernel: 1, activation: relu}
      - conv: {filters: 4, kernel: 3, activation: relu}
"""
"""An untrained network whose outputs vanish: each pair of layers makes them about a third."""


@pytest.mark.nightly
def test_outputs_that_vanish_in_int8(tmp_path: Path) -> None:
    Path(tmp_path, "net.yaml").write_text(VANISHING)
    samples = np.random.default_rng(0).standard_normal((20, 8, 8, 4)).astype("float32")
    np.savez(tmp_path / "samples.npz", samples)
    model = build(str(tmp_path / "net.yaml"), seed=3)
    largest = np.abs(np.asarray(model(samples))).max()
    assert 1e-14 < largest < 1e-10
    asked = ("build", "net.yaml", "--init-seed", "3", "-o", "net.tflite", "--quantize", "int8")
    done = run_gconv(*asked, cwd=tmp_path)
    assert done.status == 0, done.err
    assert "A comparison shows nothing if the outputs are 0" in done.out
    done = run_gconv(*asked, "--force", "--calibrate", "samples.npz", cwd=tmp_path)
    assert done.status == 3
    told = " ".join(done.err.split())
    assert "was not kept, because it does not match the model" in told
    assert "int8 turns values so near 0 into 0" in told


def test_outputs_that_are_not_numbers(tmp_path: Path) -> None:
    """All are NaN: there is nothing to compare, whatever the file computes."""
    model = build(layers("- conv: {filters: 4, kernel: 3}"))
    model.layers[-1].bias.assign(np.full(4, np.nan))
    model.save(tmp_path / "nan.keras")
    outputs = ("-o", "net.onnx", "-o", "net.keras")
    done = run_gconv("build", "nan.keras", *outputs, cwd=tmp_path)
    assert done.status == 0, done.err
    told = " ".join(done.out.split())
    assert told.count("Not compared: an output of the model has no finite number.") == 2


def test_a_conversion_of_outputs_that_are_zero_shows_nothing(tmp_path: Path) -> None:
    model = build(layers("- conv: {filters: 4, kernel: 3, groups: 4}"))
    model.set_weights([0 * weight for weight in model.get_weights()])
    model.save(tmp_path / "zero.keras")
    done = run_gconv("accelerate", "zero.keras", "-o", "fast.keras", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "This comparison shows nothing, because all outputs are 0" in " ".join(done.out.split())


def test_that_a_comparison_shows_nothing_is_said(tmp_path: Path) -> None:
    from groupconv_cli.api.building import build_files
    from groupconv_cli.render.build import build_sentences

    spec = tmp_path / "net.yaml"
    spec.write_text("input: [8, 8, 4]\nlayers: [conv: {filters: 4, kernel: 3}, hard_shrink]\n")
    weights = build(str(spec))
    for weight in weights.weights:
        weight.assign(np.zeros(weight.shape))
    weights.save_weights(tmp_path / "zero.weights.h5")
    report = build_files(str(spec), [tmp_path / "net.onnx"], weights=tmp_path / "zero.weights.h5")
    assert "A comparison shows nothing" in "\n".join(build_sentences(report))
