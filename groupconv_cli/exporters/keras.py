"""Keras' own file."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from groupconv_cli.exporters.comparison import Arrays
from groupconv_cli.exporters.exporter import ExportOptions, ExportSubject, Runtime
from groupconv_cli.exporters.samples import outputs_of

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can give."""


class KerasFile:
    """Keras' own file."""

    def write(self, subject: ExportSubject, path: Path, options: ExportOptions) -> None:
        """Saves the model. The same model gives the same bytes."""
        with TemporaryDirectory(dir=path.parent) as folder:
            raw = Path(folder, "raw.keras")
            subject.model.save(raw)
            _rewrite(raw, path)

    def load(self, path: Path, subject: ExportSubject) -> Runtime:
        """Loads it with Keras."""
        import keras

        # Safe mode is for files from elsewhere: the content of this file is in memory already.
        model = keras.models.load_model(path, compile=False, safe_mode=False)

        def run(inputs: Arrays) -> Arrays:
            return outputs_of(model, inputs)

        return Runtime(f"Keras {keras.__version__}", run)

    def tolerance(self, options: ExportOptions) -> float:
        """A small tolerance: the kernels are the same, but may add in another order."""
        return 1e-6


def _rewrite(raw: Path, path: Path) -> None:
    """Removes the parts of the file that differ from run to run: times and addresses."""
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            timeless = zipfile.ZipInfo(entry.filename, EPOCH)
            with source.open(entry) as found, target.open(timeless, "w", force_zip64=True) as file:
                if entry.filename.endswith(".json"):
                    content = json.load(found)
                    content.pop("date_saved", None)
                    file.write(json.dumps(_numbered(content, {})).encode())
                else:
                    shutil.copyfileobj(found, file, 2**20)


def _numbered(value: Any, numbers: dict[int, int]) -> Any:
    """The configuration with numbers from 1 in place of the addresses of shared objects."""
    if isinstance(value, list):
        return [_numbered(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: numbers.setdefault(item, len(numbers) + 1)
        if key == "shared_object_id"
        else _numbered(item, numbers)
        for key, item in value.items()
    }


EXPORTER = KerasFile()
