"""Data in a folder of IDX files, the format of MNIST (LeCun, Cortes and Burges), packed or not.

A file begins with two zeros, the type of its values, and the number of its axes; then the sizes of
the axes and the values follow, with their highest bytes first.
"""

from __future__ import annotations

import gzip
import re
import struct
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import check_regular, foreign
from groupconv_cli.training.samples import Raw, Samples, check_size
from groupconv_cli.words import joined

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""NumPy's names of the types of values."""

MAX_AXES = 6

DAMAGED = "is not a complete IDX file"
REMEDY = "the files of MNIST are such files: train-images-idx3-ubyte, also with .gz"

PARTS = {"train": ("train", "training"), "test": ("t10k", "test", "testing")}
"""The words in the names of files, by part."""

WORDS = re.compile(r"[-_. ]+")
"""What is between words. In `latest-images` there is no word `test`."""


def is_idx_folder(folder: Path) -> bool:
    """Whether a folder has files that are named like IDX files."""
    return any(map(_is_named, folder.iterdir()))


def read_idx_folder(folder: Path) -> Raw:
    """The samples of a folder. Images without an axis for channels get one.

    Raises UsageError if a file is missing, cannot be read, or says other than what it has.
    """
    train = _part(folder, "train")
    test = _part(folder, "test")
    if train is None:
        there = sorted(path.name for path in folder.iterdir() if _is_named(path))
        raise UsageError(
            f"{folder} has no training files; its IDX files are {joined(there[:10])}", REMEDY
        )
    return Raw(train, test)


def _is_named(path: Path) -> bool:
    return "idx" in path.name and "ubyte" in path.name and path.is_file()


def _part(folder: Path, part: str) -> Samples | None:
    """The samples of a part; None if the folder has no file of it."""
    images, labels = _file(folder, part, "images"), _file(folder, part, "labels")
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        missing = "images" if images is None else "labels"
        there = labels or images
        raise UsageError(f"{folder} has {there.name if there else ''} and no {missing} for it")
    x, y = _read(images), _read(labels)
    if y.ndim != 1:
        raise UsageError(f"{labels} is no list of labels: it has {y.ndim} axes")
    return Samples(x[..., None] if x.ndim == 3 else x, y)


def _file(folder: Path, part: str, kind: str) -> Path | None:
    """The file of a part; one that is not packed comes before one that is."""
    found = [
        path
        for path in sorted(folder.iterdir())
        if _is_named(path) and kind in path.name and _part_of(path) == part
    ]
    names = {path.name.removesuffix(".gz") for path in found}
    if len(names) > 1:
        raise UsageError(f"{folder} has several files with {part} {kind}: {joined(sorted(names))}")
    return min(found, key=lambda path: path.suffix == ".gz", default=None)


def _part_of(path: Path) -> str | None:
    """The part that a file's name says, by its first word that says one."""
    of_word = {word: part for part, words in PARTS.items() for word in words}
    said = (of_word.get(word) for word in WORDS.split(path.name.lower()))
    return next(filter(None, said), None)


def _read(path: Path) -> Any:
    """The array in a file."""
    check_regular(path)
    with foreign(path, DAMAGED, REMEDY), path.open("rb") as raw:
        if path.suffix != ".gz":
            return _array(path, raw)
        with gzip.open(raw) as unpacked:
            return _array(path, unpacked)


def _array(path: Path, file: IO[bytes] | gzip.GzipFile) -> Any:
    """The array, of which no more is read than the header says."""
    begin = file.read(4)
    if len(begin) < 4 or begin[:2] != b"\0\0" or begin[2] not in TYPES:
        raise UsageError(f"{path} {DAMAGED}: it does not begin like one", REMEDY)
    if not 1 <= begin[3] <= MAX_AXES:
        raise UsageError(f"{path} {DAMAGED}: it has {begin[3]} axes", REMEDY)
    shape = struct.unpack(f">{begin[3]}I", file.read(4 * begin[3]))
    kind = np.dtype(TYPES[begin[2]])
    size = prod(shape) * kind.itemsize
    check_size(str(path), size)
    content = file.read(size + 1)
    if len(content) != size:
        less = "fewer" if len(content) < size else "more"
        raise UsageError(
            f"{path} {DAMAGED}: it says that it has {size:,} bytes of values, and has {less}",
            REMEDY,
        )
    array = np.frombuffer(content, kind).reshape(shape)
    return array.astype(kind.newbyteorder("="))
