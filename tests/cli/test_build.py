"""`gconv build` as a process: files, memory, noise."""

from __future__ import annotations

import pytest
from package_copy import without_package
from running import run_code, run_gconv, run_in_terminal

SPEC = "name: small\ninput: [8, 8, 4]\nlayers: [conv: {filters: 8, kernel: 3, groups: 2}, relu]\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "small.yaml").write_text(SPEC)
    return tmp_path


@pytest.mark.both_ends
def test_what_is_built_loads_where_there_is_only_keras(folder) -> None:
    """Every op that Keras has no layer for is in it, and gconv is out of the way."""
    (folder / "odd.yaml").write_text(
        """
        input: [8, 8, 4]
        layers:
          - conv: {filters: 8, kernel: 3, groups: 2, padding: 2}
          - channel_shuffle
          - relu:
            name: pad
          - max_pool: {size: 3, stride: 2, padding: 1}
          - avg_pool: {size: 2, padding: 1}
          - depthwise_conv: {kernel: 3, stride: [2, 1]}
          - parallel: {branches: [[conv: {filters: 8, kernel: 1}], []], merge: multiply}
          - residual: {body: [relu6]}
        """
    )
    result = run_gconv("build", "odd.yaml", "-o", "odd.keras", "-o", "odd.py", cwd=folder)
    assert result.status == 0, result.err
    probe = (
        "import runpy, keras, numpy\n"
        "model = keras.models.load_model('odd.keras')\n"
        "print(model.predict(numpy.ones((2, 8, 8, 4)), verbose=0).shape, model.count_params())\n"
        "model = runpy.run_path('odd.py')['build']()\n"
        "print(model.output_shape, model.count_params())"
    )
    with without_package():
        done = run_code(probe, cwd=folder)
    params = (9 * 2 * 8 + 8) + (9 * 8 + 8) + (8 * 8 + 8)
    expected = [f"(2, 2, 3, 8) {params}", f"(None, 2, 3, 8) {params}"]
    assert done.out.splitlines() == expected, done.err


def test_without_a_spec_that_of_this_folder_is_built(folder) -> None:
    (folder / "gconv.yaml").write_text((folder / "small.yaml").read_text())
    result = run_gconv("build", cwd=folder)
    assert (result.status, result.err) == (0, "gconv: using gconv.yaml of this folder\n")
    assert (folder / "small.keras").is_file()


