"""Functions of TensorFlow that Keras 2 kept as layers, as operations of Keras 3.

`tf.nn.relu(x)` on a symbolic tensor is a `TFOpLambda` in Keras 2, and `x[:, 0]` a
`SlicingOpLambda`. Both name the function and its arguments, and bring no code.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from math import sqrt
from typing import Any, NamedTuple

from groupconv_cli.keras_internals import serialized_operation
from groupconv_cli.models.migration.layers import constant, serialized
from groupconv_cli.models.migration.origin import Origin, shown

OPERATIONS = {"TFOpLambda", "SlicingOpLambda"}

BATCH = {"class_name": "batch", "config": {}}
"""What stands for the number of samples of an input, where a model computes it: tf.shape(x)[0]."""


class Operation(NamedTuple):
    """An operation of Keras 3 and what it is called on."""

    described: dict[str, Any]
    args: list[Any]
    then: dict[str, Any] | None = None
    """An operation on the result, if one does not do it all."""


class _Rule(NamedTuple):
    """How a function of TensorFlow is an operation of Keras."""

    name: str
    """The operation's class."""
    operands: tuple[str, ...] = ()
    """Arguments that are tensors, besides the first."""
    settings: dict[str, str] = {}  # noqa: RUF012  (never changed)
    """Arguments that the operation is made with, and what they are called there."""
    fixed: dict[str, Any] = {}  # noqa: RUF012
    """What the operation is made with where the function says nothing."""
    neutral: dict[str, tuple[Any, ...]] = {}  # noqa: RUF012
    """Arguments that the operation does not take, and values of theirs that change nothing."""


_AXIS = {"axis": "axis"}
_REDUCED = {"axis": "axis", "keepdims": "keepdims"}


def _unary(**names: str) -> dict[str, _Rule]:
    return {function: _Rule(name) for function, name in names.items()}


def _binary(**names: str) -> dict[str, _Rule]:
    return {function: _Rule(name, ("y",)) for function, name in names.items()}


def _under(module: str, rules: dict[str, _Rule]) -> dict[str, _Rule]:
    return {f"{module}.{name}": rule for name, rule in rules.items()}


