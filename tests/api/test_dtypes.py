"""Numbers and arrays of every type where the library takes some: right, or refused in words."""

from __future__ import annotations

from pathlib import Path

import keras
import ml_dtypes
import numpy as np
import pytest
from keras import layers
from specs import nightly_but

from groupconv_cli import (
    MeasureSettings,
    UsageError,
    accelerate,
    analyze,
    build,
    check,
    compare,
    compare_variants,
    diff,
    export,
    load,
    measure,
    measure_layers,
    portable,
    python_code,
)

SPEC = {
    "input": [8, 8, 8],
    "vars": {"g": 4},
    "layers": [{"conv": {"filters": 8, "kernel": 3, "groups": "$g"}}, "relu"],
}
MACS = 64 * 9 * 8 * 8 // 4
INTEGERS = [np.int64, np.int32, np.uint8, np.int8]


@pytest.mark.parametrize("kind", INTEGERS)
def test_whole_numbers_of_numpy(kind, tmp_path: Path, monkeypatch) -> None:
    of = kind
    conv = {"filters": of(8), "kernel": (of(3), of(3)), "groups": of(4)}
    spec = {"input": (of(8), of(8), of(8)), "layers": [{"conv": conv}]}
    assert analyze(spec).macs == MACS
    assert load(SPEC, settings={"g": of(2)}).layers[0].groups == 2
    assert [row.groups for row in compare(SPEC, [of(1), of(2)]).rows] == ["as written", 1, 2]
    assert [row.groups for row in compare(SPEC, np.array([1, 2], of)).rows][1:] == [1, 2]
    assert diff(spec, SPEC).before.macs == diff(spec, SPEC).after.macs == MACS
    assert "groups=4" in python_code(spec)
    family = {**SPEC, "variants": {"a": {"g": of(1)}, "b": {"g": of(2)}}}
    assert [row.totals.macs for row in compare_variants(family).rows] == [4 * MACS, 2 * MACS]
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text("input: [8, 8, 8]\nlayers: [conv: {filters: 8, kernel: 3}]")
    assert check("net.yaml", budget={"params": of(100)}).exit_status == 1
    assert check("net.yaml", budget={"params": np.float32(600)}).exit_status == 0
    with pytest.raises(UsageError, match="the limit of params must be a number"):
        check("net.yaml", budget={"params": np.float64("inf")})


@pytest.mark.parametrize(
    "policy",
    nightly_but(["mixed_bfloat16"], ["float64", "float16", "bfloat16", "mixed_bfloat16"]),
)
def test_models_of_every_dtype(policy: str) -> None:
    inputs = keras.Input((8, 8, 8))
    conv = layers.Conv2D(8, 3, groups=4, padding="same", dtype=policy)(inputs)
    model = keras.Model(inputs, layers.ReLU(dtype=policy)(conv))
    assert analyze(model).macs == MACS
    fast = accelerate(model)
    given = np.random.default_rng(0).standard_normal((2, 8, 8, 8))
    bound = 0.05 if "16" in policy else 1e-5
    for kind in ("float64", "float32", "float16", ml_dtypes.bfloat16, "int32", "uint8"):
        x = keras.ops.convert_to_tensor(given.astype(kind))
        expected = np.asarray(model(x), "float64")
        for copy in (fast, portable(fast)):
            found = np.asarray(copy(x), "float64")
            np.testing.assert_allclose(found, expected, atol=bound * np.abs(expected).max())


@pytest.mark.parametrize(
    "kind",
    nightly_but(["bfloat16", "lists"], ["float64", "bfloat16", "int64", "uint8", "list", "lists"]),
)
def test_samples_of_every_dtype(kind: str, tmp_path: Path) -> None:
    model = build(SPEC, seed=1)
    values = np.random.default_rng(0).integers(0, 3, (4, 8, 8, 8))
    given: object
    if kind.startswith("list"):
        given = values.tolist() if kind == "lists" else [values.astype("float32")]
    else:
        given = values.astype(ml_dtypes.bfloat16 if kind == "bfloat16" else kind)
    written = export(model, tmp_path / "net.tflite", quantize="int8", calibration=given)
    assert written.agreement.relative < 0.05


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((4, 8, 8, 7), "float32"),
        np.zeros((8, 8, 8), "float32"),
        np.zeros((0, 8, 8, 8), "float32"),
        np.full((4, 8, 8, 8), np.nan, "float32"),
        np.full((4, 8, 8, 8), "x"),
        3.0,
        [[1.0], [2.0, 3.0]],
        {"other": np.zeros((4, 8, 8, 8), "float32")},
    ],
    ids=["channels", "rank", "empty", "nan", "text", "number", "ragged", "name"],
)
def test_samples_that_cannot_be(given, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        export(build(SPEC), tmp_path / "net.tflite", quantize="int8", calibration=given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("of", nightly_but([np.int64], [int, np.int64, np.int32]))
def test_settings_of_measuring(of) -> None:
    settings = MeasureSettings(batch=of(1), runs=of(1))
    assert measure(SPEC, [of(1)], settings=settings).complete
    assert measure_layers(SPEC, settings=settings).complete
