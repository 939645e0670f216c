"""What a model's file says, checked before Keras touches it."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from groupconv_cli.errors import UsageError

MAX_CONFIG_BYTES = 64_000_000
"""Longer descriptions of a model than this are none; NASNetLarge's has 1 MB."""

MAX_MEMBERS = 10_000
MAX_EXPANSION = 100
"""How many times its packed size a member of an archive may have."""

FREE_TO_EXPAND = 16_000_000
"""Bytes below which nobody minds."""

DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, KeyError),
    *(NotImplementedError, RuntimeError),  # a way of packing that is not known; a password
)
"""What zipfile raises for archives that cannot be read."""

CODE = {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
"""Classes that run code which the file itself brings."""


def read_config(path: Path) -> dict[str, Any]:
    """The description of the model in a `.keras` or `.h5` file; no weights are read.

    Raises UsageError for a file that is not there, is no such file, is damaged, or has something
    in it that no model needs and an attack would.
    """
    try:
        if path.is_dir():
            raise UsageError(_folder(path))
        with path.open("rb") as file:
            begins = file.read(8)
    except FileNotFoundError:
        raise UsageError(f"no file {str(path)!r} here") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from None
    if not begins:
        raise UsageError(f"{path} is empty")
    text = _config_of_archive(path) if path.suffix.lower() == ".keras" else _config_of_hdf5(path)
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is damaged: what describes its model is no JSON") from None
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise UsageError(f"{path} is damaged: what describes its model is no model")
    return config


def _folder(path: Path) -> str:
    if (path / "saved_model.pb").is_file():
        return (
            f"{path} is a SavedModel: the computation of a model, without its layers\n"
            "  gconv reads layers; save the Keras model itself: model.save('model.keras')"
        )
    return f"{path} is a folder, not a model's file"


def _config_of_archive(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(path, archive.infolist())
            if "config.json" not in archive.namelist():
                raise UsageError(f"{path} is no Keras model: its archive has no config.json")
            with archive.open("config.json") as file:
                text = file.read(MAX_CONFIG_BYTES + 1)
    except DAMAGE as error:
        raise UsageError(f"{path} is no Keras model, or not all of one: {brief(error)}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    if len(text) > MAX_CONFIG_BYTES:
        raise UsageError(f"{path}: its config.json is over {MAX_CONFIG_BYTES:,} bytes long")
    return text


def check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Raises UsageError for an archive that would write elsewhere, or fill the disk."""
    if len(members) > MAX_MEMBERS:
        raise UsageError(
            f"{path} has {len(members):,} members; a model has at most {MAX_MEMBERS:,}"
        )
    for member in members:
        name = member.filename.replace("\\", "/")
        if name.startswith("/") or ".." in PurePosixPath(name).parts or ":" in name:
            raise UsageError(f"{path} is not safe: its member {name[:80]!r} leads out of a folder")
        if member.file_size > max(FREE_TO_EXPAND, MAX_EXPANSION * member.compress_size):
            raise UsageError(
                f"{path} is not safe: {name[:80]!r} grows from {member.compress_size:,} to "
                f"{member.file_size:,} bytes"
            )


def _config_of_hdf5(path: Path) -> str | bytes:
    from groupconv_cli.runtime import require

    require("h5py")
    import h5py

    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
            check_links(path, file)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001  (HDF5 reports damage as an error of any kind)
        raise UsageError(f"{path} is no HDF5 file, or not all of one: {brief(error)}") from None
    if not isinstance(config, str | bytes):
        raise UsageError(
            f"{path} has no description of a model; a file of weights alone has no layers"
        )
    if len(config) > MAX_CONFIG_BYTES:
        raise UsageError(
            f"{path}: what describes its model is over {MAX_CONFIG_BYTES:,} bytes long"
        )
    return config


def check_links(path: Path, file: Any) -> None:
    """Raises UsageError for an open HDF5 file in which something is the content of another."""
    leads_out = next(_links(file), None)
    if leads_out is not None:
        raise UsageError(f"{path} is not safe: {leads_out[:80]!r} in it leads to another file")


def _links(group: Any) -> Iterator[str]:
    """Names of what in an HDF5 file stands for the content of another."""
    import h5py

    waiting, seen = [group], set()
    while waiting:
        group = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:  # groups may have one another in them
            continue
        seen.add(address)
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                yield name
            elif isinstance(link, h5py.HardLink):
                item = group[name]
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                elif isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                    yield name


def brief(error: Exception) -> str:
    """What an error of another library says, fit to be printed."""
    text = " ".join(str(error).split())[:120] or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in text)


def described(config: Any) -> Iterator[dict[str, Any]]:
    """Every object in a model's description: what has a class."""
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
    """Raises UsageError if loading the model would run code that the file brings."""
    for thing in described(config):
        if thing["class_name"] not in CODE:
            continue
        inner = thing.get("config")
        name = inner.get("name") if isinstance(inner, dict) else None
        kind = "lambda" if thing["class_name"] == "__lambda__" else thing["class_name"]
        called = f" {str(name)[:80]!r}" if name else ""
        raise UsageError(
            f"{path} has a {kind}{called} in it: code of the file's own, which loading would run\n"
            "  gconv does not run it. --trust does; it can do all that you can, so know where the "
            "file is from"
        )
