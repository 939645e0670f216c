"""Files that Keras 2 wrote, and copies of them that say something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
from running import ROOT

FOLDER = ROOT / "tests" / "data" / "keras2"
"""Files by Keras 2.15."""

MADE = FOLDER / "made"
"""Files by `make.py` in that folder."""

PARAMS_MADE = json.loads((MADE / "params.json").read_text())
"""The parameters of these as Keras 2 counts them."""


def rewritten(tmp_path: Path, source: Path, change: Any, version: str) -> Path:
    """A copy of an .h5 file whose description is changed."""
    path = tmp_path / source.name
    shutil.copy(source, path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(change(config)).encode()  # as h5py 2 wrote text
        file.attrs["keras_version"] = version.encode()
    return path
