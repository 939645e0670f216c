"""What a copy of the package leaves behind in the process: nothing."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest
from package_copy import PackageCopy, without_package

from groupconv_cli import layers

SPEC = "name: small\ninput: [8, 8, 8]\nlayers: [conv: {filters: 8, kernel: 3, groups: 2}]\n"


def test_a_copy_runs_in_place_of_the_package_and_leaves_the_classes_that_keras_knows(
    tmp_path: Path,
) -> None:
    copy = PackageCopy(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC)
    code = (copy.package / "layers.py").read_text(encoding="utf-8")
    (copy.package / "layers.py").write_text(f'{code}\nprint("the copy")\n', encoding="utf-8")
    done = copy.run("build", "net.yaml", "--fast")
    assert (done.status, done.err) == (0, "")
    assert "the copy\n" in done.out
    model = keras.models.load_model(tmp_path / "small.keras")
    assert type(model.get_layer("conv")) is layers.GroupConv2D
    with (
        without_package(),
        pytest.raises((TypeError, ImportError, ValueError), match="GroupConv2D"),
    ):
        keras.models.load_model(tmp_path / "small.keras")
