"""A Keras model as functions to time: inference, and a training step."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from groupconv_cli.builder.build_model import build_model
from groupconv_cli.exporters.inputs import as_argument
from groupconv_cli.models.convert import make_fast
from groupconv_cli.network import Network


def timed_network(network: Network, *, batch: int, fast: bool, updates: bool) -> TimedModel:
    """A network's model with random weights on random input of one batch."""
    dtype = keras.config.dtype_policy().compute_dtype
    # Inputs of another dtype would be cast, which does not happen inside a network.
    model = build_model(network, dtype)
    if fast:
        make_fast(model)
    return TimedModel(model, _random(model.inputs, batch), updates=updates)


class TimedModel:
    """A Keras model on given input of one batch, compiled as in use.

    `forward` is a call in inference. With `updates`, `train` is a training step: forward, backward
    from the mean square of the outputs, and an update of the weights by SGD. The learning rate is
    0, so the weights never change. Without `updates`, `train` is forward, and backward from given
    gradients of the outputs to the inputs and weights, without a loss.
    """

    def __init__(self, model: Any, inputs: list[Any], *, updates: bool) -> None:
        self._model = model
        self.inputs = inputs
        batch = int(inputs[0].shape[0])
        self.output_gradients = [] if updates else _random(model.outputs, batch)
        self._optimizer = keras.optimizers.SGD(0.0)
        if updates and model.trainable_variables:
            self._optimizer.build(model.trainable_variables)
        self._forward = tf.function(self._infer, autograph=False)
        self._train = tf.function(self._step if updates else self._back, autograph=False)

    def forward(self) -> None:
        """Runs one call in inference and waits for its end."""
        self._forward(self.inputs)
        _wait()

    def train(self) -> None:
        """Runs one training step and waits for its end."""
        self._train(self.inputs, self.output_gradients)
        _wait()

    @property
    def held_bytes(self) -> int:
        """The bytes of the weights and of the inputs, which are in memory before a run."""
        weights = [variable.value for variable in self._model.variables]
        return sum(int(value.dtype.size * tf.size(value)) for value in (*weights, *self.inputs))

    def _call(self, inputs: list[Any], *, training: bool) -> list[Any]:
        outputs = self._model(as_argument(self._model, inputs), training=training)
        return list(tf.nest.flatten(outputs))

    def _infer(self, inputs: list[Any]) -> list[Any]:
        return self._call(inputs, training=False)

    def _step(self, inputs: list[Any], _: list[Any]) -> list[Any]:
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self._call(inputs, training=True)
            loss = sum(tf.reduce_mean(tf.square(tf.cast(y, tf.float32))) for y in outputs)
        if weights:
            gradients = tape.gradient(
                loss, [weight.value for weight in weights], unconnected_gradients="zero"
            )
            self._optimizer.apply(gradients, weights)
        return [loss]

    def _back(self, inputs: list[Any], gradients: list[Any]) -> list[Any]:
        variables = [weight.value for weight in self._model.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = self._call(inputs, training=True)
        # The outputs are returned too: TensorFlow does not compute unused results.
        return [*outputs, *tape.gradient(outputs, [*inputs, *variables], gradients)]


def _random(tensors: list[Any], batch: int) -> list[Any]:
    """Random values in the shapes and dtypes of a model's inputs or outputs."""
    return [
        tf.cast(tf.random.stateless_normal((batch, *tensor.shape[1:]), (0, index)), tensor.dtype)
        for index, tensor in enumerate(tensors)
    ]


def _wait() -> None:
    """Waits until a GPU has finished. On a CPU a call returns when it has finished."""
    if len(tf.config.list_logical_devices()) > len(tf.config.list_logical_devices("CPU")):
        tf.test.experimental.sync_devices()


def peak_bytes(run: Callable[[], None], device: str) -> int | None:
    """The most bytes allocated at once during a warm run, beyond those before the run.

    TensorFlow's allocator counts on a GPU, and on a CPU with oneDNN, where it leaves out tensors
    below 256 kB. Otherwise, on Linux, it is the growth of the process. None if neither is known.
    """
    try:
        tf.config.experimental.reset_memory_stats(device)
        before = tf.config.experimental.get_memory_info(device)["current"]
        run()
        return int(tf.config.experimental.get_memory_info(device)["peak"] - before) or None
    except ValueError:
        return _growth(run)


def _growth(run: Callable[[], None]) -> int | None:
    """The largest growth of the process during the run, in bytes; None on systems without /proc."""
    reset = Path("/proc/self/clear_refs")
    try:
        # Free memory of the process would be used without growth.
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        reset.write_text("5")  # man 5 proc: resets the peak of the resident set
    except (OSError, AttributeError):
        return None
    before = _status("VmRSS")
    run()
    return max(0, _status("VmHWM") - before) or None


def _status(key: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return 1024 * int(value.split()[0])
    raise OSError(f"no {key} in /proc/self/status")
