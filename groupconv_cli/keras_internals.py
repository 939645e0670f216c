"""All private names of Keras that gconv uses, and nothing else.

Names under `keras.src` and names that begin with `_` may move in any release. So each has a
function here, and each function has a test in `tests/test_keras_internals.py` that tells what
breaks. All names were checked in Keras 3.12.0 and 3.15.1, the lowest and the newest supported
versions, and are the same in both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import keras
from keras.src import backend
from keras.src import ops as operations
from keras.src.backend.common import global_state
from keras.src.legacy.saving import saving_options, saving_utils
from keras.src.models import functional
from keras.src.random import seed_generator
from keras.src.saving import serialization_lib


def name_operation(tensor: Any, name: str) -> None:
    """Names the operation that a symbolic tensor comes from, as a layer is named by its argument.

    It uses `_keras_history`. Functions of keras.ops take no name, and nothing public leads from a
    tensor to its operation. The Python code that gconv writes does the same.
    """
    tensor._keras_history.operation.name = name


def graph_of(layer: Any) -> Any:
    """The functional model that a layer is or contains, or None if it has no graph to walk.

    In Keras a model with a graph is of the class `Functional`, and a Sequential that was built has
    such a model as `_functional`. Neither is public, and nothing public tells whether a model
    computes only its graph: it may also have a `call` of its own.
    """
    call = type(layer).call if isinstance(layer, keras.Model) else None
    if call is keras.Sequential.call:
        return layer._functional
    return layer if call is functional.Functional.call else None


def walk_graph(graph: Any, tensors: list[Any], visitor: Callable[[Any], Callable[..., Any]]) -> Any:
    """Goes through a graph from these inputs on; returns the results for its outputs.

    `visitor` gets each layer or operation in turn, and returns a function to call in its place.

    It uses `_run_through_graph`, as `call` does. There is no public way to see the tensors that a
    layer is used on: `clone_model` calls layers, but makes a new layer for each.
    """
    return graph._run_through_graph(tensors, operation_fn=visitor)


def traced_spec(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The outputs of a layer or operation as symbolic tensors, found by tracing its computation.

    It uses `backend.compute_output_spec`. The public `compute_output_spec` of a layer answers by
    the rule of the layer, and some rules leave a size open that the inputs decide.
    """
    return backend.compute_output_spec(operation.call, *args, **kwargs)


def all_layers(layer: Any) -> list[Any]:
    """The layer and every layer in it, at any depth. A layer inside several others is repeated.

    It uses `_flatten_layers`. The public `layers` has only the layers that a model was made of, and
    not the layers inside custom layers.
    """
    return list(layer._flatten_layers())


def compile_arguments(model: Any) -> Any:
    """The arguments that a model was compiled with; None if Keras has not kept them.

    It uses `_compile_config`. The public `get_compile_config` returns names in place of the
    functions and classes themselves.
    """
    kept = getattr(model, "_compile_config", None)
    return kept.config if kept else None


@contextmanager
def fresh_names() -> Iterator[None]:
    """While this is open, Keras names layers as in a fresh program. The old state comes back after.

    It swaps two entries of Keras' global state: how often each name was given, and the variables
    that wait for their values. The public `clear_session` empties them for good, and the names of
    the caller's own models would change.
    """
    fresh: dict[str, Any] = {"object_name_uids": defaultdict(int), "uninitialized_variables": []}
    kept = {key: global_state.get_global_attribute(key) for key in fresh}
    for key, value in fresh.items():
        global_state.set_global_attribute(key, value)
    try:
        yield
    finally:
        for key, value in kept.items():
            global_state.set_global_attribute(key, value)


@contextmanager
def seeds_from(generator: Random) -> Iterator[None]:
    """While this is open, the seeds of weights and of dropout that have none come from a generator.

    It replaces the module `random` in the one module of Keras that draws such seeds from it. The
    public `set_random_seed` sets generators of the whole program, from which other threads draw.
    """
    kept = seed_generator.python_random
    seed_generator.python_random = generator
    try:
        yield
    finally:
        seed_generator.python_random = kept


@contextmanager
def before_each_node(action: Callable[[], None]) -> Iterator[None]:
    """While this is open, `action` runs each time that Keras looks for the inputs of a layer.

    An error of `action` ends the reading of the model. It wraps the function `deserialize_node`,
    which Keras calls in a loop. Some versions never leave that loop if inputs of layers are missing
    in a description. Nothing public bounds the loop.
    """
    found = functional.deserialize_node

    def watched(*args: Any, **kwargs: Any) -> Any:
        action()
        return found(*args, **kwargs)

    functional.deserialize_node = watched
    try:
        yield
    finally:
        functional.deserialize_node = found


def model_from_hdf5_config(config: dict[str, Any], *, trust: bool) -> Any:
    """The model that an HDF5 file describes, without its weights.

    Keras does the same when it loads such a file. The public `load_model` also reads the weights,
    which may be larger than memory. Without `trust` no code in the file runs.
    """
    legacy = saving_options.keras_option_scope(use_legacy_config=True)
    with legacy, serialization_lib.SafeModeScope(not trust):
        return saving_utils.model_from_config(config)


def is_stock(kind: type) -> bool:
    """Whether a class belongs to Keras.

    Classes of Keras are defined in modules under `keras.src`. Layers are public one by one, but the
    classes of operations, such as `Einsum`, are not.
    """
    return kind.__module__.startswith("keras.src.")


def family_of(kind: type) -> str:
    """The part of Keras that a class is defined in, such as 'layers.pooling'; '' for other classes.

    It comes from the name of the module under `keras.src`. Nothing public tells a pooling layer
    from a recurrent layer.
    """
    return ".".join(kind.__module__.split(".")[2:4]) if is_stock(kind) else ""


def serialized_operation(name: str, config: dict[str, Any]) -> dict[str, Any] | None:
    """An operation as Keras 3 writes it into the description of a model; None if it has none such.

    Functions of keras.ops are published, and the classes that stand for them in a model are not;
    Keras finds them by the module under `keras.src` that they are defined in.
    """
    for module in (
        operations.numpy,
        operations.nn,
        operations.core,
        operations.math,
        operations.image,
    ):
        if isinstance(getattr(module, name, None), type):
            return {
                "module": module.__name__,
                "class_name": name,
                "config": config,
                "registered_name": name,
            }
    return None
