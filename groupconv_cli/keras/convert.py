"""Any Keras model with its grouped convolutions fast, and back with stock ones."""

from __future__ import annotations

import warnings
from inspect import isfunction
from typing import Any

import keras

from groupconv_cli.errors import UsageError
from groupconv_cli.layers import GROUPED


def accelerate_model(model: Any) -> Any:
    """A copy of the model whose grouped convolutions are fast; see `groupconv_cli.accelerate`."""
    fast = _converted(model, GROUPED)
    missed = [layer.name for layer in _layers(fast) if _is_subclass_of_stock(layer)]
    if missed:
        warnings.warn(
            "these layers are of a class of their own and stay as they are: " + ", ".join(missed),
            stacklevel=3,
        )
    return fast


def portable_model(model: Any) -> Any:
    """A copy of the model of stock Keras layers; see `groupconv_cli.portable`."""
    return _converted(model, {fast: stock for stock, fast in GROUPED.items()})


def _converted(model: Any, classes: dict[type, type]) -> Any:
    """A copy in which the grouped convolutions of a class of the mapping have the other one."""
    copy = _copy(model)
    for layer in _layers(copy):
        other = classes.get(type(layer))
        if other is not None and layer.groups > 1:
            # The copy is ours alone, and the two classes differ in a method only: so the layer
            # keeps its weights, its name and its place wherever the model or a layer holds it.
            layer.__class__ = other
    return copy


def _copy(model: Any) -> Any:
    """The model again, with weights of its own of the same values, compiled as it was.

    Raises UsageError if Keras cannot clone it.
    """
    # The user's own classes and losses need not be registered: they are at hand.
    own: dict[str, Any] = {type(layer).__name__: type(layer) for layer in _layers(model)}
    losses = keras.tree.flatten(model.loss) if model.compiled else []
    own |= {loss.__name__: loss for loss in losses if isfunction(loss)}
    own = {name: thing for name, thing in own.items() if not _is_known(thing)}
    try:
        with keras.saving.custom_object_scope(own):
            copy = _clone(model)
            if model.built and not copy.built:
                copy.build_from_config(model.get_build_config())
    except (AttributeError, KeyError, NotImplementedError, TypeError, ValueError) as error:
        reason = str(error).strip() or type(error).__name__
        raise UsageError(f"Keras cannot clone model {model.name!r}: {reason}") from error
    _copy_state(model, copy)
    return copy


def _clone(model: Any) -> Any:
    if isinstance(model, keras.Sequential) or hasattr(model, "operations"):
        return keras.models.clone_model(model, clone_function=_clone_layer, recursive=True)
    return keras.models.clone_model(model)


def _clone_layer(layer: Any) -> Any:
    if type(layer) is keras.layers.Lambda:
        # Its function may be one that cannot be written down.
        return keras.layers.Lambda(
            layer.function,
            output_shape=layer._output_shape,
            mask=layer.mask,
            arguments=layer.arguments,
            name=layer.name,
        )
    return layer.__class__.from_config(layer.get_config())


def _copy_state(model: Any, copy: Any) -> None:
    for layer, twin in zip(_layers(model), _layers(copy), strict=True):
        if twin.name != layer.name:
            twin.name = layer.name  # a layer that a layer makes is not in any config
        if twin.trainable != layer.trainable:
            twin.trainable = layer.trainable
    copy.set_weights(model.get_weights())
    if model.compiled and model.optimizer is not None and model.optimizer.built:
        copy.optimizer.build(copy.trainable_variables)
        for variable, twin in zip(model.optimizer.variables, copy.optimizer.variables, strict=True):
            twin.assign(variable)


def _layers(model: Any) -> list[Any]:
    """The model and every layer in it, each once, however deep."""
    return list({id(layer): layer for layer in model._flatten_layers()}.values())


def _is_known(thing: Any) -> bool:
    return str(thing.__module__).split(".")[0] in {"keras", "groupconv_cli"}


def _is_subclass_of_stock(layer: Any) -> bool:
    known = {*GROUPED, *GROUPED.values()}
    return isinstance(layer, tuple(GROUPED)) and type(layer) not in known and _groups(layer) > 1


def _groups(convolution: Any) -> int:
    return int(convolution.groups)
