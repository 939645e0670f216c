"""Keras models that cannot be read, models in files, and the command line with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from keras_models import functional, twice_encoded
from running import run_gconv, run_in_process

from groupconv_cli import UsageError, accelerate, analyze, build, load
from groupconv_cli.layers import GroupConv2D
from groupconv_cli.models.model_file import ModelFile
from groupconv_cli.ops.dense import Dense

# Models without a graph to read


class Net(keras.Model):
    """A model whose computation only its code knows."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)


def open_sizes():
    x = keras.Input((None, None, 3))
    return functional(layers.Conv2D(4, 3)(x), inputs=x)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: keras.Sequential([layers.Dense(3)], name="bare"), "'bare' was not built"),
        (Net, r"has the custom class Net with its own call\(\)"),
        (
            open_sizes,
            r"leaves sizes of its input open: \?×\?×3\n  set them: --set input=224,224,3",
        ),
    ],
)
def test_a_model_that_cannot_be_counted_says_why(model, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(model())


def test_a_model_with_a_call_of_its_own_made_functional_as_the_message_says() -> None:
    x = keras.Input((4,))
    net = load(keras.Model(x, Net().call(x)))
    assert [type(node.op) for node in net.layers] == [Dense]


@pytest.mark.parametrize("sizes", ["32,24,3", "[32, 24, 3]", [32, 24, 3], [(32, 24, 3)]], ids=str)
def test_sizes_left_open_can_be_given(sizes) -> None:
    net = load(open_sizes(), settings={"input": sizes})
    assert (net.input_shape, net.nodes[-1].shape) == ((32, 24, 3), (30, 22, 4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input": "32,32,4"}, "is .×.×3, and 32×32×4 does not fit it"),
        ({"input": "32"}, "and 32 does not fit it"),
        ({"input": "[[8,8,3],[8]]"}, "and 8×8×3 and 8 does not fit it"),
        ({"input": "0,8,3"}, "whole numbers"),
        ({"input": "2,2,3"}, "cannot compute the output shape of layer .* for the input 2×2×3"),
        ({"groups": 4}, "a Keras model has no variable 'groups'; --set input"),
    ],
)
def test_sizes_that_do_not_fit(settings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(open_sizes(), settings=settings)


def test_a_model_has_no_variants() -> None:
    from groupconv_cli import compare_variants

    with pytest.raises(UsageError, match="no variants; got 'g3'"):
        load(twice_encoded(), variant="g3")
    with pytest.raises(UsageError, match="is a Keras model, which has no variants"):
        compare_variants(twice_encoded())


# Files


@pytest.mark.both_ends
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_file_is_read_as_the_model_in_it(ending: str, tmp_path) -> None:
    x = keras.Input((8, 8, 3))
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2, use_bias=False)(x))
    y = layers.DepthwiseConv2D(3)(layers.ReLU(6.0)(y))
    y = layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(y))
    model = keras.Model(x, y)
    path = tmp_path / f"model.{ending}"
    model.compile("adam", "mse")
    model.save(path)
    assert analyze(path).totals == analyze(model).totals
    np.testing.assert_array_equal(ModelFile(str(path)).load().weights[0], model.weights[0])


def test_an_accelerated_models_file_is_read(tmp_path) -> None:
    path = tmp_path / "fast.keras"
    accelerate(build("block")).save(path)
    assert analyze(path).totals == analyze("block").totals
    assert analyze(path).layers[0].groups == 4


def test_a_sequential_file_that_was_not_built_is_with_sizes(tmp_path) -> None:
    path = tmp_path / "bare.keras"
    keras.Sequential([layers.Conv2D(4, 3)]).save(path)
    with pytest.raises(UsageError, match=r"was not built.*\n.*--set input"):
        load(path)
    assert load(path, settings={"input": "8,8,3"}).nodes[-1].shape == (6, 6, 4)


# The command line


