"""The tests mirror the package: whoever knows a module's room knows where its tests are."""

from __future__ import annotations

from running import ROOT

PACKAGE, TESTS = ROOT / "groupconv_cli", ROOT / "tests"
WITHOUT = {"policy"}
"""Rooms that are tested where they are used: budgets and severities in lint/."""


def test_every_room_has_a_folder_of_tests_and_no_other_folder_has_any() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    folders = {path.parent.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
    assert folders - {"."} == rooms - WITHOUT


def test_no_file_is_much_beyond_400_lines() -> None:
    """One concept, one file."""
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in (PACKAGE, TESTS)
        for path in folder.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert not long
