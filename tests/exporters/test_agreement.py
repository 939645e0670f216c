"""What `gconv accelerate` compares of a model and its copy: outputs, and the weights' gradients."""

from __future__ import annotations

import re
from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from running import run_in_process
from specs import nightly_but

from groupconv_cli import accelerate
from groupconv_cli.exporters.agreement import TOLERANCE, agreement, outputs_fault
from groupconv_cli.exporters.comparison import measured
from groupconv_cli.fastconv import grouped_conv
from groupconv_cli.models.convert import trained_pairs

SHAPE = (4, 4, 8)


def model_of(*after, dtype="float32", **how):
    """A dense and a grouped convolution, and what comes after."""
    first = layers.Conv2D(8, 3, padding="same", activation="relu", name="dense", dtype=dtype)
    grouped = layers.Conv2D(8, 3, padding="same", groups=2, name="grouped", dtype=dtype, **how)
    return keras.Sequential([keras.Input(SHAPE), first, grouped, *after], name="model")


def found_of(model):
    return agreement(model, accelerate(model), (SHAPE,))


@pytest.mark.parametrize(
    "dtype",
    nightly_but(["float32", "mixed_bfloat16"], ["float32", "float64", "mixed_bfloat16", "float16"]),
)
def test_outputs_and_gradients_agree(dtype) -> None:
    found = found_of(model_of(layers.BatchNormalization(dtype=dtype), dtype=dtype))
    assert (found.fault, found.left_out) == ("", "")
    assert found.difference < 0.05 * found.largest
    assert found.gradients < (1e-5 if dtype in {"float32", "float64"} else 0.2)


def spoil(monkeypatch, change) -> None:
    """Kernels' gradients of the fast layers are changed on the way back; outputs are as before."""

    @tf.custom_gradient
    def spoiled(kernel):
        return kernel, change

    monkeypatch.setattr(grouped_conv, "without_idle_taps", lambda kernel, *_: spoiled(kernel))


CHANGES = {
    "not a number": (
        lambda grad: grad * np.nan,
        "the gradient of '.*grouped/kernel' is not finite",
    ),
    "infinite": (lambda grad: grad + np.inf, "is not finite"),
    "what was in memory": (lambda grad: grad + 1e28, r"differs by .*e\+\d+ times its size"),
    "nothing": (lambda grad: 0 * grad, "differs by 1 times its size"),
    "other taps": (lambda grad: grad[::-1], "the gradient of '.*grouped/kernel' differs by"),
}


DTYPES = ("float32", "mixed_bfloat16")
SEEN_ALWAYS = [
    *product(set(CHANGES) - {"what was in memory"}, ["float32"]),
    ("what was in memory", "mixed_bfloat16"),
]


@pytest.mark.parametrize(("change", "dtype"), nightly_but(SEEN_ALWAYS, product(CHANGES, DTYPES)))
def test_gradients_that_differ_are_a_fault(change, dtype, monkeypatch) -> None:
    changed, message = CHANGES[change]
    model = model_of(dtype=dtype)
    spoil(monkeypatch, changed)
    found = found_of(model)
    assert found.difference <= 0.05 * found.largest
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(found.fault)


def test_gradients_that_go_on_to_earlier_layers_are_compared(monkeypatch) -> None:
    real = grouped_conv.grouped_conv

    @tf.custom_gradient
    def halved(x):
        return x, lambda grad: grad / 2

    monkeypatch.setattr(
        grouped_conv, "grouped_conv", lambda x, *args, **how: real(halved(x), *args, **how)
    )
    assert "the gradient of 'model/dense/bias' differs by 0.5" in found_of(model_of()).fault


def test_kernels_that_both_leave_to_tensorflow_are_not_compared() -> None:
    model = model_of(layers.Dense(2, name="last"))
    paths = [weight.path.split("/", 1)[1] for weight, _ in trained_pairs(model, accelerate(model))]
    assert paths == ["dense/bias", "grouped/kernel", "grouped/bias", "last/kernel", "last/bias"]