RULES: dict[str, _Rule] = {
    **_under("__operators__", _binary(add="Add", sub="Subtract")),
    **_under(
        "math",
        _binary(
            add="Add",
            subtract="Subtract",
            multiply="Multiply",
            divide="TrueDivide",
            truediv="TrueDivide",
            floordiv="FloorDivide",
            floormod="Mod",
            pow="Power",
            maximum="Maximum",
            minimum="Minimum",
            greater="Greater",
            greater_equal="GreaterEqual",
            less="Less",
            less_equal="LessEqual",
            equal="Equal",
            not_equal="NotEqual",
            logical_and="LogicalAnd",
            logical_or="LogicalOr",
        ),
    ),
    **_under(
        "math",
        _unary(
            abs="Absolute",
            ceil="Ceil",
            cos="Cos",
            erf="Erf",
            exp="Exp",
            expm1="Expm1",
            floor="Floor",
            log="Log",
            log1p="Log1p",
            logical_not="LogicalNot",
            negative="Negative",
            reciprocal="Reciprocal",
            rsqrt="Rsqrt",
            sigmoid="Sigmoid",
            sign="Sign",
            sin="Sin",
            softplus="Softplus",
            sqrt="Sqrt",
            square="Square",
            tanh="Tanh",
        ),
    ),
    **_under(
        "nn",
        _unary(
            elu="Elu",
            relu="Relu",
            relu6="Relu6",
            selu="Selu",
            sigmoid="Sigmoid",
            softplus="Softplus",
            softsign="Softsign",
            tanh="Tanh",
        ),
    ),
    **_under(
        "math",
        {
            "reduce_max": _Rule("Max", settings=_REDUCED),
            "reduce_mean": _Rule("Mean", settings=_REDUCED),
            "reduce_min": _Rule("Min", settings=_REDUCED),
            "reduce_prod": _Rule("Prod", settings=_REDUCED),
            "reduce_sum": _Rule("Sum", settings=_REDUCED),
            "argmax": _Rule("Argmax", settings=_AXIS, fixed={"axis": 0}),
        },
    ),
    "nn.gelu": _Rule("Gelu", settings={"approximate": "approximate"}, fixed={"approximate": False}),
    "nn.leaky_relu": _Rule("LeakyRelu", settings={"alpha": "negative_slope"}),
    "nn.silu": _Rule("Silu", neutral={"beta": (1, 1.0)}),
    "nn.swish": _Rule("Silu", neutral={"beta": (1, 1.0)}),
    "nn.softmax": _Rule("Softmax", settings=_AXIS),
    "nn.log_softmax": _Rule("LogSoftmax", settings=_AXIS),
    "cast": _Rule("Cast", settings={"dtype": "dtype"}),
    "clip_by_value": _Rule("Clip", settings={"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    "concat": _Rule("Concatenate", settings=_AXIS),
    "expand_dims": _Rule("ExpandDims", settings=_AXIS),
    "stop_gradient": _Rule("StopGradient"),
    "squeeze": _Rule("Squeeze", settings=_AXIS),
    "stack": _Rule("Stack", settings=_AXIS),
    "tile": _Rule("Tile", settings={"multiples": "repeats"}),
    "transpose": _Rule("Transpose", settings={"perm": "axes"}, neutral={"conjugate": (False,)}),
    "unstack": _Rule("Unstack", settings={"num": "num", "axis": "axis"}),
    "where": _Rule("Where", ("x", "y")),
}


class _Use(NamedTuple):
    """A function of TensorFlow with what it is called on."""

    origin: Origin
    name: object
    function: str
    first: Any
    arguments: dict[str, Any]

    def plain(self, key: str, default: Any = None) -> Any:
        """An argument that has to be known before the model runs."""
        value = self.arguments.get(key, default)
        if _has_tensor(value):
            raise self.origin.refusal(
                self.name,
                f"calls tf.{shown(self.function)} with a {key} that other layers compute",
            )
        return value

    def refuse_other(self, known: dict[str, tuple[Any, ...]], *taken: str) -> None:
        """Raises UsageError for arguments that the operation does not take."""
        for key, value in self.arguments.items():
            is_neutral = key in known and not isinstance(value, dict | list) and value in known[key]
            if key not in taken and not is_neutral:
                raise self.origin.refusal(
                    self.name,
                    f"calls tf.{shown(self.function)} with {shown(key)}={shown(value)}, which no "
                    "operation of Keras 3 takes",
                )


def operation(
    origin: Origin, name: object, function: str, first: Any, arguments: dict[str, Any]
) -> Operation:
    """The operation of Keras 3 that computes what the function of TensorFlow does.

    `first` is the first argument, and `arguments` are the others; tensors are serialized.

    Raises UsageError for a function that gconv does not know.
    """
    function = function.removeprefix("compat.v1.")
    use = _Use(origin, name, function, first, arguments)
    if function in SPECIAL:
        return SPECIAL[function](use)
    rule = RULES.get(function)
    if rule is None:
        raise origin.refusal(name, f"calls tf.{shown(function)}, which gconv cannot translate")
    use.refuse_other(rule.neutral, *rule.operands, *rule.settings)
    given = {
        new: use.plain(old) for old, new in rule.settings.items() if arguments.get(old) is not None
    }
    operands = [_operand(arguments[key]) for key in rule.operands if key in arguments]
    if len(operands) != len(rule.operands):
        raise origin.damaged(f"operation {shown(name)!r} has not all of its arguments")
    return _made(use, rule.name, rule.fixed | given, [first, *operands])


def _made(use: _Use, name: str, config: dict[str, Any], args: list[Any]) -> Operation:
    described = serialized_operation(name, config)
    if described is None:
        raise use.origin.refusal(
            use.name, f"calls tf.{shown(use.function)}, which this version of Keras does not have"
        )
    return Operation(described, args)


def _operand(value: Any) -> Any:
    """A tensor or a number; lists of numbers are arrays."""
    return constant(value) if isinstance(value, list) and not _has_tensor(value) else value


def _has_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        return "class_name" in value or any(map(_has_tensor, value.values()))
    return isinstance(value, list) and any(map(_has_tensor, value))


def _identity(use: _Use) -> Operation:
    return Operation(serialized("Identity", {}), [use.first])


def _add_n(use: _Use) -> Operation:
    use.refuse_other({})
    return Operation(serialized("Add", {}), [use.first])


def _matmul(use: _Use) -> Operation:
    plain = {"transpose_a": (False,), "adjoint_a": (False,), "adjoint_b": (False,)}
    sparse = {"a_is_sparse": (False,), "b_is_sparse": (False,)}
    use.refuse_other(plain | sparse, "b", "transpose_b")
    args = [use.first, _operand(use.arguments.get("b"))]
    if use.plain("transpose_b", default=False):
        return _made(use, "Einsum", {"subscripts": "...ij,...kj->...ik"}, args)
    return _made(use, "Matmul", {}, args)


def _squared_difference(use: _Use) -> Operation:
    use.refuse_other({}, "y")
    made = _made(use, "Subtract", {}, [use.first, _operand(use.arguments.get("y"))])
    return made._replace(then=_made(use, "Square", {}, []).described)


def _reshape(use: _Use) -> Operation:
    use.refuse_other({}, "shape")
    shape = use.arguments.get("shape")
    if isinstance(shape, list) and shape and shape[0] == BATCH:
        # The batch of an input stays what it is, as in Keras' layer.
        if all(type(size) is int for size in shape[1:]) and shape[1:].count(-1) <= 1:
            config = {"target_shape": shape[1:], "name": shown(use.name)}
            return Operation(serialized("Reshape", config), [use.first])
        raise use.origin.refusal(
            use.name, "calls tf.reshape with sizes that other layers compute, besides the batch"
        )
    return _made(use, "Reshape", {"newshape": use.plain("shape")}, [use.first])


def _split(use: _Use) -> Operation:
    use.refuse_other({"num": (None,)}, "num_or_size_splits", "axis")
    sections = use.plain("num_or_size_splits")
    if isinstance(sections, list) and all(type(size) is int for size in sections):
        sections = list(accumulate(sections))[:-1]
    config = {"indices_or_sections": sections, "axis": use.plain("axis", 0)}
    return _made(use, "Split", config, [use.first])


def _pad(use: _Use) -> Operation:
    use.refuse_other({"constant_values": (0,)}, "paddings", "mode")
    mode = str(use.plain("mode", "CONSTANT")).lower()
    return _made(use, "Pad", {"pad_width": use.plain("paddings"), "mode": mode}, [use.first])


def _resize(use: _Use) -> Operation:
    neutral: dict[str, tuple[Any, ...]] = {"preserve_aspect_ratio": (False,)}
    use.refuse_other(neutral, "size", "method", "antialias")
    config = {
        "size": use.plain("size"),
        "interpolation": use.plain("method", "bilinear"),
        "antialias": use.plain("antialias", default=False),
        "data_format": "channels_last",
    }
    return _made(use, "Resize", config, [use.first])


def _l2_normalize(use: _Use) -> Operation:
    use.refuse_other({}, "axis", "epsilon")
    least = use.plain("epsilon", 1e-12)
    if not isinstance(least, int | float) or not 0 <= least < float("inf"):
        raise use.origin.damaged(f"operation {shown(use.name)!r} has no number as epsilon")
    # TensorFlow's bound is for the square of the norm.
    config = {"axis": use.plain("axis"), "order": 2, "epsilon": sqrt(least)}
    return _made(use, "Normalize", config, [use.first])


def _getitem(use: _Use) -> Operation:
    use.refuse_other({}, "slice_spec")
    wanted = use.arguments.get("slice_spec")
    parts = wanted if isinstance(wanted, list) else [wanted]
    return _made(use, "GetItem", {}, [use.first, [_key(use, part) for part in parts]])


def _key(use: _Use, part: Any) -> Any:
    if part is None or type(part) is int:
        return part
    if isinstance(part, dict) and part.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(part, dict) and set(part) == {"start", "stop", "step"}:
        ends = part.values()
        if all(end is None or type(end) is int for end in ends):
            return {"class_name": "__slice__", "config": part}
    raise use.origin.refusal(use.name, "takes a part of a tensor that other layers choose")


SPECIAL: dict[str, Callable[[_Use], Operation]] = {
    "__operators__.getitem": _getitem,
    "identity": _identity,
    "image.resize": _resize,
    "linalg.l2_normalize": _l2_normalize,
    "linalg.matmul": _matmul,
    "math.add_n": _add_n,
    "math.l2_normalize": _l2_normalize,
    "nn.l2_normalize": _l2_normalize,
    "math.squared_difference": _squared_difference,
    "pad": _pad,
    "reshape": _reshape,
    "split": _split,
}
"""Functions whose arguments say it in another way than those of an operation."""
