"""A layer type is one class in one file: all that the rest goes by is in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from running import ROOT, Result, run_in_turn

LAYER = '''

class UnitNorm(Op, name="unit_norm"):
    """Scales the channels of each position to the length 1.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `unit_norm`
    """

    is_dense = True
    keras_classes = ("UnitNormalization",)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """`UnitNormalization`."""
        return [LayerCall("UnitNormalization", name)]

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op:
        """A `UnitNormalization`."""
        return cls()
'''

SPEC = "input: [4, 4, 8]\nlayers:\n  - conv: {filters: 8, kernel: 1}\n  - unit_norm\n"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package alone, as it is installed, with one more class in a family."""
    folder = tmp_path_factory.mktemp("copied")
    package = folder / "groupconv_cli"
    shutil.copytree(ROOT / "groupconv_cli", package, ignore=shutil.ignore_patterns("__pycache__"))
    family = package / "ops/shape.py"
    family.write_text(family.read_text(encoding="utf-8") + LAYER, encoding="utf-8")
    (folder / "net.yaml").write_text(SPEC, encoding="utf-8")
    return folder


def run(folder: Path, *commands: str) -> list[Result]:
    commands = [command.split() for command in commands]
    return run_in_turn(*commands, cwd=folder, env={"PYTHONPATH": str(folder)})


def test_it_is_read_counted_checked_and_in_the_schema(copied: Path) -> None:
    summary, check, schema = run(copied, "summary net.yaml -f json", "check net.yaml", "schema")
    assert (summary.status, summary.err) == (0, "")
    assert json.loads(summary.out)["layers"][-1]["name"] == "unit_norm"
    assert check.status == 0
    assert '"unit_norm"' in schema.out


def test_it_is_built_written_as_code_and_read_back_from_keras(copied: Path) -> None:
    commands = "build net.yaml -o net.keras -o net.py", "summary net.keras -f json"
    built, read = run(copied, *commands)
    assert (built.status, built.err) == (0, "")
    assert 'layers.UnitNormalization(name="unit_norm")' in (copied / "net.py").read_text()
    assert read.err == ""
    assert json.loads(read.out)["layers"][-1]["op"] == "unit_norm"
