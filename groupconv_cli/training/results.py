"""The file that keeps finished runs: a line of JSON for each, on the disk before the next begins.

A run that was killed leaves a line that is not whole at the end, at most. It is left out, and the
next line takes its place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.staging import uninterrupted
from groupconv_cli.training.job import Job, Outcome

if TYPE_CHECKING:
    from groupconv_cli.training.run import Diversity

FORMAT, VERSION = "gconv.runs", 1
HEADER = json.dumps({"format": FORMAT, "version": VERSION}).encode() + b"\n"

MAX_BYTES = 2**30
"""The largest file that is read: a million runs."""


class Results:
    """Finished runs by the keys of their jobs, in memory or also in a file."""

    def __init__(self, path: Path | None = None, file: FileIO | None = None) -> None:
        self._path = path
        self._file = file
        self._known: dict[str, Outcome] = {}
        if file is not None:
            self._read(file)

    def get(self, job: Job) -> Outcome | None:
        """The outcome of a job that was run before; None if it has to be run."""
        found = self._known.get(job.key)
        if found is None or job.diversity:
            return found if found and found.run.diversity else None
        return found._replace(run=found.run._replace(diversity=None, untrained=None))

    def keep(self, job: Job, outcome: Outcome, label: str) -> None:
        """Adds a finished run. Its line is on the disk when this returns.

        `label` tells people which row it is of. Raises EnvironmentProblem if it cannot be written.
        """
        self._known[job.key] = outcome
        if self._file is not None:
            line = {
                "key": job.key,
                "row": label,
                "data": job.data.source,
                **outcome.run._asdict(),
                "diversity": _as_dict(outcome.run.diversity),
                "untrained": _as_dict(outcome.run.untrained),
                "machine": outcome.machine,
            }
            self._write(self._file, (json.dumps(line) + "\n").encode())

    def _write(self, file: FileIO, line: bytes) -> None:
        try:
            with uninterrupted():
                left = memoryview(line)
                while left:
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
        except OSError as error:
            raise EnvironmentProblem(
                f"cannot write {self._path}: {error.strerror or error}"
            ) from error

    def _read(self, file: FileIO) -> None:
        """Reads the lines, and cuts off what a killed run left of one."""
        size = os.fstat(file.fileno()).st_size
        if size > MAX_BYTES:
            raise UsageError(f"{self._path} is too large to be a file of results")
        text = file.readall()
        if not text or (len(text) < len(HEADER) and HEADER.startswith(text)):
            file.truncate(0)
            self._write(file, HEADER)
            return
        header, *lines = text.splitlines(keepends=True)
        self._check_header(header)
        whole = len(header)
        for number, line in enumerate(lines, start=2):
            try:
                key, outcome = _outcome(line)
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                if number == len(lines) + 1 and not line.endswith(b"\n"):
                    break
                raise UsageError(
                    f"{self._path} is damaged: its line {number} is not a finished run",
                    "without that line the others can be read",
                ) from error
            self._known[key] = outcome
            whole += len(line)
        if whole < len(text):
            file.truncate(whole)
        elif not text.endswith(b"\n"):
            self._write(file, b"\n")

    def _check_header(self, line: bytes) -> None:
        found: Any = None
        with suppress(ValueError, RecursionError):
            found = json.loads(line)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise UsageError(
                f"{self._path} is not a file of gconv's results",
                "--results takes the name of a new file, or of one that it has written",
            )
        if found.get("version") != VERSION:
            raise UsageError(
                f"{self._path} was written by another version of gconv: it has the version "
                f"{found.get('version')!r} of the format, and {VERSION} can be read"
            )


@contextmanager
def opened(path: str | os.PathLike[str] | None) -> Iterator[Results]:
    """The results in a file, which is made if there is none; without a path, those of this run.

    Raises UsageError if the file is of another tool, is damaged, cannot be written to, or is used
    by another run.
    """
    if path is None:
        yield Results()
        return
    path = Path(path)
    try:
        # In the mode for appending every write goes to the end.
        file = FileIO(path, "a+")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    with file:
        if not path.is_file():
            raise UsageError(f"{path} is not a regular file")
        _lock(file, path)
        file.seek(0)
        yield Results(path, file)


def _lock(file: FileIO, path: Path) -> None:
    """Raises UsageError if another run holds the file. A killed run holds nothing."""
    try:
        import fcntl
    except ImportError:  # there is none on Windows
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(
            f"another run writes to {path} now", "each run needs a file of its own"
        ) from None
    except OSError:  # a file system without locks
        return


def _as_dict(diversity: Diversity | None) -> dict[str, Any] | None:
    return None if diversity is None else diversity._asdict()


def _outcome(line: bytes) -> tuple[str, Outcome]:
    """The key and the outcome of a line.

    Raises ValueError, TypeError or KeyError if it has none.
    """
    from groupconv_cli.training.run import Diversity, Run

    read: dict[str, Any] = json.loads(line)
    key, machine = read["key"], read["machine"]
    if not isinstance(key, str) or not isinstance(machine, str):
        raise TypeError("not text")
    fields = {name: read[name] for name in Run._fields}
    for name in ("diversity", "untrained"):
        fields[name] = None if read[name] is None else Diversity(**read[name])
    run = Run(**fields)
    optional = [
        run.loss,
        *(number for each in (run.diversity, run.untrained) for number in each or ()),
    ]
    numbers = [run.accuracy, run.seconds, *(each for each in optional if each is not None)]
    # In Python true is the number 1.
    if any(type(number) not in (int, float) for number in numbers):
        raise TypeError("not a number")
    for whole in (run.seed, run.steps):
        if type(whole) is not int or whole < 0:
            raise ValueError("not a count")
    # A comparison with NaN is false.
    if not (0 <= run.accuracy <= 1 and 0 <= run.seconds < inf and run.steps):
        raise ValueError("out of range")
    if run.loss is not None and not 0 <= run.loss < inf:
        raise ValueError("out of range")
    return key, Outcome(run, machine)
