"""Levels of rules in `[tool.gconv]` of the nearest pyproject.toml upwards that has this table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from groupconv_cli.errors import Place, Problems, Source
from groupconv_cli.foreign import foreign
from groupconv_cli.language.yaml_reader import MAX_BYTES, decode
from groupconv_cli.policy.rules import RuleError, Severities, known_code, known_severity
from groupconv_cli.words import did_you_mean

FILE = "pyproject.toml"
KEYS = ("rules",)
MAX_LEVELS_UP = 60
MAX_DOTS = 1_000


class ProjectSeverities:
    """The levels in pyproject.toml files. One object serves one check and reads each file once."""

    def __init__(self) -> None:
        self.read: dict[Path, Severities | None] = {}

    def of(self, folder: Path) -> Severities:
        """The levels for specs in a folder; empty if no pyproject.toml has `[tool.gconv]`.

        Raises SpecError for a mistake there, with its place; UsageError for a file that cannot be
        read.
        """
        folder = folder.resolve()
        for above in [folder, *folder.parents][:MAX_LEVELS_UP]:
            path = above / FILE
            if path not in self.read:
                self.read[path] = _levels(path)
            levels = self.read[path]
            if levels is not None:
                return levels
        return {}


def _levels(path: Path) -> Severities | None:
    if not path.is_file():
        return None
    source, tables = _tables(path)
    problems = Problems()
    tool = tables.get("tool")
    section = tool.get("gconv") if isinstance(tool, dict) else None
    if section is None:
        return None
    levels: Severities = {}
    if not isinstance(section, dict):
        problems.stop("tool.gconv must be a table", _place(source, "gconv"))
    for key in section:
        if key not in KEYS:
            hint = did_you_mean(key, KEYS) or f"it can have: {', '.join(KEYS)}"
            problems.add(f"[tool.gconv] has no key {key!r}", _place(source, key), hint)
    rules = section.get("rules", {})
    if not isinstance(rules, dict):
        problems.stop("rules must be a table of codes and levels", _place(source, "rules"))
    for code, level in rules.items():
        try:
            known_code(code)
            levels[code] = known_severity(str(level))
        except RuleError as error:
            problems.add(error.message, _place(source, code), error.hint)
    if problems:
        raise problems.error()
    return levels


def _tables(path: Path) -> tuple[Source, dict[str, Any]]:
    """The text of a TOML file, and its content."""
    import tomllib

    with foreign(_shown(path), "cannot be read", "write it as TOML"), path.open("rb") as file:
        source = decode(file.read(MAX_BYTES + 1), _shown(path))
    problems = Problems()
    for number, line in enumerate(source.text.split("\n"), 1):
        # The time and memory that tomllib takes for a key grow with the square of its parts.
        if line.count(".") > MAX_DOTS:
            problems.stop(f"a line with over {MAX_DOTS:,} dots", Place(source, number, 1))
    try:
        tables = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+), column (\d+)", str(error))
        place = Place(source, *(int(n) for n in found.groups())) if found else Place(source, 1, 1)
        problems.stop(f"not valid TOML: {re.sub(r' [(]at .*', '', str(error))}", place)
    except (ValueError, RecursionError):
        problems.stop(
            "not valid TOML: a number is too long, or a value nested too deeply",
            Place(source, 1, 1),
        )
    return source, tables


def _shown(path: Path) -> str:
    """The path for messages, relative to the current folder if it is below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _place(source: Source, key: str) -> Place:
    """The probable place of a key: the first text that looks like it, as tomllib tells no places.

    The search begins after the first mention of gconv, because other tools may have the same key.
    """
    begin = max(source.text.find("tool.gconv"), 0)
    found = re.compile(rf"(?<![\w-]){re.escape(key)}(?![\w-])").search(source.text, begin)
    at = found.start() if found else begin
    before = source.text[:at]
    return Place(source, before.count("\n") + 1, at - before.rfind("\n"))
