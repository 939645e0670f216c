"""Keras models as specs and back: the same counts, and with their weights the same outputs."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import yaml
from keras import layers
from keras_models import functional
from running import run_gconv

from groupconv_cli import analyze, build, load, spec_text
from groupconv_cli.models.load import applications

SIZES = {"InceptionV3": 75, "NASNetLarge": 331, "NASNetMobile": 224, "Xception": 71}
"""The smallest inputs of applications that do not take 32×32."""

FOREIGN = {
    "ConvNeXt": "Normalization",
    "EfficientNetB": "Normalization",
    "EfficientNetV2B": "Normalization",
    "InceptionRes": "CustomScaleLayer",
}
"""Applications by the beginning of their names, with the class that no spec has."""

QUICK = ("MobileNetV2",)
OTHERS = sorted(
    name for name in applications() if name not in QUICK and not name.startswith((*FOREIGN,))
)


def application(name: str) -> keras.Model:
    """A small model of keras.applications whose weights all matter."""
    size = SIZES.get(name, 32)
    options = {"alpha": 0.35} if name == "MobileNetV2" else {}
    model = applications()[name](
        weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None, **options
    )
    return trained(model)


def trained(model: keras.Model) -> keras.Model:
    """The model with statistics and biases that are not those of untrained layers."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(weight + random.uniform(-0.1, 0.1, weight.shape))
    return model


def check_there_and_back(model: keras.Model, folder: Path) -> None:
    """The model as a spec has the same counts, and the model built of that the same outputs."""
    network = load(model)
    spec = yaml.safe_load(spec_text(network))
    again = load(spec)
    assert analyze(again).totals == analyze(network).totals
    assert analyze(again).params == model.count_params()
    model.save(folder / "model.keras")
    rebuilt = build(again, weights=folder / "model.keras")
    shape = (2, *model.input_shape[1:])
    image = np.random.default_rng(1).uniform(-1, 1, shape).astype("float32")
    wanted = np.asarray(model(image))
    assert np.abs(wanted).max() > 0
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(np.asarray(rebuilt(image)) / scale, wanted / scale, atol=1e-5)


