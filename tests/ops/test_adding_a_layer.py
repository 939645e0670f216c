"""A layer type is one class in one file: all that the rest goes by is in it."""

from __future__ import annotations

import json

import pytest
from package_copy import PackageCopy

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
def copied(tmp_path_factory: pytest.TempPathFactory) -> PackageCopy:
    """A copy of the package with one more class in a family."""
    copy = PackageCopy(tmp_path_factory.mktemp("copied"))
    family = copy.package / "ops/shape.py"
    family.write_text(family.read_text(encoding="utf-8") + LAYER, encoding="utf-8")
    (copy.folder / "net.yaml").write_text(SPEC, encoding="utf-8")
    return copy


def test_it_is_read_counted_checked_and_in_the_schema(copied: PackageCopy) -> None:
    summary = copied.run("summary", "net.yaml", "-f", "json")
    assert (summary.status, summary.err) == (0, "")
    assert json.loads(summary.out)["layers"][-1]["name"] == "unit_norm"
    assert copied.run("check", "net.yaml").status == 0
    assert '"unit_norm"' in copied.run("schema").out


def test_it_is_built_written_as_code_and_read_back_from_keras(copied: PackageCopy) -> None:
    built = copied.run("build", "net.yaml", "-o", "net.keras", "-o", "net.py")
    assert (built.status, built.err) == (0, "")
    written = (copied.folder / "net.py").read_text(encoding="utf-8")
    assert 'layers.UnitNormalization(name="unit_norm")' in written
    read = copied.run("summary", "net.keras", "-f", "json")
    assert read.err == ""
    assert json.loads(read.out)["layers"][-1]["op"] == "unit_norm"
