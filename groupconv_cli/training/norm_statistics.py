"""Statistics of batch norms, estimated again on training data.

The moving averages of a batch norm are what the last batches of training leave. After few steps
they are far from the statistics that the trained network has: with Keras' momentum of 0.99, half of
the initial values are left after 69 steps. Here they are exact averages of batches, with the final
weights (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def norms_of(model: Any) -> list[Any]:
    """The batch norms of a model whose statistics training changes."""
    kind = keras.layers.BatchNormalization
    return [layer for layer in model.layers if isinstance(layer, kind) and layer.trainable]


def batch_statistics(model: Any, norms: list[Any]) -> Callable[[Any], list[Any]]:
    """A function of a batch: the means and variances of each norm's inputs, in turn.

    Batch norms normalize by the batch, as in training, and no values are dropped, as in a test.
    """

    def statistics(x: Any) -> list[Any]:
        with _without_memory(model):
            model(x, training=True)
        values = [each.value for norm in norms for each in (norm.moving_mean, norm.moving_variance)]
        return [tf.identity(value) for value in values]

    traced: Callable[[Any], list[Any]] = tf.function(statistics, autograph=False)
    return traced


@contextmanager
def _without_memory(model: Any) -> Iterator[None]:
    """While this is open, moving averages become the last batch's values, and dropout is off."""
    changes = [
        *((layer, "momentum", 0.0) for layer in norms_of(model)),
        *((layer, "rate", 0.0) for layer in model.layers if isinstance(layer, _DROPPING)),
    ]
    before = [(layer, name, getattr(layer, name)) for layer, name, _ in changes]
    for layer, name, value in changes:
        setattr(layer, name, value)
    try:
        yield
    finally:
        for layer, name, value in before:
            setattr(layer, name, value)


_DROPPING = (keras.layers.Dropout, keras.layers.GaussianDropout)


def estimate(
    norms: list[Any], statistics: Callable[[Any], list[Any]], batches: Iterable[Any]
) -> None:
    """Sets the moving averages of the norms to those of all values in batches of equal size.

    The variance of all values is the mean of the batches' variances plus the variance of their
    means.
    """
    if not norms:
        return
    means: list[list[Any]] = []
    variances: list[list[Any]] = []
    for batch in batches:
        values = [value.numpy().astype(np.float64) for value in statistics(batch)]
        means.append(values[0::2])
        variances.append(values[1::2])
    for norm, mean, variance in zip(
        norms, zip(*means, strict=True), zip(*variances, strict=True), strict=True
    ):
        norm.moving_mean.assign(np.mean(mean, axis=0))
        norm.moving_variance.assign(np.mean(variance, axis=0) + np.var(mean, axis=0))
