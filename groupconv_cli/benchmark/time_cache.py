"""Measured times in the user's cache folder, so that a second run need not measure them again.

A file has the times of one machine with one set of versions and settings. Times of another machine
or version are never read: the name of a file is made of all of them, and the file repeats them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from groupconv_cli.analysis.measurement import Machine, MeasureSettings
from groupconv_cli.errors import GconvError
from groupconv_cli.files import write_texts

FORMAT, VERSION = "gconv.times", 1

Entry = dict[str, Any]
"""The nanoseconds of a layer by phase, and the `date` on which they were measured."""


class TimeCache:
    """The times that were measured under the same conditions."""

    def __init__(
        self, machine: Machine, settings: MeasureSettings, note: Callable[[str], None]
    ) -> None:
        self._note = note
        self._conditions = {
            **asdict(machine),
            "batch": settings.batch,
            "dtype": settings.dtype,
            "runtime": settings.runtimes[0],
        }
        # As JSON gives them back, with lists for tuples.
        self._conditions = json.loads(json.dumps(self._conditions))
        text = json.dumps(self._conditions, sort_keys=True)
        self.path = cache_folder() / "times" / f"{sha256(text.encode()).hexdigest()[:16]}.json"
        self._entries = self._read()

    def times(self, key: str, phases: Collection[str]) -> Entry | None:
        """The times of a layer, if they are known in all these phases."""
        entry = self._entries.get(key)
        return entry if entry and all(phase in entry for phase in phases) else None

    def keep(self, measured: Mapping[str, Mapping[str, int]]) -> None:
        """Adds measured nanoseconds, by key and phase, and writes the file."""
        today = date.today().isoformat()
        for key, times in measured.items():
            self._entries[key] = {**self._entries.get(key, {}), **times, "date": today}
        document = {
            "format": FORMAT,
            "version": VERSION,
            "conditions": self._conditions,
            "times": self._entries,
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_texts({self.path: json.dumps(document, indent=1) + "\n"}, force=[self.path])
        except (GconvError, OSError) as error:
            self._note(f"the measured times are not kept for the next run: {error}")

    def _read(self) -> dict[str, Entry]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self._note(f"the cache of measured times cannot be read and is ignored: {error}")
            return {}
        with suppress(ValueError, RecursionError):
            document = json.loads(text)
            if self._is_own(document):
                times: dict[str, Entry] = document["times"]
                return times
        self._note(f"{self.path} is not a cache of measured times, or is damaged; it is ignored")
        return {}

    def _is_own(self, document: object) -> bool:
        return (
            isinstance(document, dict)
            and document.get("format") == FORMAT
            and document.get("version") == VERSION
            and document.get("conditions") == self._conditions
            and isinstance(document.get("times"), dict)
            and all(map(_is_entry, document["times"].values()))
        )


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    times = [value for name, value in entry.items() if name != "date"]
    with suppress(TypeError, ValueError):
        date.fromisoformat(entry.get("date"))  # type: ignore[arg-type]
        return all(type(time) is int and 0 < time < 10**15 for time in times)
    return False


def cache_folder() -> Path:
    """The folder for gconv's caches, where the user's system has those of programs."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - unlike Path.home() it never fails
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local", "gconv", "Cache")
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "gconv"
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification: a path that is not absolute is ignored.
    return (chosen if chosen.is_absolute() else home / ".cache") / "gconv"
