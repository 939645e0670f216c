"""What gconv uses of Keras that Keras does not publish: every such name, and nothing else.

Names under `keras.src` and those that begin with `_` may move in any release. So each stands behind
a function here, and each function has a test in `tests/test_keras_internals.py` that says what
breaks. All were read in Keras 3.12.0 and 3.15.1, the lowest and the newest of our range, and are
the same in both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.legacy.saving import saving_options, saving_utils
from keras.src.models import functional
from keras.src.saving import serialization_lib


def name_operation(tensor: Any, name: str) -> None:
    """Names the operation that a symbolic tensor comes from, as a layer is named by its argument.

    It is `_keras_history`. Functions of keras.ops take no name, and nothing published leads from a
    tensor to what made it. Python code that gconv writes does the same.
    """
    tensor._keras_history.operation.name = name


def graph_of(layer: Any) -> Any:
    """The functional model that a layer is or stands for, or None if it has no graph to walk.

    In Keras a model with a graph is of the class `Functional`, and a Sequential that was built has
    one as `_functional`. Neither is published, and nothing published tells whether a model's graph
    is all that it computes: a model may have a `call` of its own beside it.
    """
    call = type(layer).call if isinstance(layer, keras.Model) else None
    if call is keras.Sequential.call:
        return layer._functional
    return layer if call is functional.Functional.call else None


def walk_graph(graph: Any, tensors: list[Any], visitor: Callable[[Any], Callable[..., Any]]) -> Any:
    """Goes through a graph from these inputs on; returns what stands for its outputs.

    `visitor` is given each layer or operation in turn, and returns what is called in its place.

    It is `_run_through_graph`, which `call` goes through too. A published way to see which tensors
    a layer is used on is missing: `clone_model` calls layers, but makes each anew.
    """
    return graph._run_through_graph(tensors, operation_fn=visitor)


def all_layers(layer: Any) -> list[Any]:
    """The layer and every layer in it, however deep; one that is in several is there repeatedly.

    It is `_flatten_layers`. The published `layers` has those of a model that it was made of, and
    not what layers of the user's own hold.
    """
    return list(layer._flatten_layers())


def compile_arguments(model: Any) -> Any:
    """What a compiled model was compiled with, as it was given; None if Keras has not kept it.

    It is `_compile_config`. The published `get_compile_config` gives out names in place of the
    functions and classes themselves.
    """
    kept = getattr(model, "_compile_config", None)
    return kept.config if kept else None


@contextmanager
def fresh_names() -> Iterator[None]:
    """While this is open, Keras names layers as in a fresh program; after it, as if nothing was.

    It is two entries of Keras' global state: how often each name was given, and the variables that
    wait for their values. The published `clear_session` empties them for good, and the models of
    whoever called us would be named differently.
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
def before_each_node(action: Callable[[], None]) -> Iterator[None]:
    """While this is open, `action` runs each time that Keras looks for the inputs of a layer.

    What it raises ends the reading of the model. It is the function `deserialize_node`, which Keras
    calls in a loop that some versions never leave for a description of layers whose inputs are
    missing. Nothing published bounds that loop.
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

    It is what Keras does as it loads such a file. The published way, `load_model`, reads the
    weights as well, which may be more than there is memory. Without `trust` no code of the file
    runs.
    """
    legacy = saving_options.keras_option_scope(use_legacy_config=True)
    with legacy, serialization_lib.SafeModeScope(not trust):
        return saving_utils.model_from_config(config)


def is_stock(kind: type) -> bool:
    """Whether a class is one of Keras' own.

    Classes of Keras are defined in modules under `keras.src`. Layers are published one by one, the
    classes of operations, such as `Einsum`, are not.
    """
    return kind.__module__.startswith("keras.src.")


def family_of(kind: type) -> str:
    """The part of Keras that a class of its own is defined in: 'layers.pooling', for one; else ''.

    It is read off the module under `keras.src`. Nothing published tells a pooling layer from a
    recurrent one.
    """
    return ".".join(kind.__module__.split(".")[2:4]) if is_stock(kind) else ""
