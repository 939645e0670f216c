"""Reads the arrays of .npz files from elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from groupconv_cli.errors import UsageError
from groupconv_cli.models.safety import opened_archive

OBJECTS = "Object arrays"
"""How NumPy begins its refusal of arrays that are pickles."""


def read_arrays(path: Path, remedy: str, names: Collection[str] | None = None) -> dict[str, Any]:
    """The arrays of a .npz file by their names: all, or those of `names` that exist.

    Nothing in it is read as a pickle, which could run code. Raises UsageError, with the remedy, if
    the file cannot be read or has no arrays.
    """
    with opened_archive(path, "cannot be read as an .npz file", remedy):
        with np.load(path, allow_pickle=False) as file:
            there = list(file.files)
            wanted = [name for name in there if names is None or name in names]
            arrays = {name: _read(path, file, name) for name in wanted}
    if not there:
        raise UsageError(f"{path} has no arrays in it", remedy)
    for name, array in arrays.items():
        # For a member that is not a .npy file, NumPy returns its bytes.
        if not isinstance(array, np.ndarray):
            raise UsageError(f"{path}: {name[:80]!r} in it is not an array", remedy)
    return arrays


def _read(path: Path, file: Any, name: str) -> Any:
    """One array of the file. Raises UsageError if it holds Python objects."""
    try:
        return file[name]
    except ValueError as error:
        if OBJECTS not in str(error):
            raise
        shown = name[:80]
        raise UsageError(
            f"{path}: the array {shown!r} has the dtype object: Python objects, which can run code "
            "when they are read",
            f"save numbers in its place: {shown}.astype(float)",
        ) from None


def array_bytes(path: Path, remedy: str) -> dict[str, int]:
    """The bytes of each array of a .npz file in memory, by its name; the arrays are not read.

    Raises UsageError, with the remedy, if the file cannot be read.
    """
    with opened_archive(path, "cannot be read as an .npz file", remedy) as archive:
        return {each.filename.removesuffix(".npy"): each.file_size for each in archive.infolist()}
