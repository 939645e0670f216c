"""Layers of Keras 2 by the rules of Keras 3: arguments that went, were renamed, or changed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.models.migration.origin import Origin, shown
from groupconv_cli.models.safety import IMPORT_IT

CUDNN = {"CuDNNLSTM": 4, "CuDNNGRU": 3}
"""Layers of cuDNN, and how many gates each has."""

RENAMED_CLASSES = {
    **{kind: kind.removeprefix("CuDNN") for kind in CUDNN},
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
}
"""Layers that have another name, with the same outputs."""

GONE = {
    "TensorFlowOpLayer": "is an operation that only TensorFlow can read",
    **{
        name: f"is a {name}, which Keras 3 does not have"
        for name in (
            *("AbstractRNNCell", "ClassMethod", "ConvLSTM2DCell", "DenseFeatures", "Highway"),
            *("InstanceMethod", "InstanceProperty", "LocallyConnected1D", "LocallyConnected2D"),
            *("PeepholeLSTMCell", "RandomFourierFeatures", "RandomHeight", "RandomWidth"),
            "SequenceFeatures",
        )
    },
}

RECURRENT = {
    *("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", *CUDNN),
    *("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
}

RENAMED_ARGUMENTS = {
    ("LeakyReLU", "alpha"): "negative_slope",
    ("ThresholdedReLU", "theta"): "threshold",
}

MISSING = {("GRU", "reset_after"): False, ("GRUCell", "reset_after"): False}
"""What a layer did before it had the argument, where Keras 3 does something else by default."""

WITHOUT_EFFECT = {
    *("batch_input_shape", "input_shape", "input_dim", "input_length", "input_dtype"),
    *("implementation", "fused", "virtual_batch_size", "renorm_clipping", "renorm_momentum"),
    *("query_shape", "key_shape", "value_shape", "experimental_autocast"),
    *("kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    *("filters", "build_input_shape", "trainable"),
}
"""Arguments that say nothing of what a layer computes, where Keras 3 does not take them.

Separable convolutions had those of a kernel that they do not have. Layers that do not take
`trainable` have no weights.
"""

NEUTRAL: dict[str, tuple[Any, ...]] = {
    "adjustment": (None,),
    "causal": (False,),
    "groups": (1,),
    "noise_shape": (None,),
    "ragged": (False, None),
    "renorm": (False,),
    "softmax_robust_masking": (False,),
    "sparse": (False, None),
    "time_major": (False,),
    "trainable_initial_state": (False,),
}
"""Arguments that Keras 3 does not take, and the values that change nothing."""

LAMBDA_ONLY = {"module", "function_type", "output_shape_type", "output_shape_module"}

INNER = ("layer", "forward_layer", "backward_layer", "cell")
"""Arguments that are layers."""

POLICIES = {"Policy", "PolicyV1", "DTypePolicy"}


def serialized(kind: str, config: dict[str, Any], module: str = "keras.layers") -> dict[str, Any]:
    """An object as Keras 3 writes it."""
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def plain_name(name: str, *, is_operation: bool = False) -> str:
    """A layer's name as Keras 3 allows it: without slashes. Its own networks have _ for them.

    Dots in names of operations are of TensorFlow's modules, and would be read as nesting.
    """
    if is_operation:
        name = name.replace("__operators__.", "").replace(".", "_")
    return name.replace("/", "_")


def distinct(name: str, taken: set[str]) -> str:
    """The name, or one like it that is not taken yet; it is taken then."""
    number, new = 1, name
    while new in taken:
        number, new = number + 1, f"{name}_{number}"
    taken.add(new)
    return new


def distinct_names(made: list[dict[str, Any]]) -> list[str | None]:
    """The names of layers in a row, none of them twice; None for those that have none."""
    taken: set[str] = set()
    names = (each["config"].get("name") for each in made)
    return [distinct(name, taken) if isinstance(name, str) else None for name in names]


def constant(value: Any) -> Any:
    """A number, or an array of numbers, that stands among tensors."""
    if not isinstance(value, list):
        return value
    return {"class_name": "__numpy__", "config": {"value": value, "dtype": _dtype(value)}}


def _dtype(value: Any) -> str:
    """The dtype of an array: that of the first number in it."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        else:
            return {bool: "bool", int: "int32"}.get(type(value), "float32")
    return "float32"


def unknown(origin: Origin, kind: object, name: object) -> UsageError:
    """What to raise for a class that neither Keras 3 nor anybody else has registered."""
    return origin.refusal(
        name,
        f"is of the class {shown(kind)!r}, which is not registered",
        IMPORT_IT,
    )


def layer(
    origin: Origin, described: dict[str, Any], inner: Callable[[Origin, object], dict[str, Any]]
) -> dict[str, Any]:
    """A layer as Keras 3 writes it, under its own name; `inner` migrates the layers in it.

    Raises UsageError for a class or an argument that Keras 3 does not have.
    """
    import keras

    kind = described.get("class_name")
    if not isinstance(kind, str):
        raise origin.damaged("a layer has no class in its description of the model")
    config = origin.mapping(described.get("config"), f"the configuration of a {shown(kind)}")
    name = config.get("name") or described.get("name") or kind
    if kind in GONE:
        raise origin.refusal(name, GONE[kind])
    stock = stock_layer(RENAMED_CLASSES.get(kind, kind))
    if stock is None:
        registered = next(
            (
                each
                for each in (described.get("registered_name"), kind, f"Custom>{kind}")
                if isinstance(each, str) and keras.saving.get_registered_object(each) is not None
            ),
            None,
        )
        if registered is None:
            raise unknown(origin, kind, name)
        kept = {key: value for key, value in config.items() if key != "batch_input_shape"}
        made = serialized(kind, kept)
        return made | {"module": None, "registered_name": registered}
    if kind == "InputLayer":
        return serialized(kind, _input(origin, config, name))
    made_config = _arguments(origin, kind, stock, config, name)
    for key in INNER:
        if isinstance(made_config.get(key), dict):
            made_config[key] = inner(origin, made_config[key])
    if "cells" in made_config:
        cells = origin.listed(made_config["cells"], f"the cells of {shown(name)!r}")
        made_config["cells"] = [inner(origin, cell) for cell in cells]
    return serialized(stock.__name__, made_config)