def test_without_any_spec_nothing_is_built(tmp_path) -> None:
    result = run_gconv("build", cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(
        "gconv: error: no SPEC given and no gconv.yaml here\n  name a spec"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", [(), ("--to", "onnx"), ("--to", "python", "-o", "net.py")])
def test_a_model_is_not_printed(folder, to) -> None:
    result = run_gconv("build", "small.yaml", "-o", "-", *to, cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert "-o - is for Python code only: gconv build SPEC --to python -o -" in result.err


def test_python_code_is_printed(folder) -> None:
    assert run_gconv("build", "small.yaml", "-o", "small.py", cwd=folder).status == 0
    result = run_gconv("build", "small.yaml", "--to", "python", "-o", "-", cwd=folder)
    assert (result.status, result.err) == (0, "")
    assert result.out == (folder / "small.py").read_text()
    assert not (folder / "-").exists()


def test_what_was_built_and_where_it_lies_is_printed_and_nothing_else(folder) -> None:
    result = run_gconv("build", "small.yaml", "-o", "models.keras", cwd=folder)
    assert result.status == 0
    assert result.err == ""
    first, second, third = result.out.splitlines()
    assert first == "Built small: 2 layers, 152 parameters."
    assert second.startswith("Checked:")
    assert third.startswith("Saved models.keras (")
    assert "). Reloaded in Keras 3." in third
    assert ": max difference 0 (outputs up to " in third
    assert sorted(path.name for path in folder.iterdir()) == ["models.keras", "small.yaml"]


def test_fast_layers_are_loaded_with_the_package(folder) -> None:
    result = run_gconv("build", "small.yaml", "--fast", cwd=folder)
    assert (result.status, result.err) == (0, "")
    assert "To load it: import groupconv_cli.layers, then keras.models.load_model." in result.out
    script = (
        "import keras, groupconv_cli.layers as fast\n"
        "model = keras.models.load_model('small.keras')\n"
        "assert type(model.get_layer('conv')) is fast.GroupConv2D\n"
    )
    loaded = run_code(script, cwd=folder)
    assert loaded.status == 0, loaded.err


@pytest.mark.nightly  # tests/cli/test_screens.py always has such a build
def test_in_a_terminal_there_is_a_spinner_and_no_noise(folder) -> None:
    result = run_in_terminal("build", "small.yaml", cwd=folder)
    assert result.status == 0
    assert "Loading TensorFlow" in result.out
    assert "cuda" not in result.out.lower()
    assert "WARNING" not in result.out
    assert "Saved small.keras" in result.out


def test_an_existing_file_is_kept_unless_forced(folder) -> None:
    target = folder / "small.keras"
    target.write_bytes(b"precious")
    result = run_gconv("build", "small.yaml", cwd=folder)
    assert result.status == 2
    assert "small.keras exists already; --force replaces it" in result.err
    assert target.read_bytes() == b"precious"
    assert run_gconv("build", "small.yaml", "--force", cwd=folder).status == 0
    assert target.stat().st_size > 1000


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "small.h5",
            "unknown format '.h5'; use .keras, .tflite, .onnx or .py, no ending for",
        ),
        ("nowhere/small.onnx", "there is no folder nowhere"),
        ("folder", "folder is a folder of other things (it has no saved_model.pb)"),
        ("nowhere/small.keras", "there is no folder nowhere"),
        ("folder.keras", "folder.keras is a folder"),
    ],
)
def test_targets_that_cannot_be(folder, target: str, message: str) -> None:
    (folder / "folder.keras").mkdir()
    (folder / "folder").mkdir()
    (folder / "folder" / "precious").touch()
    result = run_gconv("build", "small.yaml", "-o", target, cwd=folder)
    assert result.status == 2
    assert message in result.err


def test_what_cannot_fit_in_memory_is_refused_before_it_is_built(folder) -> None:
    (folder / "huge.yaml").write_text(
        "input: [8, 8, 100000]\nlayers: [conv: {filters: 1000000, kernel: 3}]"
    )
    result = run_gconv("build", "huge.yaml", cwd=folder)
    assert result.status == 3
    assert "needs about 10.8 TB of memory" in result.err
    assert "--ignore-memory" in result.err
    tried = run_gconv("build", "huge.yaml", "--ignore-memory", cwd=folder)
    assert tried.status == 3
    assert "there was not enough memory to build it" in tried.err
    assert "Traceback" not in tried.err
    assert not (folder / "huge.keras").exists()


def test_names_that_no_file_can_have(folder) -> None:
    (folder / "odd.yaml").write_text(SPEC.replace("small", '"../a b/ü:c"'))
    result = run_gconv("build", "odd.yaml", cwd=folder)
    assert result.status == 0, result.err
    assert (folder / "_a_b_ü_c.keras").exists()


