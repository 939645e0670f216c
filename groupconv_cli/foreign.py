"""The guard around files from elsewhere: any error of reading one becomes a UsageError.

Readers of Python and of libraries raise errors of any kind for damaged or malicious files. These
are not bugs of gconv, and the user can do something about all of them.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groupconv_cli.errors import GconvError, UsageError

MAX_BRIEF = 120


@contextmanager
def foreign(path: Path | str, trouble: str, remedy: str) -> Iterator[None]:
    """While this is open, any error becomes a UsageError that names the file.

    `trouble` says what is wrong with the file ('is not a complete HDF5 file'), `remedy` what to do
    about it. Errors that gconv raises on purpose pass unchanged.
    """
    try:
        yield
    except GconvError:
        raise
    except FileNotFoundError as error:
        if not error.filename:
            raise UsageError(f"{path} {trouble}: {brief(error)}", remedy) from error
        raise UsageError(f"no file {str(path)!r} here") from None
    except MemoryError as error:
        raise UsageError(f"{path} takes more memory than there is", remedy) from error
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deeply to be read", remedy) from error
    except Exception as error:
        # Only errors of opening a file name the file. Other errors of libraries, and of their
        # bindings to C, are about its content.
        if isinstance(error, OSError) and error.filename:
            raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
        raise UsageError(f"{path} {trouble}: {brief(error)}", remedy) from error


def check_regular(path: Path, kind: str = "file") -> None:
    """Raises UsageError unless the path is a regular file: reading a pipe may never end.

    `kind` is the word for a file in the error about a folder.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UsageError(f"no file {str(path)!r} here") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from None
    if stat.S_ISDIR(mode):
        raise UsageError(f"{path} is a folder, not a {kind}")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} is not a regular file but a device or a pipe")


def brief(error: Exception) -> str:
    """The message of another library's error, safe to print."""
    text = " ".join(str(error).split())[:MAX_BRIEF] or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in text)
