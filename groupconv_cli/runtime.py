"""Importing TensorFlow and Keras without their noise."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.words import joined, lines_of

if TYPE_CHECKING:
    import logging

STDERR = 2
"""The descriptor that native code writes to."""

FRAMEWORK = ("tensorflow", "keras")

CALLS = 60_000
"""How deep calls may go in Keras: a few for each of as many layers as a model may have."""

LOGGERS = {"absl": "absl.logging", "tensorflow": "tensorflow"}
"""Loggers that speak up during our work, with the modules that make them."""

BACKEND = "KERAS_BACKEND"
"""The variable that tells Keras, as it is imported, what to compute with."""

_paused: list[Callable[[], None]] = []
"""What the command line has switched off for runs that are over soon: how to switch it on."""


def require(*modules: str) -> None:
    """Imports nothing; raises EnvironmentProblem, which says what to install, if one is missing."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise EnvironmentProblem(
            f"this needs {joined(missing)}, which {are} not installed",
            f"pip install {' '.join(missing)}",
        )


def own_process() -> None:
    """Sets what belongs to the whole process; only the command line does, whose process it is.

    Looking for garbage would make large specs cost more than their share, in runs that are over
    before it would matter. A run that loads Keras is not: `load_keras` goes back to it.
    """
    os.environ[BACKEND] = "tensorflow"
    # Must be set before TensorFlow's C++ side starts; a level the user chose stays.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if gc.isenabled():
        gc.disable()
        _paused.append(gc.enable)


def load_keras() -> None:
    """Imports Keras on TensorFlow, quietly; the process' settings stay as they are.

    Raises EnvironmentProblem if one of them is missing or fails to load, or if Keras runs on
    something else in this process.
    """
    while _paused:
        _paused.pop()()
    if "keras" not in sys.modules:
        require(*FRAMEWORK)
        _check_backend(os.environ.get(BACKEND) or "tensorflow", f"{BACKEND} is set to")
        with silenced() as messages:
            _import("tensorflow", "TensorFlow", messages)
            _import("keras", "Keras", messages)
    _check_backend(sys.modules["keras"].config.backend(), "Keras runs in this process on")


def _import(module: str, name: str, messages: Callable[[], str]) -> None:
    try:
        import_module(module)
    except Exception as error:
        first, *rest = lines_of(error)
        said = [line for line in messages().splitlines() if line.strip()]
        raise EnvironmentProblem(
            f"{name} cannot be loaded: {first}", details=[*rest, *said]
        ) from error


def _check_backend(backend: str, what: str) -> None:
    """Raises EnvironmentProblem unless it is the one that gconv computes with."""
    if backend != "tensorflow":
        raise EnvironmentProblem(
            f"gconv computes with TensorFlow, and {what} {backend!r}",
            f"set {BACKEND}=tensorflow before Python starts",
        )


@contextmanager
def deep() -> Iterator[None]:
    """Lets Keras go through a chain of very many layers: it goes one call deeper with each.

    These calls are of Python in Python, which take no room on the system's stack. Nothing that a
    file nests is read inside: that may be read by code in C, whose calls do.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps what TensorFlow and absl log in this thread from the screen, while gconv is at work.

    TensorFlow warns of every function that Keras traces anew, and Keras does so for every
    convolution with groups. Levels and handlers of the loggers, which are the user's, stay as they
    are.
    """
    import logging
    import threading

    own = threading.get_ident()

    def is_foreign(record: logging.LogRecord) -> bool:
        return record.thread != own

    # A logger that is not made yet is not made here: absl's has to be of a class of its own.
    loggers = [logging.getLogger(name) for name, module in LOGGERS.items() if module in sys.modules]
    for logger in loggers:
        logger.addFilter(is_foreign)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_foreign)


@contextmanager
def silenced() -> Iterator[Callable[[], str]]:
    """Keeps what is logged and what native code writes to stderr from the screen.

    Yields a way to read the latter. TensorFlow writes its first lines before any setting can reach
    its log, straight to file descriptor 2.
    """
    import tempfile

    _flush_stderr()
    with quiet(), tempfile.TemporaryFile() as file:

        def read() -> str:
            file.seek(0)
            return file.read().decode(errors="replace")

        with _in_place_of_stderr(file.fileno()):
            yield read


@contextmanager
def _in_place_of_stderr(descriptor: int) -> Iterator[None]:
    """What is written to descriptor 2 goes to another one; where 2 is closed, nothing is done."""
    try:
        kept = os.dup(STDERR)
    except OSError:
        yield
        return
    os.dup2(descriptor, STDERR)
    try:
        yield
    finally:
        _flush_stderr()
        os.dup2(kept, STDERR)
        os.close(kept)


def _flush_stderr() -> None:
    """Python's own lines keep their order. Nobody can be told of a full disk or a closed stream."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
