"""The description of a model by Keras 2, as Keras 3 would have written it.

Keras 3 builds the model of what comes out of here. No values of weights are touched: they are
found again by the names of layers, see `weights.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from groupconv_cli.models.migration import layers
from groupconv_cli.models.migration.computed_sizes import ComputedSizes, computed_sizes
from groupconv_cli.models.migration.operations import OPERATIONS, operation
from groupconv_cli.models.migration.origin import Origin, major_version, origin_of, shown

MODELS = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}
"""Classes of models that have their layers in the description: before 2.3, Functional was Model."""

CONSTANT = "_CONSTANT_VALUE"
"""What stands for the name of a layer where an operation is called on a number."""


class _Inner(NamedTuple):
    """A layer of a model, as others refer to it."""

    name: str
    kind: str


def is_migrated(config: dict[str, Any]) -> bool:
    """Whether a description is of an older Keras than 3, and so `migrated` changes it."""
    return major_version(config) < 3


def migrated(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The description as Keras 3 would have written it; one by Keras 3 as it is.

    Its depth and size were checked before.

    Raises UsageError for what Keras 3 does not have, and for what Keras 2 cannot have written.
    """
    if not is_migrated(config):
        return config
    origin = origin_of(path, config)
    if str(config.get("class_name")) not in MODELS:
        raise layers.unknown(origin, config.get("class_name"), "the model")
    return _model(origin, config, "")


def _layer(origin: Origin, described: object) -> dict[str, Any]:
    """A layer or a model that stands by itself: in a model, in a wrapper."""
    thing = origin.mapping(described, "a layer")
    if str(thing.get("class_name")) in MODELS:
        return _model(origin, thing, str(thing.get("name") or ""))
    return layers.layer(origin, thing, _layer)


def _model(origin: Origin, described: dict[str, Any], name: str) -> dict[str, Any]:
    kind = MODELS[described["class_name"]]
    config = described.get("config")
    if isinstance(config, list):  # a Sequential before 2.2.3
        config = {"layers": config}
    config = dict(origin.mapping(config, "the configuration of a model"))
    named = config.get("name") or name or kind.lower()
    config["name"] = layers.plain_name(str(named))
    inner = origin.listed(config.get("layers"), "the layers of a model")
    if kind == "Sequential":
        config = _sequential(origin, config, inner)
    else:
        config = _functional(origin, config, inner)
    # Keras publishes no Functional: a Model of such a description is one.
    return layers.serialized("Model" if kind == "Functional" else kind, config, "keras")


# Sequential


def _sequential(origin: Origin, config: dict[str, Any], inner: list[Any]) -> dict[str, Any]:
    made = [_layer(origin, each) for each in inner]
    shape = _shape_of_input(inner[0]) if inner else None
    if shape is not None and made[0]["class_name"] != "InputLayer":
        name = f"{made[0]['config'].get('name', 'sequential')}_input"
        given: dict[str, Any] = {"batch_shape": shape, "name": name}
        dtype = made[0]["config"].get("dtype")
        if isinstance(dtype, str):
            given["dtype"] = dtype
        made = [layers.serialized("InputLayer", given), *made]
    for each, distinct in zip(made, layers.distinct_names(made), strict=True):
        if distinct:
            each["config"]["name"] = distinct
    # Keras builds the model when the input's shape is known, which build_input_shape tells too.
    kept = {"name": config["name"], "layers": made}
    if "build_input_shape" in config and shape is None:
        kept["build_input_shape"] = config["build_input_shape"]
    return kept


def _shape_of_input(first: Any) -> Any:
    """The input's shape as the first layer has it, which may be a model that has it of its own."""
    while isinstance(first, dict):
        config = first.get("config")
        if str(first.get("class_name")) not in MODELS:
            return config.get("batch_input_shape") if isinstance(config, dict) else None
        inner = config.get("layers") if isinstance(config, dict) else config
        first = inner[0] if isinstance(inner, list) and inner else None
    return None


# Functional


def _functional(origin: Origin, config: dict[str, Any], inner: list[Any]) -> dict[str, Any]:
    things = [origin.mapping(each, "a layer") for each in inner]
    known = _known(origin, things)
    made = []
    sizes = computed_sizes(things)
    for thing in things:
        name = thing.get("name")
        if name in sizes.dropped:
            continue
        if "inbound_nodes" not in thing:
            raise origin.damaged(f"layer {shown(name)!r} does not tell what it is called on")
        nodes = origin.listed(thing["inbound_nodes"], "the calls of a layer")
        if thing.get("class_name") in OPERATIONS:
            made += _operation(origin, thing, nodes, known, sizes)
            continue
        layer = _layer(origin, thing)
        layer["name"] = layer["config"]["name"] = known[str(name)].name
        kind = str(layer["class_name"])
        layer["inbound_nodes"] = [_call(origin, kind, node, known) for node in nodes]
        made.append(layer)
    ends = {
        f"{end}_layers": _ends(origin, config.get(f"{end}_layers"), known)
        for end in ("input", "output")
    }
    kept = {"name": config["name"], "layers": made, **ends}
    if isinstance(config.get("trainable"), bool):
        kept["trainable"] = config["trainable"]
    return kept


def new_names(origin: Origin, things: list[dict[str, Any]]) -> dict[str, str]:
    """The names that layers of a functional model have in Keras 3, by those in the file."""
    return {name: inner.name for name, inner in _known(origin, things).items()}


