"""Several runs in one process, as a notebook makes them: each is as the first would be."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from running import run_gconv

SPEC = """\
name: small
input: [8, 8, 8]
layers:
  - conv: {filters: 8, kernel: 3, groups: 4, norm: batch}
  - relu
  - conv: {filters: 8, kernel: 1, groups: 2}
"""
WRONG = SPEC.replace("relu", "rleu")

LIGHT = (
    ["summary", "small.yaml"],
    ["summary", "small.yaml", "-f", "json"],
    ["summary", "wrong.yaml"],
    ["compare", "small.yaml", "-g", "1,3,4"],
    ["compare", "shufflenet_v1", "--variants"],
    ["check", "small.yaml", "wrong.yaml", "--max-params", "100"],
    ["diff", "small.yaml", "block", "--fail-if-larger", "1%"],
    ["list"],
    ["schema"],
    ["init", "-o", "-"],
    ["--version"],
    ["--help"],
    ["sumary"],
)
HEAVY = (
    ["build", "small.yaml", "-o", "a.keras", "--init-seed", "1", "--force"],
    ["build", "small.yaml", "--fast", "-o", "fast.keras", "--init-seed", "1", "--force"],
    ["build", "model.keras", "-o", "a.onnx", "-o", "a.tflite", "-o", "a", "--force"],
    ["build", "small.yaml", "-o", "a.py", "--force"],
    ["build", "wrong.yaml", "--force"],
    ["accelerate", "model.keras", "-o", "b.keras", "--force"],
    ["summary", "model.keras"],
    ["compare", "model.keras", "-g", "1,2"],
    ["check", "model.keras", "--max-params", "100"],
    ["diff", "model.keras", "small.yaml"],
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The specs, and the model of the first where TensorFlow is wanted."""
    folder = tmp_path_factory.mktemp("one_process")
    (folder / "small.yaml").write_text(SPEC)
    (folder / "wrong.yaml").write_text(WRONG)
    return folder


@pytest.mark.parametrize("args", LIGHT, ids=" ".join)
def test_a_second_run_is_as_the_first(folder: Path, args: list[str]) -> None:
    first = run_gconv(*args, cwd=folder)
    run_gconv("summary", "wrong.yaml", cwd=folder)
    assert run_gconv(*args, cwd=folder) == first


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    args = ("build", "small.yaml", "-o", "model.keras", "--init-seed", "2")
    assert run_gconv(*args, cwd=folder).status == 0
    return folder


@pytest.mark.parametrize("args", HEAVY, ids=" ".join)
def test_a_second_run_with_keras_is_as_the_first(model: Path, args: list[str]) -> None:
    outputs = [Path(model, args[at + 1]) for at, word in enumerate(args) if word == "-o"]
    runs = []
    for _ in range(2):
        result = run_gconv(*args, cwd=model)
        assert "unexpected" not in result.err
        assert all(path.exists() for path in outputs)
        # Sizes vary with the numbers of TensorFlow's functions, and new weights differ.
        out = re.sub(r"\([\d.]+ k?B\)|up to [\d.]+", "SIZE", result.out)
        runs.append((result.status, out, result.err))
    assert runs[0] == runs[1]


@pytest.mark.nightly
def test_measuring_twice(folder: Path) -> None:
    args = ("--measure", "--batch", "1", "--runs", "1")
    for command in (("summary", "small.yaml"), ("compare", "small.yaml", "-g", "2")):
        first, second = (run_gconv(*command, *args, "-f", "csv", cwd=folder) for _ in range(2))
        assert (first.status, first.err) == (second.status, second.err) == (0, "")
        assert without_measured(first.out) == without_measured(second.out)


MEASURED = re.compile(r"(forward|train)_(s|share|spread|speedup|samples_per_s|bytes)|gflops_per_s")
"""Columns that are of one run: times, and memory, which goes by what ran side by side."""


def without_measured(text: str) -> list[dict[str, str]]:
    """The rows of a table, without what is measured."""
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) > 1
    assert any(map(MEASURED.fullmatch, rows[0]))
    return [{k: v for k, v in row.items() if not MEASURED.fullmatch(k)} for row in rows]