@pytest.mark.both_ends
def test_several_formats_in_one_run_with_trained_weights(folder) -> None:
    train = run_gconv("build", "small.yaml", "-o", "trained.keras", "--init-seed", "1", cwd=folder)
    assert train.status == 0, train.err
    outputs = ["-o", "a.keras", "-o", "a.onnx", "-o", "a.tflite", "-o", "a"]
    result = run_gconv("build", "small.yaml", *outputs, "--weights", "trained.keras", cwd=folder)
    assert (result.status, result.err) == (0, "")
    assert "Weights from trained.keras." in result.out
    for line in (
        "Saved a.keras (",
        "in Keras 3.",
        "in onnxruntime ",
        "in LiteRT ",
        "Saved a (",
        "in TensorFlow 2.",
    ):
        assert line in result.out
    assert (folder / "a.keras").read_bytes() == (folder / "trained.keras").read_bytes()
    again = run_gconv("build", "small.yaml", "-o", "b.onnx", "-o", "a", cwd=folder)
    assert again.status == 2
    assert "a exists already; --force replaces it" in again.err
    assert not (folder / "b.onnx").exists()
    (folder / "a" / "old").touch()
    assert run_gconv("build", "small.yaml", "-o", "a", "--force", cwd=folder).status == 0
    assert not (folder / "a" / "old").exists()
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.both_ends
def test_int8_says_what_random_ranges_are_worth(folder) -> None:
    result = run_gconv("build", "small.yaml", "-o", "a.tflite", "--quantize", "int8", cwd=folder)
    assert result.status == 0, result.err
    assert "warning: int8 takes its ranges from random numbers" in result.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quantize", "int8"], "quantize int8 is for TFLite"),
        (
            ["-o", "a.tflite", "--calibrate", "x.npz"],
            "calibration samples are for int8; got quantize none",
        ),
        (["--weights", "small.yaml"], "weights must be in a .weights.h5 or .keras file"),
        (["--weights", "none.keras"], "no file 'none.keras' here"),
        (["--weights", "bad.keras"], "bad.keras is not a complete Keras model"),
        (["--weights", "bad.weights.h5"], "bad.weights.h5 is not a complete HDF5 file"),
    ],
)
def test_options_that_make_no_sense(folder, options: list[str], message: str) -> None:
    for name in ("bad.keras", "bad.weights.h5"):
        (folder / name).write_text("not what it says")
    result = run_gconv("build", "small.yaml", *options, cwd=folder)
    assert result.status == 2
    assert message in result.err
    assert "Traceback" not in result.err


def test_weights_of_another_network_are_refused_layer_by_layer(tmp_path) -> None:
    from specs import layers

    from groupconv_cli import build
    from groupconv_cli.errors import UsageError

    text = (
        "- conv: {filters: 8, kernel: 3, groups: 2}\n- batch_norm\n- conv: {filters: 4, kernel: 1}"
    )
    path = tmp_path / "w.weights.h5"
    build(layers(text, input_shape="[8, 8, 4]")).save_weights(path)
    for changed, message in {
        text.replace("filters: 4", "filters: 6"): "layer 'conv_2' has weights 1×1×8×6, 6, "
        "the file has 1×1×8×4, 4",
        text.replace("- batch_norm", "- relu"): "the file has weights 8, 8, 8, 8 for 'batch_norm', "
        "the network has no such layer",
        text
        + "\n- dense: {units: 3}": "layer 'dense' has weights 4×3, 3, the file has none for it",
    }.items():
        with pytest.raises(UsageError) as caught:
            build(layers(changed, input_shape="[8, 8, 4]"), weights=path)
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": [3, 8, 8, 5]}, "is 3×8×8×5; it must be samples×8×8×4"),
        ({"x": [0, 8, 8, 4]}, "has no samples"),
        (
            {"x": [2, 8, 8, 4], "y": [2, 8, 8, 4]},
            "has no array for the input 'input'; it has x and y",
        ),
        ({}, "has no arrays in it"),
        (None, "cannot be read as an .npz file"),
    ],
)
def test_bad_samples(tmp_path, arrays, message: str) -> None:
    import numpy as np

    from groupconv_cli.errors import UsageError
    from groupconv_cli.exporters.calibration import Input, read_samples

    path = tmp_path / "x.npz"
    if arrays is None:
        path.write_text("no archive")
    else:
        np.savez(path, **{name: np.zeros(shape) for name, shape in arrays.items()})
    with pytest.raises(UsageError) as caught:
        read_samples(path, [Input("input", (8, 8, 4))])
    assert message in str(caught.value)


def test_a_model_that_seems_not_to_fit_is_tried_when_asked(folder, monkeypatch) -> None:
    """The one estimate holds for models in files as for specs, with the one way to ignore it."""
    from groupconv_cli.builder import memory

    assert run_gconv("build", "basic", "-o", "m.keras", cwd=folder).status == 0
    # Less than the weights alone take: TensorFlow may be loaded already, and is not counted then.
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000)
    refused = run_gconv("build", "m.keras", "-o", "again.keras", cwd=folder)
    assert refused.status == 3
    assert "1.00 kB are free; --ignore-memory tries anyway" in refused.err
    tried = run_gconv("build", "m.keras", "-o", "again.keras", "--ignore-memory", cwd=folder)
    assert (tried.status, tried.err) == (0, "")
    assert (folder / "again.keras").is_file()
