"""Representative data for int8: a file of samples, checked against the model's inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from groupconv_cli.errors import UsageError
from groupconv_cli.models.safety import opened_archive
from groupconv_cli.words import joined

SAVE_ARRAYS = "numpy.savez('samples.npz', input=array) writes a file that can be read"


class Input(NamedTuple):
    """One input of a model."""

    name: str
    shape: tuple[int, ...]
    """Of one sample."""


def read_samples(path: Path, inputs: list[Input]) -> list[Any]:
    """The arrays of a .npz file, of shape (samples, *input) and float32, one per input in order.

    A model of one input takes the file's one array, whatever it is called; otherwise arrays are
    named as the inputs are.

    Raises UsageError if the file cannot be read or an array does not fit its input.
    """
    arrays = _arrays(path)
    if len(inputs) == 1 and len(arrays) == 1:
        arrays = {inputs[0].name: next(iter(arrays.values()))}
    missing = [each.name for each in inputs if each.name not in arrays]
    if missing:
        raise UsageError(
            f"{path} has no array for the input {joined(missing)}; it has {joined([*arrays])}"
        )
    samples = [_checked(path, each, arrays[each.name]) for each in inputs]
    counts = {len(array) for array in samples}
    if len(counts) > 1:
        raise UsageError(f"{path} has unequal numbers of samples: {joined(_texts(counts))}")
    return samples


def _arrays(path: Path) -> dict[str, Any]:
    with opened_archive(path, "cannot be read as an .npz file", SAVE_ARRAYS):
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    if not arrays:
        raise UsageError(f"{path} has no arrays in it\n  {SAVE_ARRAYS}")
    for name, array in arrays.items():
        # Of what is no .npy file NumPy gives the bytes.
        if not isinstance(array, np.ndarray):
            raise UsageError(f"{path}: {name[:80]!r} in it is no array\n  {SAVE_ARRAYS}")
    return arrays


def _checked(path: Path, wanted: Input, array: Any) -> Any:
    shape = "×".join(map(str, wanted.shape))
    what = f"array for the input {wanted.name!r} in {path}"
    if array.dtype.kind not in "fiub":
        raise UsageError(f"the {what} is not of numbers but {array.dtype}")
    if array.shape[1:] != wanted.shape or not array.ndim:
        found = "×".join(map(str, array.shape)) or "a single number"
        raise UsageError(f"the {what} is {found}; it must be samples×{shape}")
    if not len(array):
        raise UsageError(f"the {what} has no samples")
    if not np.isfinite(array).all():
        raise UsageError(f"the {what} has values that are not finite")
    return array.astype(np.float32)


def _texts(numbers: set[int]) -> list[str]:
    return [str(number) for number in sorted(numbers)]
