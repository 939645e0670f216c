"""Representative samples for int8, checked against the model's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import brief
from groupconv_cli.models.arrays import read_arrays
from groupconv_cli.words import joined

SAVE_ARRAYS = "numpy.savez('samples.npz', input=array) writes a file that can be read"


class Input(NamedTuple):
    """One input of a model."""

    name: str
    shape: tuple[int, ...]
    """The shape of one sample."""


def read_samples(path: Path, inputs: list[Input]) -> list[Any]:
    """The arrays of a .npz file, of shape (samples, *input) and float32, one per input in order.

    A model with one input takes the file's only array under any name. Otherwise arrays have the
    names of the inputs.

    Raises UsageError if the file cannot be read or an array does not fit its input.
    """
    arrays = read_arrays(path, SAVE_ARRAYS)
    if len(inputs) == 1 and len(arrays) == 1:
        arrays = {inputs[0].name: next(iter(arrays.values()))}
    missing = [each.name for each in inputs if each.name not in arrays]
    if missing:
        raise UsageError(f"{path} has no array for {_inputs(missing)}; it has {joined([*arrays])}")
    return _all_checked(str(path), inputs, [arrays[each.name] for each in inputs])


def _inputs(names: list[str]) -> str:
    quoted = joined([f"'{name}'" for name in names])
    return f"the input {quoted}" if len(names) == 1 else f"the inputs {quoted}"


def given_samples(given: Any, inputs: list[Input]) -> list[Any]:
    """Given samples in the form of `read_samples`: an array, or a list or mapping of arrays.

    An array is anything that NumPy can convert to an array, of any type of numbers.

    Raises UsageError unless there is an array for each input that fits it.
    """
    what = "calibration"
    if isinstance(given, Mapping):
        if missing := [each.name for each in inputs if each.name not in given]:
            raise UsageError(f"{what} has no array for {_inputs(missing)}")
        arrays = [given[each.name] for each in inputs]
    elif isinstance(given, list | tuple) and len(given) == len(inputs) and not _is_array(given):
        arrays = list(given)
    elif len(inputs) == 1:
        arrays = [given]
    else:
        raise UsageError(f"{what} must be a list of {len(inputs)} arrays, one for each input")
    return _all_checked(what, inputs, [_as_array(what, array) for array in arrays])


def _is_array(given: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a list is the samples of one input, and not a list of arrays."""
    return not hasattr(given[0], "shape") and _as_array("calibration", given).ndim > 0


def _as_array(what: str, given: Any) -> Any:
    try:
        array = np.asarray(given)
        # NumPy knows only the size of types that it does not define, such as bfloat16.
        return array.astype(np.float32) if array.dtype.kind == "V" else array
    except (ValueError, TypeError) as error:
        raise UsageError(f"{what} is not an array of numbers: {brief(error)}") from None


def _all_checked(what: str, inputs: list[Input], arrays: list[Any]) -> list[Any]:
    pairs = zip(inputs, arrays, strict=True)
    samples = [_checked(what, each, array) for each, array in pairs]
    counts = {len(array) for array in samples}
    if len(counts) > 1:
        raise UsageError(f"{what} has unequal numbers of samples: {joined(_texts(counts))}")
    return samples


def _checked(place: str, wanted: Input, array: Any) -> Any:
    shape = "×".join(map(str, wanted.shape))
    what = f"array for the input {wanted.name!r} in {place}"
    if array.dtype.kind not in "fiub":
        raise UsageError(f"the {what} must hold numbers, got {array.dtype}")
    if array.shape[1:] != wanted.shape or not array.ndim:
        found = "×".join(map(str, array.shape)) or "a single number"
        raise UsageError(f"the {what} is {found}; it must be samples×{shape}")
    if not len(array):
        raise UsageError(f"the {what} has no samples")
    with np.errstate(over="ignore", invalid="ignore"):
        samples = array.astype(np.float32)
    if not np.isfinite(samples).all():
        raise UsageError(f"the {what} has values that are not finite, or too large for float32")
    return samples


def _texts(numbers: set[int]) -> list[str]:
    return [str(number) for number in sorted(numbers)]
