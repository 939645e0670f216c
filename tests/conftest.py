"""Shared fixtures. Tests that need Keras import it inside; TensorFlow's noise is kept off."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write golden files anew; read the diff"
    )


class Result(NamedTuple):
    """What a run of the program left."""

    status: int
    out: str
    err: str


def clean_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process' environment less what changes the output, and with `changes`."""
    ignored = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "CI", "GITHUB_ACTIONS"}
    kept = {key: value for key, value in os.environ.items() if key not in ignored}
    return {**kept, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **(changes or {})}


def run_gconv(
    *args: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> Result:
    """Runs the program as a process whose output goes to pipes."""
    done = subprocess.run(
        [sys.executable, "-m", "groupconv_cli", *map(str, args)],
        cwd=cwd,
        env=clean_environment(env),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=300,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_in_terminal(
    *args: str | Path,
    columns: int = 80,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Runs the program in a terminal of that width; what it shows is `out`."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "groupconv_cli", *map(str, args)],
        cwd=cwd,
        env=clean_environment(env),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        close_fds=True,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    status = process.wait(timeout=300)
    return Result(status, shown.decode().replace("\r\n", "\n"), "")


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compares a text with the file of that name; `--update-golden` writes it instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare
