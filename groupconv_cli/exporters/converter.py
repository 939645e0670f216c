"""The converter process, from the side of gconv. `worker` has the code that runs in it."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import Event, RLock, Thread
from typing import Any

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.words import printable

PACKAGE = Path(__file__).parent.parent

_lock = RLock()
_worker: _Worker | None = None


class ConversionError(Exception):
    """A converter's error for a model that it cannot convert."""


class _Worker:
    """The process, started by a thread that lives as long as this process.

    On Linux a process can ask to end with the thread that started it.
    """

    def __init__(self) -> None:
        self.said = tempfile.TemporaryFile()  # noqa: SIM115  (it goes with this object)
        self.is_ready = False
        begun: Queue[subprocess.Popen[str] | OSError] = Queue()
        Thread(target=self._begin, args=(begun,), daemon=True).start()
        process = begun.get()
        if isinstance(process, OSError):
            raise EnvironmentProblem(f"the converter process cannot be started: {process.strerror}")
        self.process = process

    def _begin(self, begun: Queue[subprocess.Popen[str] | OSError]) -> None:
        path = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))
        environment = {
            **os.environ,
            "PYTHONPATH": path,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",  # a GPU's memory belongs to this process
        }
        try:
            process = subprocess.Popen(  # noqa: S603
                # -P: modules in the user's current folder are not imported by mistake.
                [sys.executable, "-P", "-m", "groupconv_cli.exporters.worker", str(os.getpid())],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.said,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            begun.put(error)
            return
        begun.put(process)
        Event().wait()

    def answer(self) -> dict[str, Any] | None:
        """The next answer; None if the process has ended."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        return json.loads(line) if line else None

    def ask(self, job: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to a job; None if the process has ended."""
        if not self.is_ready:
            if self.answer() is None:
                raise EnvironmentProblem(f"the converter process ended as it began{self._last()}")
            self.is_ready = True
        if self.process.stdin is None:
            return None
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        return self.answer()

    def _last(self) -> str:
        """The last line that the process wrote to its stderr."""
        self.said.seek(0)
        lines = self.said.read().decode(errors="replace").split("\n")
        said = [printable(line.strip()) for line in lines if line.strip()]
        return f": {said[-1][:200]}" if said else ""


def start() -> None:
    """Starts the process, if there is none. It loads TensorFlow while gconv works.

    Raises EnvironmentProblem if that fails.
    """
    global _worker  # noqa: PLW0603  (one for the life of this process)
    with _lock:
        if _worker is None or _worker.process.poll() is not None:
            stop()
            _worker = _Worker()


def convert(name: str, title: str, **job: Any) -> None:
    """Converts a SavedModel in the process; `name` is one of `worker.JOBS`.

    Raises ConversionError with the converter's message, EnvironmentProblem if it crashes.
    """
    with _lock:
        start()
        worker = _worker
        if worker is None:
            raise EnvironmentProblem("the converter process cannot be started")
        try:
            answer = worker.ask({"convert": name, **job})
        except BaseException:  # an interrupt: nobody waits for the answer any more
            stop()
            raise
        if answer is None:
            status = worker.process.wait()
            stop()
            raise _ended(status, title)
    if "error" in answer:
        raise ConversionError(answer["error"])


def stop() -> None:
    """Ends the process."""
    global _worker  # noqa: PLW0603
    with _lock:
        if _worker is not None:
            process = _worker.process
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):  # unwritten data is lost with the process
                        stream.close()
            process.wait()
            _worker.said.close()
            _worker = None


atexit.register(stop)


def _ended(status: int, title: str) -> EnvironmentProblem:
    """The error for an ended process, with remedies."""
    if status < 0 and -status == getattr(signal, "SIGKILL", None):
        return EnvironmentProblem(
            f"the converter to {title} was killed, probably because memory ran out",
            "try a smaller model, or close other programs",
        )
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return EnvironmentProblem(
        f"the converter to {title} crashed ({how}) on this model; nothing was written",
        "try another format (-o NAME.keras), or leave --quantize out",
    )
