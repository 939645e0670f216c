"""Models of other types than float32 are counted in the bytes that Keras has for them."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from running import run_gconv
from specs import nightly_but

from groupconv_cli import analyze, check, compare, diff, search

POLICIES = {
    "float32": "float32",
    "float16": "float16",
    "bfloat16": "bfloat16",
    "float64": "float64",
    "mixed_float16": "mixed_float16 + float32",
    "mixed_bfloat16": "mixed_bfloat16 + float32",
}
"""The heading of a model of each policy. The last layer of a mixed one has float32."""


def made(policy: str, groups: int = 4) -> keras.Model:
    """A small model as people write it: under mixed precision its last layer has float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        x = inputs = keras.Input((8, 8, 8))
        conv = layers.Conv2D(16, 3, groups=groups, use_bias=False)
        for layer in (conv, layers.BatchNormalization(), layers.ReLU(), layers.DepthwiseConv2D(3)):
            x = layer(x)
        x = layers.add([x, layers.SeparableConv2D(16, 1)(x)])
        x = layers.Dense(10)(layers.Dropout(0.5)(layers.Flatten()(x)))
        last = layers.Dense(3, dtype="float32" if policy.startswith("mixed") else None)
        return keras.Model(inputs, [last(x), keras.ops.argmax(x, -1)])
    finally:
        keras.config.set_dtype_policy(before)


def bytes_of_weights(model: keras.Model) -> int:
    return sum(np.asarray(weight).nbytes for weight in model.weights)


def bytes_of_outputs(model: keras.Model) -> int:
    """The bytes of what each layer really puts out, without layers that move no data."""
    moving = [
        x
        for x in model.operations
        if not isinstance(x, layers.InputLayer | layers.Flatten | layers.Dropout)
    ]
    inside = keras.Model(model.inputs, [x.output for x in moving])
    shape = [1 if size is None else size for size in model.inputs[0].shape]
    given = np.zeros(shape, model.inputs[0].dtype)
    return sum(np.asarray(x).nbytes for x in inside(given))


OFTEN = ("bfloat16", "float64", "mixed_float16")


@pytest.mark.parametrize("policy", nightly_but(OFTEN, POLICIES))
def test_a_model_is_counted_in_its_own_bytes(policy: str) -> None:
    model, dense = made(policy), made(policy, groups=1)
    report = analyze(model)
    assert report.dtype == POLICIES[policy]
    totals = report.totals
    assert totals.weight_bytes == bytes_of_weights(model)
    # Between the two halves of a separable convolution Keras has an output that no layer shows.
    between = (
        4 * 4 * 16 * np.dtype(model.layers[1].compute_dtype.replace("bfloat", "float")).itemsize
    )
    assert totals.activation_bytes == bytes_of_outputs(model) + between
    assert totals.weight_bytes < totals.peak_bytes < totals.moved_bytes
    row = compare(model, [1], except_="*depthwise*").rows[1]
    assert row.totals is not None
    assert row.totals.weight_bytes == bytes_of_weights(dense)
    plain = analyze(made("float32"))
    given = analyze(model, dtype="float64")
    assert given.dtype == "float64"
    assert given.totals.weight_bytes == 2 * plain.totals.weight_bytes
    assert analyze(model, dtype="float32").totals.weight_bytes == 4 * model.count_params()


def test_layers_that_are_quantized_have_weights_of_several_types(tmp_path: Path) -> None:
    x = inputs = keras.Input((12,))
    for layer in (layers.Dense(16, activation="relu"), layers.EinsumDense("ab,bc->ac", 5)):
        x = layer(x)
    model = keras.Model(inputs, x)
    model.quantize("int8")
    assert {np.asarray(w).dtype.name for w in model.weights} == {"int8", "float32"}
    model.save(tmp_path / "small.keras")
    for read in (model, tmp_path / "small.keras"):
        report = analyze(read)
        assert report.dtype == "int8_from_float32"
        assert report.totals.weight_bytes == bytes_of_weights(model)
        assert report.totals.weight_bytes < 2 * report.params
        assert report.totals.activation_bytes == 4 * (16 + 5)
        assert report.macs == 12 * 16 + 16 * 5


