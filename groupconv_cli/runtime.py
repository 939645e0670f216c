"""Importing TensorFlow and Keras without their noise."""

from __future__ import annotations

import gc
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.words import joined

FRAMEWORK = ("tensorflow", "keras")

CALLS = 60_000
"""How deep calls may go in Keras: a few for each of as many layers as a model may have."""

LOGGERS = {"absl": "absl.logging", "tensorflow": "tensorflow"}
"""Loggers that speak up during our work, with the modules that make them."""


def require(*modules: str) -> None:
    """Imports nothing; raises EnvironmentProblem, which says what to install, if one is missing."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise EnvironmentProblem(
            f"this needs {joined(missing)}, which {are} not installed\n"
            f"  pip install {' '.join(missing)}"
        )


def load_keras() -> None:
    """Imports Keras on TensorFlow, quietly. Does nothing the second time.

    Raises EnvironmentProblem if one of them is missing or fails to load.
    """
    if "keras" in sys.modules:
        return
    require(*FRAMEWORK)
    # Must be set before TensorFlow's C++ side starts; a level the user chose stays.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    gc.enable()  # the command line switches it off, for runs that are over soon: this one is not
    with silenced() as messages:
        try:
            import keras  # noqa: F401
            import tensorflow  # noqa: F401
        except Exception as error:
            raise EnvironmentProblem(
                f"TensorFlow cannot be loaded: {error}\n{messages().strip()}".rstrip()
            ) from error


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
    sys.stderr.flush()
    with quiet(), tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)

        def read() -> str:
            file.seek(0)
            return file.read().decode(errors="replace")

        try:
            yield read
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