class Nothing(layers.Layer):
    def call(self, x):
        return keras.ops.sqrt(-1 - x * x)


class Some(layers.Layer):
    def call(self, x):
        return keras.ops.log(x)


class Whole(layers.Layer):
    def call(self, x):
        return keras.ops.argmax(x, axis=-1)


def test_no_numbers_are_no_agreement() -> None:
    found = found_of(model_of(Nothing()))
    assert (found.fault, found.is_finite) == ("", False)
    assert found.left_out == "the original's are not finite on random input"
    found = found_of(model_of(Some()))
    assert (found.fault, found.is_finite) == ("", True)
    assert found.largest > 0


ONE = [[0.9, 0.1]]
LARGE = [[1e5, 1.0]]


@pytest.mark.parametrize(
    ("found", "expected", "fault"),
    [
        ([ONE, LARGE], [ONE, LARGE], ""),
        ([[[0.9 + 1e-6, 0.1]], LARGE], [ONE, LARGE], ""),
        ([[[0.1, 0.9]], LARGE], [ONE, LARGE], "an output differs by 0.889 times"),
        ([[[np.inf, np.nan]]], [[[np.inf, np.nan]]], ""),
        ([[[np.inf, 1.0]]], [[[-np.inf, 1.0]]], "values that are not finite"),
        ([[[np.inf, 1.0]]], [[[np.nan, 1.0]]], "values that are not finite"),
        ([[[1.0, 1.0]]], [[[1.0]]], "differ in shape"),
        ([[[0.0, 0.1]]], [[[0.0, 0.0]]], "by 0.1, where one is all zeros"),
    ],
)
def test_each_output_is_held_against_itself(found, expected, fault) -> None:
    apart = measured("", [np.array(x) for x in found], [np.array(x) for x in expected])
    said = outputs_fault(apart, TOLERANCE)
    assert fault in said
    assert bool(said) == bool(fault)


class Stopped(layers.Layer):
    """An operation that has no gradient."""

    def call(self, x):
        return self.stopped(x)

    @staticmethod
    @tf.custom_gradient
    def stopped(x):
        def gradient(_):
            raise NotImplementedError("this has no gradient")

        return x, gradient


def test_what_has_no_gradients_is_compared_without() -> None:
    assert found_of(model_of(Whole())).left_out == "its outputs are not floating-point numbers"
    frozen = model_of()
    frozen.trainable = False
    assert found_of(frozen).left_out == "it has no weights to train"
    found = found_of(model_of(Stopped()))
    assert found.left_out == "Keras cannot take the original's (this has no gradient)"
    assert (found.gradients, found.fault) == (None, "")


def test_the_command_says_what_it_compared(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    model = model_of()
    model.save("model.keras")
    from groupconv_cli.cli.app import app

    with pytest.raises(SystemExit) as stop:
        app(["accelerate", "model.keras", "-o", "fast.keras"], prog_name="gconv")
    assert not stop.value.code
    said = " ".join(capsys.readouterr().out.split())
    apart = re.search(r"Gradients of the weights: max difference (\S+) of their size\.", said)
    assert apart
    assert 0 < float(apart[1]) < 1e-5
    model.trainable = False
    model.save("frozen.keras")
    with pytest.raises(SystemExit):
        app(["accelerate", "frozen.keras", "-o", "other.keras"], prog_name="gconv")
    said = " ".join(capsys.readouterr().out.split())
    assert "Gradients of the weights were not compared: it has no weights to train." in said


def test_the_command_saves_nothing_that_learns_otherwise(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    model_of().save("model.keras")
    spoil(monkeypatch, lambda grad: grad * np.nan)
    status, err = run_in_process(
        monkeypatch, capsys, "accelerate", "model.keras", "-o", "fast.keras"
    )
    assert status == 3
    assert not (tmp_path / "fast.keras").exists()
    assert "grouped/kernel' is not finite; nothing was saved" in " ".join(err.split())
