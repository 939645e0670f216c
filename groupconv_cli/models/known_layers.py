"""What gconv knows of Keras' layers and operations: which op of ours each is, or what it costs."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import keras

from groupconv_cli.ops.activation import FUNCTIONS, NAMED, Activation, Elu, LeakyRelu, Prelu
from groupconv_cli.ops.base import Op, Shape
from groupconv_cli.ops.conv import Conv, ConvTranspose, DepthwiseConv
from groupconv_cli.ops.dense import Dense
from groupconv_cli.ops.merge import Add, Concat, Multiply
from groupconv_cli.ops.norm import BatchNorm, Dropout, GroupNorm, LayerNorm, LayerScale
from groupconv_cli.ops.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from groupconv_cli.ops.shape import Crop, Flatten, Reshape, Upsample, ZeroPad


class Call(NamedTuple):
    """One use of a layer or operation. Shapes begin with the batch, which is 1."""

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Shape, ...]
    """Shapes of all tensors that go in."""
    output: Shape
    """Shape of the first tensor that comes out."""

    @property
    def known_as(self) -> str:
        """The class of a layer of Keras or ours, 'ops.…' for an operation; '' for any other."""
        kind = type(self.operation)
        if not kind.__module__.startswith(("keras.src.", "groupconv_cli.layers")):
            return ""
        is_layer = isinstance(self.operation, keras.layers.Layer)
        return kind.__name__ if is_layer else f"ops.{kind.__name__}"

    @property
    def family(self) -> str:
        """The part of Keras that the class is defined in: layers.pooling, for one."""
        parts = type(self.operation).__module__.split(".")
        return ".".join(parts[2:4]) if parts[:2] == ["keras", "src"] else ""


# Layers that are ops of ours. Each function gives the op, or None where the layer is used in a way
# that the op does not know; whether shape and weights agree with Keras is checked by the caller.


def _conv(layer: Any, _: Call) -> Op:
    return Conv(filters=layer.filters, groups=layer.groups, **_window(layer))


def _depthwise(layer: Any, _: Call) -> Op:
    return DepthwiseConv(multiplier=layer.depth_multiplier, **_window(layer))


def _window(layer: Any) -> dict[str, Any]:
    return {
        "kernel": tuple(layer.kernel_size),
        "stride": tuple(layer.strides),
        "dilation": tuple(layer.dilation_rate),
        # Causal padding is `same` with all of it at one end.
        "padding": "valid" if layer.padding == "valid" else "same",
        "bias": layer.use_bias,
    }


def separable(layer: Any) -> tuple[Op, Op]:
    """The two convolutions that a separable one is."""
    window = _window(layer) | {"bias": False}
    first = DepthwiseConv(multiplier=layer.depth_multiplier, **window)
    return first, Conv(filters=layer.filters, kernel=(1,), bias=layer.use_bias)


def _transpose(layer: Any, _: Call) -> Op:
    return ConvTranspose(
        filters=layer.filters,
        kernel=tuple(layer.kernel_size),
        stride=tuple(layer.strides),
        padding=layer.padding,
        bias=layer.use_bias,
    )


def _pool(kind: type[Op]) -> Callable[[Any, Call], Op]:
    return lambda layer, call: kind(
        size=_sizes(layer.pool_size), stride=_sizes(layer.strides), padding=layer.padding
    )


def _sizes(value: Any) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


def _global_pool(kind: type[Op]) -> Callable[[Any, Call], Op]:
    return lambda layer, call: kind(keepdims=layer.keepdims)


def _on_channels(axis: Any, call: Call) -> bool:
    rank = len(call.inputs[0])
    axes = [axis] if isinstance(axis, int) else list(axis)
    return [each % rank for each in axes] == [rank - 1]


def _norm(kind: type[Op]) -> Callable[[Any, Call], Op | None]:
    keys = [key for key in kind.args if key not in ("momentum",)]

    def make(layer: Any, call: Call) -> Op | None:
        values = {key: getattr(layer, key) for key in keys}
        return kind(**values) if _on_channels(layer.axis, call) else None

    return make


def _activation(layer: Any, _: Call) -> Op | None:
    name = getattr(layer.activation, "__name__", "")
    return Activation(function=name) if name in FUNCTIONS else NAMED.get(name)


def _relu(layer: Any, _: Call) -> Op | None:
    if layer.negative_slope or layer.threshold or layer.max_value not in (None, 6):
        return None
    return Activation(function="relu6" if layer.max_value else "relu")


def _pairs(kind: type[Op], key: str, attribute: str) -> Callable[[Any, Call], Op]:
    def make(layer: Any, _: Call) -> Op:
        value = getattr(layer, attribute)
        pairs = [value] if isinstance(value[0], int) else value
        before, after = zip(*pairs, strict=True)
        return kind(**{key: tuple(before), "after": tuple(after)})

    return make


def _upsample(layer: Any, _: Call) -> Op:
    method = getattr(layer, "interpolation", "nearest")
    return Upsample(size=_sizes(layer.size), interpolation=method)


def _concat(layer: Any, call: Call) -> Op | None:
    return Concat() if _on_channels(layer.axis, call) else None


def _always(op: Op) -> Callable[[Any, Call], Op]:
    return lambda layer, call: op


OURS: dict[str, Callable[[Any, Call], Op | None]] = {
    **{f"Conv{rank}D": _conv for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": _depthwise for rank in (1, 2)},
    **{f"Conv{rank}DTranspose": _transpose for rank in (1, 2, 3)},
    **{f"MaxPooling{rank}D": _pool(MaxPool) for rank in (1, 2, 3)},
    **{f"AveragePooling{rank}D": _pool(AvgPool) for rank in (1, 2, 3)},
    **{
        f"Global{kind}Pooling{rank}D": _global_pool(op)
        for kind, op in (("Average", GlobalAvgPool), ("Max", GlobalMaxPool))
        for rank in (1, 2, 3)
    },
    **{f"ZeroPadding{rank}D": _pairs(ZeroPad, "padding", "padding") for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _pairs(Crop, "cropping", "cropping") for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": _upsample for rank in (1, 2, 3)},
    "Activation": _activation,
    "Add": _always(Add()),
    "BatchNormalization": _norm(BatchNorm),
    "Concatenate": _concat,
    "Dense": lambda layer, call: Dense(units=layer.units, bias=layer.use_bias),
    "Dropout": lambda layer, call: Dropout(rate=float(layer.rate)),
    "ELU": lambda layer, call: Elu(alpha=float(layer.alpha)),
    "Flatten": _always(Flatten()),
    "GroupNormalization": _norm(GroupNorm),
    "LayerNormalization": _norm(LayerNorm),
    "LayerScale": _always(LayerScale()),
    "LeakyReLU": lambda layer, call: LeakyRelu(slope=float(layer.negative_slope)),
    "Multiply": _always(Multiply()),
    "PReLU": lambda layer, call: Prelu(shared=bool(layer.shared_axes)),
    "ReLU": _relu,
    "Reshape": lambda layer, call: Reshape(shape=call.output[1:]),
    "Softmax": lambda layer, call: (
        Activation(function="softmax") if _on_channels(layer.axis, call) else None
    ),
    "ops.Add": _always(Add()),
    "ops.Concatenate": _concat,
    "ops.Multiply": _always(Multiply()),
    "ops.Relu": _always(Activation(function="relu")),
    "ops.Relu6": _always(Activation(function="relu6")),
    "ops.Reshape": lambda layer, call: Reshape(shape=call.output[1:]),
    "ops.Sigmoid": _always(Activation(function="sigmoid")),
    "ops.Silu": _always(Activation(function="silu")),
}
"""By the class of the layer. LayerScale is that of keras.applications' ConvNeXt."""


