"""Finds content that only an attack needs in a model's files, before the files are read.

Every archive and every HDF5 file from elsewhere is checked here. Some versions of Keras check some
of this too.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from math import prod
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, Any

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import check_regular, foreign
from groupconv_cli.runtime import require

WEIGHTS = "model.weights.h5"
"""The name of the weights in a .keras file."""

MAX_MEMBERS = 10_000
MAX_LINKS = 400_000
"""The most groups and arrays of an HDF5 file: 40 for each layer that a model may have."""

MAX_EXPANSION = 100
"""How many times its stored bytes an object may take in memory."""

FREE_TO_EXPAND = 16_000_000
"""The bytes that an object may always take."""

FILTERS = {1, 2, 3, 4, 5, 6, 32000}
"""The compression filters of HDF5 and h5py. Other filters would load a library."""

NO_MODEL = "is not a complete Keras model"
NO_HDF5 = "is not a complete HDF5 file"
SAVE_AGAIN = "save it again where it was made: model.save('model.keras')"
IMPORT_IT = (
    "name the module that has the class with --import MODULE; in Python, import that module first"
)
"""What to do about a custom class. It is right for every command."""


def allowed_bytes(stored: int) -> int:
    """The bytes that `stored` bytes may take in memory."""
    return max(FREE_TO_EXPAND, MAX_EXPANSION * stored)


@contextmanager
def opened_archive(
    path: Path, trouble: str = NO_MODEL, remedy: str = SAVE_AGAIN
) -> Iterator[zipfile.ZipFile]:
    """The archive with checked members. Errors while it is open become errors of the file."""
    check_regular(path)
    with foreign(path, trouble, remedy), zipfile.ZipFile(path) as archive:
        _check_members(path, archive.infolist())
        yield archive


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Raises UsageError if an archive would write elsewhere or fill the disk."""
    if len(members) > MAX_MEMBERS:
        raise UsageError(
            f"{path} has {len(members):,} members; a model has at most {MAX_MEMBERS:,}"
        )
    for member in members:
        name = member.filename.replace("\\", "/")
        if name.startswith("/") or ".." in PurePosixPath(name).parts or ":" in name:
            raise UsageError(f"{path} is not safe: its member {name[:80]!r} points outside it")
        _check_growth(path, repr(name[:80]), member.compress_size, member.file_size)
    # Members may overlap, so that each by itself seems to be stored in full.
    _check_growth(path, "all of it", path.stat().st_size, sum(each.file_size for each in members))


def _check_growth(path: Path, what: str, stored: int, expanded: int) -> None:
    if expanded > allowed_bytes(stored):
        raise UsageError(
            f"{path} is not safe: {what} grows from {stored:,} to {expanded:,} bytes",
            "if you know where it is from, save it again without compression",
        )


def check_weights(path: Path) -> None:
    """Raises UsageError if the weights of a `.keras` or HDF5 file are not safe to read."""
    with opened_weights(path):
        pass


@contextmanager
def opened_weights(path: Path, remedy: str = SAVE_AGAIN) -> Iterator[Any]:
    """The checked HDF5 file at the path, or inside the `.keras` file at the path.

    Errors while it is open become errors of the file.
    """
    require("h5py")
    import h5py

    if not path.name.endswith(".keras"):
        check_regular(path)
        with foreign(path, NO_HDF5, remedy), h5py.File(path, "r") as file:
            check_hdf5(path, file, path.stat().st_size)
            yield file
        return
    with opened_archive(path, remedy=remedy) as archive:
        if WEIGHTS not in archive.namelist():
            raise UsageError(f"{path} has no {WEIGHTS}, the weights of a model", remedy)
        with _member(path, archive, archive.getinfo(WEIGHTS)) as stored:
            with h5py.File(stored, "r") as file:
                check_hdf5(path, file, stored.seek(0, SEEK_END))
                yield file


def check_hdf5(path: Path, file: Any, size: int) -> None:
    """Raises UsageError if an open HDF5 file of `size` bytes is not safe to read.

    A safe file contains only arrays of numbers and groups of them, all in the file itself. It has
    no links except those of the file's tree, no data in other files, and no chunks or lists of text
    that grow beyond bounds when they are read. The check reads no data.
    """
    import h5py

    waiting, seen, links, expanded = [file.id], set(), 0, 0
    while waiting:
        group = waiting.pop()
        address = h5py.h5o.get_info(group).addr
        if address in seen:  # groups may contain one another
            continue
        seen.add(address)
        _check_attributes(path, group, size)
        for name in group:
            links += 1
            if links > MAX_LINKS:
                raise UsageError(f"{path} is not safe: it has over {MAX_LINKS:,} groups and arrays")
            shown = repr(name.decode(errors="replace")[:80])
            _check_link(path, shown, group.links.get_info(name).type)
            item = h5py.h5o.open(group, name)
            if isinstance(item, h5py.h5g.GroupID):
                waiting.append(item)
            elif isinstance(item, h5py.h5d.DatasetID):
                _check_attributes(path, item, size)
                # An array that is linked twice is read twice.
                expanded += _bytes_of_array(path, shown, item, size)
                _check_growth(path, shown, size, expanded)
            else:
                raise UsageError(
                    f"{path} is not safe: {shown} in it is neither a group nor an array"
                )


