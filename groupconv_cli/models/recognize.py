"""Recognizes SPECs that are Keras models. Every run does this, so nothing heavy is imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PREFIX = "keras:"
"""The prefix of the name of a function of keras.applications."""

ENDINGS = (".keras", ".h5", ".hdf5")

MARK = b'"class_name"'
"""What every description of a model has in it."""

MAX_ARCHITECTURE_BYTES = 16_000_000
"""Longer files are not descriptions: the longest of keras.applications has 1 MB."""


def is_model(source: str) -> bool:
    """Whether a SPEC is a Keras model and not a spec: by its name, or by what is there."""
    if source.startswith(PREFIX) or source.lower().endswith(ENDINGS):
        return True
    try:
        return Path(source, "saved_model.pb").is_file() or is_architecture(Path(source))
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def is_architecture(path: Path) -> bool:
    """Whether a .json file has the description of a model, as `model.to_json()` writes it.

    A spec may be JSON too. Only a file that has what no spec has is read as JSON.
    """
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    if path.stat().st_size > MAX_ARCHITECTURE_BYTES:
        return False
    try:
        text = path.read_bytes()
        return MARK in text and is_description(json.loads(text))
    except (OSError, ValueError, RecursionError):
        return False


def is_description(value: Any) -> bool:
    """Whether it describes an object of Keras: its class, and how it was made."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("class_name"), str)
        and isinstance(value.get("config"), dict | list)
    )


def weights_beside(path: Path) -> Path | None:
    """The weights of an architecture: the file of the same name with .weights.h5, if there is one.

    Keras 2 wrote them with .h5 as well.
    """
    named = (path.with_suffix(ending) for ending in (".weights.h5", ".h5"))
    return next((each for each in named if each.is_file()), None)
