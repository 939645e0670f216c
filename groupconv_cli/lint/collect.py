"""Collects the specs for `gconv check`: paths, folders, globs, bundled names, standard input."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from groupconv_cli.errors import UsageError
from groupconv_cli.language.yaml_reader import MAX_BYTES
from groupconv_cli.models.recognize import is_model
from groupconv_cli.sources import catalogue

SUFFIXES = (".yaml", ".yml")
SKIPPED = ("node_modules", "__pycache__", "venv", "site-packages")
LOOKS_LIKE_A_SPEC = re.compile(rb"^(layers[ \t]*:|input[ \t]*:[ \t]*[\[$])", re.MULTILINE)
"""A line that specs have and other YAML rarely has: `layers:`, or `input:` with a shape."""


def collect(
    specs: Sequence[str], passed_over: list[str]
) -> Iterator[tuple[str, UsageError | None]]:
    """Every spec, once; or an error in place of a spec that does not exist.

    A folder stands for all YAML files in it and below that look like specs. Folders whose names
    begin with a dot, and virtual environments, are left out. Without specs, the current folder is
    searched. Files in a folder that cannot be read or are not regular files go to `passed_over`,
    with the reason.
    """
    seen = set()
    for spec in specs or ["."]:
        try:
            for each in _expanded(spec, passed_over):
                known = os.path.realpath(each) if Path(each).exists() else each
                if known not in seen:
                    seen.add(known)
                    yield each, None
        except UsageError as error:
            yield spec, error


def _expanded(spec: str, passed_over: list[str]) -> Iterator[str]:
    if not spec or spec == "-" or is_model(spec) or catalogue.find(spec):
        yield spec
    elif _is_folder(spec):
        yield from _inside(spec, passed_over)
    elif re.search(r"[*?\[]", spec) and not Path(spec).exists():
        matches = _matching(Path(spec))
        if not matches:
            raise UsageError(f"no file matches {spec!r}")
        for match in matches:
            reason = None if _is_folder(match) else _unreadable(Path(match))
            if reason:
                passed_over.append(f"{match} ({reason})")
            else:
                yield from _inside(match, passed_over) if _is_folder(match) else [match]
    else:
        yield spec


def _matching(pattern: Path) -> list[str]:
    below = Path(pattern.anchor)
    try:
        found = below.glob(str(pattern.relative_to(pattern.anchor)))
        return sorted(map(str, found))
    except (OSError, ValueError) as error:
        raise UsageError(f"{str(pattern)!r} is not a valid pattern: {error}") from None


def _is_folder(spec: str) -> bool:
    try:
        return Path(spec).is_dir()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _inside(folder: str, passed_over: list[str]) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        passed_over.append(f"{error.filename} ({error.strerror})")

    found = False
    for root, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(
            name
            for name in folders
            if name[0] != "." and name not in SKIPPED and not _is_environment(Path(root, name))
        )
        for name in sorted(files):
            path = Path(root, name)
            if not name.endswith(SUFFIXES) or name[0] == ".":
                continue
            reason = _unreadable(path)
            if reason:
                passed_over.append(f"{path} ({reason})")
            elif _looks_like_a_spec(path):
                found = True
                yield str(path)
    if not found:
        where = "this folder" if folder == "." else f"the folder {folder}"
        raise UsageError(
            f"there are no specs in {where}: no .yaml or .yml file has a line `layers:`"
        )


def _is_environment(folder: Path) -> bool:
    try:
        return (folder / "pyvenv.cfg").exists()
    except OSError:  # the walk will report that it cannot be read
        return False


def _unreadable(path: Path) -> str | None:
    """Why a file in a folder is not read. Opening a pipe or a device might never end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "not a regular file"
    except OSError as error:
        return error.strerror or str(error)
    return None if os.access(path, os.R_OK) else os.strerror(errno.EACCES)


def _looks_like_a_spec(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return LOOKS_LIKE_A_SPEC.search(file.read(MAX_BYTES)) is not None
    except OSError:
        return False