def _check_link(path: Path, shown: str, kind: int) -> None:
    import h5py

    if kind == h5py.h5l.TYPE_SOFT:
        raise UsageError(
            f"{path} is not safe: {shown} in it is a link to another place, where Keras would not "
            "look"
        )
    if kind != h5py.h5l.TYPE_HARD:
        raise UsageError(f"{path} is not safe: {shown} in it is stored in another file")


def _bytes_of_array(path: Path, shown: str, array: Any, size: int) -> int:
    """The bytes of an array in memory. Raises UsageError if the array is not in the file."""
    import h5py

    made = array.get_create_plist()
    is_virtual = made.get_layout() == h5py.h5d.VIRTUAL
    if is_virtual or made.get_external_count():
        raise UsageError(f"{path} is not safe: {shown} in it is stored in another file")
    filters = {made.get_filter(index)[0] for index in range(made.get_nfilters())}
    if not filters <= FILTERS:
        raise UsageError(f"{path} cannot be read: {shown} in it is packed in an unknown way")
    kind = array.get_type()
    if any(map(kind.detect_class, (h5py.h5t.VLEN, h5py.h5t.REFERENCE))) or _is_text(kind):
        raise UsageError(f"{path} is not safe: {shown} in it is not an array of numbers")
    if made.get_layout() == h5py.h5d.CHUNKED:
        _check_growth(path, shown, size, prod(made.get_chunk()) * kind.get_size())
    return int(prod(array.get_space().get_simple_extent_dims()) * kind.get_size())


def _check_attributes(path: Path, item: Any, size: int) -> None:
    """Raises UsageError for a list of texts that grows beyond bounds when it is read."""
    import h5py
    import numpy as np

    for index in range(h5py.h5a.get_num_attrs(item)):
        attribute = h5py.h5a.open(item, index=index)
        kind, count = attribute.get_type(), prod(attribute.shape)
        is_list = kind.detect_class(h5py.h5t.VLEN) or _is_text(kind)
        if not is_list or count * size <= allowed_bytes(size):
            continue
        # HDF5 tells their length only by reading them, as Keras will.
        with _bounded_memory(path, allowed_bytes(size)):
            try:
                attribute.read(np.empty(attribute.shape, attribute.dtype))
            except (MemoryError, OSError, ValueError) as error:
                shown = repr(attribute.name.decode(errors="replace")[:80])
                raise UsageError(
                    f"{path} is not safe: {shown} in it grows to over "
                    f"{allowed_bytes(size):,} bytes, or is damaged",
                    SAVE_AGAIN,
                ) from error


@contextmanager
def _bounded_memory(path: Path | str, more: int) -> Iterator[None]:
    """While this is open, the process can allocate at most `more` additional bytes.

    Raises UsageError if the system has no such bound, because then nothing that may grow is read.
    """
    import psutil

    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        bound = psutil.Process().memory_info().vms + more
        if soft != resource.RLIM_INFINITY:
            bound = min(bound, soft)
        resource.setrlimit(resource.RLIMIT_AS, (bound, hard))
    except (ImportError, OSError, ValueError) as error:
        raise UsageError(
            f"{path} holds long lists of text, which cannot be read within bounds on this system",
            SAVE_AGAIN,
        ) from error
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _is_text(kind: Any) -> bool:
    """Whether values of this type are texts of any length, which HDF5 stores in another way."""
    import h5py

    return isinstance(kind, h5py.h5t.TypeStringID) and bool(kind.is_variable_str())


@contextmanager
def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[Any]:
    """The bytes of a member, readable at any offset."""
    with archive.open(member) as packed:  # this checks the member's header
        if member.compress_type == zipfile.ZIP_STORED:
            with path.open("rb") as file:
                size = min(member.file_size, member.compress_size)
                yield _Stretch(file, _begin(file, member), size)
        else:
            with TemporaryFile() as unpacked:
                shutil.copyfileobj(packed, unpacked, 2**20)
                yield unpacked


def _begin(file: IO[bytes], member: zipfile.ZipInfo) -> int:
    """The offset of a member's bytes: after its header, a name and an extra field."""
    file.seek(member.header_offset)
    header = file.read(30)
    name, extra = header[26:28], header[28:30]
    lengths = int.from_bytes(name, "little") + int.from_bytes(extra, "little")
    return member.header_offset + len(header) + lengths


class _Stretch(RawIOBase):
    """A part of a file as a file of its own, so that a stored member need not be copied."""

    def __init__(self, file: IO[bytes], begin: int, size: int) -> None:
        self._file, self._begin, self._size, self._at = file, begin, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Goes to an offset from the beginning, the current offset or the end."""
        self._at = offset + {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Reads as many bytes as exist and fit."""
        wanted = min(len(buffer), max(0, self._size - self._at))
        self._file.seek(self._begin + self._at)
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
