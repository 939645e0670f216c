"""The guard around files from elsewhere: any error of reading one becomes a UsageError.

Readers of Python and of libraries raise errors of any kind for damaged or malicious files. These
are not bugs of gconv, and the user can do something about all of them.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groupconv_cli.errors import GconvError, UsageError

MAX_BRIEF = 120
MAX_REASON = 300

_FRAME = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\{\{\w+ [^{}]*\}\}\s*|\s*\[Op:\w+\](?= ?$)")
"""Colours of a terminal, and TensorFlow's names of its own operations."""

_COMPILER = "error: loc("
"""What stands before a location of MLIR."""

_NAMED = re.compile(r'"(\w+):", "([^"@]+)@')

_CALL = re.compile(r"Exception encountered when calling (?:layer )?'?([\w.]+?)'?(?:\.call\(\))?\W")

_CLASS = re.compile(r"^(?:\w+\.)*\w+(?:Error|Exception): ")

_OF_PYTHON = re.compile(
    r"object has no attribute|object is not \w+$|unsupported operand|not supported between"
    r"|invalid literal for|zip\(\) argument|positional argument|unexpected keyword argument"
    r"|index out of range|values to unpack"
)
"""What Python says where a library uses something as what it is not."""


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
    text = " ".join(_FRAME.sub("", str(error)).split())[:MAX_BRIEF] or type(error).__name__
    return _printed(text)


def first_line(error: Exception) -> str:
    """The reason that an error of another library gives, in a line.

    What is not for people is left out: the frame that Keras and TensorFlow put around a reason,
    locations inside of a compiler, and what Python says of mistakes in a library's code.
    """
    text = _FRAME.sub("", str(error))
    if _COMPILER in text:
        return _place(text)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    called = _CALL.match(lines[0])
    if called and len(lines) > 1:
        del lines[0]
    elif lines[0] == "in user code:":
        lines = [line for line in lines if _CLASS.match(line)][-1:] or lines
    text = lines[0]
    if text.endswith(":") and len(lines) > 1:
        text += f" {lines[1]}"
    text = _CLASS.sub("", text)
    if _OF_PYTHON.search(text):
        text = f"{called[1] if called else 'a library'} fails in its own code"
    return _printed(text[:MAX_REASON])


def _place(text: str) -> str:
    """Where a compiler fails: it names operations from the innermost call outwards."""
    for operation, path in _NAMED.findall(text):
        if operation != "StatefulPartitionedCall":
            layer = path.rpartition("/")[0]
            return _printed(f"the converter fails on {operation} in {layer}"[:MAX_REASON])
    return "the converter fails, and gives no reason that helps"


def _printed(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
