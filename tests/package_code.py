"""The code of the package as tests of it see it."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

from running import ROOT

PACKAGE = ROOT / "groupconv_cli"


@functools.cache
def trees() -> dict[Path, ast.Module]:
    """Every file, parsed. Nobody changes a tree."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