def _arguments(
    origin: Origin, kind: str, stock: type, config: dict[str, Any], name: object
) -> dict[str, Any]:
    accepted, made = accepted_arguments(stock), {}
    if kind == "Lambda":  # which is here only if its code is trusted
        config = _lambda(config)
    missing = {key: value for (of, key), value in MISSING.items() if of == kind}
    for old, value in {**missing, **config}.items():
        key = RENAMED_ARGUMENTS.get((kind, old), old)
        if key in accepted:
            made[key] = _value(origin, key, value)
        elif key in NEUTRAL and not isinstance(value, dict | list):
            if value not in NEUTRAL[key]:
                raise origin.refusal(
                    name, f"is a {kind} with {key}={shown(value)}, which Keras 3 does not have"
                )
        elif key not in WITHOUT_EFFECT:
            raise origin.refusal(
                name,
                f"is a {kind} with an argument {shown(key)!r}, which Keras 3 does not have: "
                f"{shown(value)!r}",
            )
    if kind == "SeparableConv1D" and made.get("padding") == "causal":
        raise origin.refusal(
            name, f"is a {kind} with padding='causal', which Keras 3 does not have"
        )
    if isinstance(name, str):
        made["name"] = plain_name(name)
    return made


def _lambda(config: dict[str, Any]) -> dict[str, Any]:
    """A Lambda, whose code was a list, and was told where it had been written."""
    code = config.get("function")
    kept = {key: value for key, value in config.items() if key not in LAMBDA_ONLY}
    if isinstance(code, list):
        parts = dict(zip(("code", "defaults", "closure"), code, strict=False))
        kept["function"] = {"class_name": "__lambda__", "config": parts}
    return kept


def _value(origin: Origin, key: str, value: Any) -> Any:
    if key == "dtype":
        return _policy(value)
    if key == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]
    if key.endswith("initializer"):
        return _initializer(value)
    if isinstance(value, dict):
        if (
            value.get("class_name") == "function" and key != "function"
        ):  # of Keras, by its name alone
            return value.get("config")
        if value.get("class_name") == "__tuple__" or value.get("type") == "tuple":
            return value.get("items")
        if value.get("type") == "ndarray":
            return value.get("value")
        if key.endswith("activation") and "class_name" in value:
            return layer(origin, value, layer_alone)
    return value


def layer_alone(origin: Origin, described: object) -> dict[str, Any]:
    """A layer in which there are no models."""
    return layer(origin, origin.mapping(described, "a layer"), layer_alone)


def _policy(value: Any) -> Any:
    """The dtype of a layer, which may be an object that has it."""
    if isinstance(value, dict) and str(value.get("class_name")) in POLICIES:
        inner = value.get("config")
        return inner.get("name") if isinstance(inner, dict) else None
    return value


def _initializer(value: Any) -> Any:
    """How weights begin, which tells nothing of those in a file: one of Keras 3, or the default."""
    import keras

    if not isinstance(value, dict):
        return value
    kind, config = value.get("class_name"), value.get("config")
    known = getattr(keras.initializers, kind, None) if isinstance(kind, str) else None
    if not (isinstance(known, type) and issubclass(known, keras.initializers.Initializer)):
        return _initializer_by_default()
    accepted = accepted_arguments(known)
    given = config.items() if isinstance(config, dict) else ()
    kept = {key: each for key, each in given if key in accepted}
    if kept.get("distribution") == "normal":
        kept["distribution"] = "truncated_normal"
    return serialized(known.__name__, kept, "keras.initializers")


def _initializer_by_default() -> dict[str, Any]:
    return serialized("GlorotUniform", {"seed": None}, "keras.initializers")


def _input(origin: Origin, config: dict[str, Any], name: object) -> dict[str, Any]:
    if config.get("ragged"):
        raise origin.refusal(name, "is a ragged input, which gconv does not count")
    shape = config.get("batch_input_shape", config.get("batch_shape"))
    if shape is None and isinstance(config.get("input_shape"), list):
        shape = [None, *config["input_shape"]]
    made = {"batch_shape": shape, "dtype": _policy(config.get("dtype")), "name": name}
    made["sparse"] = bool(config.get("sparse"))
    if isinstance(name, str):
        made["name"] = plain_name(name)
    return {key: value for key, value in made.items() if value is not None}


def stock_layer(kind: str) -> type | None:
    """The layer of Keras 3 of this name, or None."""
    import keras

    found = getattr(keras.layers, kind, None)
    is_layer = isinstance(found, type) and issubclass(found, keras.layers.Layer)
    return found if is_layer else None


@cache
def accepted_arguments(kind: type) -> frozenset[str]:
    """The arguments of a class: its own, and of the classes that it hands the others on to."""
    names: set[str] = set()
    for each in kind.__mro__:
        if "__init__" not in vars(each):
            continue
        parameters = inspect.signature(each.__init__).parameters.values()  # type: ignore[misc]
        names.update(p.name for p in parameters if p.kind is not p.VAR_KEYWORD)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return frozenset(names - {"self", "args", "kwargs"})
