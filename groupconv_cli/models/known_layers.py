"""Facts about Keras' layers and operations: the matching op of gconv, or the cost."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import keras

from groupconv_cli.keras_internals import all_layers, family_of, is_stock
from groupconv_cli.models.layouts import (
    LAST,
    channels_last,
    declares_first,
    first_axis,
    leaves_axes,
)
from groupconv_cli.models.tracing import TracedUse, clean_name
from groupconv_cli.ops.base import FROM_KERAS, Op, Shape
from groupconv_cli.ops.keras_use import LayerUse, sizes


def use_of(use: TracedUse, axis_of: Callable[[Any], int]) -> LayerUse:
    """A use of a layer or operation, with the name of its class in Keras or gconv.

    `axis_of` tells the axis of a tensor's channels. Shapes have them last for a layer that knows
    where they are, and are as Keras has them for every other.
    """
    operation = use.operation
    kind, assumed = type(operation), ""
    parent = _convolution_behind(operation)
    if parent is not None:
        kind, assumed = parent, clean_name(kind.__name__)
    known_as = ""
    if is_stock(kind) or kind.__module__ == "groupconv_cli.layers":
        is_layer = isinstance(operation, keras.layers.Layer)
        known_as = kind.__name__ if is_layer else f"ops.{kind.__name__}"
    declared, passing = declares_first(use), leaves_axes(use)
    inputs = [tuple(x.shape) for x in use.tensors]
    output = tuple(use.outputs[0].shape) if use.outputs else ()
    axis = axis_of(use.tensors[0]) if use.tensors and (declared or passing) else LAST
    if declared:
        inputs[0] = channels_last(inputs[0], first_axis(use, use.tensors[0]))
        output = channels_last(output, first_axis(use, use.outputs[0])) if output[2:] else output
    elif passing:
        inputs = [channels_last(tuple(x.shape), axis_of(x)) for x in use.tensors]
        output = channels_last(output, axis_of(use.outputs[0]))
    return LayerUse(operation, known_as, use.args, use.kwargs, tuple(inputs), output, axis, assumed)


def _convolution_behind(operation: Any) -> type | None:
    """The convolution of Keras that a custom layer derives from, if it holds no other layers."""
    kind = type(operation)
    if is_stock(kind) or kind.__module__ == "groupconv_cli.layers":
        return None
    parent = next((base for base in kind.__mro__ if is_stock(base)), None)
    if parent is None or family_of(parent) != "layers.convolutional":
        return None
    return parent if len(all_layers(operation)) == 1 else None


def our_op(use: LayerUse) -> Op | None:
    """The op of gconv for a use of a layer, according to the op itself."""
    reader = FROM_KERAS.get(use.known_as)
    return reader.from_keras(use) if reader else None


# Multiply-accumulates of layers that are not ops of gconv, or are used in an unsupported way.


def _conv_macs(use: LayerUse) -> int:
    return prod(use.output[:-1]) * prod(_shape_of(use.operation.kernel))


def _transpose_macs(use: LayerUse) -> int:
    return prod(use.inputs[0][:-1]) * prod(_shape_of(use.operation.kernel))


def _einsum_dense_macs(use: LayerUse) -> int:
    """One for every weight at every position of the axes that only the input has.

    If no axis is summed over, the weights only scale, like those of a norm, and count 0.
    """
    kernel = _shape_of(use.operation.kernel)
    inputs, rest = use.operation.equation.replace(" ", "").split(",")
    weights, outputs = rest.split("->")
    summed = set(weights) & set(inputs) - set(outputs)
    if not summed:
        return 0
    shared = prod(
        size
        for label, size in _labelled(inputs, use.inputs[0]).items()
        if label in set(weights) - {"."}
    )
    return prod(use.inputs[0]) // shared * prod(kernel)


def _labelled(labels: str, shape: Shape) -> dict[str, int]:
    """Sizes by label, without the axes of an ellipsis."""
    before, _, after = labels.partition("...")
    sizes = dict(zip(before, shape, strict=False))
    return sizes | dict(zip(reversed(after), reversed(shape), strict=False))


def _attention_macs(use: LayerUse) -> int:
    """The four projections, the scores, and the mean of the values that they weigh."""
    layer = use.operation
    named = dict(zip(("query", "value", "key"), use.args, strict=False)) | use.kwargs
    query, value = _shape_of(named["query"]), _shape_of(named["value"])
    key = value if named.get("key") is None else _shape_of(named["key"])
    positions, seen = prod(query[:-1]), prod(key[axis] for axis in _attention_axes(layer, query))
    kernels = [
        (positions, layer.query_dense),
        (prod(key[:-1]), layer.key_dense),
        (prod(value[:-1]), layer.value_dense),
        (positions, layer.output_dense),
    ]
    projections = sum(count * prod(_shape_of(dense.kernel)) for count, dense in kernels)
    heads, value_dim = int(layer.num_heads), int(layer.value_dim)
    if layer.get_config().get("use_gate"):
        # A dense layer from the query to the output of the heads.
        projections += positions * query[-1] * heads * value_dim
    return projections + positions * seen * heads * (int(layer.key_dim) + value_dim)


def _attention_axes(layer: Any, query: Shape) -> tuple[int, ...]:
    axes = layer.attention_axes
    return tuple(range(1, len(query) - 1)) if axes is None else sizes(axes)


def _grouped_attention_macs(use: LayerUse) -> int:
    """The projections of its queries, keys and values, then the heads as in any attention."""
    layer = use.operation
    named = dict(zip(("query", "value", "key"), use.args, strict=False)) | use.kwargs
    query, value = _shape_of(named["query"]), _shape_of(named["value"])
    key = value if named.get("key") is None else _shape_of(named["key"])
    head, heads = int(layer.head_dim), int(layer.num_query_heads)
    shared = int(layer.num_key_value_heads)
    gate = 1 if layer.get_config().get("use_gate") else 0
    positions, seen = prod(query[:-1]), key[-2]
    of_query = positions * query[-1] * heads * head  # and as much for the output, and for a gate
    of_memory = shared * head * (prod(key[:-1]) * key[-1] + prod(value[:-1]) * value[-1])
    return of_query * (2 + gate) + of_memory + 2 * positions * seen * heads * head


def _plain_attention_macs(use: LayerUse) -> int:
    """The scores of every query for every key, and the mean of the values weighted by them.

    Scores of the mode 'concat' are sums without products.
    """
    query, value, *_ = use.inputs
    score = query[-1] if use.operation.score_mode == "dot" else 0
    return prod(query[:-1]) * value[-2] * (score + value[-1])


def _additive_attention_macs(use: LayerUse) -> int:
    """The same with scores that weigh the sum of query and key by the scale, if it has one."""
    query, value, *_ = use.inputs
    score = query[-1] if use.operation.use_scale else 0
    return prod(query[:-1]) * value[-2] * (score + value[-1])


def _recurrent_macs(use: LayerUse) -> int | None:
    """What its cell counts, for every time step."""
    each = _cell_macs(use.operation.cell)
    return None if each is None else use.inputs[0][1] * each


def _cell_macs(cell: Any) -> int | None:
    """One per weight of the kernels of a cell, or of every cell in a stack."""
    if not is_stock(type(cell)):
        return None
    if isinstance(cell, keras.layers.StackedRNNCells):
        each = [_cell_macs(one) for one in cell.cells]
        return None if None in each else sum(filter(None, each))
    return sum(prod(_shape_of(kernel)) for kernel in (cell.kernel, cell.recurrent_kernel))


def _recurrent_conv_macs(use: LayerUse) -> int:
    """Both kernels at every position of the state, for every time step."""
    cell = use.operation.cell
    positions = prod(use.output[-(cell.rank + 1) : -1])
    kernels = (cell.kernel, cell.recurrent_kernel)
    return use.inputs[0][1] * positions * sum(prod(_shape_of(kernel)) for kernel in kernels)


def _bidirectional_macs(use: LayerUse) -> int | None:
    """The layer that goes forward, and the one that goes back."""
    both = []
    for layer in (use.operation.forward_layer, use.operation.backward_layer):
        known = type(layer).__name__ if is_stock(type(layer)) else ""
        both.append(macs_of(use._replace(operation=layer, known_as=known)))
    return None if None in both else sum(filter(None, both))


def _dot_macs(use: LayerUse) -> int:
    axes = use.operation.axes
    axis = axes if isinstance(axes, int) else axes[0]
    return prod(use.output) * use.inputs[0][axis]


def _matmul_macs(use: LayerUse) -> int:
    return prod(use.output) * _shape_of(use.args[0])[-1]


def _einsum_macs(use: LayerUse) -> int | None:
    """One for every combination of labels, of two operands."""
    subscripts = use.operation.subscripts.replace(" ", "")
    operands, *outputs = subscripts.split("->")
    labels = operands.split(",")
    if len(labels) != 2:
        return None
    if "." in subscripts:  # what it stands for may be broadcast, so the output tells its size
        if not outputs:
            return None
        sizes: dict[str, int] = {}
        for text, x in zip(labels, use.args, strict=True):
            sizes |= _labelled(text, _shape_of(x))
        return prod(use.output) * prod(sizes[label] for label in set(sizes) - set(outputs[0]))
    pairs = zip(labels, (_shape_of(x) for x in use.args), strict=True)
    return prod(
        dict(pair for text, shape in pairs for pair in zip(text, shape, strict=True)).values()
    )


def _conv_operation_macs(use: LayerUse) -> int | None:
    return _by_kernel(use, prod(use.output[:-1]))


def _transpose_operation_macs(use: LayerUse) -> int | None:
    return _by_kernel(use, prod(use.inputs[0][:-1]))


def _by_kernel(use: LayerUse, positions: int) -> int | None:
    kernel = use.args[1] if len(use.args) > 1 else use.kwargs.get("kernel")
    return None if kernel is None else positions * prod(_shape_of(kernel))


def _shape_of(value: Any) -> Shape:
    return tuple(value.shape)


MACS: dict[str, Callable[[LayerUse], int | None]] = {
    **{f"Conv{rank}D": _conv_macs for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": _conv_macs for rank in (1, 2)},
    **{f"Conv{rank}DTranspose": _transpose_macs for rank in (1, 2, 3)},
    "AdditiveAttention": _additive_attention_macs,
    "Attention": _plain_attention_macs,
    "Bidirectional": _bidirectional_macs,
    **{f"ConvLSTM{rank}D": _recurrent_conv_macs for rank in (1, 2, 3)},
    "Dense": lambda use: prod(use.inputs[0]) * use.operation.units,
    "Dot": _dot_macs,
    "EinsumDense": _einsum_dense_macs,
    "GRU": _recurrent_macs,
    "GroupedQueryAttention": _grouped_attention_macs,
    "LSTM": _recurrent_macs,
    "MultiHeadAttention": _attention_macs,
    "RNN": _recurrent_macs,
    "SimpleRNN": _recurrent_macs,
    "ops.Conv": _conv_operation_macs,
    "ops.ConvTranspose": _transpose_operation_macs,
    "ops.DepthwiseConv": _conv_operation_macs,
    "ops.Einsum": _einsum_macs,
    "ops.Matmul": _matmul_macs,
}

FREE_FAMILIES = {
    "layers.activations",
    "layers.merging",
    "layers.normalization",
    "layers.pooling",
    "layers.regularization",
    "layers.reshaping",
    "ops.nn",
    "ops.numpy",
}
"""Parts of Keras whose classes count 0 MACs by convention, except those in COSTLY."""

COSTLY = {
    "SpectralNormalization",
    *(f"ops.{name}" for name in ("CTCDecode", "CTCLoss", "DotProductAttention", "SeparableConv")),
    *(f"ops.{name}" for name in ("Corrcoef", "Correlate", "Dot", "Inner", "Kron", "Outer")),
    *(f"ops.{name}" for name in ("Slogdet", "Tensordot", "Vander", "Vdot")),
    *MACS,
}

VIEWS = {
    *(
        "ActivityRegularization",
        "AlphaDropout",
        "Dropout",
        "GaussianDropout",
        "GaussianNoise",
        "Identity",
    ),
    *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "StochasticDepth"),
    *("ops.Copy", "ops.ExpandDims", "ops.Ravel", "ops.Squeeze", "ops.StopGradient"),
}
"""Layers that move no data at inference."""

FREE = {
    *VIEWS,
    *("CategoryEncoding", "CenterCrop", "CustomScaleLayer", "Discretization", "Embedding"),
    *("Hashing", "IntegerLookup", "Masking", "Normalization", "Rescaling", "Resizing"),
    *("StringLookup",),
    *(f"ops.{name}" for name in ("Cast", "ConvertToTensor", "SaturateCast", "Slice", "Unstack")),
    *(f"ops.{name}" for name in ("Scatter", "ScatterUpdate", "SliceUpdate")),
    *(f"ops.{name}" for name in ("Erf", "Erfc", "Logsumexp", "Rsqrt", "TopK")),
    *(f"ops.{name}" for name in ("CropImages", "PadImages", "Resize", "RGBToGrayscale")),
}
"""Other classes of Keras that count 0 MACs. CustomScaleLayer is in InceptionResNetV2."""


def macs_of(use: LayerUse) -> int | None:
    """The multiply-accumulates of a use of a layer; None if they are unknown."""
    name = use.known_as
    if name in MACS:
        return MACS[name](use)
    random = (
        name.startswith(("Rand", "Random"))
        and family_of(type(use.operation)) == "layers.preprocessing"
    )
    free = (
        name in FREE
        or random
        or (family_of(type(use.operation)) in FREE_FAMILIES and name not in COSTLY)
    )
    return 0 if name and free else None


def is_view(use: LayerUse) -> bool:
    """Whether a use of a layer moves no data at inference."""
    random = (
        use.known_as.startswith("Random")
        and family_of(type(use.operation)) == "layers.preprocessing"
    )
    moves = not use.inputs or prod(use.inputs[0]) != prod(use.output)
    return not moves and (use.known_as in VIEWS or random)
