"""Models that leave sizes of their inputs open, at given sizes: converters need to know them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from groupconv_cli.exporters.inputs import as_argument


def has_open_sizes(model: Any) -> bool:
    """Whether an input has a size, apart from the batch's, that is not known."""
    return any(None in tensor.shape[1:] for tensor in model.inputs)


def with_sizes(model: Any, shapes: Sequence[tuple[int, ...]]) -> Any:
    """A model of the same layers, weights and names whose inputs have these shapes."""
    inputs = [
        keras.Input(shape, dtype=tensor.dtype, name=tensor.name)
        for tensor, shape in zip(model.inputs, shapes, strict=True)
    ]
    given = as_argument(model, inputs)
    # Not called: that would make one layer of the model, and lose the names of its outputs.
    return keras.Model(given, model.call(given), name=model.name)
