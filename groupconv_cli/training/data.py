"""The data that networks are trained and tested on: read, checked, split and scaled."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import foreign
from groupconv_cli.ops.base import Shape
from groupconv_cli.training.fits import check_fits
from groupconv_cli.training.idx import is_idx_folder, read_idx_folder
from groupconv_cli.training.image_folder import read_image_folder
from groupconv_cli.training.labels import checked
from groupconv_cli.training.mnist1d import NAME, generate
from groupconv_cli.training.npz import read_npz
from groupconv_cli.training.samples import Data, Raw, Samples, check_size
from groupconv_cli.words import did_you_mean

__all__ = ["Data", "check_fits", "read_data"]

TEST_SHARE = 0.2
"""The share of the samples that are for testing, if the data is in one piece."""

KINDS = f"DATA is a .npz file, a folder with a folder per class or with IDX files, or {NAME}"

SPLITTING, SCALED_AT_ONCE = 1, 1000
"""What the seed is joined with for the split, and how many samples are converted at once."""


def read_data(
    source: str, *, test_share: float | None = None, seed: int = 0, shape: Shape | None = None
) -> Data:
    """Reads a data set: the path of a .npz file, of a folder, or `mnist1d`.

    Data in one piece is split at random, by the seed, so that each class has the same share of the
    test. `test_share` is None unless the user asks for one. `shape` is the shape of a sample as the
    network wants it: images in files are resized to it, and samples that lack its only channel's
    axis get one. Without it images must be equally large.

    Raises UsageError if there is no such data, or it is nothing that can be trained on.
    """
    if test_share is not None and not 0 < test_share < 1:
        raise UsageError(f"the share of the test must be between 0 and 1; got {test_share}")
    with foreign(source, "cannot be read as data", KINDS):
        raw = _read(source, shape)
        name = _name(source)
        raw, classes = checked(name, raw)
        raw = _with_channels(raw, shape)
        train, test = _split(name, raw, classes, test_share, seed)
        check_size(name, 8 * (train.x.size + test.x.size))
        digest = _digest(train, test)
        x_train, x_test = _scaled(name, train.x, test.x)
    return Data(name, digest, x_train, train.y, x_test, test.y, classes)


def _read(source: str, shape: Shape | None) -> Raw:
    if source == NAME:
        return generate()
    path = Path(source)
    if not path.exists():
        hint = did_you_mean(source, [NAME])
        raise UsageError(f"no file or folder {source!r} here", hint or KINDS)
    if path.is_dir():
        return read_idx_folder(path) if is_idx_folder(path) else read_image_folder(path, shape)
    if path.suffix.lower() == ".npz":
        return read_npz(path)
    raise UsageError(f"{source} is no data that gconv reads", KINDS)


def _with_channels(raw: Raw, shape: Shape | None) -> Raw:
    """The data with an axis for the only channel, if that is all that the shape has more.

    What is scaled is each channel. Without the axis the last one would be taken for the channels.
    """
    if shape is None or (*raw.train.x.shape[1:], 1) != shape:
        return raw
    train, test = raw
    return Raw(
        train._replace(x=train.x[..., None]),
        None if test is None else test._replace(x=test.x[..., None]),
    )


def _name(source: str) -> str:
    """The last part of a path."""
    return source if source == NAME else Path(source).resolve().name


def _split(
    name: str, raw: Raw, classes: int, share: float | None, seed: int
) -> tuple[Samples, Samples]:
    """Training and test samples; those of each class are split by themselves."""
    if raw.test is not None:
        if share is not None:
            raise UsageError(
                f"{name} has test samples of its own, so no share of it is split off",
                "leave out --test-share",
            )
        return raw.train, raw.test
    random = np.random.default_rng([SPLITTING, seed])
    x, y = raw.train
    is_test = np.zeros(len(y), bool)
    for number in range(classes):
        own = random.permutation(np.flatnonzero(y == number))
        if len(own) < 2:
            raise UsageError(
                f"{name} has one sample of the class {number}; to train and to test it needs two"
            )
        tested = round(len(own) * (TEST_SHARE if share is None else share))
        is_test[own[: min(max(1, tested), len(own) - 1)]] = True
    return Samples(x[~is_test], y[~is_test]), Samples(x[is_test], y[is_test])


def _digest(*parts: Samples) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for array in part:
            digest.update(f"{array.dtype.str} {array.shape} ".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _scaled(name: str, train: Any, test: Any) -> tuple[Any, Any]:
    """Both with each channel of the training samples at mean 0 and variance 1.

    A channel that never changes gets the mean 0. Raises UsageError if no channel changes, and for a
    test sample so far from the training samples that it is infinite then.
    """
    channels = train.shape[-1]
    total, squares = np.zeros(channels), np.zeros(channels)
    count = train.size // channels
    for part in _parts(train):
        total += part.sum(axis=0)
    mean = total / count
    for part in _parts(train):
        squares += np.square(part - mean).sum(axis=0)
    deviation = np.sqrt(squares / count)
    # Rounding leaves a little where all values are equal.
    still = deviation <= 1e-9 * np.abs(mean)
    if still.all():
        raise UsageError(f"{name}: all training samples are equal; there is nothing to learn")
    deviation[still] = 1

    def scale(x: Any) -> Any:
        y = np.empty(x.shape, np.float32)
        for first in range(0, len(x), SCALED_AT_ONCE):
            some = slice(first, first + SCALED_AT_ONCE)
            with np.errstate(over="ignore"):
                y[some] = (x[some] - mean) / deviation
            if not np.isfinite(y[some]).all():
                raise UsageError(
                    f"{name}: a test sample has values that are too far from those of the training "
                    "samples: scaled like these, they are infinite in float32"
                )
        return y

    return scale(train), scale(test)


def _parts(x: Any) -> Any:
    """Some samples at a time in float64, of shape (positions, channels)."""
    for first in range(0, len(x), SCALED_AT_ONCE):
        part = x[first : first + SCALED_AT_ONCE]
        yield part.astype(np.float64).reshape(-1, x.shape[-1])
