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
    """The description of the model in a `.keras` or `.h5` file; no weights are read.

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
    text = _config_of_archive(path) if path.suffix.lower() == ".keras" else _config_of_hdf5(path)
    config = _json(path, text, "model")
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise UsageError(
            f"{path} is damaged: its description of the model is not valid", SAVE_AGAIN
        )
    check_work(path, config)
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


def _config_of_archive(path: Path) -> bytes:
    with opened_archive(path) as archive:
        if "config.json" not in archive.namelist():
            raise UsageError(f"{path} is not a Keras model: its archive has no config.json")
        with archive.open("config.json") as file:
            return file.read(MAX_CONFIG_BYTES + 1)


def _config_of_hdf5(path: Path) -> str | bytes:
    with opened_weights(path) as file:
        config, training = (file.attrs.get(f"{name}_config") for name in ("model", "training"))
    if not isinstance(config, str | bytes):
        raise UsageError(
            f"{path} has no description of a model; a file of weights has no layers to read"
        )
    if isinstance(training, str | bytes):  # which Keras reads when it loads the model
        _json(path, training, "training")
    return config


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
