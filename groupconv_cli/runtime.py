"""Imports TensorFlow and Keras without their noise."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.words import joined, lines_of

if TYPE_CHECKING:
    import logging

STDOUT, STDERR = 1, 2
"""The descriptors that native code writes to."""

FRAMEWORK = ("tensorflow", "keras")

CALLS = 60_000
"""The depth of calls that Keras may need: a few for each layer of the largest model."""

LOGGERS = {"absl": "absl.logging", "tensorflow": "tensorflow"}
"""Loggers that print while gconv works, with the modules that make them."""

BACKEND = "KERAS_BACKEND"
"""The variable that sets Keras' backend when Keras is imported."""

OPTIONAL = ("IPython", "matplotlib", "pandas")
"""Packages that Keras imports if they are there, for functions that gconv does not call.

They take a quarter of the time that Keras and TensorFlow take to load.
"""

_owned: list[bool] = []
"""Not empty if the process is gconv's own, so that its settings may be."""

_paused: list[Callable[[], None]] = []
"""Functions that switch on again what the command line switched off for short runs."""


def require(*modules: str, install: str = "") -> None:
    """Raises EnvironmentProblem with what to install if one is missing. Imports nothing.

    `install` is the command for that, unless it is the one for these modules by their names.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise EnvironmentProblem(
            f"this needs {joined(missing)}, which {are} not installed",
            install or f"pip install {' '.join(missing)}",
        )


def own_process() -> None:
    """Changes settings of the whole process. Only the command line does that, in its own process.

    It switches the garbage collector off, which would make large specs slow, in runs that end
    before it matters. `load_keras` switches it on again once Keras is loaded, because runs with
    Keras are longer.
    """
    _owned.append(True)
    os.environ[BACKEND] = "tensorflow"
    # This must be set before TensorFlow's C++ side starts. A level that the user chose stays.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if gc.isenabled():
        gc.disable()
        _paused.append(gc.enable)


def load_keras() -> None:
    """Imports Keras on TensorFlow, quietly. The settings of the process stay unchanged.

    Raises EnvironmentProblem if one of them is missing or fails to load, or if Keras has another
    backend in this process.
    """
    if "keras" not in sys.modules:
        require(*FRAMEWORK)
        _check_backend(os.environ.get(BACKEND) or "tensorflow", f"{BACKEND} is set to")
        with silenced() as messages, light_imports() if _owned else nullcontext():
            _import("tensorflow", "TensorFlow", messages)
            _import("keras", "Keras", messages)
        if _owned:
            _set_as_shipped()
    while _paused:
        _paused.pop()()
    _check_backend(sys.modules["keras"].config.backend(), "Keras runs in this process on")


@contextmanager
def light_imports(*more: str) -> Iterator[None]:
    """Makes the import of TensorFlow and Keras quick, in processes that are gconv's own.

    They find no packages that they use only if they are there, nor those of `more`. Keras draws no
    pictures then and takes no data of pandas, as long as the process lives; afterwards the packages
    can be imported as ever. What is loaded here stays until the process ends, so the garbage
    collector does not look at it, neither now nor later.
    """
    hidden = [name for name in (*OPTIONAL, *more) if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's sign for "not there"
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        gc.freeze()
        if collecting:
            gc.enable()


@contextmanager
def as_shipped() -> Iterator[None]:
    """Sets Keras as it is shipped, whatever the user's keras.json or this process says.

    A spec is the same model everywhere. A dtype policy that the process has set stays, unless it
    only follows from the float type. After the block everything is as it was.
    """
    restore = _set_as_shipped()
    try:
        yield
    finally:
        restore()


def _set_as_shipped() -> Callable[[], None]:
    """Sets Keras as it is shipped; returns a function that undoes it."""
    config = sys.modules["keras"].config
    floatx, layout, epsilon = config.floatx(), config.image_data_format(), config.epsilon()
    policy = config.dtype_policy()
    follows = policy.name == floatx

    def restore() -> None:
        config.set_floatx(floatx)
        config.set_image_data_format(layout)
        config.set_epsilon(epsilon)
        if follows:
            config.set_dtype_policy(policy)

    config.set_floatx("float32")
    config.set_image_data_format("channels_last")
    config.set_epsilon(1e-7)
    if follows:
        config.set_dtype_policy("float32")
    return restore


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
    """Raises EnvironmentProblem unless the backend is TensorFlow."""
    if backend != "tensorflow":
        raise EnvironmentProblem(
            f"gconv computes with TensorFlow, and {what} {backend!r}",
            f"set {BACKEND}=tensorflow before Python starts",
        )


@contextmanager
def deep() -> Iterator[None]:
    """Lets Keras go through very long chains of layers: it goes one call deeper with each layer.

    These are calls of Python by Python, which take no space on the system's stack. Nested content
    of files must not be read inside: C code may read it, and its calls do take that space.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Hides log messages of TensorFlow and absl in this thread while gconv works.

    TensorFlow warns of every function that Keras traces again, and Keras does so for every
    convolution with groups. The levels and handlers of the loggers belong to the user and stay
    unchanged.
    """
    import logging
    import threading

    own = threading.get_ident()

    def is_foreign(record: logging.LogRecord) -> bool:
        return record.thread != own

    # A logger that does not exist yet is not made here, because absl's needs a class of its own.
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
    """Hides log messages, and the output of native code to stderr.

    Yields a function that reads the output of native code. TensorFlow writes its first lines
    straight to file descriptor 2, before any setting can reach its log.
    """
    import tempfile

    _flush_stderr()
    with quiet(), tempfile.TemporaryFile() as file:

        def read() -> str:
            file.seek(0)
            return file.read().decode(errors="replace")

        with _redirected(STDERR, file.fileno()):
            yield read


@cache
def start_devices() -> None:
    """Lets TensorFlow start its devices, which the first tensor would do, without its messages.

    Where a driver of a GPU finds no GPU, native code writes an error to stderr. After this the
    devices cannot be configured any more, so only what makes tensors may call it.
    """
    import tensorflow as tf

    with silenced():
        tf.config.list_logical_devices()


@contextmanager
def hidden_stdout() -> Iterator[None]:
    """Hides what native code prints to stdout meanwhile."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
    with Path(os.devnull).open("wb") as nowhere, _redirected(STDOUT, nowhere.fileno()):
        yield


@contextmanager
def _redirected(stream: int, descriptor: int) -> Iterator[None]:
    """Redirects the descriptor of a stream to another. Does nothing if the stream is closed."""
    try:
        kept = os.dup(stream)
    except OSError:
        yield
        return
    os.dup2(descriptor, stream)
    try:
        yield
    finally:
        _flush_stderr()
        os.dup2(kept, stream)
        os.close(kept)


def _flush_stderr() -> None:
    """Flushes stderr, so that Python's lines keep their order. Errors are ignored."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
