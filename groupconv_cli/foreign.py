"""The door that files from elsewhere come in by: whatever reading one raises is a UsageError.

Python's and other people's readers meet damage, and what an attacker made, with errors of any
kind. None of them is a bug of gconv's, and the user can do something about all of them.
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
    """While this is open, whatever is raised is of the file: a UsageError that names it.

    `trouble` is what there is to say of the file ('is not a complete HDF5 file'), `remedy`
    what to do about it. What gconv raises on purpose passes.
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
        # Only what opens files itself tells which one: the libraries' own errors are of what is in
        # it, those of their bindings to C included.
        if isinstance(error, OSError) and error.filename:
            raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
        raise UsageError(f"{path} {trouble}: {brief(error)}", remedy) from error


def check_regular(path: Path, kind: str = "file") -> None:
    """Raises UsageError unless there is a file of bytes at the path: reading a pipe may not end.

    `kind` is what a folder there is not.
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
    """What an error of another library says, fit to be printed."""
    text = " ".join(str(error).split())[:MAX_BRIEF] or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in text)
