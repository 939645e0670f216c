"""A model as one TensorFlow function for inference, from which all other formats are made.

`keras.Model.export` gives the same result in three times the time, because it traces a model
several times.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from groupconv_cli.exporters.inputs import as_argument


def signature(model: Any, batch: int | None) -> list[Any]:
    """A specification of each input, by its name; None means a batch of any size."""
    return [
        tf.TensorSpec((batch, *tensor.shape[1:]), tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]


def serving(model: Any, batch: int | None, *, flat: bool = False) -> Any:
    """The model as a function of its inputs, one argument for each. It is traced when used.

    With `flat` its outputs are a tuple, however the model has them.
    """

    def serve(*inputs: Any) -> Any:
        outputs = model(as_argument(model, inputs), training=False)
        return tuple(keras.tree.flatten(outputs)) if flat else outputs

    return tf.function(serve, input_signature=signature(model, batch), autograph=False)


def output_names(model: Any) -> list[str]:
    """What the signature calls the model's outputs, in the model's order.

    Those of a dict have their keys, others are numbered.
    """
    structure = getattr(model, "output", None)
    if isinstance(structure, dict) and all(isinstance(key, str) for key in structure):
        numbered = keras.tree.pack_sequence_as(structure, list(range(len(model.outputs))))
        if all(isinstance(number, int) for number in numbered.values()):
            return sorted(numbered, key=numbered.__getitem__)
    return [f"output_{number}" for number in range(len(model.outputs))]


def _has_words(structure: Any) -> bool:
    """Whether the keys of all dicts in it are text, as TensorFlow can save them."""
    if isinstance(structure, dict):
        texts = all(isinstance(key, str) for key in structure)
        return texts and all(map(_has_words, structure.values()))
    return not isinstance(structure, list | tuple) or all(map(_has_words, structure))


def save_serving(model: Any, folder: Path, batch: int | None, *, flat: bool = False) -> None:
    """Writes a SavedModel with that function as its endpoint `serve`.

    Its signature has the names of `output_names`.
    """
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    module.serve = serving(model, batch, flat=flat or not _has_words(model.output))
    names = output_names(model)
    outputs = module.serve.get_concrete_function().structured_outputs
    if isinstance(outputs, tf.Tensor) or (isinstance(outputs, dict) and [*outputs] == names):
        signatures = module.serve
    else:  # a signature has named outputs
        signatures = tf.function(
            lambda *inputs: dict(
                zip(names, keras.tree.flatten(module.serve(*inputs)), strict=True)
            ),
            input_signature=signature(model, batch),
            autograph=False,
        )
    tf.saved_model.save(module, str(folder), signatures={"serving_default": signatures})
