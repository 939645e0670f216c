"""Small files that ask for a lot: an end in time, and what is large and good is read."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from descriptions import (
    Description,
    again_and_again,
    backwards,
    chain,
    doubled,
    entry,
    functional,
    layer,
    relu,
    saved,
    sequential,
    use_of,
)
from running import run_gconv

from groupconv_cli import UsageError, analyze, build, load
from groupconv_cli.exporters.calibration import Input, read_samples
from groupconv_cli.exporters.comparison import measured
from groupconv_cli.models.bounds import _work
from groupconv_cli.models.description import read_config

# Descriptions of models


def test_a_long_chain_is_read(tmp_path: Path) -> None:
    """Longer than Python lets calls nest, as Keras nests them."""
    assert len(load(saved(chain(1001), tmp_path / "model.keras")).nodes) == 1002


def test_a_long_spec_is_built() -> None:
    spec = {"input": [8, 8, 4], "layers": [{"relu": {}, "repeat": 1001}]}
    assert len(build(spec).layers) == 1002


@pytest.mark.parametrize(
    "description",
    [chain(9), sequential(9), again_and_again(9), doubled(4), sequential(1)],
    ids=["chain", "sequential", "again", "doubled", "short"],
)
def test_calls_are_counted_as_keras_makes_them(
    description: Description, tmp_path: Path, monkeypatch, request
) -> None:
    calls = []
    spec = keras.layers.Activation.compute_output_spec

    def counted(self, *args, **kwargs):
        calls.append(self.name)
        return spec(self, *args, **kwargs)

    monkeypatch.setattr(keras.layers.Activation, "compute_output_spec", counted)
    load(saved(description, tmp_path / "model.keras"))
    work = _work(description)
    assert len(calls) <= work.making + work.calling
    if "doubled" not in request.node.name:  # Keras may know what an inner model gives out
        assert work.making + work.calling <= len(calls) + 15  # an input counts at each call


TOO_MUCH = {
    "long": (chain(5_001), r"takes 10,004 calls of layers; the limit is 10,000"),
    "very long": (chain(10_000), r"takes 20,002 calls of layers"),
    "a long Sequential": (sequential(200), r"takes 20,502 calls .*\n.* Sequential of n layers"),
    "often": (again_and_again(5_001), r"takes 10,004 calls of layers"),
    "18 levels": (doubled(18), r"takes [\d,]{9} calls of layers"),
    "60 levels": (doubled(60), r"takes very many calls of layers"),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_a_description_that_asks_for_too_much(what: str, tmp_path: Path) -> None:
    description, message = TOO_MUCH[what]
    path = saved(description, tmp_path / "model.keras")
    began = time.process_time()
    with pytest.raises(UsageError, match=message):
        read_config(path)
    assert time.process_time() - began < 5


def test_layers_in_any_order_are_read(tmp_path: Path) -> None:
    assert len(load(saved(backwards(40), tmp_path / "model.keras")).nodes) == 41


WITHOUT_END = {
    "a circle": [relu("a", use_of(("b", 0))), relu("b", use_of(("a", 0)))],
    "itself": [relu("a", use_of(("in", 0))), relu("b", use_of(("b", 0)))],
    "a use that is not there": [relu("a", use_of(("in", 0))), relu("b", use_of(("a", 7)))],
    "no use": [relu("a"), relu("b", use_of(("a", 0)))],
    "one name": [relu("b", use_of(("in", 0))), relu("b", use_of(("in", 0)))],
    "short": [{**relu("b"), "inbound_nodes": [[[["in", 0]]]]}],
    "nowhere": [relu("b", use_of(("nowhere", 0)))],
}


@pytest.mark.parametrize("what", WITHOUT_END)
def test_layers_whose_inputs_never_come(what: str, tmp_path: Path) -> None:
    """For some of them Keras 3.12 looks for ever."""
    path = saved(functional([entry(), *WITHOUT_END[what]], ("b", 0)), tmp_path / "model.keras")
    with pytest.raises(UsageError, match=r"model\.keras"):
        load(path)


def test_layers_in_the_worst_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself is 20,000: that takes seconds."""
    monkeypatch.setattr("groupconv_cli.models.load.MAX_TRIES", 2_000)
    path = saved(backwards(80), tmp_path / "model.keras")
    with pytest.raises(UsageError, match="no order was found in 2,000 tries"):
        load(path)


