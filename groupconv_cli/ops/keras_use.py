"""The use of a layer in a Keras model, in the form that ops read."""

from __future__ import annotations

from typing import Any, NamedTuple


class LayerUse(NamedTuple):
    """One use of a layer or operation of a Keras model. Shapes begin with the batch, which is 1.

    Where the layer has channels first, shapes have them last all the same.
    """

    operation: Any
    known_as: str
    """The class of a layer of Keras or gconv, 'ops.…' for an operation; '' for any other layer."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[tuple[int, ...], ...]
    """Shapes of all input tensors."""
    output: tuple[int, ...]
    """The shape of the first output tensor."""
    channels: int = -1
    """The axis of the channels, from the end, in the layer's own numbers; in shapes it is last."""
    assumed: str = ""
    """The name of a custom class that is taken for the class it derives from."""

    def is_over_channels(self, axis: Any) -> bool:
        """Whether an axis, or a list of one axis, is that of the channels of the first input."""
        rank = len(self.inputs[0])
        axes = [axis] if isinstance(axis, int) else list(axis)
        return [each % rank for each in axes] == [self.channels % rank]


def sizes(value: Any) -> tuple[int, ...]:
    """A size of a Keras layer, one number or several, as a tuple."""
    return (value,) if isinstance(value, int) else tuple(value)