# Multiply-accumulates of what is none of our ops, or is used in a way that the op does not know.


def _conv_macs(call: Call) -> int:
    return prod(call.output[:-1]) * prod(_shape_of(call.operation.kernel))


def _transpose_macs(call: Call) -> int:
    return prod(call.inputs[0][:-1]) * prod(_shape_of(call.operation.kernel))


def _einsum_dense_macs(call: Call) -> int:
    """One for every weight at every position of the axes that only the input has.

    Where nothing is summed over, the weights only scale, as those of a norm do: none.
    """
    kernel = _shape_of(call.operation.kernel)
    inputs, rest = call.operation.equation.replace(" ", "").split(",")
    weights, outputs = rest.split("->")
    summed = set(weights) & set(inputs) - set(outputs)
    if not summed:
        return 0
    shared = prod(
        size
        for label, size in _labelled(inputs, call.inputs[0]).items()
        if label in set(weights) - {"."}
    )
    return prod(call.inputs[0]) // shared * prod(kernel)


def _labelled(labels: str, shape: Shape) -> dict[str, int]:
    """Sizes by label; what an ellipsis stands for is left out."""
    before, _, after = labels.partition("...")
    sizes = dict(zip(before, shape, strict=False))
    return sizes | dict(zip(reversed(after), reversed(shape), strict=False))


def _attention_macs(call: Call) -> int:
    """The four projections, the scores, and the mean of the values that they weigh."""
    layer = call.operation
    named = dict(zip(("query", "value", "key"), call.args, strict=False)) | call.kwargs
    query, value = _shape_of(named["query"]), _shape_of(named["value"])
    key = value if named.get("key") is None else _shape_of(named["key"])
    positions, seen = prod(query[:-1]), prod(key[axis] for axis in _attention_axes(layer, query))
    kernels = [
        (positions, layer._query_dense),
        (prod(key[:-1]), layer._key_dense),
        (prod(value[:-1]), layer._value_dense),
        (positions, layer._output_dense),
    ]
    if getattr(layer, "_use_gate", False):
        kernels.append((positions, layer._gate_dense))
    projections = sum(count * prod(_shape_of(dense.kernel)) for count, dense in kernels)
    scored = positions * seen * int(layer.num_heads)
    return projections + scored * int(layer.key_dim + layer.value_dim)


