"""In place of the package, in this process: a copy of it that may be changed, or nothing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from running import ROOT, Result, run_gconv

NAME = "groupconv_cli"


class PackageCopy:
    """The package alone, as it is installed, in a folder, which is the working folder of its runs.

    Its modules are loaded at the first run, and belong to it: what tests import is the package.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / NAME
        self._loaded: dict[str, ModuleType] = {}
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / NAME, self.package, ignore=left_out)

    def run(self, *args: str, **env: str) -> Result:
        """Runs the program of the copy."""
        with self._in_place():
            done = run_gconv(*args, cwd=self.folder, env=env)
            assert sys.modules[NAME].__file__ == str(self.package / "__init__.py")
        return done

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        replaced = _taken_out()
        sys.modules.update(self._loaded)
        sys.path.insert(0, str(self.folder))
        try:
            with _classes_kept():
                yield
        finally:
            sys.path.remove(str(self.folder))
            self._loaded = _taken_out()
            sys.modules.update(replaced)


@contextmanager
def without_package() -> Iterator[None]:
    """The package cannot be imported in the block, and Keras knows none of its classes."""
    import keras

    modules = _taken_out()
    sys.modules[NAME] = None  # type: ignore[assignment]
    try:
        with _classes_kept():
            keras.saving.get_custom_objects().clear()
            yield
    finally:
        del sys.modules[NAME]
        sys.modules.update(modules)


@contextmanager
def _classes_kept() -> Iterator[None]:
    """The classes that Keras knows by name, if it is loaded, are afterwards what they were."""
    keras = sys.modules.get("keras")
    known = {} if keras is None else keras.saving.get_custom_objects()
    kept = dict(known)
    try:
        yield
    finally:
        known.clear()
        known.update(kept)


def _taken_out() -> dict[str, ModuleType]:
    """The modules of the package, which are not loaded any more."""
    names = [name for name in sys.modules if name.partition(".")[0] == NAME]
    return {name: sys.modules.pop(name) for name in names}
