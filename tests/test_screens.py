"""What commands leave on a terminal: nothing of other programs, and nothing torn."""

from __future__ import annotations

import os
import pty
import sys

import pytest
from terminal import Play, Shown, played, read_all

FOREIGN = ("Traceback", "--- Logging error", "WARNING", "tensorflow:", "absl", "retracing", "I0000")
"""What TensorFlow's and absl's loggers and Python write, and gconv never."""

MANY_GROUPED = """
input: [8, 8, 8]
layers:
  - conv: {filters: 8, kernel: 3, groups: 2}
    repeat: 6
"""
"""Enough grouped convolutions for TensorFlow to warn of functions that are traced anew."""


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> list[Shown]:
    """Commands that need TensorFlow, in a terminal of 80 columns."""
    folder = tmp_path_factory.mktemp("heavy")
    steps = [
        ("write", "net.yaml", MANY_GROUPED),
        ("gconv", "build", "net.yaml", "-o", "net.keras"),
        ("gconv", "build", "net.keras", "-o", "net.tflite", "-o", "net.onnx"),
        ("gconv", "accelerate", "net.keras", "-o", "fast.keras"),
        ("gconv", "compare", "net.yaml", "--groups", "1,2", "--measure", "--runs", "1"),
    ]
    (shown,) = played([Play(80, folder, steps)], folder)
    return shown[1:]


def test_tensorflow_says_nothing_on_the_screen(heavy: list[Shown]) -> None:
    for shown in heavy:
        assert shown.status == 0, shown.raw
        assert not [word for word in FOREIGN if word in shown.raw], shown.text


def test_the_spinner_is_shown_and_gone_at_the_end(heavy: list[Shown]) -> None:
    build = heavy[0]
    assert "Loading TensorFlow" in build.raw
    assert build.lines[0].startswith("Built net: 6 layers")


@pytest.mark.parametrize("shown_by", ["spinner", "bar"])
def test_a_status_line_replaces_no_stream(shown_by: str, monkeypatch) -> None:
    """TensorFlow's logger keeps the sys.stderr that it finds when it is imported."""
    from groupconv_cli.cli import progress

    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as screen:
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.delenv("NO_COLOR", raising=False)
        out = sys.stdout
        with progress.bar() if shown_by == "bar" else progress.spinner("Reading [/x].keras"):
            assert sys.stderr is screen
            assert sys.stdout is out
    expected = "Reading [/x].keras" if shown_by == "spinner" else "Loading TensorFlow"
    assert expected in read_all(master)
