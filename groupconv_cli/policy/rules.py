"""The codes and levels of rules, for specs and `pyproject.toml`.

Every reading of a spec needs the codes, but not the rules themselves. So codes and titles are read
from the names of the rules' files, and no rule is imported. Adding a rule changes nothing here.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from groupconv_cli.errors import UsageError
from groupconv_cli.words import did_you_mean, joined

FOLDER = Path(__file__).parent.parent / "lint" / "rules"

_NAME = re.compile(r"(gc[0-9]{3})_([a-z0-9_]+)")
"""The name of a rule's file: `gc101_channels_kept_apart`."""


class Severity(StrEnum):
    """The level of a rule."""

    off = "off"
    warning = "warning"
    error = "error"


Severities = dict[str, Severity]
"""Levels by code."""


class RuleName(NamedTuple):
    """The parts of the name of a rule's file."""

    module: str
    """The name of the module, in the package `lint.rules`."""
    code: str
    title: str


@cache
def rule_names() -> dict[str, RuleName]:
    """All rules by code, in the order of their codes."""
    return names_in(FOLDER)


def names_in(folder: Path) -> dict[str, RuleName]:
    """The rules whose files are in a folder, by code.

    Raises ValueError if two files have the same code.
    """
    from pkgutil import iter_modules  # it finds compiled files too

    names: dict[str, RuleName] = {}
    for module in sorted(found.name for found in iter_modules([str(folder)])):
        if match := _NAME.fullmatch(module):
            code, title = match[1].upper(), match[2].replace("_", " ")
            if code in names:
                raise ValueError(f"{names[code].module}.py and {module}.py are both {code}")
            names[code] = RuleName(module, code, title)
    return names


class RuleError(UsageError):
    """Text that names no rule or no level."""


def known_code(text: str) -> str:
    """The code of a rule. Raises RuleError for any other text."""
    names = rule_names()
    if text in names:
        return text
    listed = f"the rules are {', '.join(names)}"
    raise RuleError(f"there is no rule {text!r}", did_you_mean(text, names) or listed)


def known_severity(text: str) -> Severity:
    """The level by its name. Raises RuleError for any other text."""
    if text in set(Severity):
        return Severity(text)
    words = joined(list(Severity), "or")
    hint = (
        did_you_mean(text, list(map(str, Severity)))
        or "off: not checked; error: the exit status is 1"
    )
    raise RuleError(f"the level of a rule must be {words}; got {text!r}", hint)
