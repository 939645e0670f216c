"""How a model takes its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def as_argument(model: Any, inputs: Sequence[Any]) -> Any:
    """The inputs in the form of a functional model: alone, in a list, or by their names."""
    import keras

    structure = getattr(model, "input", None)
    if isinstance(structure, dict | list | tuple):
        return keras.tree.pack_sequence_as(structure, list(inputs))
    return inputs[0] if len(inputs) == 1 else list(inputs)
