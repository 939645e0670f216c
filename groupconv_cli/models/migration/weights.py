"""Weights of Keras 2 into a model that was made of the migrated description.

They are found by the names and places of layers, in the order in which Keras 2 wrote them, and
every shape is checked before a value is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from groupconv_cli.errors import UsageError
from groupconv_cli.models.migration.layers import CUDNN
from groupconv_cli.models.migration.migrate import MODELS, new_names
from groupconv_cli.models.migration.origin import Origin, origin_of, shown
from groupconv_cli.models.safety import opened_weights
from groupconv_cli.models.weights import MAX_NAMED, SAVE_AGAIN, shown_shapes

PARTS = {
    *("cell", "layer", "forward_layer", "backward_layer"),
    *("_query_dense", "_key_dense", "_value_dense", "_output_dense"),
}
"""Attributes of layers that are layers with weights."""

TWO_WAYS = {"forward_layer", "backward_layer"}
"""Parts of a Bidirectional, which describes one layer if they are alike."""

FOLDERS = ("layers", "_layer_checkpoint_dependencies")
"""Where a model's layers are; the second one in files of 2.12."""

if TYPE_CHECKING:
    from groupconv_cli.models.migration.conversions import Convert

Tree = dict[str, Any]


class _Part(NamedTuple):
    """Variables of one layer, and the arrays for them."""

    name: str
    variables: list[Any]
    arrays: list[Any]


def load_weights(model: Any, config: dict[str, Any], path: Path) -> None:
    """Puts the weights of a file of Keras 2 into the model of its migrated description.

    `config` is the description as Keras 2 wrote it.

    Raises UsageError if the file has other weights than the model.
    """
    from groupconv_cli.models.migration.conversions import from_cudnn, larger_inputs

    with opened_weights(path, SAVE_AGAIN) as file:
        walk = _Walk(origin_of(path, config))
        root = file.get("model_weights", file)
        if any(name.startswith("layer_names") for name in root.attrs):
            parts = list(walk.by_name(model, config, root))
        else:
            parts = list(walk.by_place(model, config, _tree(file), str(model.name)))
        convert = larger_inputs(path, model) | from_cudnn(walk.pairs(model, config))
        parts = [_converted(part, convert) for part in parts]
        faults = [fault for part in parts for fault in _faults(part)]
        given = {id(variable) for part in parts for variable in part.variables}
        if any(id(variable) not in given for variable in model.weights):
            faults.append("the file has no weights for some of its layers")
        if faults:
            raise _mismatch(path, model.name, faults)
        for part in parts:
            for variable, array in zip(part.variables, part.arrays, strict=True):
                variable.assign(array)


def _converted(part: _Part, convert: dict[int, Convert]) -> _Part:
    """The part with the arrays as its variables take them. Those without a variable stay."""
    import numpy as np

    arrays = [np.asarray(array) for array in part.arrays]
    for index, variable in enumerate(part.variables[: len(arrays)]):
        change = convert.get(id(variable))
        if change is not None:
            arrays[index] = change(arrays[index])
    return part._replace(arrays=arrays)


def _faults(part: _Part) -> Iterator[str]:
    wanted = [tuple(variable.shape) for variable in part.variables]
    found = [tuple(array.shape) for array in part.arrays]
    if wanted != found:
        yield (
            f"layer {shown(part.name)!r} has weights {shown_shapes(wanted) or 'none'}, the file "
            f"has {shown_shapes(found) or 'none'}"
        )


def _mismatch(path: Path, name: str, faults: list[str]) -> UsageError:
    named = faults[:MAX_NAMED]
    if len(faults) > MAX_NAMED:
        named.append(f"and {len(faults) - MAX_NAMED:,} more")
    return UsageError(f"the weights in {path} do not fit {name}:", details=named)


class _Inner(NamedTuple):
    """A layer of a model, and what Keras 2 wrote of it. There is none for a Sequential's input."""

    layer: Any
    described: dict[str, Any]


