"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.staging import StagingFolder, uninterrupted
from groupconv_cli.words import joined

REPLACED = ".gconv-replaced"
"""The folder, inside the temporary folder, that holds the files that are being replaced."""

STREAMS = re.compile(r"/dev/(std(in|out|err)|fd/.+)|/proc/[^/]+/(task/[^/]+/)?fd/.+")
"""Names of open streams. The file of such a stream must not be replaced."""

MAX_LINKS = 40
"""The most links to follow, as on Linux."""


def file_stem(name: str) -> str:
    """A network's name as the stem of a file; characters that are special to shells become `_`."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".-") or "network"


def check_output(path: Path, *, force: bool) -> None:
    """Raises the errors of `written_whole` that are known before there is anything to write.

    Call this before any work is done. A temporary folder is made beside the file and removed again,
    for nothing else tells whether that can be done.
    """
    with _staged(Wanted(path, force)):
        pass


def _refuse_existing(path: Path, *, force: bool) -> None:
    """Raises UsageError if the file exists and must not be replaced."""
    try:
        exists = path.is_file()
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    if exists and not force:
        raise UsageError(f"{path} exists already; --force replaces it")


def check_name(path: Path) -> None:
    """Raises UsageError if the name is too long for the file system."""
    length = len(os.fsencode(path.name))
    try:
        most = os.pathconf(path.parent, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        most = 255
    if length > most:
        raise UsageError(
            f"the name {path.name[:40]}… has {length} bytes; a file's name has at most {most} here"
        )


def check_ending(path: Path, what: str, endings: Sequence[str]) -> None:
    """Raises UsageError if the name has another ending than these; '' is a name without one."""
    if path.suffix.lower() not in endings:
        listed = joined([ending for ending in endings if ending], "or")
        raise UsageError(f"{what} is written as {listed}; {str(path)!r} ends otherwise")


class Wanted(NamedTuple):
    """A file or a folder to be written."""

    path: Path
    force: bool
    """Whether an existing one is replaced."""
    known_by: str = ""
    """A file that every folder of this kind has. A folder that is not empty and lacks this file is
    of another kind and is never replaced. '' is for files."""


@contextmanager
def written_whole(path: Path, *, force: bool) -> Iterator[Path]:
    """Gives a temporary path beside `path`, and moves the file that is written there to `path`.

    If the block fails or is interrupted, nothing is left behind, and an old file stays unchanged. A
    new file keeps the mode of the file that it replaces. A symbolic link stays, and the file that
    it leads to is written.

    Raises UsageError if `path` exists and `force` is not given, is not a regular file, or cannot be
    written to; EnvironmentProblem if writing fails.
    """
    with all_written_whole([Wanted(path, force)]) as (temporary,):
        yield temporary


@contextmanager
def all_written_whole(wanted: Sequence[Wanted]) -> Iterator[list[Path]]:
    """Like `written_whole`, for several files and folders: all of them are put in place, or none.

    Files that were created while the block ran are not replaced, unless `force` is given. Temporary
    folders that killed runs left in the same folders are cleared.

    Raises the errors of `written_whole`.
    """
    with ExitStack() as stack:
        places = [stack.enter_context(_staged(each)) for each in wanted]
        try:
            yield [place.temporary for place in places]
            for place in places:
                place.sync()
            with uninterrupted():
                _place_all(places)
        except OSError as error:
            path = _of_error(places, error)
            raise EnvironmentProblem(f"cannot write {path}: {error.strerror or error}") from error


def write_texts(contents: Mapping[Path, str], *, force: Collection[Path] = ()) -> None:
    """Writes texts as UTF-8 into files, all or none. The files in `force` may be replaced.

    Raises the errors of `written_whole`.
    """
    wanted = [Wanted(path, path in force) for path in contents]
    with all_written_whole(wanted) as temporaries:
        for temporary, text in zip(temporaries, contents.values(), strict=True):
            try:
                temporary.write_text(text, encoding="utf-8")
            except OSError as error:
                error.filename = str(temporary)  # the error of a full disk names no file
                raise


def _place_all(places: list[_Place]) -> None:
    for number, place in enumerate(places):
        try:
            place.place()
        except BaseException:
            for placed in reversed(places[:number]):
                placed.take_back()
            raise


def _of_error(places: list[_Place], error: OSError) -> str:
    """The path that could not be written, as the user named it."""
    at = str(error.filename or "")
    own = [place for place in places if at.startswith((str(place.folder), str(place.path)))]
    return ", ".join(str(place.wanted.path) for place in own or places)


@contextmanager
def _staged(wanted: Wanted) -> Iterator[_Place]:
    check_name(wanted.path)
    place = _FolderPlace(wanted) if wanted.known_by else _FilePlace(wanted)
    with StagingFolder(place.path, REPLACED) as folder:
        place.folder = folder
        yield place


class _Place:
    """The place of an output: it is made in a temporary folder beside it, then put in place."""

    def __init__(self, wanted: Wanted, path: Path) -> None:
        self.wanted = wanted
        self.path = path
        """The path that is written: the target if the path is a link."""
        self.folder = Path()

    @property
    def temporary(self) -> Path:
        """The temporary path, with the final name."""
        return self.folder / self.wanted.path.name

    @property
    def replaced(self) -> Path:
        """The path where the old file or folder is kept until everything is done."""
        return self.folder / REPLACED / self.path.name

    def sync(self) -> None:
        """Waits until the output is on the disk, so that a crash cannot leave it empty."""
        raise NotImplementedError

    def place(self) -> None:
        """Puts the output in place. Raises UsageError if something there must not be replaced."""
        raise NotImplementedError

    def take_back(self) -> None:
        """Undoes what `place` did."""
        raise NotImplementedError

    def exists_already(self) -> UsageError:
        """The error for something that exists and must not be replaced."""
        return UsageError(f"{self.wanted.path} exists already; --force replaces it")


class _FilePlace(_Place):
    def __init__(self, wanted: Wanted) -> None:
        try:
            path = _followed(wanted.path)
        except OSError as error:  # a folder on the way may not be looked into
            raise UsageError(f"cannot write {wanted.path}: {error.strerror}") from None
        super().__init__(wanted, path)
        self._replaces = False
        _refuse_existing(self.path, force=wanted.force)

    def sync(self) -> None:
        _sync(self.temporary)

    def place(self) -> None:
        if not self.wanted.force:
            self._place_new()
            return
        with suppress(FileNotFoundError):
            old = self.path.stat()
            self.temporary.chmod(stat.S_IMODE(old.st_mode))
            self._replaces = True
            self.replaced.parent.mkdir()
            try:
                os.link(self.path, self.replaced)
            except OSError:  # a file system without hard links
                shutil.copy2(self.path, self.replaced)
        self.temporary.replace(self.path)

    def _place_new(self) -> None:
        try:
            os.link(self.temporary, self.path)  # unlike a rename, this refuses to replace
        except FileExistsError:
            raise self.exists_already() from None
        except OSError:  # a file system without hard links: the name is taken first
            try:
                self.path.touch(exist_ok=False)
            except FileExistsError:
                raise self.exists_already() from None
            try:
                self.temporary.replace(self.path)
            except BaseException:
                self.path.unlink()
                raise

    def take_back(self) -> None:
        if self.replaced.exists():
            self.replaced.replace(self.path)
        elif not self._replaces:
            self.path.unlink(missing_ok=True)


class _FolderPlace(_Place):
    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted, wanted.path)
        self._check()

    def _check(self) -> None:
        """Raises UsageError if something exists there and must not be replaced."""
        path = self.path
        if not os.path.lexists(path):
            return
        if not path.is_dir() or path.is_symlink():
            raise UsageError(f"{path} exists already and is not a folder")
        known_by = self.wanted.known_by
        if any(path.iterdir()) and not (path / known_by).exists():
            raise UsageError(f"{path} is a folder of other things (it has no {known_by})")
        if not self.wanted.force:
            raise self.exists_already()

    def sync(self) -> None:
        for file in self.temporary.rglob("*"):
            if file.is_file():
                _sync(file)

    def place(self) -> None:
        self._check()
        if self.path.exists():
            self.replaced.parent.mkdir()
            self.temporary.chmod(stat.S_IMODE(self.path.stat().st_mode))
            self.path.rename(self.replaced)
        try:
            self._place_new()
        except BaseException:
            if self.replaced.exists():
                self._restore()
            raise

    def _restore(self) -> None:
        """Puts the old folder back. Raises UsageError if its name is taken; then it is kept."""
        try:
            self.replaced.rename(self.path)
        except OSError:
            raise UsageError(
                f"another program created {self.wanted.path} while it was being replaced; the old "
                f"folder is in {self.replaced}"
            ) from None

    def _place_new(self) -> None:
        """Reserves the name with an empty folder, which fails if something is there by now.

        A rename replaces an empty folder, but not a folder that something was put into.
        """
        try:
            if sys.platform == "win32":  # a rename replaces nothing there, not even empty folders
                self.temporary.rename(self.path)
                return
            self.path.mkdir()
        except FileExistsError:
            raise self.exists_already() from None
        try:
            self.temporary.rename(self.path)
        except BaseException:
            self.path.rmdir()
            raise

    def take_back(self) -> None:
        self.path.rename(self.temporary)
        if self.replaced.exists():
            self._restore()


def _followed(path: Path) -> Path:
    """The file at `path`, or that it leads to. Raises UsageError if it must not be replaced."""
    step = path
    for _ in range(MAX_LINKS):
        with suppress(OSError):  # the current folder was removed
            step = Path(os.path.normpath(step.absolute()))
        if STREAMS.fullmatch(str(step)):
            raise UsageError(
                f"{path} is a stream of this run, not a file; without -o the result goes to "
                "standard output"
            )
        if not step.is_symlink():
            break
        step = step.parent / step.readlink()
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_dir():
        raise UsageError(f"{path} is a folder")
    if os.path.lexists(target) and not target.is_file():  # a device, a pipe, a link to itself
        raise UsageError(f"{path} is not a regular file")
    return target


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
