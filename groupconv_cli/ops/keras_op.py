"""Keras functions as steps of a model, for what Keras has no layer for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def named(function: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    """A call of a `keras.ops` function whose operation in the model has this name.

    Left to itself Keras calls it after the function ('pad'), which a layer may be called too.
    """

    def call(tensor: Any) -> Any:
        output = function(tensor)
        output._keras_history.operation.name = name
        return output

    return call
