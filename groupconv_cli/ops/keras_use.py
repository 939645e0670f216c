"""A use of a layer in a Keras model, as ops read it."""

from __future__ import annotations

from typing import Any, NamedTuple


class LayerUse(NamedTuple):
    """One use of a layer or operation of a Keras model. Shapes begin with the batch, which is 1."""

    operation: Any
    known_as: str
    """The class of a layer of Keras or ours, 'ops.…' for an operation; '' for any other."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[tuple[int, ...], ...]
    """Shapes of all tensors that go in."""
    output: tuple[int, ...]
    """Shape of the first tensor that comes out."""

    def is_over_channels(self, axis: Any) -> bool:
        """Whether an axis, or a list of one, is the last of the first input."""
        rank = len(self.inputs[0])
        axes = [axis] if isinstance(axis, int) else list(axis)
        return [each % rank for each in axes] == [rank - 1]


def sizes(value: Any) -> tuple[int, ...]:
    """A size of a Keras layer, one number or several, as a tuple."""
    return (value,) if isinstance(value, int) else tuple(value)
