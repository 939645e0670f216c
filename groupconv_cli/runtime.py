"""Importing TensorFlow and Keras without their noise."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.words import joined

FRAMEWORK = ("tensorflow", "keras")


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
def silenced() -> Iterator[Callable[[], str]]:
    """Keeps what native code writes to stderr from the screen; yields a way to read it.

    TensorFlow writes its first lines before any setting can reach its log, straight to file
    descriptor 2.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
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
