"""Arguments that Keras code can leave out, because they have Keras' defaults."""

from __future__ import annotations

from typing import Any

DEFAULTS: dict[str, Any] = {
    "alpha": 1.0,
    "approximate": True,
    "axis": -1,
    "center": True,
    "data_format": "channels_last",
    "depth_multiplier": 1,
    "dilation_rate": 1,
    "epsilon": 0.001,
    "groups": 1,
    "interpolation": "nearest",
    "keepdims": False,
    "momentum": 0.99,
    "negative_slope": 0.3,
    "padding": "valid",
    "scale": True,
    "shared_axes": None,
    "strides": 1,
    "use_bias": True,
}
"""`data_format` comes from Keras' configuration, and is channels_last unless that was changed."""

OWN: dict[tuple[str, str], Any] = {
    ("GroupNormalization", "groups"): 32,
    ("MaxPooling", "strides"): None,
    ("AveragePooling", "strides"): None,
}
"""Defaults of classes that differ from those above. The names of the classes are without the number
of dimensions."""


def is_default(function: str, argument: str, value: Any) -> bool:
    """Whether a call of the layer or function has this value if the argument is left out."""
    if argument not in DEFAULTS:
        return False
    key = (function[:-2] if function.endswith("D") else function, argument)
    default = OWN.get(key, DEFAULTS[argument])
    return type(value) is type(default) and bool(value == default)