def test_inputs_have_their_own_types_too() -> None:
    inputs = keras.Input((6, 6, 3), dtype="uint8")
    model = keras.Model(inputs, layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(inputs)))
    values, weights = 6 * 6 * 3, 3 * 3 * 3 * 4 + 4
    moved = values * (1 + 4) + values * 4 + 4 * weights + 4 * 4 * 4 * 4
    assert analyze(model).totals.moved_bytes == moved
    assert analyze(model).dtype == "float32"


def test_weights_that_are_shared_or_around_are_counted_once() -> None:
    shared = layers.Dense(8, dtype="mixed_float16")
    inputs = keras.Input((8,))
    spectral = layers.SpectralNormalization(layers.Dense(4, dtype="float16"), dtype="float32")
    model = keras.Model(inputs, spectral(shared(shared(inputs))))
    assert analyze(model).totals.weight_bytes == bytes_of_weights(model)


def test_a_search_adds_up_the_bytes_that_a_model_has() -> None:
    """The convolutions of its only unit have weights of 2 and of 8 bytes."""

    def with_groups(groups: int) -> keras.Model:
        x = inputs = keras.Input((4, 4, 8))
        x = layers.Conv2D(16, 1, name="first")(x)
        for number, dtype in enumerate(("float16", "float64")):
            name = f"grouped_{number}"
            x = layers.Conv2D(16, 3, groups=groups, padding="same", dtype=dtype, name=name)(x)
        return keras.Model(inputs, x)

    model = with_groups(1)
    peaks = {groups: analyze(with_groups(groups)).totals.peak_bytes for groups in (1, 2, 4, 8, 16)}
    given = search(model, {"memory": peaks[4]}, per="network", only="grouped*", allow_unmixed=True)
    assert given.dtype == analyze(model).dtype
    assert set(given.choice.values()) == {4}
    assert given.after.peak_bytes == peaks[4]
    assert given.after.weight_bytes == bytes_of_weights(with_groups(4))
    assert peaks[1] > peaks[2] > peaks[4] > peaks[8] > peaks[16]


def test_commands_tell_the_types(tmp_path: Path) -> None:
    made("mixed_float16").save(tmp_path / "mixed.keras")
    made("float32").save(tmp_path / "full.keras")

    def run(*args: str) -> str:
        done = run_gconv(*args, cwd=tmp_path)
        assert done.status in (0, 1), done.err
        return done.out

    shown = run("summary", "mixed.keras", "--depth", "0").splitlines()[0]
    assert shown.endswith(" · mixed_float16 + float32")
    assert run("summary", "mixed.keras", "--dtype", "float32").splitlines()[0].endswith("· float32")
    data = json.loads(run("diff", "full.keras", "mixed.keras", "-f", "json"))
    assert (data["old"]["dtype"], data["new"]["dtype"]) == ("float32", "mixed_float16 + float32")
    assert data["dtype"] == data["new"]["dtype"]
    assert not data["same"]
    assert data["change"]["weight_bytes"] == 0 > data["change"]["activation_bytes"]
    first = run("diff", "full.keras", "mixed.keras").splitlines()[0]
    assert first.endswith("· float32 → mixed_float16 + float32")
    assert diff(made("float32"), made("mixed_float16"), dtype="float16").is_same
    held = json.loads(
        run("check", "mixed.keras", "full.keras", "--max-memory", "1MB", "-f", "json")
    )
    assert held["dtype"] == "mixed_float16 + float32 and float32"
    assert [spec["dtype"] for spec in held["specs"]] == ["mixed_float16 + float32", "float32"]
    assert check("block", budget={"memory": "1MB"}).dtype == "float32"
