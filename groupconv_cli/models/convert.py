"""Makes the grouped convolutions of any Keras model fast, and stock again."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import isfunction
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import first_line
from groupconv_cli.keras_internals import all_layers, compile_arguments
from groupconv_cli.layers import GROUPED
from groupconv_cli.runtime import deep, quiet

STOCK = {fast: stock for stock, fast in GROUPED.items()}


def accelerate_model(model: Any) -> Any:
    """A copy of the model whose grouped convolutions are fast; see `groupconv_cli.accelerate`."""
    copy = _copy(model)
    make_fast(copy)
    own = [x for x in _of_own_classes(copy, tuple(GROUPED)) if x.groups > 1]
    _warn_of("layers have custom classes", own)
    _warn_of("layers make grouped convolutions themselves", _convolving(copy, own))
    return copy


def make_fast(model: Any) -> None:
    """Makes the grouped convolutions of a model fast. Nothing else may use it or have run it.

    The two classes differ only in a method. So a layer keeps its weights, its name and its place
    wherever the model or another layer holds it.
    """
    for layer in _layers(model):
        if type(layer) in GROUPED and layer.groups > 1:
            layer.__class__ = GROUPED[type(layer)]


@contextmanager
def accelerated(
    model: Any, stand_in: Callable[[Any], type | None] = lambda _: None
) -> Iterator[None]:
    """While this is open, the grouped convolutions of the model itself are fast.

    `stand_in` gives the classes that other layers have meanwhile: as their own, but for a method.
    """
    own = []
    for layer in _layers(model):
        kind = type(layer)
        grouped = GROUPED[kind] if kind in GROUPED and layer.groups > 1 else None
        other = grouped or stand_in(layer)
        if other:
            own.append((layer, kind))
            layer.__class__ = other
    try:
        yield
    finally:
        for layer, kind in own:
            layer.__class__ = kind


def portable_model(model: Any) -> Any:
    """A copy of the model with stock Keras layers; see `groupconv_cli.portable`."""
    copy = _copy(model)
    for layer in _layers(copy):
        if type(layer) in STOCK:
            layer.__class__ = STOCK[type(layer)]
    _warn_of("layers have custom classes", [*_of_own_classes(copy, tuple(STOCK))])
    return copy


def changed(model: Any, copy: Any) -> list[str]:
    """The names of the layers that have another class in the copy."""
    pairs = zip(_layers(model), _layers(copy), strict=True)
    return [layer.name for layer, twin in pairs if type(layer) is not type(twin)]


def trained_pairs(model: Any, copy: Any) -> list[tuple[Any, Any]]:
    """Pairs of trained weights of the model and the copy, without kernels of unchanged layers.

    A weight of more than two axes in an unchanged layer may be a kernel. TensorFlow may compute its
    gradient wrongly in both models, and differently each time.
    """
    converted = {
        id(weight)
        for layer, twin in zip(_layers(model), _layers(copy), strict=True)
        if type(layer) is not type(twin)
        for weight in layer.trainable_weights
    }
    pairs = zip(model.trainable_weights, copy.trainable_weights, strict=True)
    return [
        (weight, twin)
        for weight, twin in pairs
        if len(weight.shape) <= 2 or id(weight) in converted
    ]


def has_fast_layers(model: Any) -> bool:
    """Whether the model has one of gconv's fast layers."""
    return any(type(layer) in STOCK for layer in _layers(model))


def left_alone(model: Any, *, fast: bool) -> list[str]:
    """The names of the grouped convolutions that stayed unchanged, for either direction."""
    classes = tuple(GROUPED) if fast else tuple(STOCK)
    return [layer.name for layer in _of_own_classes(model, classes) if layer.groups > 1]


def _of_own_classes(model: Any, classes: tuple[type, ...]) -> Iterator[Any]:
    known = {*GROUPED, *STOCK}
    return (x for x in _layers(model) if isinstance(x, classes) and type(x) not in known)


