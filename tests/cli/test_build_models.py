"""Keras models in place of specs for `build` and `check`: the model itself, with its weights."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from running import run_gconv
from specs import nightly_but

from groupconv_cli import UsageError, analyze, build, check, export, load, python_code

SPEC = """\
input: [8, 8, 8]
layers:
  - conv: {filters: 16, kernel: 3, groups: 4}
  - relu
  - conv: {filters: 16, kernel: 3, groups: 4}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a spec and the model of it, whose weights are no random ones of this run."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "net.yaml").write_text(SPEC, encoding="utf-8")
    result = run_gconv("build", "net.yaml", "-o", "net.keras", "--init-seed", "7", cwd=folder)
    assert (result.status, result.err) == (0, "")
    x = keras.Input((8, 8, 8))
    noisy = keras.layers.GaussianNoise(0.1, name="noise")(x)
    y = keras.layers.Conv2D(8, 3, groups=2, padding="same", name="conv")(noisy)
    keras.Model(x, y, name="noisy").save(folder / "noisy.keras")
    return folder


def outputs(path, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


@pytest.mark.both_ends
def test_a_model_is_exported_with_its_weights(folder) -> None:
    result = run_gconv("build", "net.keras", "-o", "net.onnx", "-o", "net.tflite", cwd=folder)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Read net: 3 layers, 896 parameters.\nSaved net.onnx")
    x = np.random.default_rng(0).standard_normal((3, 8, 8, 8)).astype("float32")
    expected = np.asarray(keras.models.load_model(folder / "net.keras")(x))
    assert np.abs(outputs(folder / "net.onnx", x) - expected).max() < 1e-5


def small_application(input_shape=None, alpha=1.0, weights="trained", classes=1000):
    """As the functions of keras.applications, with hardly a layer."""
    assert weights is None
    x = keras.Input(input_shape)
    y = keras.layers.Conv2D(int(8 * alpha), 3, strides=2)(x)
    y = keras.layers.GlobalAveragePooling2D()(y)
    tiny = keras.initializers.RandomNormal(stddev=1e-4)
    return keras.Model(x, keras.layers.Dense(classes, "softmax", kernel_initializer=tiny)(y))


@pytest.mark.both_ends
@pytest.mark.parametrize("name", nightly_but(["Small"], ["Small", "MobileNetV2"]))
def test_an_application_is_exported(folder, monkeypatch, name: str) -> None:
    monkeypatch.setattr(keras.applications, "Small", small_application, raising=False)
    args = ("--set", "input=32,32,3", "--set", "alpha=0.35", "--init-seed", "1")
    result = run_gconv("build", f"keras:{name}", *args, "-o", f"{name}.onnx", cwd=folder)
    assert (result.status, result.err) == (0, "")
    assert "Its weights are random." in result.out
    assert "max difference" in result.out
    # 1,000 probabilities of 0.001 for any input
    assert "This comparison shows little" in result.out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("-o", "x.onnx", "--init-seed", "1"),
            "net.keras has weights already; a seed is for random weights",
        ),
        (("-o", "x.onnx", "--variant", "a"), "a Keras model has no variants"),
    ],
)
def test_what_a_model_is_no_good_for(folder, args: tuple[str, ...], message: str) -> None:
    result = run_gconv("build", "net.keras", *args, cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert message in result.err
    assert not (folder / args[1]).exists()


def test_a_model_of_layers_of_the_language_is_as_good_as_a_spec(folder) -> None:
    result = run_gconv("build", "net.keras", "-o", "again.py", cwd=folder)
    assert (result.status, result.err) == (0, "")
    found: dict[str, object] = {}
    exec((folder / "again.py").read_text(encoding="utf-8"), found)
    again, model = found["build"](), keras.models.load_model(folder / "net.keras")
    again.set_weights(model.get_weights())
    x = np.random.default_rng(0).standard_normal((3, 8, 8, 8)).astype("float32")
    assert np.abs(np.asarray(again(x)) - np.asarray(model(x))).max() < 1e-5
    measured = run_gconv(
        "summary", "net.keras", "--measure", "--runs", "1", "-f", "json", cwd=folder
    )
    assert (measured.status, measured.err) == (0, "")
    options = ("--regroup", "*=4", "-o", "four.keras")
    result = run_gconv("build", "net.keras", *options, cwd=folder)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Built net: ")
    four = analyze(folder / "four.keras")
    assert {row.groups for row in four.layers if row.op == "conv"} == {4}
    assert four.params == analyze(load(folder / "net.keras", regroup={"*": 4})).params


def test_layers_that_no_spec_has_are_named(folder) -> None:
    options = ("--regroup", "conv=4", "-o", "four.keras", "--force")
    for args in (("-o", "noisy.py"), options):
        result = run_gconv("build", "noisy.keras", *args, cwd=folder)
        assert (result.status, result.out) == (2, "")
        said = " ".join(result.err.split())
        assert "can count this Keras model but not rebuild it: noisy" in said
        assert "this layer is not in the spec language: 'noise' (GaussianNoise)" in said
    assert run_gconv("build", "noisy.keras", "-o", "noisy.onnx", cwd=folder).status == 0


def test_a_network_of_a_model_with_other_layers_is_not_rebuilt(folder) -> None:
    network = load(folder / "noisy.keras")
    for action in (build, python_code):
        with pytest.raises(UsageError, match="but not rebuild it"):
            action(network)
        with pytest.raises(UsageError, match="but not rebuild it"):
            action(network.dense())
    result = run_gconv("summary", "noisy.keras", "--measure", cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert "but not rebuild it" in result.err


def test_check_holds_models_to_budgets_and_rules(folder) -> None:
    result = run_gconv("check", "net.keras", "--max-params", "800", "-f", "json", cwd=folder)
    (found,) = json.loads(result.out)["specs"]
    assert result.status == 1
    assert [finding["code"] for finding in found["findings"]] == ["GC101"]
    assert found["budgets"][0]["used"] == 896
    result = run_gconv("check", "missing.keras", "net.yaml", cwd=folder)
    assert result.status == 2
    assert "no file 'missing.keras'" in result.out


def test_check_says_which_model_a_finding_is_of(tmp_path) -> None:
    for name in ("a", "b"):
        x = keras.Input((8, 8, 64))
        y = keras.layers.Conv2D(64, 3, groups=4, name="first")(x)
        y = keras.layers.Conv2D(64, 3, groups=4, name="second")(y)
        keras.Model(x, keras.layers.BatchNormalization()(y)).save(tmp_path / f"{name}.keras")
    models = ("check", "a.keras", "b.keras")
    told = run_gconv(*models, cwd=tmp_path).out
    annotated = run_gconv(*models, "-f", "github", cwd=tmp_path).out
    for name in ("a.keras", "b.keras"):
        for code, begins in (("GC101", "nothing mixes"), ("GC105", "the bias of 'second'")):
            assert f"warning {code}: {name}: {begins}" in " ".join(told.split())
            assert f"::warning file={name},title=gconv {code}::{name}: {begins}" in annotated
    # A model has no YAML to change.
    assert "make the layer with use_bias=False" in told
    assert "To turn one off: --rule GC101=off" in told
    assert "bias: false" not in told + annotated


def test_check_names_the_file_of_a_model_that_cannot_be_read(tmp_path) -> None:
    keras.Sequential([keras.Input((None, None, 3)), keras.layers.ReLU()]).save(
        tmp_path / "open.keras"
    )
    result = run_gconv("check", "open.keras", cwd=tmp_path)
    assert result.status == 2
    assert "error: open.keras: model 'sequential" in result.out
    assert "\n  set them: --set input=224,224,3\n" in result.out


def test_check_runs_code_of_a_model_that_is_trusted(tmp_path) -> None:
    x = keras.Input((4,))
    y = keras.layers.Lambda(lambda t: t, output_shape=(4,))(x)
    keras.Model(x, y).save(tmp_path / "net.keras")
    assert check(tmp_path / "net.keras").exit_status == 2
    assert check(tmp_path / "net.keras", trust=True).exit_status == 0


def test_export_takes_the_path_of_a_model(folder, tmp_path) -> None:
    written = export(folder / "net.keras", tmp_path / "net.keras")
    assert written.agreement.difference == 0
    kept, given = (
        keras.models.load_model(each / "net.keras").get_weights() for each in (tmp_path, folder)
    )
    assert all((one == other).all() for one, other in zip(kept, given, strict=True))