def test_the_commands_take_a_model(tmp_path) -> None:
    build("block").save(tmp_path / "block.keras")
    result = run_gconv("summary", "block.keras", "--format", "json", cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["macs"] == analyze("block").macs
    result = run_gconv("compare", "block.keras", "--groups", "2,3", cwd=tmp_path)
    assert (result.status, result.err) == (1, "")
    assert "3 does not divide" in result.out


@pytest.mark.both_ends
def test_accelerate_and_back(tmp_path) -> None:
    conv = {"conv": {"filters": 8, "kernel": 3, "groups": 4}}
    spec = {"name": "block", "input": [8, 8, 8], "layers": [conv, "relu", conv]}
    build(spec).save(tmp_path / "block.keras")
    result = run_gconv("accelerate", "block.keras", "-o", "fast.keras", cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Converted block: 2 grouped convolutions to fast layers.\n")
    fast, model = (ModelFile(str(tmp_path / f"{name}.keras")).load() for name in ("fast", "block"))
    x = np.random.default_rng(1).normal(size=(1, 8, 8, 8)).astype("float32")
    np.testing.assert_allclose(fast(x), model(x), atol=1e-5)
    assert type(fast.layers[1]).__module__ == "groupconv_cli.layers"
    args = ("accelerate", "fast.keras", "-o", "back.keras", "--portable")
    assert run_gconv(*args, cwd=tmp_path).status == 0
    back = keras.models.load_model(tmp_path / "back.keras")
    assert type(back.layers[1]) is layers.Conv2D


def test_accelerate_saves_nothing_that_differs(tmp_path, monkeypatch, capsys) -> None:
    from groupconv_cli.models import convert

    def spoiled(model):
        copy = make(model)
        copy.weights[0].assign(copy.weights[0] + 0.01)
        return copy

    make = convert.accelerate_model
    monkeypatch.setattr(convert, "accelerate_model", spoiled)
    build("block").save(tmp_path / "block.keras")
    out = tmp_path / "fast.keras"
    status, err = run_in_process(
        monkeypatch, capsys, "accelerate", tmp_path / "block.keras", "-o", out
    )
    assert (status, out.exists()) == (3, False)
    assert "the converted model does not match" in err


SHORT = [
    *("keras:VGG16", "--set", "include_top=false", "--set", "input=32,32,3"),
    *("-o", "x.keras"),
]
"""The application of the fewest layers."""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["plain.keras", "-o", "x.keras"], "no grouped convolution of stock Keras"),
        pytest.param(SHORT, "no grouped convolution of stock Keras", marks=pytest.mark.nightly),
        (["block", "-o", "x.keras"], "block is not a Keras model"),
        (["keras:VGG16", "-o", "x.h5"], "FILE must end in .keras"),
        (["missing.keras", "-o", "x.keras"], "no file 'missing.keras' here"),
        (["plain.keras", "-o", "x.keras", "--portable"], "none of gconv's fast layers"),
    ],
)
def test_accelerate_refuses(args, message: str, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    if "plain.keras" in args:
        keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3)]).save("plain.keras")
    before = list(tmp_path.iterdir())
    status, err = run_in_process(monkeypatch, capsys, "accelerate", *args)
    assert (status, list(tmp_path.iterdir())) == (2, before)
    assert message in err


def test_what_accelerate_advises_can_be_done(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for word, said in (("folder", "folder is a folder, not a Keras model"), ("missing", "is not")):
        status, err = run_in_process(monkeypatch, capsys, "accelerate", word, "-o", "x.keras")
        assert (status, said in err, "gconv build" in err) == (2, True, False)
    status, err = run_in_process(monkeypatch, capsys, "accelerate", "block", "-o", "x.keras")
    assert "gconv build block --fast" in err
    image = keras.Input((4, 4, 4))
    keras.Model(image, GroupConv2D(4, 1, groups=2)(image)).save("fast.keras")
    status, err = run_in_process(monkeypatch, capsys, "accelerate", "fast.keras", "-o", "x.keras")
    assert status == 2
    assert "is fast already" in err
    assert "--portable makes them stock layers again" in err


@pytest.mark.parametrize(
    "command",
    [
        ["summary", "{model}"],
        ["compare", "{model}"],
        ["check", "{model}"],
        ["build", "{model}", "-o", "again.keras"],
        ["accelerate", "{model}", "-o", "fast.keras"],
    ],
    ids=lambda command: command[0],
)
def test_a_file_is_read_and_its_graph_is_built_once_in_a_run(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groupconv_cli.models import description, load

    model = tmp_path / "net.keras"
    entry = keras.Input((8, 8, 8))
    keras.Model(entry, keras.layers.Conv2D(8, 3, groups=4)(entry)).save(model)
    seen: list[str] = []
    for module, name in ((description, "read_config"), (load, "file_network")):
        real = getattr(module, name)

        def counted(*args: Any, real: Any = real, name: str = name, **kwargs: Any) -> Any:
            seen.append(name)
            return real(*args, **kwargs)

        monkeypatch.setattr(module, name, counted)
    result = run_gconv(*(part.format(model=model) for part in command), cwd=tmp_path)
    assert result.status == 0, result.err
    assert sorted(seen) == ["file_network", "read_config"]
