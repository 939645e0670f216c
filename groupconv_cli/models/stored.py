"""The weights of Keras layers: how many, and in which dtypes."""

from __future__ import annotations

from math import prod
from typing import Any

from groupconv_cli.dtypes import Storage, size_of
from groupconv_cli.ops.keras_use import LayerUse


def weights_of(operation: Any) -> list[Any]:
    """The weights of a layer; a function has none."""
    return list(getattr(operation, "weights", ()))


def sums(operation: Any, weights: list[Any]) -> tuple[int, int]:
    """The number of weights of a layer, and how many of them training does not change."""
    trainable = {id(w) for w in getattr(operation, "trainable_weights", ())}
    params = sum(prod(w.shape) for w in weights)
    return params, params - sum(prod(w.shape) for w in weights if id(w) in trainable)


def own_storage(storage: Storage | None, use: LayerUse, weights: list[Any]) -> Storage:
    """How a layer stores the weights that its node counts, and its output."""
    storage = storage or Storage()
    if weights:
        largest = max(weights, key=lambda weight: prod(weight.shape))
        storage = storage._replace(weights=str(largest.dtype))
    policy = getattr(use.operation, "dtype_policy", None)
    return with_weights(storage._replace(policy=str(getattr(policy, "name", ""))), weights)


def with_weights(storage: Storage | None, weights: list[Any]) -> Storage:
    """The storage of a node that counts these weights as well."""
    storage = storage or Storage()
    size = size_of(storage.weights)
    more = sum(prod(w.shape) * (size_of(str(w.dtype)) - size) for w in weights)
    return storage._replace(besides=storage.besides + more)
