"""`gconv accelerate --measure`: the model before and after, on this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from running import run_gconv


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that takes its input by name, and leaves its sizes open."""
    import keras

    image = keras.Input((None, None, 8), name="image")
    x = keras.layers.Conv2D(8, 3, groups=2)(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    keras.Model({"image": image}, x).save(path)
    return path


def test_both_steps_are_timed_and_the_file_is_written(model: Path) -> None:
    fast = model.with_name("fast.keras")
    run = run_gconv(
        *("accelerate", str(model), "-o", str(fast), "--set", "input=8,8,8"),
        *("--measure", "--batch", "3", "--runs", "5"),
    )
    assert run.status == 0, run.err
    assert fast.exists()
    assert "Measured here · batch 3 · CPU:0" in run.out
    for name in ("Forward", "Train step"):
        times = rf"^{name} +[\d.]+ .?s .* [\d.]+ .?s .*× +(WIN|TIE|LOSS|UNCERTAIN)$"
        assert re.search(times, run.out, re.MULTILINE), run.out
    assert "Medians of 5 rounds" in run.out


def test_options_of_measuring_need_it(model: Path) -> None:
    fast = model.with_name("never.keras")
    run = run_gconv("accelerate", str(model), "-o", str(fast), "--batch", "2")
    assert run.status == 2
    assert "--batch needs --measure" in run.err
    assert not fast.exists()
