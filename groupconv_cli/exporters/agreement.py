"""Whether two Keras models compute the same: both run on the same random input."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

from groupconv_cli.errors import UsageError
from groupconv_cli.models.to_network import clean_name

BATCH = 2
TOLERANCE = 1e-4
"""Largest difference that rounding explains, against the largest output."""

HALF_TOLERANCE = 5e-2
"""The same where layers compute with 16 bits."""


class Agreement(NamedTuple):
    """How far apart the outputs of two models are."""

    difference: float
    """The largest between two values at one place."""
    largest: float
    """The largest value there is."""
    agrees: bool
    """Whether rounding explains the difference."""
    is_finite: bool = True
    """Whether every output has a finite number: without one there is nothing to compare."""


def agreement(model: Any, other: Any, shapes: tuple[tuple[int, ...], ...]) -> Agreement:
    """Runs both models on random input of these shapes, which are without the batch.

    Raises UsageError for an input that no random numbers can be made for.
    """
    inputs = random_inputs(model, shapes)
    pairs = zip(_outputs(model, inputs), _outputs(other, inputs), strict=True)
    difference = largest = 0.0
    same = is_finite = True
    for x, y in pairs:
        finite = np.isfinite(x)
        same = same and x.shape == y.shape and bool(np.array_equal(finite, np.isfinite(y)))
        is_finite = is_finite and bool(finite.any())
        if same and finite.any():
            difference = max(difference, float(np.abs(x - y)[finite].max()))
            largest = max(largest, float(np.abs(x)[finite].max()))
    half = any("16" in str(layer.compute_dtype) for layer in model._flatten_layers())
    bound = (HALF_TOLERANCE if half else TOLERANCE) * largest
    return Agreement(difference, largest, same and difference <= bound, is_finite)


def random_inputs(model: Any, shapes: tuple[tuple[int, ...], ...]) -> list[Any]:
    """An array for each input of the model, the same at every call.

    Raises UsageError for an input of text.
    """
    random = np.random.default_rng(0)
    made = []
    for entry, shape in zip(model.inputs, shapes, strict=True):
        dtype = keras.backend.standardize_dtype(entry.dtype)
        if dtype == "string":
            raise UsageError(f"input {clean_name(entry.name)!r} takes text: no random input for it")
        if "float" in dtype:
            made.append(random.normal(size=(BATCH, *shape)).astype("float32"))
        else:
            made.append(random.integers(0, 2, size=(BATCH, *shape)).astype(dtype))
    return made


def _outputs(model: Any, inputs: list[Any]) -> list[Any]:
    fed = (
        keras.tree.pack_sequence_as(model._inputs_struct, inputs) if _is_graph(model) else inputs[0]
    )
    # Not `predict`, which may compile both with XLA into one and the same.
    outputs = model(fed, training=False)
    return [
        keras.ops.convert_to_numpy(each).astype("float64") for each in keras.tree.flatten(outputs)
    ]


def _is_graph(model: Any) -> bool:
    return hasattr(model, "_inputs_struct")
