"""Descriptions of models as Keras writes them, made without Keras: of any size, and wrong ones."""

from __future__ import annotations

import json
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

SHAPE = [None, 8, 8, 4]
Description = dict[str, Any]


def tensor(source: str, use: int = 0) -> Description:
    history = [source, use, 0]
    config = {"shape": SHAPE, "dtype": "float32", "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": config}


def use_of(*sources: tuple[str, int]) -> Description:
    """A use of a layer that reads these."""
    read = [tensor(*source) for source in sources]
    return {"args": read if len(read) == 1 else [read], "kwargs": {}}


def layer(class_name: str, name: str, uses: list[Description], **config: Any) -> Description:
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": uses,
    }


def entry() -> Description:
    return layer("InputLayer", "in", [], batch_shape=SHAPE, dtype="float32")


def relu(name: str, *uses: Description) -> Description:
    return layer("Activation", name, list(uses), activation="relu")


def functional(layers: list[Description], output: tuple[str, int], name: str = "m") -> Description:
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": name,
            "trainable": True,
            "layers": layers,
            "input_layers": ["in", 0, 0],
            "output_layers": [*output, 0],
        },
        "registered_name": "Functional",
        "build_config": {"input_shape": None},
    }


def chain(length: int) -> Description:
    names = ["in", *(f"l{number}" for number in range(length))]
    steps = [relu(name, use_of((before, 0))) for before, name in pairwise(names)]
    return functional([entry(), *steps], (names[-1], 0))


def backwards(length: int) -> Description:
    """A chain whose layers stand in the order from its end."""
    made = chain(length)
    made["config"]["layers"].reverse()
    return made


def again_and_again(uses: int) -> Description:
    """One layer, after itself."""
    sources = [("in", 0), *(("l", number) for number in range(uses - 1))]
    return functional([entry(), relu("l", *(use_of(each) for each in sources))], ("l", uses - 1))


def doubled(levels: int) -> Description:
    """A model that uses another twice, which uses another twice, and so on."""
    inner = chain(1)
    for level in range(levels):
        uses = [use_of(("in", 0)), use_of((f"m{level}", 0))]
        inner["config"]["name"] = f"m{level}"
        twice = {**inner, "name": f"m{level}", "inbound_nodes": uses}
        # Of an inner model Keras counts uses from 1 here, and from 0 everywhere else.
        inner = functional([entry(), twice], (f"m{level}", 2))
    return inner


def sequential(length: int) -> Description:
    inside = [relu(f"l{number}") for number in range(length)]
    first = {**entry(), "config": {"batch_shape": SHAPE, "dtype": "float32", "name": "in"}}
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "s", "layers": [first, *inside], "build_input_shape": SHAPE},
        "registered_name": None,
    }


def saved(description: Any, path: Path, **members: bytes) -> Path:
    """A `.keras` file of it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(description))
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return path