def _attention_axes(layer: Any, query: Shape) -> tuple[int, ...]:
    axes = layer.attention_axes
    return tuple(range(1, len(query) - 1)) if axes is None else _sizes(axes)


def _plain_attention_macs(call: Call) -> int:
    """Scores of every query for every key, and the mean of the values that they weigh."""
    query, value, *_ = call.inputs
    return prod(query[:-1]) * value[-2] * (query[-1] + value[-1])


def _recurrent_macs(call: Call) -> int:
    """Every weight of the two kernels once per step."""
    cell = call.operation.cell
    return prod(call.inputs[0][:2]) * sum(
        prod(_shape_of(kernel)) for kernel in (cell.kernel, cell.recurrent_kernel)
    )


def _dot_macs(call: Call) -> int:
    axes = call.operation.axes
    axis = axes if isinstance(axes, int) else axes[0]
    return prod(call.output) * call.inputs[0][axis]


def _matmul_macs(call: Call) -> int:
    return prod(call.output) * _shape_of(call.args[0])[-1]


def _einsum_macs(call: Call) -> int | None:
    """One for every combination of labels, of two operands."""
    subscripts = call.operation.subscripts.replace(" ", "")
    operands, *_ = subscripts.split("->")
    labels = operands.split(",")
    if len(labels) != 2 or "." in subscripts:
        return None
    pairs = zip(labels, (_shape_of(x) for x in call.args), strict=True)
    return prod(
        dict(pair for text, shape in pairs for pair in zip(text, shape, strict=True)).values()
    )


def _conv_operation_macs(call: Call) -> int | None:
    return _by_kernel(call, prod(call.output[:-1]))


def _transpose_operation_macs(call: Call) -> int | None:
    return _by_kernel(call, prod(call.inputs[0][:-1]))


def _by_kernel(call: Call, positions: int) -> int | None:
    kernel = call.args[1] if len(call.args) > 1 else call.kwargs.get("kernel")
    first = call.operation.data_format == "channels_first"
    return None if kernel is None or first else positions * prod(_shape_of(kernel))


def _shape_of(value: Any) -> Shape:
    return tuple(value.shape)


MACS: dict[str, Callable[[Call], int | None]] = {
    **{f"Conv{rank}D": _conv_macs for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": _conv_macs for rank in (1, 2)},
    **{f"Conv{rank}DTranspose": _transpose_macs for rank in (1, 2, 3)},
    "Attention": _plain_attention_macs,
    "Dense": lambda call: prod(call.inputs[0]) * call.operation.units,
    "Dot": _dot_macs,
    "EinsumDense": _einsum_dense_macs,
    "GRU": _recurrent_macs,
    "LSTM": _recurrent_macs,
    "MultiHeadAttention": _attention_macs,
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
"""Parts of Keras whose classes count no MACs by the convention, but for those in COSTLY."""

COSTLY = {
    "SpectralNormalization",
    *(f"ops.{name}" for name in ("CTCDecode", "CTCLoss", "DotProductAttention", "SeparableConv")),
    *(f"ops.{name}" for name in ("Corrcoef", "Correlate", "Dot", "Inner", "Kron", "Outer")),
    *(f"ops.{name}" for name in ("Slogdet", "Tensordot", "Vander", "Vdot")),
    *MACS,
}

VIEWS = {
    *("ActivityRegularization", "AlphaDropout", "GaussianDropout", "GaussianNoise", "Identity"),
    *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "StochasticDepth"),
    *("ops.Copy", "ops.ExpandDims", "ops.Ravel", "ops.Squeeze", "ops.StopGradient"),
}
"""Those that at inference move no data."""

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
"""Others of Keras that count no MACs. CustomScaleLayer is that of InceptionResNetV2."""


def our_op(call: Call) -> Op | None:
    """The op of ours that a use of a layer may be."""
    make = OURS.get(call.known_as)
    return make(call.operation, call) if make else None


def macs_of(call: Call) -> int | None:
    """The multiply-accumulates of a use of a layer; None where nobody knows them."""
    name = call.known_as
    if name in MACS:
        return MACS[name](call)
    random = name.startswith(("Rand", "Random")) and call.family == "layers.preprocessing"
    free = name in FREE or random or (call.family in FREE_FAMILIES and name not in COSTLY)
    return 0 if name and free else None


def is_view(call: Call) -> bool:
    """Whether a use of a layer moves no data at inference."""
    random = call.known_as.startswith("Random") and call.family == "layers.preprocessing"
    moves = not call.inputs or prod(call.inputs[0]) != prod(call.output)
    return not moves and (call.known_as in VIEWS or random)
