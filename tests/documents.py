"""The documentation as tests see it: its blocks of code, and the sessions in it."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

import pytest
from running import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COLUMNS = 88
"""Of a session."""
MEASURED = {"--measure", "--max-time", "--train"}
"""Options that load TensorFlow."""


class Step(NamedTuple):
    """One command of a session, and what stands under it."""

    command: str
    shown: str

    @property
    def args(self) -> list[str]:
        """The program and its arguments."""
        return shlex.split(self.command)

    @property
    def takes_tensorflow(self) -> bool:
        """Whether the command loads TensorFlow."""
        _, *args = self.args
        models = [arg for arg in args if arg.startswith("keras:") or arg.endswith(".keras")]
        return (
            args[:1] in (["build"], ["accelerate"])
            or bool(models)
            or bool(MEASURED.intersection(args))
        )

    @property
    def is_for_programs(self) -> bool:
        """Whether what the command prints is laid out for programs, and for no width."""
        formats = {"json", "csv", "markdown", "github"}
        return bool(formats.intersection(self.args)) or "schema" in self.args


def blocks(language: str) -> list:
    """All code blocks of a language, with the documents they stand in."""
    return [
        pytest.param(match.group(2), id=f"{path.name}-{number}")
        for path in DOCUMENTS
        for number, match in enumerate(FENCE.finditer(path.read_text(encoding="utf-8")))
        if match.group(1) == language
    ]


def steps(session: str) -> list[Step]:
    """The commands of a session. `cat FILE` shows a file for the commands after it."""
    parts = re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]
    return [Step(*part.split("\n", 1)) for part in parts]


def squeezed(text: str) -> str:
    """Without what a model's file may vary in: its size, what runs it, the order of sums."""
    text = re.sub(r"\([\d.]+ [kMG]?B\)", "(SIZE)", text)
    text = re.sub(r"\s+Reloaded\s+in\s+(\w+)\s+[\d.]+\d:", r" Reloaded in \1:", text)
    numbers = r":\s+max\s+difference\s+\S+\s+\(outputs\s+up\s+to\s+[\d.e-]+\)"
    return re.sub(numbers, ": max difference X (outputs up to X)", text)


def is_shown(session: str, now: str) -> bool:
    """Whether a session, as it goes now, is as it stands in a document: ... are any lines."""
    pattern = re.escape(squeezed(session)).replace(re.escape("...\n"), r"(.*\n)*")
    return re.fullmatch(pattern, squeezed(now)) is not None