def test_a_description_nested_too_deeply(tmp_path: Path) -> None:
    deep: object = []
    for _ in range(300):
        deep = [deep]
    path = saved({**chain(1), "build_config": deep}, tmp_path / "model.keras")
    with pytest.raises(UsageError, match=r"nested too deeply: .* over 200 levels"):
        load(path)
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file.attrs["training_config"] = "[" * 20_000 + "]" * 20_000
    with pytest.raises(UsageError, match="its description of the training is not JSON"):
        load(tmp_path / "model.h5")


@pytest.mark.parametrize(
    "change",
    [
        {"build_config": [[[]]]},
        {"build_config": {"input_shape": [[[]]]}},
        {"inbound_nodes": 3},
        {"inbound_nodes": [[[["in", 0]]]]},
        {"config": {"name": [], "activation": "relu"}},
        {"config": {"name": "l0", "activation": {"class_name": "ReLU", "config": {"name": {}}}}},
        {"config": {"name": "l0", "activation": "relu", "dtype": {"a": 1}}},
        {"name": {"a": 1}},
        {"module": 3},
        {"registered_name": [1]},
    ],
    ids=str,
)
def test_parts_of_a_description_that_are_of_another_kind(change: dict, tmp_path: Path) -> None:
    description = chain(1)
    description["config"]["layers"][1].update(change)
    path = saved(description, tmp_path / "model.keras")
    result = run_gconv("summary", "model.keras", cwd=tmp_path)
    assert result.status in (0, 2)
    assert "bug" not in result.err
    if result.status:
        with pytest.raises(UsageError, match=r"model\.keras"):
            load(path)


# Sizes that Keras can describe, and nothing can run


def convolution(shape: list, **config: object) -> Description:
    made = functional(
        [
            layer("InputLayer", "in", [], batch_shape=[None, *shape], dtype="float32"),
            layer(
                "Conv2D",
                "conv",
                [use_of(("in", 0))],
                filters=4,
                kernel_size=[1, 1],
                groups=2,
                padding="same",
                **config,
            ),
        ],
        ("conv", 0),
    )
    made["config"]["layers"][1]["build_config"] = {"input_shape": [None, *shape]}
    return made


def with_weights(description: Description, path: Path, value: float = 1) -> Path:
    """The description's file, with weights for its one convolution."""
    with h5py.File(path.with_suffix(".h5"), "w") as file:
        arrays = file.create_group("layers/conv2d/vars")
        arrays["0"] = np.full((1, 1, 2, 4), value, "f4")
        arrays["1"] = np.zeros(4, "f4")
    return saved(description, path, model__weights__h5=path.with_suffix(".h5").read_bytes())


@pytest.mark.parametrize(
    ("description", "status", "message"),
    [
        (convolution([8, 8, 4], strides=[10**15, 10**15]), 2, " cannot be run"),
        (convolution([10**9, 10**9, 4]), 3, "needs about"),
    ],
    ids=["strides", "sizes"],
)
def test_accelerate_of_a_model_that_cannot_be_run(
    description: Description, status: int, message: str, tmp_path: Path
) -> None:
    with_weights(description, tmp_path / "model.keras")
    for command in (["accelerate"], ["build"]):
        result = run_gconv(*command, "model.keras", "-o", "out.keras", cwd=tmp_path)
        assert (result.status, result.out) == (status, "")
        assert message in result.err
        assert "bug" not in result.err
    assert not (tmp_path / "out.keras").exists()


def test_a_model_of_an_input_of_nothing_is_compared_with_nothing(tmp_path: Path) -> None:
    with_weights(convolution([0, 8, 4]), tmp_path / "model.keras")
    result = run_gconv("accelerate", "model.keras", "-o", "out.keras", cwd=tmp_path)
    assert result.status == 0
    assert "Not compared: an output of the original has no finite number" in result.out


