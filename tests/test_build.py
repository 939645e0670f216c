"""`gconv build` as a process: files, memory, noise."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import clean_environment, run_gconv, run_in_terminal

SPEC = "name: small\ninput: [8, 8, 4]\nlayers: [conv: {filters: 8, kernel: 3, groups: 2}, relu]\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "small.yaml").write_text(SPEC)
    return tmp_path


def test_what_is_built_loads_where_there_is_only_keras(folder) -> None:
    """Every op that Keras has no layer for is in it, and gconv is out of the way."""
    (folder / "odd.yaml").write_text(
        """
        input: [8, 8, 4]
        layers:
          - conv: {filters: 8, kernel: 3, groups: 2, padding: 2}
          - channel_shuffle
          - relu:
            name: pad
          - max_pool: {size: 3, stride: 2, padding: 1}
          - avg_pool: {size: 2, padding: 1}
          - depthwise_conv: {kernel: 3, stride: [2, 1]}
          - parallel: {branches: [[conv: {filters: 8, kernel: 1}], []], merge: multiply}
          - residual: {body: [relu6]}
        """
    )
    result = run_gconv("build", "odd.yaml", cwd=folder)
    assert result.status == 0, result.err
    probe = (
        "import sys; sys.modules['groupconv_cli'] = None\n"
        "import keras, numpy\n"
        "model = keras.models.load_model('odd.keras')\n"
        "print(model.predict(numpy.ones((2, 8, 8, 4)), verbose=0).shape, model.count_params())"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=folder,
        env=clean_environment({"PYTHONPATH": ""}),
        capture_output=True,
        text=True,
        check=False,
    )
    params = (9 * 2 * 8 + 8) + (9 * 8 + 8) + (8 * 8 + 8)
    assert done.stdout.split("\n")[0] == f"(2, 2, 3, 8) {params}", done.stderr


def test_what_was_built_and_where_it_lies_is_printed_and_nothing_else(folder) -> None:
    result = run_gconv("build", "small.yaml", "-o", "models.keras", cwd=folder)
    assert result.status == 0
    assert result.err == ""
    first, second, third = result.out.splitlines()
    assert first == "Built small: 2 layers, 152 parameters."
    assert second.startswith("Checked:")
    assert third.startswith("Saved models.keras (")
    assert sorted(path.name for path in folder.iterdir()) == ["models.keras", "small.yaml"]


def test_fast_layers_are_loaded_with_the_package(folder) -> None:
    result = run_gconv("build", "small.yaml", "--fast", cwd=folder)
    assert (result.status, result.err) == (0, "")
    assert "To load it: import groupconv_cli.layers, then keras.models.load_model." in result.out
    script = (
        "import keras, groupconv_cli.layers as fast\n"
        "model = keras.models.load_model('small.keras')\n"
        "assert type(model.get_layer('conv')) is fast.GroupConv2D\n"
    )
    subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=clean_environment(), check=True, timeout=120
    )


def test_in_a_terminal_there_is_a_spinner_and_no_noise(folder) -> None:
    result = run_in_terminal("build", "small.yaml", cwd=folder)
    assert result.status == 0
    assert "Loading TensorFlow" in result.out
    assert "cuda" not in result.out.lower()
    assert "WARNING" not in result.out
    assert "Saved small.keras" in result.out


def test_an_existing_file_is_kept_unless_forced(folder) -> None:
    target = folder / "small.keras"
    target.write_bytes(b"precious")
    result = run_gconv("build", "small.yaml", cwd=folder)
    assert result.status == 2
    assert "small.keras exists already; --force replaces it" in result.err
    assert target.read_bytes() == b"precious"
    assert run_gconv("build", "small.yaml", "--force", cwd=folder).status == 0
    assert target.stat().st_size > 1000


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("small.h5", "must be a name that ends in .keras"),
        ("nowhere/small.keras", "there is no folder nowhere"),
        ("folder.keras", "folder.keras is a folder"),
    ],
)
def test_targets_that_cannot_be(folder, target: str, message: str) -> None:
    (folder / "folder.keras").mkdir()
    result = run_gconv("build", "small.yaml", "-o", target, cwd=folder)
    assert result.status == 2
    assert message in result.err


def test_what_cannot_fit_in_memory_is_refused_before_it_is_built(folder) -> None:
    (folder / "huge.yaml").write_text(
        "input: [8, 8, 100000]\nlayers: [conv: {filters: 1000000, kernel: 3}]"
    )
    result = run_gconv("build", "huge.yaml", cwd=folder)
    assert result.status == 3
    assert "takes about 10.8 TB of memory" in result.err
    assert "--ignore-memory" in result.err
    tried = run_gconv("build", "huge.yaml", "--ignore-memory", cwd=folder)
    assert tried.status == 3
    assert "there was not enough memory to build it" in tried.err
    assert "Traceback" not in tried.err
    assert not (folder / "huge.keras").exists()


def test_names_that_no_file_can_have(folder) -> None:
    (folder / "odd.yaml").write_text(SPEC.replace("small", '"../a b/ü:c"'))
    result = run_gconv("build", "odd.yaml", cwd=folder)
    assert result.status == 0, result.err
    assert (folder / "_a_b_ü_c.keras").exists()
