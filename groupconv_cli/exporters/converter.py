"""The converter process, as seen from the one that uses it. See `worker` for what it runs."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import Any

from groupconv_cli.errors import EnvironmentProblem

PACKAGE = Path(__file__).parent.parent

_lock = Lock()
_process: subprocess.Popen[str] | None = None


class ConversionError(Exception):
    """What a converter said of a model that it cannot convert."""


def start() -> None:
    """Begins the process, if there is none: it loads TensorFlow while others work."""
    global _process  # noqa: PLW0603  (one for the life of this process)
    if _process is not None and _process.poll() is None:
        return
    path = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))
    _process = subprocess.Popen(  # noqa: S603
        # -P: no module of the folder that the user works in is taken for one of ours.
        [sys.executable, "-P", "-m", "groupconv_cli.exporters.worker", str(os.getpid())],
        env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )


def convert(name: str, title: str, **job: Any) -> None:
    """Has the process convert a SavedModel; `name` is one of `worker.JOBS`.

    Raises ConversionError with what the converter says, EnvironmentProblem if it crashes.
    """
    with _lock:
        start()
        process = _process
        if process is None or process.stdin is None or process.stdout is None:
            raise EnvironmentProblem("the converter process cannot be started")
        try:
            process.stdin.write(json.dumps({"convert": name, **job}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        except BaseException:
            stop()  # an interrupt: nobody waits for the answer any more
            raise
        if not line:
            raise EnvironmentProblem(_ended(process.wait(), title))
    answer = json.loads(line)
    if "error" in answer:
        raise ConversionError(answer["error"])


def stop() -> None:
    """Ends the process."""
    global _process  # noqa: PLW0603
    if _process is not None:
        _process.kill()
        _process.communicate()
        _process = None


atexit.register(stop)


def _ended(status: int, title: str) -> str:
    """How the process ended, and what may help."""
    if status == -signal.SIGKILL:
        return (
            f"the converter to {title} was killed, probably because memory ran out\n"
            "  try a smaller model, or close other programs"
        )
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return (
        f"the converter to {title} crashed ({how}) on this model; nothing was written\n"
        "  it is TensorFlow's own: another format (-o NAME.keras) or no --quantize may do"
    )