def _known(origin: Origin, things: list[dict[str, Any]]) -> dict[str, _Inner]:
    """The layers of a model by their names in the file."""
    known: dict[str, _Inner] = {}
    taken: set[str] = set()
    for thing in things:
        name, kind = thing.get("name"), thing.get("class_name")
        if not isinstance(name, str) or not isinstance(kind, str):
            raise origin.damaged("a layer has no name or class in its description of the model")
        new = layers.distinct(layers.plain_name(name, is_operation=kind in OPERATIONS), taken)
        known[name] = _Inner(new, MODELS.get(kind, kind))
    return known


def _operation(
    origin: Origin,
    thing: dict[str, Any],
    nodes: list[Any],
    known: dict[str, _Inner],
    sizes: ComputedSizes,
) -> list[dict[str, Any]]:
    """A function of TensorFlow, which in Keras 2 is a layer, as an operation of Keras 3."""
    config = origin.mapping(thing.get("config"), "the configuration of an operation")
    if len(nodes) != 1:
        raise origin.damaged(f"operation {shown(thing['name'])!r} is called {len(nodes)} times")
    first, arguments = _arguments(origin, sizes.replaced(nodes[0]), known)
    name = known[thing["name"]].name
    made = operation(origin, thing["name"], str(config.get("function")), first, arguments)
    if made.then is None:
        return [_called(made.described, name, made.args)]
    # Names of Keras 2 have no dots left, so this one is nobody's.
    inner = f"{name}.first"
    first = _tensor_of([inner, 0, 0])
    return [_called(made.described, inner, made.args), _called(made.then, name, [first])]


def _called(described: dict[str, Any], name: str, args: list[Any]) -> dict[str, Any]:
    """An operation with its name and what it is called on."""
    described["name"] = described["config"]["name"] = name
    described["inbound_nodes"] = [{"args": args, "kwargs": {}}]
    return described


def _call(origin: Origin, kind: str, node: Any, known: dict[str, _Inner]) -> dict[str, Any]:
    """A call of a layer: Keras 3 keeps its arguments as they were given."""
    first, arguments = _arguments(origin, node, known)
    if isinstance(first, list) and len(first) == 1:
        first = first[0]
    if kind in layers.RECURRENT and isinstance(first, list):
        # Keras 2 lists the states that a recurrent layer begins with after its input.
        first, arguments = first[0], arguments | {"initial_state": first[1:]}
    return {"args": [first], "kwargs": arguments}


def _arguments(origin: Origin, node: Any, known: dict[str, _Inner]) -> tuple[Any, dict[str, Any]]:
    """What a layer is called on, and its other arguments, which each tensor has beside it."""
    found: dict[str, Any] = {}

    def first(value: Any) -> Any:
        if _is_reference(value):
            if len(value) == 4:
                found.update(origin.mapping(value[3], "what a layer is called with"))
            return _tensor(origin, value, known)
        if isinstance(value, list) and value:
            return [first(each) for each in value]
        if isinstance(value, dict) and value:
            return {str(key): first(each) for key, each in value.items()}
        raise origin.damaged("a layer is called on something that is no tensor")

    called_on = first(node)
    given = {
        str(key): _argument(origin, value, known)
        for key, value in found.items()
        if value is not None and key != "name"
    }
    return called_on, given


def _argument(origin: Origin, value: Any, known: dict[str, _Inner]) -> Any:
    if _is_reference(value) and len(value) == 3 and value[0] in (*known, CONSTANT):
        return _tensor(origin, value, known)
    if isinstance(value, list):
        return [_argument(origin, each, known) for each in value]
    if isinstance(value, dict):
        return {str(key): _argument(origin, each, known) for key, each in value.items()}
    return value


def _is_reference(value: Any) -> bool:
    """Whether it stands for a tensor: a layer's name, which call of it, and which output of that.

    A constant has its value in the place of the output.
    """
    if not (isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str)):
        return False
    return value[0] == CONSTANT or all(type(number) is int for number in value[1:3])


def _tensor(origin: Origin, reference: list[Any], known: dict[str, _Inner]) -> Any:
    name, call, output = reference[:3]
    if name == CONSTANT:
        return layers.constant(output)
    inner = known.get(name)
    if inner is None:
        raise origin.damaged(f"its model has no layer {shown(name)!r}, which another one reads")
    if inner.kind in MODELS:  # whose own graph was their first call
        call = max(call - 1, 0)
    return _tensor_of([inner.name, call, output])


def _tensor_of(history: list[Any]) -> dict[str, Any]:
    """A tensor, by the name of a layer, which call of it, and which output of that."""
    # Keras looks up the tensor by its history, and reads neither shape nor dtype.
    config = {"shape": [], "dtype": "float32", "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": config}


def _ends(origin: Origin, value: Any, known: dict[str, _Inner]) -> Any:
    """The tensors that are a model's inputs or outputs."""
    if _is_reference(value) and value[0] in known:
        inner = known[value[0]]
        # Of these two only a Functional still counts its own graph here.
        call = max(value[1] - 1, 0) if inner.kind == "Sequential" else value[1]
        return [inner.name, call, value[2]]
    if isinstance(value, list):
        return [_ends(origin, each, known) for each in value]
    if isinstance(value, dict):
        return {str(key): _ends(origin, each, known) for key, each in value.items()}
    raise origin.damaged("its model does not tell its inputs and outputs")
