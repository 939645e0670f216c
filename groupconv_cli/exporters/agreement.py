"""Checks that two Keras models compute and learn the same, on the same random input."""

from __future__ import annotations

from math import isinf
from typing import Any, NamedTuple

import keras
import numpy as np

from groupconv_cli.exporters.comparison import ExportAgreement, measured
from groupconv_cli.exporters.float32 import HALF_TOLERANCE, is_half
from groupconv_cli.exporters.inputs import as_argument
from groupconv_cli.exporters.samples import random_inputs
from groupconv_cli.foreign import first_line
from groupconv_cli.models.convert import trained_pairs
from groupconv_cli.models.tracing import clean_name

BATCH = 2
TOLERANCE = 1e-4
"""The largest difference that rounding explains, as a share of the largest output."""

GRADIENT_TOLERANCE = 1e-2
"""The same for the gradient of a weight, as a share of its norm. It is larger, because rounding
also decides whether a ReLU with an input near 0 is on or off."""

HALF_GRADIENT_TOLERANCE = 0.5
"""The same if layers compute with 16 bits."""

SMALL = 1e-3
"""A gradient below this share of the model's largest is compared with that, not with itself."""


class ConversionAgreement(NamedTuple):
    """The differences between two models."""

    difference: float
    """The largest difference between two values of the outputs at the same place."""
    largest: float
    """The largest value of the outputs."""
    gradients: float | None
    """The largest relative difference of a weight's gradient; None if none were compared."""
    left_out: str
    """Why no gradients were compared."""
    fault: str
    """The difference that rounding does not explain; empty if there is none."""
    is_finite: bool
    """Whether every output has a finite number. Otherwise there is nothing to compare."""

    @property
    def says_nothing(self) -> bool:
        """Whether all outputs are 0, whatever the model computes."""
        return self.is_finite and not self.largest


class _LeftOutError(Exception):
    """The reason why there is nothing to compare."""


class _FaultError(Exception):
    """A difference between the models."""


def agreement(model: Any, other: Any, shapes: tuple[tuple[int, ...], ...]) -> ConversionAgreement:
    """Runs both models on random input of these shapes, which are without the batch.

    The gradients are those of a random sum of the outputs by the trained weights, in the model's
    own precision. `other` is a copy of the model that may have other classes of layers.

    Raises UsageError if an input cannot be random numbers.
    """
    inputs = random_inputs(model, BATCH, seed=0, shapes=shapes)
    half = is_half(model)
    expected, found = _outputs(model, inputs), _outputs(other, inputs)
    apart = measured("Keras", found, expected)
    gradients, left_out = None, ""
    fault = outputs_fault(apart, HALF_TOLERANCE if half else TOLERANCE)
    if not fault:
        try:
            # One sample is enough: stock Keras takes seconds for a layer with groups.
            gradients, name = _gradients_apart(model, other, [values[:1] for values in inputs])
            if gradients > (HALF_GRADIENT_TOLERANCE if half else GRADIENT_TOLERANCE):
                fault = f"the gradient of {name} differs by {gradients:.3g} times its size"
        except _LeftOutError as error:
            left_out = str(error)
        except _FaultError as error:
            fault = str(error)
    return ConversionAgreement(
        apart.difference, apart.largest, gradients, left_out, fault, apart.is_finite
    )


def outputs_fault(apart: ExportAgreement, tolerance: float) -> str:
    """The difference of outputs that exceeds the tolerance; empty if none does.

    Each output is compared with its own largest value. A larger output beside it would hide its
    difference.
    """
    if apart.relative <= tolerance:
        return ""
    if isinf(apart.difference):
        return "outputs differ in shape, or in values that are not finite"
    if isinf(apart.relative):
        return f"outputs differ by {apart.difference:.3g}, where one is all zeros"
    return f"an output differs by {apart.relative:.3g} times its largest value"


def _gradients_apart(model: Any, other: Any, inputs: list[Any]) -> tuple[float, str]:
    """The largest difference of a weight's gradients, over their norm, and the weight's name.

    Gradients that are not finite in the model itself are not compared.
    """
    pairs = trained_pairs(model, other)
    if not pairs:
        raise _LeftOutError("it has no weights to train")
    try:
        expected = _gradients(model, [weight for weight, _ in pairs], inputs)
    except _LeftOutError:
        raise
    except Exception as error:
        raise _LeftOutError(f"Keras cannot take the original's ({first_line(error)})") from error
    try:
        found = _gradients(other, [weight for _, weight in pairs], inputs)
    except Exception as error:
        raise _FaultError(f"its gradients cannot be taken: {first_line(error)}") from error
    names = [repr(clean_name(weight.path)) for weight, _ in pairs]
    distances, sizes = [], []
    for x, y, name in zip(expected, found, names, strict=True):
        finite = np.isfinite(x)
        if not np.isfinite(y[finite]).all():
            raise _FaultError(f"the gradient of {name} is not finite")
        distances.append(float(np.linalg.norm((x - y)[finite])))
        sizes.append(float(np.linalg.norm(x[finite])))
    if not any(np.isfinite(x).any() for x in expected):
        raise _LeftOutError("the original's are not finite on random input")
    least = SMALL * max(sizes) or 1.0
    relative = [
        distance / max(size, least) for distance, size in zip(distances, sizes, strict=True)
    ]
    return max(zip(relative, names, strict=True))


def _gradients(model: Any, weights: list[Any], inputs: list[Any]) -> list[Any]:
    """The gradients by each of the weights of a random sum of the outputs, always the same sum."""
    import tensorflow as tf

    random = np.random.default_rng(1)
    variables = [weight.value for weight in weights]
    with tf.GradientTape() as tape:
        outputs = [each for each in _called(model, inputs) if each.dtype.is_floating]
        if not outputs:
            raise _LeftOutError("its outputs are not floating-point numbers")
        total = tf.add_n(
            [
                tf.reduce_sum(random.normal(size=each.shape) * tf.cast(each, "float64"))
                for each in outputs
            ]
        )
    found = tape.gradient(total, variables, unconnected_gradients="zero")
    return [np.asarray(tf.cast(tf.convert_to_tensor(each), "float64")) for each in found]


def _outputs(model: Any, inputs: list[Any]) -> list[Any]:
    return [keras.ops.convert_to_numpy(each).astype("float64") for each in _called(model, inputs)]


def _called(model: Any, inputs: list[Any]) -> list[Any]:
    # Not `predict`, which may compile both models with XLA into the same computation.
    return list(keras.tree.flatten(model(as_argument(model, inputs), training=False)))