@dataclass(frozen=True)
class _Walk:
    """Goes through a model and its description side by side."""

    origin: Origin

    def inner(self, model: Any, described: Any) -> list[_Inner] | None:
        """The layers of a model in the order of Keras 2; None for what is no model."""
        if not isinstance(described, dict) or described.get("class_name") not in MODELS:
            return None
        config = described["config"]
        things = config if isinstance(config, list) else config["layers"]
        if described["class_name"] != "Sequential":
            made = {each.name: each for each in model.layers}
            names = new_names(self.origin, things)
            return [_Inner(made.get(names[thing["name"]]), thing) for thing in things]
        # Keras lists neither the input of a Sequential, nor says how many of its layers are one.
        left = iter(model.layers)
        inputs = [thing["class_name"] == "InputLayer" for thing in things]
        return [
            _Inner(None if is_input else next(left), thing)
            for is_input, thing in zip(inputs, things, strict=True)
        ]

    def weights(self, layer: Any, described: Any) -> list[Any]:
        """The weights of a layer in the order of Keras 2: those that are trained are first."""
        inner = self.inner(layer, described)
        wrapped = _part_of(described, "layer")
        if inner is not None:
            every = [weight for each in inner for weight in self.weights(*each)]
            found = list({id(weight): weight for weight in every}.values())
        elif wrapped.get("class_name") in MODELS and hasattr(layer, "layer"):
            found = self.weights(layer.layer, wrapped)
        else:
            found = [] if layer is None else list(layer.weights)
        return sorted(found, key=lambda weight: not weight.trainable)

    def pairs(self, layer: Any, described: Any) -> Iterator[tuple[Any, str]]:
        """A layer and every layer in it, each with its class in Keras 2."""
        if layer is None:
            return
        yield layer, str(described.get("class_name"))
        for each in self.inner(layer, described) or ():
            yield from self.pairs(*each)
        for key in PARTS:
            wanted = "layer" if not _part_of(described, key) and key in TWO_WAYS else key
            if _part_of(described, wanted):
                yield from self.pairs(getattr(layer, key, None), _part_of(described, wanted))

    def by_name(self, model: Any, config: dict[str, Any], root: Any) -> Iterator[_Part]:
        """The layers of a model with their arrays in an .h5 file: a group for each, by name."""
        names = {_text(name) for name in _names(root, "layer_names")}
        for each in self.inner(model, config) or []:
            name = str(each.described.get("name") or _config_of(each.described).get("name"))
            variables = self.weights(*each)
            arrays = []
            if name in names:
                group = root[name]
                arrays = [group[_text(array)] for array in _names(group, "weight_names")]
            if variables or arrays:
                yield _Part(name, variables, arrays)

    def by_place(self, layer: Any, described: Any, tree: Tree, name: str) -> Iterator[_Part]:
        """A layer and those in it with their arrays in a .keras file, which has no names.

        A layer is found by its class and its place among those of the class.
        """
        if layer is not None and described.get("class_name") in CUDNN:
            layer = layer.cell  # a layer of cuDNN has no cell in it
        own: dict[str, Any] = {}
        if layer is not None:
            layer.save_own_variables(own)
        variables = _variables_of(layer, own)
        arrays = _numbered(tree.get("vars", {}))
        if variables or arrays:
            yield _Part(name, variables, arrays)
        inner = self.inner(layer, described)
        if inner is not None:
            folder: Tree = next((tree[key] for key in FOLDERS if key in tree), {})
            yield from self._in_folder(inner, folder)
        elif "cells" in tree:
            cells = [_Inner(*pair) for pair in zip(layer.cells, _cells(described), strict=True)]
            yield from self._in_folder(cells, tree["cells"])
        # A Bidirectional has the layer that it was made of as well, which never had weights.
        for key in sorted(key for key in PARTS & set(tree) if _has_arrays(tree[key])):
            part = getattr(layer, key, None)
            yield from self.by_place(part, _part_of(described, key), tree[key], f"{name}/{key}")

    def _in_folder(self, inner: list[_Inner], folder: Tree) -> Iterator[_Part]:
        kinds: dict[str, list[_Inner]] = {}
        for each in inner:
            kinds.setdefault(_snake_case(each.described["class_name"]), []).append(each)
        for kind, layers in kinds.items():
            # Versions number the layers of a class in ways of their own, in the same order.
            places = sorted(
                (int(found[1] or 0), key)
                for key in folder
                if (found := re.fullmatch(rf"{re.escape(kind)}(?:_(\d{{1,9}}))?", key))
            )
            for place, each in enumerate(layers):
                tree = folder[places[place][1]] if place < len(places) else {}
                name = each.layer.name if each.layer is not None else kind
                yield from self.by_place(each.layer, each.described, tree, str(name))


def _config_of(described: Any) -> dict[str, Any]:
    config = described.get("config") if isinstance(described, dict) else None
    return config if isinstance(config, dict) else {}


def _part_of(described: Any, key: str) -> dict[str, Any]:
    part = _config_of(described).get(key)
    return part if isinstance(part, dict) else {}


def _cells(described: Any) -> list[Any]:
    cells = _config_of(described).get("cells")
    return cells if isinstance(cells, list) else []


def _has_arrays(tree: Any) -> bool:
    return any(map(_has_arrays, tree.values())) if isinstance(tree, dict) else True


def _variables_of(layer: Any, own: dict[str, Any]) -> list[Any]:
    """A layer's own variables in the order in which it saves them."""
    every = list(layer.variables) if layer is not None else []
    return [next(each for each in every if each is value) for value in own.values()]


def _snake_case(kind: str) -> str:
    """As Keras 2 makes names of classes."""
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()


def _tree(root: Any) -> Tree:
    """The groups and arrays of a file as mappings. Windows wrote its own slashes into names."""
    import h5py

    tree: Tree = {}

    def visit(place: str, item: Any) -> None:
        *folders, name = place.replace("\\", "/").split("/")
        at = tree
        for folder in folders:
            at = at.setdefault(folder, {})
        if isinstance(item, h5py.Group):
            at.setdefault(name, {})
        else:
            at[name] = item

    root.visititems(visit)
    return tree


def _numbered(arrays: Tree) -> list[Any]:
    return [arrays[key] for key in sorted(arrays, key=lambda key: (len(key), key))]


def _names(group: Any, attribute: str) -> list[Any]:
    """A list of names, which is in several attributes if it is long."""
    if attribute in group.attrs:
        return list(group.attrs[attribute])
    parts = sorted(
        (int(name[len(attribute) :]), name)
        for name in group.attrs
        if re.fullmatch(rf"{attribute}\d{{1,9}}", name)
    )
    return [name for _, part in parts for name in group.attrs[part]]


def _text(name: Any) -> str:
    return name.decode("utf-8") if isinstance(name, bytes) else str(name)
