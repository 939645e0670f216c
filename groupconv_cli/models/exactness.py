"""Whether the layers that gconv would make for an op compute what a Keras model computes there.

They are made and compared with those of the model, argument by argument. So an argument of Keras
that no op has is noticed without being known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import keras

from groupconv_cli.keras_internals import fresh_names
from groupconv_cli.models.layouts import LAST
from groupconv_cli.models.tracing import Trace
from groupconv_cli.ops.activation import FUNCTIONS, NAMED, activation
from groupconv_cli.ops.base import Op, Shape
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.norm import Rescaling
from groupconv_cli.ops.shape import ChannelShuffle, Slice
from groupconv_cli.runtime import as_shipped
from groupconv_cli.words import printable, shortened

SINGLE = "float32"

UNIMPORTANT = {"name", "trainable", "dtype", "seed", "autocast"}
"""Arguments that change no output, or are compared in another way."""

FOR_TRAINING = ("_initializer", "_regularizer", "_constraint", "activity_regularizer")
"""Ends of the names of arguments that do not change what given weights compute."""

SETTLED = {"PReLU": {"shared_axes"}}
"""Arguments of layers that the shapes of their weights settle."""

STRICTLY_READ = {
    *("EinsumDense", "LayerScale", "ReLU", "Softmax", "StochasticDepth", "ops.Concatenate"),
    *("ops.Add", "ops.Gelu", "ops.Maximum", "ops.Multiply", "ops.Relu", "ops.Relu6"),
    "ops.Reshape",
    *("ops.Sigmoid", "ops.Silu", "ops.Softmax"),
}
"""Classes whose ops make layers of another class. `from_keras` of the op accepts only what those
compute; what a use is called with besides tensors is checked here."""

Settings = dict[str, Any]


class Made(NamedTuple):
    """One layer or operation in a form that can be compared."""

    known_as: str
    settings: Settings
    """Its arguments that matter."""
    constants: tuple[Any, ...] = ()
    """What it is called with besides tensors."""


def why_not(op: Op, inputs: tuple[Shape, ...], uses: Sequence[LayerUse]) -> str | None:
    """What the layers of the op on these inputs would not do as the `uses` do; None if nothing.

    The answer begins with the class of a layer. What `applied_activation` finds is not compared.
    """
    for use in uses:
        difference = _unusual(use)
        if difference:
            return difference
    if isinstance(op, Rescaling | Slice) and uses[0].known_as.startswith("ops."):
        return None  # it has read all that the operation was called with
    if len(uses) == 1 and uses[0].known_as in STRICTLY_READ:
        too_few = op.merges and len(inputs) < 2
        return shown_kind(uses[0]) if too_few else _called_with_more(uses[0])
    if isinstance(op, ChannelShuffle):  # which is made of layers or of operations
        return next(filter(None, map(_called_with_more, uses)), None)
    made = _made_for(op, inputs)
    if [each.known_as for each in made] != [use.known_as for use in uses]:
        return shown_kind(uses[-1])
    differences = (_difference(use, other) for use, other in zip(uses, made, strict=True))
    return next(filter(None, differences), None)


def why_not_separable(use: LayerUse, depthwise: Any, filters: int) -> str | None:
    """The same for a separable convolution, of whose window `depthwise` has the arguments."""
    rank = len(use.inputs[0]) - 2
    if len(set(depthwise.stride)) > 1:  # TensorFlow does not run it
        return f"{shown_kind(use)} with {_shown(f'strides={depthwise.stride}')}"
    with as_shipped(), fresh_names():
        layer = getattr(keras.layers, f"SeparableConv{rank}D")(
            filters,
            depthwise.kernel,
            strides=depthwise.stride,
            padding=depthwise.padding,
            dilation_rate=depthwise.dilation,
            depth_multiplier=depthwise.multiplier,
            use_bias=use.operation.use_bias,
            data_format="channels_last",
        )
        other = Made(type(layer).__name__, _settings(layer))
    return _unusual(use) or _difference(use, other)


def applied_activation(use: LayerUse) -> Op | str | None:
    """The activation that a layer applies itself, as an op; its name if no op computes it."""
    function = getattr(use.operation, "activation", None)
    if function is None or function is keras.activations.linear:
        return None
    name = getattr(function, "__name__", type(function).__name__)
    known = (name in FUNCTIONS or name in NAMED) and keras.activations.get(name) is function
    return activation(name) if known else _shown(name)


def shown_kind(use: LayerUse) -> str:
    """The class of a layer, for a message."""
    prefix = "keras." if use.known_as.startswith("ops.") else ""
    return _shown(prefix + (use.known_as or type(use.operation).__name__))


@lru_cache(maxsize=2048)
def _made_for(op: Op, inputs: tuple[Shape, ...]) -> tuple[Made, ...]:
    """What gconv makes for an op on these inputs."""
    calls = op.calls("made", *inputs)
    with as_shipped(), fresh_names(), keras.StatelessScope(initialize_variables=False):
        if len(calls) == 1 and calls[0].of == "layers":
            layer = calls[0].make()
            return (Made(type(layer).__name__, _settings(layer)),)
        entries = [keras.Input(shape) for shape in inputs]
        x: Any = entries if op.merges else entries[0]
        for call in calls:
            x = call.make()(x)
        trace = Trace()
        trace.walk(keras.Model(entries, x), [trace.tensor(shape, SINGLE) for shape in inputs])
    made = []
    for use in trace.uses:
        prefix = "" if isinstance(use.operation, keras.layers.Layer) else "ops."
        known_as = prefix + type(use.operation).__name__
        made.append(Made(known_as, _settings(use.operation), _constants(use.args, use.kwargs)))
    return tuple(made)


def _settings(operation: Any) -> Settings:
    """The arguments of a layer or operation that change what it computes."""
    try:
        config = operation.get_config()
    except Exception:  # noqa: BLE001  (a class may raise anything; it is then like no other)
        return {"get_config": object()}
    settled = SETTLED.get(type(operation).__name__, set())
    return {
        key: _plain(value)
        for key, value in config.items()
        if key not in UNIMPORTANT and key not in settled and not key.endswith(FOR_TRAINING)
    }


def _plain(value: Any) -> Any:
    """The value with tuples for lists: a file has lists where a program had tuples."""
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def _constants(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """What a call gives besides tensors, without what is the same as nothing."""
    named = {key: value for key, value in kwargs.items() if value is not None}
    if not named.get("training"):
        named.pop("training", None)
    return tuple(
        _plain(each) for each in (*args, *sorted(named.items())) if not _only_tensors(each)
    )


def _only_tensors(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_only_tensors, value)) and bool(value)
    return value is None or isinstance(value, keras.KerasTensor)


def _unusual(use: LayerUse) -> str | None:
    """What no layer of gconv has: another dtype, channels first."""
    policy = getattr(getattr(use.operation, "dtype_policy", None), "name", SINGLE)
    if policy != SINGLE:
        return f"{shown_kind(use)} in {_shown(policy)}"
    return f"{shown_kind(use)} with channels first" if use.channels != LAST else None


def _difference(use: LayerUse, other: Made) -> str | None:
    """The first difference of a use from what gconv makes."""
    if _constants(use.args, use.kwargs) != other.constants:
        return _called_with_more(use) or shown_kind(use)
    own = _settings(use.operation)
    if "target_shape" in own:
        own["target_shape"] = use.output[1:]  # which may be written with -1
    for key in {**other.settings, **own}:
        if key == "activation" and "use_bias" in own:
            continue  # a layer of its own: see `applied_activation`
        if key == "axis" and key in own and use.is_over_channels(own[key]):
            continue
        if key not in own or key not in other.settings or own[key] != other.settings[key]:
            return f"{shown_kind(use)} with {_shown(f'{key}={own.get(key)}')}"
    return None


def _called_with_more(use: LayerUse) -> str | None:
    constants = _constants(use.args, use.kwargs)
    return f"{shown_kind(use)} with {_shown(str(constants[0]))}" if constants else None


def _shown(text: str) -> str:
    return printable(shortened(text))
