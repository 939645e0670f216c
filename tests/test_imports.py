"""What starting the program and analyzing loads: nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from running import ROOT, clean_environment, run_python

HEAVY = (
    *("tensorflow", "keras", "numpy", "rich", "pydantic", "psutil", "jsonschema"),
    *("matplotlib", "pandas", "scipy", "jinja2"),
)

RULES = ("groupconv_cli.lint", "groupconv_cli.lint.rules")

PROBE = """
import sys
from groupconv_cli.cli.app import app
for line in {lines!r}:
    try:
        app(line.split())
    except SystemExit as stop:
        assert not stop.code, stop.code
    print(line + ":", *[name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


LINES = (
    "summary resnext50_32x4d",
    "summary basic --format json",
    "compare resnext50_32x4d --groups 1,2,4",
    "compare basic --format json",
    "compare shufflenet_v1 --variants",
    "check resnext block --max-params 100M",
    "check block --format json",
    "diff resnet50 resnext50_32x4d --fail-if-larger 9%",
    "list",
    "schema",
    "--version",
)


def test_analysis_into_a_pipe_imports_nothing_heavy() -> None:
    """One process runs all, and tells of each what was loaded by then."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(lines=LINES, heavy=HEAVY)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines() == [f"{line}:" for line in LINES]


def test_a_spec_is_read_without_loading_rules(tmp_path: Path) -> None:
    """Their codes are the names of files; a network needs nothing that is in them."""
    lines = "summary net.yaml", "compare net.yaml"
    (tmp_path / "net.yaml").write_text(
        "input: [8, 8, 16]\nrules: {GC101: off}\n"
        "layers: [conv: {filters: 16, kernel: 3, groups: 4}]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(lines=lines, heavy=RULES)],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines() == [f"{line}:" for line in lines]


def test_the_package_itself_imports_nothing_of_itself() -> None:
    probe = "import groupconv_cli, sys; print(*[m for m in sys.modules if 'groupconv_cli.' in m])"
    done = run_python(probe)
    assert done.stdout.strip() == ""
