"""A model as one TensorFlow function for inference, from which all other formats are made.

`keras.Model.export` gives the same result in three times the time, because it traces a model
several times.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from groupconv_cli.exporters.exporter import as_argument


def signature(model: Any, batch: int | None) -> list[Any]:
    """A specification of each input, by its name; None means a batch of any size."""
    return [
        tf.TensorSpec((batch, *tensor.shape[1:]), tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]


def serving(model: Any, batch: int | None) -> Any:
    """The model as a function of its inputs, one argument for each. It is traced when used."""

    def serve(*inputs: Any) -> Any:
        return model(as_argument(model, inputs), training=False)

    return tf.function(serve, input_signature=signature(model, batch), autograph=False)


def save_serving(model: Any, folder: Path, batch: int | None) -> None:
    """Writes a SavedModel with that function as its endpoint `serve` and as its signature."""
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    module.serve = serving(model, batch)
    outputs = module.serve.get_concrete_function().structured_outputs
    if isinstance(outputs, tf.Tensor) or _is_named(outputs):
        signatures = module.serve
    else:  # a signature has named outputs
        signatures = tf.function(
            lambda *inputs: {
                f"output_{number}": tensor
                for number, tensor in enumerate(tf.nest.flatten(module.serve(*inputs)))
            },
            input_signature=signature(model, batch),
            autograph=False,
        )
    tf.saved_model.save(module, str(folder), signatures={"serving_default": signatures})


def _is_named(outputs: Any) -> bool:
    """Whether each output has a name, as a signature needs."""
    return isinstance(outputs, dict) and all(isinstance(x, tf.Tensor) for x in outputs.values())
