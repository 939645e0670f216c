"""Data in a .npz file: `x_train`, `y_train`, `x_test` and `y_test`, or `x` and `y`."""

from __future__ import annotations

from pathlib import Path

from groupconv_cli.errors import UsageError
from groupconv_cli.models.arrays import array_bytes, read_arrays
from groupconv_cli.training.samples import Raw, Samples, check_size
from groupconv_cli.words import joined

SPLIT = ("x_train", "y_train", "x_test", "y_test")
WHOLE = ("x", "y")
SAVE = "numpy.savez('data.npz', x=inputs, y=labels) writes a file that can be read"


def read_npz(path: Path) -> Raw:
    """The samples of the file. Raises UsageError if it cannot be read or lacks an array."""
    there = array_bytes(path, SAVE)
    wanted = WHOLE if {*WHOLE} <= {*there} and not {*SPLIT} <= {*there} else SPLIT
    if missing := [name for name in wanted if name not in there]:
        listed = [repr(name[:40]) for name in [*there][:10]]
        raise UsageError(
            f"{path} has no {joined(missing)}; it has {joined(listed) if listed else 'no arrays'}",
            f"it needs {joined(SPLIT)}, or {joined(WHOLE)}, which are split",
        )
    check_size(str(path), sum(there[name] for name in wanted))
    arrays = read_arrays(path, SAVE, wanted)
    parts = [arrays[name] for name in wanted]
    test = Samples(*parts[2:]) if len(parts) > 2 else None
    return Raw(Samples(*parts[:2]), test)
