"""Inputs for a comparison, and what a model computes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from groupconv_cli.errors import UsageError
from groupconv_cli.exporters.comparison import Arrays
from groupconv_cli.exporters.inputs import as_argument
from groupconv_cli.foreign import first_line
from groupconv_cli.models.tracing import clean_name

SAMPLES = 3
"""The number of samples that are compared. There are several, so that a real batch is tested."""


class Trial(NamedTuple):
    """Inputs, and the outputs of the model for them."""

    inputs: Arrays
    expected: Arrays


def trial(model: Any, inputs: Arrays) -> Trial:
    """The outputs of the model for these inputs. Raises UsageError if it cannot be run."""
    try:
        return Trial(inputs, outputs_of(model, inputs))
    except Exception as error:
        # TensorFlow refuses layers that Keras can make: a stride beyond 2^31, an empty input.
        raise UsageError(f"model {model.name!r} cannot be run: {first_line(error)}") from error


def number_of_samples(batch: int) -> int:
    """The fewest samples for a comparison that are a whole number of batches."""
    return -(-SAMPLES // batch) * batch


def some_of(arrays: Arrays, count: int) -> Arrays:
    """The first samples of each array, over again if there are fewer."""
    return [np.resize(array[:count], (count, *array.shape[1:])) for array in arrays]


def random_inputs(
    model: Any, count: int, *, seed: int, shapes: Sequence[tuple[int, ...]] | None = None
) -> Arrays:
    """Random samples of each input: normally distributed, or 0 and 1 for inputs of whole numbers.

    `shapes` are the shapes of a sample of each input, for models that leave sizes open.

    Raises UsageError if an input takes text.
    """
    random = np.random.default_rng(seed)
    arrays = []
    shapes = [tensor.shape[1:] for tensor in model.inputs] if shapes is None else shapes
    for tensor, sample in zip(model.inputs, shapes, strict=True):
        if tensor.dtype == "string":
            raise UsageError(
                f"input {clean_name(tensor.name)!r} takes text: no random input for it"
            )
        shape = (count, *sample)
        dtype = np.dtype(tensor.dtype)
        whole = dtype.kind in "iub"
        values = random.integers(0, 2, shape) if whole else random.standard_normal(shape)
        arrays.append(values.astype(dtype))
    return arrays


def outputs_of(model: Any, inputs: Arrays) -> Arrays:
    """The outputs of the unchanged model."""
    import keras

    outputs = model(as_argument(model, inputs), training=False)
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]
