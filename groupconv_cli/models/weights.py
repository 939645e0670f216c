"""Loads trained weights into a built model and names every mismatch."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import check_regular, foreign
from groupconv_cli.models.safety import WEIGHTS, opened_archive, opened_weights
from groupconv_cli.runtime import quiet, require
from groupconv_cli.words import printable, shortened

ENDINGS = (".weights.h5", ".keras")
NO_WEIGHTS = "has no weights that Keras can read"
SAVE_AGAIN = "save them again where they were made: model.save_weights('model.weights.h5')"

MAX_NAMED = 5
"""The most mismatches that a message names."""


class _Layer(NamedTuple):
    """The weights at one place in a file."""

    name: str
    shapes: tuple[tuple[int, ...], ...]


def check_weights_file(path: Path) -> None:
    """Raises UsageError unless weights may be read from the file."""
    if not path.name.endswith(ENDINGS):
        raise UsageError(f"weights must be in a {' or '.join(ENDINGS)} file, got {path.name!r}")
    check_regular(path)


@quiet()
def load_weights(model: Any, path: Path) -> None:
    """Loads the weights of a `.weights.h5` or `.keras` file into the model.

    Only arrays are read from a `.keras` file, and nothing in it is run. Keras finds a layer's
    weights by its class and its place among the layers of the class, not by its name.

    Raises UsageError if the file is of another kind or not safe, or if the weights do not fit this
    model. The error names the layers.
    """
    check_weights_file(path)
    require("h5py")
    found = _layers(path)
    with TemporaryDirectory() as folder:
        own = Path(folder, "own.weights.h5")
        model.save_weights(own)
        differences = _differences(_layers(own), found)
        if differences:
            raise _mismatch(model, path, differences)
        file = _extracted(path, Path(folder)) if path.suffix == ".keras" else path
        with foreign(path, NO_WEIGHTS, SAVE_AGAIN), warnings.catch_warnings():
            # Keras warns of lists without weights, but all weights were found before.
            warnings.filterwarnings("ignore", "Skipping nested container")
            model.load_weights(file)


def _extracted(path: Path, folder: Path) -> Path:
    with opened_archive(path, remedy=SAVE_AGAIN) as archive:
        return Path(archive.extract(WEIGHTS, folder))


def _layers(path: Path) -> dict[str, _Layer]:
    """The parts of the file that have weights, by their paths."""
    import h5py

    layers: dict[str, _Layer] = {}

    def visit(place: str, group: Any) -> None:
        if place.rpartition("/")[2] != "vars" or place.startswith("optimizer"):
            return
        if not isinstance(group, h5py.Group):
            raise UsageError(
                f"{path}: {place[:80]!r} in it is an array, where Keras has a group",
                SAVE_AGAIN,
            )
        arrays = [group[name] for name in sorted(group, key=_number)]
        if not all(isinstance(array, h5py.Dataset) and array.shape is not None for array in arrays):
            raise UsageError(
                f"{path}: {place[:80]!r} in it has other things than arrays", SAVE_AGAIN
            )
        if arrays:
            name = group.attrs.get("name", place.removesuffix("/vars").removeprefix("layers/"))
            layers[place] = _Layer(
                printable(shortened(str(name))), tuple(array.shape for array in arrays)
            )

    with opened_weights(path, SAVE_AGAIN) as opened:
        opened.visititems(visit)
    return layers


def _number(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (0, name)


def _differences(own: dict[str, _Layer], found: dict[str, _Layer]) -> list[str]:
    differences = []
    for place, layer in own.items():
        there = found.get(place)
        if there is None:
            differences.append(
                f"layer {layer.name!r} has weights {shown_shapes(layer.shapes)}, "
                "the file has none for it"
            )
        elif there.shapes != layer.shapes:
            shown = shown_shapes(there.shapes)
            if there.name != layer.name:
                shown += f" for {there.name!r}"
            differences.append(
                f"layer {layer.name!r} has weights {shown_shapes(layer.shapes)}, "
                f"the file has {shown}"
            )
    differences += [
        f"the file has weights {shown_shapes(layer.shapes)} for {layer.name!r}, "
        "the network has no such layer"
        for place, layer in found.items()
        if place not in own
    ]
    return differences


def shown_shapes(shapes: Iterable[tuple[int, ...]]) -> str:
    """Shapes of weights for a message."""
    return ", ".join("×".join(map(str, shape)) or "1" for shape in shapes)


def _mismatch(model: Any, path: Path, differences: list[str]) -> UsageError:
    named = differences[:MAX_NAMED]
    if len(differences) > MAX_NAMED:
        named.append(f"and {len(differences) - MAX_NAMED:,} more")
    return UsageError(f"the weights in {path} do not fit {model.name}:", details=named)
