"""Modules of the user's own that a model's file needs: they have the code of its custom classes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import first_line

Tell = Callable[[str], None]


def import_modules(names: Iterable[str], note: Tell) -> None:
    """Imports modules, so that Keras finds the classes in them, registered or not.

    They run with all the rights of the user. A module of the current folder can be imported too.
    `note` is told of each module where it was found.

    Raises UsageError for a module that does not exist or cannot be imported, EnvironmentProblem if
    TensorFlow is missing.
    """
    wanted = list(names)
    if not wanted:
        return
    for name in wanted:
        _check_name(name)
    from groupconv_cli.runtime import load_keras

    load_keras()
    with _folder_first():
        for name in wanted:
            module = _imported(name)
            _make_known(module)
            note(f"imported {name} from {getattr(module, '__file__', None) or 'Python itself'}")


@contextmanager
def _folder_first() -> Iterator[None]:
    """Modules of the current folder are found before others; afterwards, after all others.

    So what gconv imports later is not a file of this folder that happens to have the name.
    """
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        sys.path.append(folder)


def _check_name(name: str) -> None:
    path = Path(name)
    if path.suffix != ".py" and all(part.isidentifier() for part in name.split(".")):
        return
    stem = path.stem
    hint = f"for a file of this folder: --import {stem}" if stem.isidentifier() else None
    raise UsageError(
        f"--import takes the name of a module, such as my_layers or package.layers; got {name!r}",
        hint,
    )


def _imported(name: str) -> ModuleType:
    try:
        # What it prints is not the result.
        with redirect_stdout(sys.stderr):
            return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(
                f"there is no module {name!r} in this folder or among the installed packages",
                "run gconv in the folder of the module, or install its package",
            ) from error
        raise _failed(name, error) from error
    except (Exception, SystemExit) as error:
        raise _failed(name, error) from error


def _failed(name: str, error: BaseException) -> UsageError:
    text = first_line(Exception(error))
    return UsageError(f"the module {name!r} cannot be imported: {type(error).__name__}: {text}")


def _make_known(module: ModuleType) -> None:
    """Lets Keras find classes that the module defines and has not registered."""
    import keras

    known: dict[str, Any] = keras.saving.get_custom_objects()
    for name, thing in vars(module).items():
        own = isinstance(thing, type) and thing.__module__ == module.__name__
        if own and issubclass(thing, keras.Operation | keras.Model):
            known.setdefault(name, thing)
