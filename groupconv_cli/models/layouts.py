"""Where the channels of each tensor of a Keras model are: a model may have them first."""

from __future__ import annotations

from typing import Any

from groupconv_cli.keras_internals import family_of
from groupconv_cli.models.tracing import Trace, TracedUse
from groupconv_cli.ops.base import Shape

LAST = -1

CHANNEL_BY_CHANNEL = {
    "layers.activations",
    "layers.merging",
    "layers.normalization",
    "layers.regularization",
}
"""Parts of Keras whose layers leave every axis where it is."""

ELEMENTWISE = {
    *("Abs", "Absolute", "Add", "Cast", "Clip", "Concatenate", "Copy", "CustomScaleLayer"),
    *("Divide", "Exp", "Gelu", "GetItem", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu"),
    *("Log", "Maximum", "Minimum", "Multiply", "Negative", "Pad", "Power", "Relu", "Relu6"),
    *("Rescaling", "Sigmoid", "Silu", "Softmax", "Sqrt", "Square", "StochasticDepth", "Subtract"),
    *("Tanh", "TrueDivide"),
}
"""Other layers and operations of which that is true."""

Axes = dict[int, int]
"""The axis of the channels, counted from the end, of tensors whose channels are not last."""


def channel_axes(trace: Trace) -> Axes:
    """The axes of the channels of all tensors whose channels are not last.

    Convolutions, pools and their like tell by their `data_format`. What leaves the axes where they
    are passes that on, in both directions.
    """
    axes: Axes = {}
    for use in trace.uses:
        if declares_first(use):
            axes[trace.identity(use.tensors[0])] = first_axis(use, use.tensors[0])
            for output in use.outputs:
                if len(output.shape) > 2:
                    axes[trace.identity(output)] = first_axis(use, output)
    passing = [use for use in trace.uses if axes and leaves_axes(use)]
    grew = True
    while grew:
        grew = False
        for use in passing:
            grew = _passed_on(trace, use, axes) or grew
    return axes


def _passed_on(trace: Trace, use: TracedUse, axes: Axes) -> bool:
    """Whether one more tensor of the use has its axis now."""
    rank = len(use.outputs[0].shape)
    same = [x for x in (*use.tensors, *use.outputs) if len(x.shape) == rank > 2]
    names = {trace.identity(x) for x in same}
    known = [axes[each] for each in names if each in axes]
    missing = [each for each in names if each not in axes]
    if not known:
        return False
    axes.update(dict.fromkeys(missing, known[0]))
    return bool(missing)


def declares_first(use: TracedUse) -> bool:
    """Whether a layer says that the channels of its input are the first axis after the batch."""
    first = getattr(use.operation, "data_format", None) == "channels_first"
    return first and bool(use.tensors) and len(use.tensors[0].shape) > 2


def leaves_axes(use: TracedUse) -> bool:
    """Whether a layer leaves every axis where it is."""
    kind = type(use.operation)
    family = family_of(kind)
    by_channel = family in CHANNEL_BY_CHANNEL and kind.__name__ != "Dot"
    return bool(family and use.outputs) and (by_channel or kind.__name__ in ELEMENTWISE)


def first_axis(use: TracedUse, tensor: Any) -> int:
    """The axis of the channels of a tensor of a layer with channels first, from the end.

    A recurrent convolution has the time steps before it.
    """
    cell = getattr(use.operation, "cell", None)
    spatial = len(tensor.shape) - 2 if cell is None else int(cell.rank)
    return -(spatial + 1)


def channels_last(shape: Shape, axis: int) -> Shape:
    """The shape with the channels moved to the end."""
    return (*shape[:axis], *shape[axis + 1 :], shape[axis]) if axis != LAST else shape
