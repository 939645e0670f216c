"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE

from groupconv_cli.errors import EnvironmentProblem, UsageError


def file_stem(name: str) -> str:
    """A network's name as the stem of a file: what a folder or shell would trip over is `_`."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".-") or "network"


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raises UsageError if the path is a file that is not to be replaced."""
    if path.is_file() and not force:
        raise UsageError(f"{path} exists already; --force replaces it")


@contextmanager
def written_whole(path: Path, *, force: bool) -> Iterator[Path]:
    """Gives a temporary path beside `path`, and puts what is written there in its place.

    If the block fails or is interrupted, nothing is left behind, and an old file stays as it was.
    A file that replaces another keeps its mode. Of a symbolic link what it leads to is written, and
    the link stays.

    Raises UsageError if `path` exists and `force` is not given, is no regular file, or cannot be
    written to; EnvironmentProblem if writing fails.
    """
    temporary_name = path.name
    path = _followed(path)
    refuse_existing(path, force=force)
    folder = _folder_beside(path)
    temporary = folder / temporary_name
    try:
        yield temporary
        _sync(temporary)
        if force:
            with suppress(FileNotFoundError):
                temporary.chmod(S_IMODE(path.stat().st_mode))
            temporary.replace(path)
        else:
            _place_new(temporary, path)
    except OSError as error:
        raise EnvironmentProblem(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # somebody has removed the folder, or all that it stood in
            temporary.unlink(missing_ok=True)
            folder.rmdir()


@contextmanager
def folder_written_whole(path: Path, *, force: bool, known_by: str) -> Iterator[Path]:
    """As `written_whole`, for a folder: gives a temporary path to make it at.

    `known_by` is a file that every such folder has. A folder that has it not, and is not empty,
    holds something else and is never replaced.

    Raises what `written_whole` raises.
    """
    if os.path.lexists(path):
        if not path.is_dir() or path.is_symlink():
            raise UsageError(f"{path} exists already and is no folder")
        if any(path.iterdir()) and not (path / known_by).exists():
            raise UsageError(f"{path} is a folder of other things (it has no {known_by})")
        if not force:
            raise UsageError(f"{path} exists already; --force replaces it")
    folder = _folder_beside(path)
    temporary, replaced = folder / "new", folder / "old"
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        if path.exists():
            path.rename(replaced)
        temporary.rename(path)
    except OSError as error:
        if replaced.exists() and not path.exists():
            replaced.rename(path)
        raise EnvironmentProblem(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder_beside(path: Path) -> Path:
    """A new temporary folder where a rename to `path` works. Raises UsageError if that fails."""
    try:
        return Path(tempfile.mkdtemp(prefix=f".{path.stem}-", dir=path.parent))
    except FileNotFoundError:
        raise UsageError(f"there is no folder {path.parent} to write {path.name} in") from None
    except OSError as error:
        raise UsageError(f"cannot write in the folder {path.parent}: {error.strerror}") from None


def _followed(path: Path) -> Path:
    """The file that `path` is, or leads to. Raises UsageError where a rename would replace more."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_dir():
        raise UsageError(f"{path} is a folder")
    if os.path.lexists(target) and not target.is_file():  # a device, a pipe, a link to itself
        raise UsageError(f"{path} is not a regular file")
    return target


def _sync(path: Path) -> None:
    """Waits until the file is on the disk, so that no crash leaves it empty."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _place_new(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)  # unlike a rename, refuses to replace
    except FileExistsError:
        raise UsageError(f"{path} exists already; --force replaces it") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise UsageError(f"{path} exists already; --force replaces it") from None
        temporary.replace(path)
