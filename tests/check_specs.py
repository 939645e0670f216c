"""Specs for tests of `gconv check`."""

from __future__ import annotations

from pathlib import Path

SPEC = "input: [8, 8, 16]\nlayers:\n  - conv: {filters: 16, kernel: 3, groups: 4}\n"


APART = SPEC + "  - conv: {filters: 16, kernel: 3, groups: 4}\n"


WRONG = "input: [8, 8, 16]\nlayers:\n  - rleu\n  - conv: {filters: 3}\n"


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
