"""Models of other precisions as float32, for runtimes and converters that want it.

TFLite has no convolution of half precision, and onnxruntime computes few on a CPU.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from groupconv_cli.dtypes import DTYPES
from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import first_line
from groupconv_cli.keras_internals import all_layers
from groupconv_cli.models.convert import own_objects
from groupconv_cli.runtime import deep

OTHERS = tuple(dtype for dtype in DTYPES if dtype != "float32")

HALF_TOLERANCE = 5e-2
"""Largest difference that 16 bits explain, against the largest output."""


def has_other_floats(model: Any) -> bool:
    """Whether a layer computes in another precision than float32."""
    return any(_dtype_of(layer) in OTHERS for layer in all_layers(model))


def is_half(model: Any) -> bool:
    """Whether a layer computes with 16 bits."""
    return any("16" in _dtype_of(layer) for layer in all_layers(model))


def float32_copy(model: Any) -> Any:
    """The model with the same weights, computed in float32.

    Raises UsageError if Keras cannot make the model again from its configuration.
    """
    try:
        with keras.utils.custom_object_scope(own_objects(model)), deep():
            copy = type(model).from_config(_as_float32(model.get_config()))
            copy.set_weights([np.asarray(value, np.float32) for value in model.get_weights()])
    except Exception as error:
        # Keras raises errors of any kind here, including those of custom classes.
        raise UsageError(
            f"model {model.name!r} cannot be copied to float32: {first_line(error)}"
        ) from error
    return copy


def in_float32(arrays: list[Any]) -> list[Any]:
    """Floating-point arrays as float32, others as they are."""
    names = [str(array.dtype) for array in arrays]
    return [
        array.astype(np.float32) if name in OTHERS else array
        for array, name in zip(arrays, names, strict=True)
    ]


def _dtype_of(layer: Any) -> str:
    return str(getattr(layer, "compute_dtype", ""))


def _as_float32(config: Any) -> Any:
    """The configuration with float32 for every other floating-point dtype."""
    if isinstance(config, list | tuple):
        return type(config)(map(_as_float32, config))
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {"name": "float32"}}
    return {
        key: "float32"
        if key == "dtype" and str(value).removeprefix("mixed_") in OTHERS
        else _as_float32(value)
        for key, value in config.items()
    }
