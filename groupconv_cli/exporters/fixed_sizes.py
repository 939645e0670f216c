"""Models with other sizes of their inputs: fixed sizes for open ones, or open ones for fixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from groupconv_cli.builder.build_model import build_model
from groupconv_cli.errors import UsageError
from groupconv_cli.exporters.inputs import as_argument
from groupconv_cli.exporters.samples import Trial, outputs_of, random_inputs
from groupconv_cli.foreign import first_line
from groupconv_cli.network import Network
from groupconv_cli.ops.base import Shape, shape_text

OpenShape = tuple[int | None, ...]

LEAVE_OUT = "leave --dynamic out (in Python, dynamic)"


def has_open_sizes(model: Any) -> bool:
    """Whether an input has a size, apart from the batch's, that is not known."""
    return any(None in tensor.shape[1:] for tensor in model.inputs)


def sizes_of(model: Any, network: Network | None) -> list[Shape]:
    """The shapes of the inputs: the model's, or the network's where the model leaves sizes open."""
    own = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    if network is None:
        return own
    return [
        given if None in shape else shape
        for shape, given in zip(own, network.input_shapes, strict=True)
    ]


def with_sizes(model: Any, shapes: Sequence[OpenShape]) -> Any:
    """A model of the same layers, weights and names whose inputs have these shapes."""
    inputs = [
        keras.Input(shape, dtype=tensor.dtype, name=tensor.name)
        for tensor, shape in zip(model.inputs, shapes, strict=True)
    ]
    given = as_argument(model, inputs)
    # Not called: that would make one layer of the model, and lose the names of its outputs.
    return keras.Model(given, model.call(given), name=model.name)


def opened(model: Any, network: Network | None, sizes: Sequence[Shape]) -> tuple[Any, Trial]:
    """The model with open height and width, and a trial at twice these sizes.

    `network` is the one that the model was built from, if it was. It is built again with open
    sizes, because layers such as channel_shuffle are then others. The open sizes are those that
    the model leaves open. If it leaves none open, they are all sizes of an input but its channels.

    Raises UsageError if there are none, or the model does not run at other sizes.
    """
    shapes = _open_shapes(model, sizes)
    twice = [
        tuple(
            2 * size if open_size is None else size for size, open_size in zip(*pair, strict=True)
        )
        for pair in zip(sizes, shapes, strict=True)
    ]
    try:
        made = _with_open_sizes(model, network, shapes)
        inputs = random_inputs(made, 1, seed=2, shapes=twice)
        return made, Trial(inputs, outputs_of(made, inputs))
    except Exception as error:
        # Keras and TensorFlow raise errors of any kind for shapes that do not fit.
        raise _not_open(model, twice, error) from error


def _with_open_sizes(model: Any, network: Network | None, shapes: Sequence[OpenShape]) -> Any:
    if has_open_sizes(model):
        return model
    if network is None:
        return with_sizes(model, shapes)
    built = build_model(network.replace(open_inputs=tuple(shapes)))
    built.set_weights(model.get_weights())
    return built


def _not_open(model: Any, twice: Sequence[Shape], error: Exception) -> UsageError:
    at = " and ".join(map(shape_text, twice))
    return UsageError(
        f"model {model.name!r} cannot have open sizes: it does not run at {at}, which is twice its "
        f"input: {first_line(error)}",
        LEAVE_OUT,
    )


def _open_shapes(model: Any, sizes: Sequence[Shape]) -> list[OpenShape]:
    own = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    if has_open_sizes(model):
        return own
    if all(len(shape) < 2 for shape in sizes):
        raise UsageError(
            f"model {model.name!r} has no height and width to leave open: its input is "
            f"{' and '.join(map(shape_text, sizes))}",
            LEAVE_OUT,
        )
    return [(*[None] * (len(shape) - 1), *shape[-1:]) for shape in sizes]
