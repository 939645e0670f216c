"""Recognizes SPECs that are Keras models. Every run does this, so nothing heavy is imported."""

from __future__ import annotations

from pathlib import Path

PREFIX = "keras:"
"""The prefix of the name of a function of keras.applications."""

ENDINGS = (".keras", ".h5", ".hdf5")


def is_model(source: str) -> bool:
    """Whether a SPEC is a Keras model and not a spec: by its name, or as a SavedModel."""
    if source.startswith(PREFIX) or source.lower().endswith(ENDINGS):
        return True
    try:
        return Path(source, "saved_model.pb").is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False
