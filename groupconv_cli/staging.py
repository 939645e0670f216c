"""Temporary folders beside the outputs, which no run leaves behind for long.

A run locks its folder. An unlocked folder of the same kind was left by a run that was killed. The
next run that writes in that place clears it, and restores the files that the killed run had moved
away.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from groupconv_cli.errors import UsageError

SUFFIX = ".gconv-tmp"
"""The ending of the names of all temporary folders."""

STEM = 40
"""The characters of the output's name that are in the name of the folder."""

OWN = re.compile(rf"\..*-[a-z0-9_]{{8}}{re.escape(SUFFIX)}", re.DOTALL)
"""The names of temporary folders. Folders with other names belong to somebody else."""


class StagingFolder:
    """A new folder beside `path`, so that a rename to `path` works. It is removed at the end."""

    def __init__(self, path: Path, kept: str) -> None:
        """`kept` is the folder inside for files that are moved away, under their old names."""
        self._path = path
        self._kept = kept
        self._folder = path
        self._lock: int | None = None

    def __enter__(self) -> Path:
        """The folder. Raises UsageError if it cannot be created."""
        parent, name = self._path.parent, self._path.name
        try:
            _clear(parent, self._kept)
            with uninterrupted():
                self._make(parent)
        except FileNotFoundError:
            if parent.is_dir():  # /proc, for example, takes no files
                raise UsageError(f"cannot write in the folder {parent}") from None
            raise UsageError(f"there is no folder {parent} to write {name} in") from None
        except OSError as error:
            raise UsageError(f"cannot write in the folder {parent}: {error.strerror}") from None
        except BaseException:  # a signal: a block that was not entered is not left either
            self._remove()
            raise
        return self._folder

    def _make(self, parent: Path) -> None:
        while True:
            made = tempfile.mkdtemp(prefix=f".{self._path.stem[:STEM]}-", suffix=SUFFIX, dir=parent)
            self._folder = Path(made)
            try:
                self._lock = _locked(self._folder)
            except BlockingIOError:  # another run took it for a folder of a killed run
                continue
            if self._folder.exists():  # another run may have cleared it before it was locked
                return
            self._release()

    def _remove(self) -> None:
        if self._folder != self._path:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._release()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Removes the folder. Files that could not be restored stay in it for the next run."""
        with uninterrupted():
            if kind is None or not _put_back(self._folder, self._kept):
                self._remove()
            self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock; None if the file system has no locks.

    Raises BlockingIOError if another run holds it.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _clear(parent: Path, kept: str) -> None:
    """Removes temporary folders of this user that no run holds."""
    if sys.platform == "win32":
        return
    with os.scandir(parent) as entries:
        left = [Path(entry.path) for entry in entries if OWN.fullmatch(entry.name)]
    for folder in left:
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            lock = _locked(folder)
            if lock is not None:
                if not _put_back(folder, kept):
                    shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _put_back(folder: Path, kept: str) -> bool:
    """Restores the files and folders that were moved away, if their names are free.

    Returns whether something had to stay. A folder has to stay if something else took its name
    before the new folder did. Once the new folder is in place, no old folder of that name is left
    in here. The name of a file is never free while it is replaced, so nothing can take it.
    """
    try:
        moved = list((folder / kept).iterdir())
    except OSError:
        return False
    stays = False
    for each in moved:
        place = folder.parent / each.name
        try:
            if not os.path.lexists(place):
                each.rename(place)
            elif each.is_dir() and os.path.lexists(folder / each.name):
                stays = True
        except OSError:
            stays = True
    return stays


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delays signals that end a run until the block is over.

    They are caught, not blocked: a signal that is blocked here reaches another thread, and Python
    still handles it in the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is ever interrupted
        return
    arrived: list[int] = []
    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and callable(signal.getsignal(number)):
            before[number] = signal.signal(number, lambda number, _: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])