# Outputs that are no numbers


def test_nothing_is_said_of_outputs_that_are_not_finite(tmp_path: Path) -> None:
    with_weights(convolution([8, 8, 4]), tmp_path / "model.keras", float("nan"))
    result = run_gconv("build", "model.keras", "-o", "out.keras", cwd=tmp_path)
    assert result.status == 0
    assert "Not compared: an output of the model has no finite number" in result.out
    assert "max difference" not in result.out
    result = run_gconv("accelerate", "model.keras", "-o", "fast.keras", cwd=tmp_path)
    assert result.status == 0
    assert "Not compared: an output of the original has no finite number" in result.out


def test_what_is_not_finite_must_be_so_in_the_same_places() -> None:
    one = np.array([[1.0, np.nan, np.inf]])
    assert measured("x", [one], [one]).difference == 0
    assert measured("x", [one], [one]).is_finite
    for other in ([[1.0, 2.0, np.inf]], [[1.0, np.nan, -np.inf]], [[np.nan, np.nan, np.inf]]):
        assert measured("x", [np.array(other)], [one]).difference == np.inf
    nothing = np.array([[np.nan, np.inf]])
    assert not measured("x", [nothing, one], [nothing, one]).is_finite
    assert not measured("x", [nothing], [nothing]).says_little


# Arrays


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name.replace("__", "."), data)
    return path


HEADER = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000,"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"input": b"text"}, "'input' in it is not an array"),
        ({"input__npy": b"text"}, "'input' in it is not an array"),
        ({"input__npy": b"\x93NUMPY\x01\x00"}, "cannot be read as an .npz file"),
        ({"input__npy": b"\x93NUMPY\x09\x00v\x00{}"}, "cannot be read as an .npz file"),
        ({"input__npy": HEADER + b")}" + b" " * 37 + b"\n"}, "samples.npz "),
        ({"input__npy": bytes(1 << 25)}, r"'input\.npy' grows from [\d,]+ to 33,554,432 bytes"),
        ({"..\\input__npy": b""}, "points outside it"),
    ],
)
def test_arrays_that_are_none(members: dict[str, bytes], message: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "samples.npz", **members)
    with pytest.raises(UsageError, match=message):
        read_samples(path, [Input("input", (8, 8, 4))])


def test_what_is_no_file_of_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npz.npy", np.zeros(3))
    np.savez(tmp_path / "code.npz", input=np.array([print], object))
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "folder.npz").mkdir()
    for name, message in {
        "one.npz.npy": "cannot be read as an .npz file",
        "code.npz": "Python objects, which can run code when they are read",
        "pipe.npz": "is not a regular file",
        "folder.npz": "is a folder",
        "none.npz": "no file",
    }.items():
        with pytest.raises(UsageError, match=message):
            read_samples(tmp_path / name, [Input("input", (8, 8, 4))])


# Settings


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "9" * 100_000,
        "x" + ".x" * 50_000 + " = 1",
        "x = " + "[" * 50_000,
        "x = " + "[" * 5000 + "]" * 5000,
        "[" + "x." * 50_000 + "x]",
        "[tool.gconv]\nrules = " + "9" * 4000,
        "x" * (1 << 21),
        "\0",
    ],
    ids=["digits", "key", "open", "deep", "table", "rules", "large", "NUL"],
)
def test_a_hostile_pyproject(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "net.yaml").write_text("input: [8, 8, 4]\nlayers: [relu]")
    began = time.process_time()
    result = run_gconv("check", "net.yaml", cwd=tmp_path)
    assert result.status == 2
    assert "pyproject.toml" in result.err
    assert "bug" not in result.err
    assert time.process_time() - began < 5


@pytest.mark.parametrize("name", ["pipe.keras", "pipe.h5"])
def test_a_pipe_is_no_model(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(UsageError, match="is not a regular file but a device or a pipe"):
        analyze(tmp_path / name)
