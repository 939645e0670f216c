"""A Keras model that is trained to classify, and tested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from groupconv_cli.builder.build_model import build_model
from groupconv_cli.builder.seed import seeded
from groupconv_cli.keras_internals import fresh_names
from groupconv_cli.models.convert import make_fast
from groupconv_cli.network import Network
from groupconv_cli.ops.activation import Softmax
from groupconv_cli.runtime import as_shipped, deep, quiet
from groupconv_cli.training.diversity import POSITIONS, Watched, diversity
from groupconv_cli.training.norm_statistics import batch_statistics, estimate, norms_of
from groupconv_cli.training.recipe import MOMENTUM, Recipe
from groupconv_cli.training.run import Diversity


@contextmanager
def surroundings(dtype: str) -> Iterator[None]:
    """Keras as it is shipped, with this dtype policy. Afterwards all is as it was."""
    with as_shipped(), fresh_names(), quiet(), deep():
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)


class TrainableModel:
    """A network's model with initial weights from a seed, its optimizer, and traced functions.

    Each function is traced once for batches of one size. `watched` are nodes for the diversity.
    """

    def __init__(
        self, network: Network, recipe: Recipe, seed: int, watched: Watched | None
    ) -> None:
        """Makes the model. The recipe is a checked one."""
        self._dtype = recipe.dtype or "float32"
        self._network = network
        model = self._built = self._build(seed)
        if recipe.runtime == "gconv":
            make_fast(model)
        extra, self._groups = _features(model, network, watched or Watched(None, None))
        self._has_features = watched is not None and watched.dense is not None
        self._model = keras.Model(model.inputs, [_logits(model, network), *extra])
        self._weights = self._model.trainable_variables
        self._optimizer = _optimizer(recipe, self._weights)
        self._norms = norms_of(self._model)
        self._statistics = batch_statistics(self._model, self._norms)
        self._train = tf.function(self._step, autograph=False)
        self._test = tf.function(self._infer, autograph=False)

    def _build(self, seed: int) -> Any:
        with seeded(seed):
            return build_model(self._network, self._dtype)

    def reset(self, seed: int) -> None:
        """Makes it what a new one with this seed is, except that its functions are traced already.

        All state is in variables: weights, the statistics of norms, the generators of dropout, and
        what the optimizer has gathered, which is 0 in a new one.
        """
        new = self._build(seed)
        for variable, its in zip(self._built.variables, new.variables, strict=True):
            variable.assign(its)
        for variable in self._optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))

    def train(self, x: Any, y: Any, rate: float) -> None:
        """One step on a batch, with this learning rate."""
        self._optimizer.learning_rate = rate
        self._train(self._tensor(x), tf.convert_to_tensor(y))

    def estimate_statistics(self, batches: Iterator[Any]) -> None:
        """Sets the statistics of batch norms to those of these batches."""
        estimate(self._norms, self._statistics, map(self._tensor, batches))

    def logits(self, x: Any) -> Any:
        """The logits of a batch, in float32."""
        return self._test(self._tensor(x))[0].numpy()

    def diversity(self, batches: Iterator[tuple[Any, int]]) -> Diversity:
        """The diversity of the features of the first samples of each batch, as many as it says."""
        parts = [
            [
                # Each sample has as many rows.
                each.numpy()[: count * (len(each) // len(x))]
                for each in self._test(self._tensor(x))[1:]
            ]
            for x, count in batches
        ]
        found = [np.concatenate(part) for part in zip(*parts, strict=True)]
        features = found.pop(0) if self._has_features else None
        return diversity(features, found[0] if found else None, self._groups)

    def _tensor(self, x: Any) -> Any:
        return tf.cast(tf.convert_to_tensor(x), self._dtype)

    def _outputs(self, x: Any, *, training: bool) -> list[Any]:
        return list(tf.nest.flatten(self._model(x, training=training)))

    def _step(self, x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            logits = tf.cast(self._outputs(x, training=True)[0], tf.float32)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [weight.value for weight in self._weights])
        self._optimizer.apply(gradients, self._weights)

    def _infer(self, x: Any) -> list[Any]:
        logits, *extra = self._outputs(x, training=False)
        return [tf.cast(each, tf.float32) for each in (logits, *map(_some_positions, extra))]


def _logits(model: Any, network: Network) -> Any:
    """The tensor with the logits: the output, or the input of a softmax at the end."""
    node = network.nodes[network.outputs[0]]
    is_softmax = isinstance(node.op, Softmax) and node.op.groups == 1
    return model.get_layer(node.name).input if is_softmax else model.outputs[0]


def _features(model: Any, network: Network, watched: Watched) -> tuple[list[Any], int | None]:
    """The tensors of the watched nodes, and the groups of the grouped convolution."""
    tensors, groups = [], None
    if watched.dense is not None:
        tensors.append(model.get_layer(network.nodes[watched.dense].name).input)
    if watched.grouped is not None:
        node = network.nodes[watched.grouped]
        tensors.append(model.get_layer(node.name).output)
        groups = node.groups
    return tensors, groups


def _some_positions(x: Any) -> Any:
    """Channels at evenly spaced positions of each sample, as samples of their own."""
    channels = x.shape[-1]
    if len(x.shape) == 2:
        return x
    flat = tf.reshape(x, (tf.shape(x)[0], -1, channels))
    count = flat.shape[1] or POSITIONS
    chosen = np.unique(np.linspace(0, count - 1, min(count, POSITIONS)).round().astype(np.int32))
    return tf.reshape(tf.gather(flat, chosen, axis=1), (-1, channels))


def _optimizer(recipe: Recipe, weights: list[Any]) -> Any:
    """The optimizer of a checked recipe. Biases, scales and shifts do not decay."""
    decay = recipe.weight_decay or None
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(recipe.lr, weight_decay=recipe.weight_decay)
    else:
        optimizer = keras.optimizers.SGD(
            recipe.lr, momentum=MOMENTUM, nesterov=True, weight_decay=decay
        )
    if decay is not None:
        optimizer.exclude_from_weight_decay([w for w in weights if len(w.shape) < 2])
    optimizer.build(weights)
    return optimizer