@pytest.mark.nightly
@pytest.mark.parametrize("name", QUICK)
def test_an_application_as_a_spec_and_back(name: str, tmp_path: Path) -> None:
    check_there_and_back(application(name), tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("name", OTHERS)
def test_every_other_application_as_a_spec_and_back(name: str, tmp_path: Path) -> None:
    check_there_and_back(application(name), tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("name", [each for each in applications() if each.startswith((*FOREIGN,))])
def test_applications_with_other_layers_name_them(name: str) -> None:
    kind = next(kind for start, kind in FOREIGN.items() if name.startswith(start))
    size = "75,75,3" if name.startswith("Inception") else "32,32,3"
    foreign = load(f"keras:{name}", settings={"input": size}).foreign
    assert foreign
    assert all(each.what.startswith(kind) for each in foreign)


def branched() -> keras.Model:
    """Names that no spec has, a merge of distant layers, an activation inside, a frozen layer."""
    x = keras.Input((8, 8, 4), name="image")
    one = layers.Conv2D(8, 3, padding="same", activation="relu", name="3x3")(x)
    two = layers.SeparableConv2D(8, 3, padding="same", activation="gelu", name="sep")(one)
    three = layers.Conv2D(8, 1, name="1x1", trainable=False)(one)
    y = layers.Concatenate(name="join")([three, two, one])
    y = layers.Dense(5, name="dense")(layers.GlobalAveragePooling2D(name="mean")(y))
    return functional(y, inputs=x)


def test_a_model_is_written_by_init_and_built_with_its_weights(tmp_path: Path) -> None:
    model = trained(branched())
    model.save(tmp_path / "m.keras")
    result = run_gconv("init", "m.keras", "-o", "net.yaml", cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    said = " ".join(result.out.split())
    assert "3 names changed: '3x3' is 'layer_3x3', '3x3_relu' is 'layer_3x3_relu' and" in said
    assert "1 layer of the model does not train; in the spec it does." in said
    assert "gconv build net.yaml --weights m.keras" in said
    text = (tmp_path / "net.yaml").read_text(encoding="utf-8")
    assert "  - separable_conv: {filters: 8, kernel: 3, activation: gelu}\n    name: sep\n" in text
    assert "inputs: {image: [8, 8, 4]}\n" in text
    built = run_gconv(
        "build", "net.yaml", "--weights", "m.keras", "-o", "again.keras", cwd=tmp_path
    )
    assert (built.status, built.err) == (0, "")
    image = np.random.default_rng(1).normal(size=(2, 8, 8, 4)).astype("float32")
    again = keras.models.load_model(tmp_path / "again.keras")
    np.testing.assert_allclose(np.asarray(again(image)), np.asarray(model(image)), atol=1e-5)


def test_weights_go_by_order_where_names_differ(tmp_path: Path) -> None:
    """Two branches of equal layers, whose order in Keras is not that of the spec."""
    x = keras.Input((4, 4, 3))
    deep = layers.Conv2D(3, 1, name="deep_2")(layers.Conv2D(3, 1, name="deep_1")(x))
    flat = layers.Conv2D(3, 1, name="flat")(x)
    model = functional(layers.Concatenate(name="join")([deep, flat]), inputs=x)
    model.save(tmp_path / "m.keras")
    conv = {"conv": {"filters": 3, "kernel": 1}}
    net = {
        "input": [4, 4, 3],
        "layers": [{"parallel": {"branches": [[conv, conv], [conv]]}}],
    }
    rebuilt = build(net, weights=tmp_path / "m.keras")
    image = np.random.default_rng(1).normal(size=(2, 4, 4, 3)).astype("float32")
    np.testing.assert_allclose(np.asarray(rebuilt(image)), np.asarray(model(image)), atol=1e-6)


def test_init_says_what_it_cannot_do(tmp_path: Path) -> None:
    x = keras.Input((4, 4, 3))
    functional(layers.GaussianNoise(0.1, name="n")(x), inputs=x).save(tmp_path / "n.keras")
    v = keras.Input((12,), name="v")
    functional(layers.Dense(3)(v), inputs=v).save(tmp_path / "v.keras")
    for args, message in (
        (["v.keras"], "its shape is 12 an input of a spec has one to three spatial sizes"),
        (["n.keras"], "this layer is not in the spec language: 'n' (GaussianNoise)"),
        (["missing.keras"], "no file 'missing.keras'"),
        (["resnet50", "--set", "a=1"], "--set, --regroup and --flat are for Keras models here"),
        (["--flat"], "--set, --regroup and --flat are for Keras models here"),
        (["--regroup", "*=4"], "--set, --regroup and --flat are for Keras models here"),
    ):
        result = run_gconv("init", *args, cwd=tmp_path)
        assert (result.status, result.out) == (2, "")
        assert message in " ".join(result.err.split())
    assert not (tmp_path / "gconv.yaml").exists()


def test_a_model_is_searched_through_its_spec(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 8))
    y = layers.Conv2D(16, 3, padding="same")(layers.Conv2D(8, 1)(x))
    functional(layers.Conv2D(16, 1)(y), inputs=x).save(tmp_path / "m.keras")
    search = ("--max-macs", "80%", "-o", "less.yaml")
    refused = run_gconv("search", "m.keras", *search, cwd=tmp_path)
    assert (refused.status, refused.out) == (2, "")
    assert "gconv init m.keras -o net.yaml" in refused.err
    assert run_gconv("init", "m.keras", "-o", "net.yaml", cwd=tmp_path).status == 0
    assert run_gconv("search", "net.yaml", *search, cwd=tmp_path).status == 0
    less, whole = analyze(tmp_path / "less.yaml"), analyze(tmp_path / "net.yaml")
    assert less.macs <= 0.8 * whole.macs
