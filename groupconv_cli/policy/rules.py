"""The rules by code: what each is called, and how loud it is unless told otherwise.

What a rule looks at is in the file of its family; here is what a spec or a `pyproject.toml` may say
about it, which every reading of a spec needs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from groupconv_cli.words import did_you_mean, joined


class Level(StrEnum):
    """How loud a rule is."""

    off = "off"
    warning = "warning"
    error = "error"


class RuleInfo(NamedTuple):
    """What a rule is called, and its level unless one is given."""

    title: str
    default: Level


RULES = {
    "GC101": RuleInfo("channels kept apart", Level.warning),
    "GC102": RuleInfo("groups that save nothing", Level.warning),
    "GC103": RuleInfo("few channels per group", Level.off),
    "GC104": RuleInfo("bound by memory", Level.off),
    "GC105": RuleInfo("bias before a batch norm", Level.warning),
}

Levels = dict[str, Level]
"""Levels by code."""

DEFAULTS: Levels = {code: info.default for code, info in RULES.items()}


class RuleError(Exception):
    """Text that names no rule or no level, and what would be right."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def known_code(text: str) -> str:
    """The code of a rule. Raises RuleError for any other text."""
    if text in RULES:
        return text
    listed = f"the rules are {', '.join(RULES)}"
    raise RuleError(f"there is no rule {text!r}", did_you_mean(text, RULES) or listed)


def known_level(text: str) -> Level:
    """The level by its name. Raises RuleError for any other text."""
    if text in set(Level):
        return Level(text)
    words = joined(list(Level), "or")
    hint = (
        did_you_mean(text, list(map(str, Level))) or "off: not checked; error: the exit status is 1"
    )
    raise RuleError(f"the level of a rule must be {words}; got {text!r}", hint)
