"""The description in a model's file, checked before Keras touches it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import check_regular, foreign
from groupconv_cli.models.bounds import check_depth, check_work
from groupconv_cli.models.safety import SAVE_AGAIN, opened_archive, opened_weights

MAX_CONFIG_BYTES = 16_000_000
"""The longest description of a model; NASNetLarge's has 1 MB."""

CODE = {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
"""Classes that run code from the file itself."""


def read_config(path: Path) -> dict[str, Any]:
    """The description of the model in a `.keras`, `.h5` or `.json` file; no weights are read.

    Its `keras_version` is the version of Keras that wrote it, if the file tells.

    Raises UsageError for a file that does not exist, is of another kind, is damaged, or contains
    something that only an attack would need.
    """
    with foreign(path, "cannot be read", "its name is not possible for a file"):
        is_saved_model = (path / "saved_model.pb").is_file()
    if is_saved_model:
        raise UsageError(
            f"{path} is a SavedModel, which has no layers to read",
            "save the Keras model itself: model.save('model.keras')",
        )
    check_regular(path, "model's file")
    if not path.stat().st_size:
        raise UsageError(f"{path} is empty")
    read = READERS.get(path.suffix.lower(), _of_hdf5)
    text, version = read(path)
    config = _json(path, text, "model")
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise UsageError(
            f"{path} is damaged: its description of the model is not valid", SAVE_AGAIN
        )
    check_work(path, config)
    if version is not None:
        config["keras_version"] = version
    return config


def _json(path: Path, text: str | bytes, what: str) -> Any:
    if len(text) > MAX_CONFIG_BYTES:
        raise UsageError(
            f"{path}: its description of the {what} is over {MAX_CONFIG_BYTES:,} bytes long"
        )
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(
            f"{path} is damaged: its description of the {what} is not JSON", SAVE_AGAIN
        ) from None
    check_depth(path, value)
    return value


def _of_archive(path: Path) -> tuple[bytes, str | None]:
    with opened_archive(path) as archive:
        names = archive.namelist()
        if "config.json" not in names:
            raise UsageError(f"{path} is not a Keras model: its archive has no config.json")
        with archive.open("config.json") as file:
            text = file.read(MAX_CONFIG_BYTES + 1)
        if "metadata.json" not in names:
            return text, None
        with archive.open("metadata.json") as file:
            metadata = _json(path, file.read(MAX_CONFIG_BYTES + 1), "file")
    return text, _version(metadata.get("keras_version") if isinstance(metadata, dict) else None)


def _of_hdf5(path: Path) -> tuple[str | bytes, str | None]:
    with opened_weights(path) as file:
        config, training, version = (
            file.attrs.get(name) for name in ("model_config", "training_config", "keras_version")
        )
    if not isinstance(config, str | bytes):
        raise UsageError(
            f"{path} has no description of a model; a file of weights has no layers to read"
        )
    if isinstance(training, str | bytes):  # which Keras reads when it loads the model
        _json(path, training, "training")
    return config, _version(version)


def _of_json(path: Path) -> tuple[bytes, str | None]:
    """An architecture, which tells its version itself; Keras 3 tells modules instead."""
    with foreign(path, "cannot be read", SAVE_AGAIN), path.open("rb") as file:
        text = file.read(MAX_CONFIG_BYTES + 1)
    config = _json(path, text, "model")
    if not isinstance(config, dict):
        return text, None
    version = _version(config.get("keras_version"))
    return text, version or (None if "module" in config else "2")


def _version(value: Any) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


READERS = {".keras": _of_archive, ".json": _of_json}
"""What reads the description in files of an ending; others are HDF5."""


def described(config: Any) -> Iterator[dict[str, Any]]:
    """Every object in a model's description, that is, every part with a class."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("class_name"), str):
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def check_code(path: Path, config: dict[str, Any]) -> None:
    """Raises UsageError if loading the model would run code from the file."""
    for thing in described(config):
        if thing["class_name"] not in CODE:
            continue
        inner = thing.get("config")
        name = inner.get("name") if isinstance(inner, dict) else None
        kind = "lambda" if thing["class_name"] == "__lambda__" else thing["class_name"]
        called = f" {str(name)[:80]!r}" if name else ""
        raise UsageError(
            f"{path} has a {kind}{called}: loading it would run code from the file",
            "gconv does not run it. --trust does: that code can do anything that you can, so use "
            "it only for files from people you trust",
        )
