"""Rooms import one way, downward, and no files of a room import each other in a circle.

The contracts stand in pyproject.toml. Imports inside functions and for types alone count too.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT
from specs import nightly_but

LINTER = Path(sys.executable).with_name("lint-imports")


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    """The contracts held against the package in a folder."""
    return subprocess.run(
        [LINTER, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package and of its contracts."""
    shutil.copytree(
        ROOT / "groupconv_cli",
        tmp_path / "groupconv_cli",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_run_one_way() -> None:
    done = linted(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


PLANTED = {
    "upward": {"ops/dense.py": "from groupconv_cli.render import text"},
    "upward in a function": {
        "analysis/totals.py": "def late() -> None:\n    from groupconv_cli import api"
    },
    "upward for a type": {
        "words.py": "if TYPE_CHECKING:\n    from groupconv_cli.network import Network"
    },
    "a circle": {
        "builder/memory.py": "from groupconv_cli.builder import build_model",
        "builder/build_model.py": "from groupconv_cli.builder import memory",
    },
    "past the api": {
        "cli/schema.py": "def late() -> None:\n    from groupconv_cli.language import schema"
    },
    "a rule of what runs it": {
        "lint/rules/gc103_few_channels_per_group.py": "from groupconv_cli.lint import settings"
    },
    "a rule of another": {
        "lint/rules/gc103_few_channels_per_group.py": "from groupconv_cli.lint.rules import "
        "gc104_bound_by_memory"
    },
}
ALWAYS = ("upward for a type", "a circle", "past the api", "a rule of another")


@pytest.mark.parametrize("planted", nightly_but(ALWAYS, PLANTED))
def test_a_planted_import_is_found(copied: Path, planted: str) -> None:
    for file, lines in PLANTED[planted].items():
        with (copied / "groupconv_cli" / file).open("a", encoding="utf-8") as module:
            module.write(f"\n\n{lines}\n")
    done = linted(copied)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
