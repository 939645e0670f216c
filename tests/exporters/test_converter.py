"""Native converters run in a process of their own: a crash is a message, and the next job runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from running import ROOT, clean_environment, run_gconv
from specs import nightly_but

from groupconv_cli import build, export
from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.exporters import converter

SPEC = {"input": [4, 4, 4], "layers": [{"conv": {"filters": 4, "kernel": 3, "groups": 2}}]}


@pytest.fixture
def no_process(monkeypatch) -> Iterator[None]:
    """No converter process goes yet. That of other tests stays, since it takes long to start."""
    monkeypatch.setattr(converter, "_worker", None)
    yield
    converter.stop()


@pytest.mark.parametrize("ending", nightly_but(["tflite"], ["tflite", "onnx"]))
def test_a_crash_is_a_message_and_the_next_conversion_runs(
    tmp_path: Path, ending: str, monkeypatch
) -> None:
    export(SPEC, tmp_path / f"first.{ending}")
    (tmp_path / f"first.{ending}").unlink()
    assert converter._worker is not None
    process = converter._worker.process
    ask = converter._Worker.ask

    def crashing(self, job):
        os.kill(process.pid, signal.SIGSEGV)
        return ask(self, job)

    monkeypatch.setattr(converter._Worker, "ask", crashing)
    with pytest.raises(EnvironmentProblem, match=r"crashed \(SIGSEGV\) on this model"):
        export(SPEC, tmp_path / f"a.{ending}")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    assert export(SPEC, tmp_path / f"a.{ending}").agreement.difference < 1e-4


def runs(number: int) -> bool:
    """Whether a process goes on; one that ended may wait for ever to be asked how."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="no /proc here")
def test_the_process_ends_with_its_parent() -> None:
    script = (
        "import time\n"
        "from groupconv_cli.exporters import converter\n"
        "converter.start()\n"
        "print(converter._worker.process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    for ending in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        parent = subprocess.Popen(
            [sys.executable, "-c", script],
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(ending)
        parent.wait()
        end = time.monotonic() + 30
        while runs(child) and time.monotonic() < end:
            time.sleep(0.05)
        assert not runs(child)


def test_calibration_beyond_float32_crashes_nothing(tmp_path: Path) -> None:
    """1e40 is finite in float64 and infinite in float32, which TFLite's converter dies of."""
    np.savez(tmp_path / "f40.npz", input=np.full((2, 32, 32, 32), 1e40))
    done = run_gconv(
        *("build", "basic", "-o", "s.tflite", "--quantize", "int8", "--calibrate", "f40.npz"),
        cwd=tmp_path,
    )
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("gconv: error: ")
    assert "Warning" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["f40.npz"]


@pytest.mark.parametrize("kind", ["dynamic", "int8", "float16"])
def test_weights_that_are_not_finite_are_not_quantized(tmp_path: Path, kind: str) -> None:
    model = build(SPEC)
    kernel, bias = model.layers[1].get_weights()
    model.layers[1].set_weights([np.full_like(kernel, np.inf), bias])
    with pytest.raises(UsageError, match="not finite; such a model cannot be quantized"):
        export(model, tmp_path / "a.tflite", quantize=kind)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_process")
def test_a_process_that_cannot_begin_says_why(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no such library here')")
    monkeypatch.setattr(converter, "PACKAGE", tmp_path / "package")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}")
    (tmp_path / "out").mkdir()
    with pytest.raises(EnvironmentProblem, match=r"ended as it began: .*no such library here"):
        export(SPEC, tmp_path / "out" / "a.tflite")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="no /proc here")
@pytest.mark.usefixtures("no_process")
def test_a_thread_that_ends_takes_no_process_with_it() -> None:
    """The thread goes on until TensorFlow is being loaded: by then the process has asked for it."""

    def begin() -> None:
        converter.start()
        assert converter._worker is not None
        maps = Path(f"/proc/{converter._worker.process.pid}/maps")
        end = time.monotonic() + 30
        while "tensorflow" not in maps.read_text() and time.monotonic() < end:
            time.sleep(0.02)

    thread = Thread(target=begin)
    thread.start()
    thread.join()
    time.sleep(0.1)
    assert converter._worker is not None
    assert converter._worker.process.poll() is None


def test_a_name_that_the_work_uses_is_a_name_like_any_other(tmp_path: Path) -> None:
    assert export(SPEC, tmp_path / "raw.keras").agreement.difference == 0
