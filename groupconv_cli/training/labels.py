"""Checks the samples of a data set: numbers, of one shape, and labels of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from groupconv_cli.errors import UsageError
from groupconv_cli.ops.base import shape_text
from groupconv_cli.training.samples import Raw, Samples

MAX_CLASSES = 100_000


def checked(name: str, raw: Raw) -> tuple[Raw, int]:
    """The data with labels that are whole numbers, and the number of classes.

    Labels may be whole numbers from 0, or rows with a 1 in the column of the class.

    Raises UsageError for what cannot be trained on: inputs that are no numbers or not finite,
    unequal lengths, labels that are none, a class without training samples, only one class.
    """
    parts = {"training": raw.train, "test": raw.test}
    made = {
        what: Samples(_inputs(name, what, part.x), _labels(name, what, part))
        for what, part in parts.items()
        if part is not None
    }
    train, test = made["training"], made.get("test")
    classes = _classes(name, train.y)
    if test is not None:
        if train.x.shape[1:] != test.x.shape[1:]:
            raise UsageError(
                f"{name}: a training sample is {shape_text(train.x.shape[1:])}, and a test sample "
                f"is {shape_text(test.x.shape[1:])}; they must be equal"
            )
        if (highest := int(test.y.max())) >= classes:
            raise UsageError(
                f"{name}: a test sample has the class {highest}, of which there is no training "
                f"sample; the training samples have the classes 0 to {classes - 1}"
            )
    return Raw(train, test), classes


def _inputs(name: str, what: str, x: Any) -> Any:
    if x.dtype.kind not in "fiub":
        raise UsageError(f"{name}: the {what} inputs must be numbers, got {x.dtype}")
    if x.ndim < 2:
        found = shape_text(x.shape) if x.ndim else "a single number"
        raise UsageError(
            f"{name}: the {what} inputs are {found}; they must be samples×features, or "
            "samples×height×width×channels"
        )
    if not len(x):
        raise UsageError(f"{name} has no {what} samples")
    if not x.size:
        raise UsageError(f"{name}: the {what} samples are empty: {shape_text(x.shape)}")
    if x.dtype.kind == "f":
        _check_finite(name, what, x)
    return x


def _check_finite(name: str, what: str, x: Any) -> None:
    """Raises UsageError for values that are not finite, or not in float32."""
    limit = np.finfo(np.float32).max
    for first in range(0, len(x), 1000):
        part = x[first : first + 1000]
        # NumPy 1 compares float16 as float16, in which the limit is infinity.
        good = np.isfinite(part) & (np.abs(part) <= limit)
        if not good.all():
            axes = tuple(range(1, part.ndim))
            bad = first + int(np.flatnonzero(~good.all(axis=axes))[0])
            raise UsageError(
                f"{name}: the {what} sample {bad} has values that are not finite (NaN or "
                "infinity), or too large for float32"
            )


def _labels(name: str, what: str, part: Samples) -> Any:
    """The labels as whole numbers."""
    y = part.y
    where = f"{name}: the {what} labels"
    if y.dtype.kind not in "fiub":
        raise UsageError(
            f"{where} must be whole numbers from 0, got {y.dtype}",
            "numpy.unique(labels, return_inverse=True)[1] turns names into numbers",
        )
    if y.ndim == 2 and y.shape[1] > 1:
        y = _from_columns(where, y)
    elif y.ndim == 2:
        y = y[:, 0]
    if y.ndim != 1:
        found = shape_text(y.shape) if y.ndim else "a single number"
        raise UsageError(
            f"{where} are {found}; there must be one whole number for each sample, or a row with a "
            "1 in the column of its class"
        )
    if len(y) != len(part.x):
        raise UsageError(
            f"{name} has {len(part.x):,} {what} inputs and {len(y):,} labels; there must be as many"
        )
    if y.dtype.kind == "u" and len(y):  # the largest of uint64 are no int64
        _check_highest(name, int(y.max()))
    whole = y.astype(np.int64) if y.dtype.kind != "f" else _whole(where, y)
    if (lowest := int(whole.min())) < 0:
        raise UsageError(f"{where} must be whole numbers from 0; one of them is {lowest}")
    return whole


def _whole(where: str, y: Any) -> Any:
    bad = y[~(np.isfinite(y) & (y == np.round(y)) & (np.abs(y) < 2**53))]
    if len(bad):
        raise UsageError(f"{where} must be whole numbers from 0; one of them is {bad[0]}")
    return y.astype(np.int64)


def _from_columns(where: str, y: Any) -> Any:
    """The classes of rows that have a 1 in the column of their class, and else 0."""
    good = ((y == 0) | (y == 1)).all(axis=1) & (y.sum(axis=1) == 1)
    if not good.all():
        raise UsageError(
            f"{where} are {shape_text(y.shape)}, and row {int(np.flatnonzero(~good)[0])} is not a "
            "1 in the column of its class among zeros"
        )
    return y.argmax(axis=1)


def _check_highest(name: str, highest: int) -> None:
    if highest >= MAX_CLASSES:
        raise UsageError(
            f"{name}: a label is {highest:,}; there may be {MAX_CLASSES:,} classes, from 0"
        )


def _classes(name: str, y: Any) -> int:
    """The number of classes. Raises UsageError unless each has a sample, and there are two."""
    highest = int(y.max())
    _check_highest(name, highest)
    counts = np.bincount(y)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        raise UsageError(
            f"{name} has no training sample of the class {empty[0]}, and one of the class "
            f"{highest}",
            "classes must be numbered from 0 without gaps: "
            "numpy.unique(labels, return_inverse=True)[1] does that, and "
            "numpy.savez('data.npz', x=inputs, y=labels) writes a file that can be read",
        )
    if len(counts) < 2:
        raise UsageError(f"{name} has only one class; there is nothing to tell apart")
    return len(counts)