def _convolving(model: Any, known: list[Any]) -> list[Any]:
    """Custom layers that call `keras.ops.conv` with groups, as far as a trace shows it.

    Known layers are left out. Of layers that contain one another, only the innermost is returned.
    """
    found = list(known)
    for layer in reversed(_layers(model)):  # inner layers come after the layers that contain them
        if type(layer).__module__.split(".")[0] in {"keras", "groupconv_cli"}:
            continue
        _, *inside = all_layers(layer)
        if not any(other is layer or other in inside for other in found) and _calls_xla(layer):
            found.append(layer)
    return found[len(known) :][::-1]


@quiet()
def _calls_xla(layer: Any) -> bool:
    """Whether a trace of the layer has a convolution that Keras hands to XLA: one with groups."""
    import tensorflow as tf

    try:
        shape = layer.get_build_config()["input_shape"]
        signature = [tf.TensorSpec(shape, layer.compute_dtype)]
        traced = tf.function(layer.call, input_signature=signature, autograph=False)
        functions = traced.get_concrete_function().graph.as_graph_def().library.function
    except Exception:  # noqa: BLE001
        # It takes several inputs, or raises any error that a user's code may raise.
        return False
    return any(
        function.attr["_XlaMustCompile"].b
        and any(node.op.startswith("Conv") for node in function.node_def)
        for function in functions
    )


def _warn_of(what: str, layers: list[Any]) -> None:
    if layers:
        names = ", ".join(layer.name for layer in layers)
        warnings.warn(f"these {what} and stay unchanged: {names}", stacklevel=4)


@quiet()
def _copy(model: Any) -> Any:
    """A copy of the model, saved and loaded again: that is how Keras keeps everything in a model.

    Raises UsageError if Keras cannot do that, or the copy does not have the same layers.
    """
    if not isinstance(model, keras.Model):
        hint = None
        if isinstance(model, str | PathLike):
            hint = f"load it first: keras.saving.load_model({fspath(model)!r})"
        raise UsageError(f"needs a Keras model, got {type(model).__name__}", hint)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        # These warnings are advice for files that are kept.
        warnings.filterwarnings("ignore", "The object being serialized includes a `lambda`")
        warnings.filterwarnings("ignore", "You are saving a model that has not yet been built")
        path = Path(folder, "model.keras")
        own = own_objects(model)
        try:
            model.save(path)
            with _dtype_policy(model.dtype_policy), deep():
                copy = keras.models.load_model(path, custom_objects=own, safe_mode=False)
        except Exception as error:
            # Keras raises errors of any kind here, including those of custom classes.
            raise UsageError(
                f"Keras cannot clone model {model.name!r}: {first_line(error)}"
            ) from error
    originals, twins = _layers(model), _layers(copy)
    if [_stock_class(layer) for layer in originals] != [_stock_class(twin) for twin in twins]:
        raise UsageError(
            f"Keras cannot clone model {model.name!r}: loaded again, it has other layers"
        )
    for layer, twin in zip(originals, twins, strict=True):
        # A layer that another layer makes is not in any config.
        if twin.name != layer.name:
            twin.name = layer.name
        if twin.trainable != layer.trainable:
            twin.trainable = layer.trainable
    return copy


@contextmanager
def _dtype_policy(policy: Any) -> Iterator[None]:
    """Sets the dtype policy, which no file contains. It decides whether the loss is scaled."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _stock_class(layer: Any) -> type:
    return STOCK.get(type(layer), type(layer))


def own_objects(model: Any) -> dict[str, Any]:
    """The custom classes and functions in the model, which need not be registered."""
    used: list[Any] = []
    for layer in _layers(model):
        used += [type(layer), *vars(layer).values()]
    if model.compiled:
        used += keras.tree.flatten(compile_arguments(model) or model.loss)
    own = [thing if isfunction(thing) else _class_of(thing) for thing in used]
    return {
        thing.__name__: thing
        for thing in own
        if thing.__module__.split(".")[0] not in {"builtins", "keras", "groupconv_cli"}
    }


def _class_of(thing: Any) -> type:
    return thing if isinstance(thing, type) else type(thing)


def _layers(model: Any) -> list[Any]:
    """The model and every layer in it, each once, however deep."""
    return list({id(layer): layer for layer in all_layers(model)}.values())
