"""The rules by code: what each is called, and how loud it is unless told otherwise.

What a rule looks at is in the file of its family; here is what a spec or a `pyproject.toml` may say
about it, which every reading of a spec needs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from groupconv_cli.words import did_you_mean, joined


class Severity(StrEnum):
    """How loud a rule is."""

    off = "off"
    warning = "warning"
    error = "error"


class RuleInfo(NamedTuple):
    """What a rule is called, and its level unless one is given."""

    title: str
    default: Severity


RULES = {
    "GC101": RuleInfo("channels kept apart", Severity.warning),
    "GC102": RuleInfo("groups that save nothing", Severity.warning),
    "GC103": RuleInfo("few channels per group", Severity.off),
    "GC104": RuleInfo("bound by memory", Severity.off),
    "GC105": RuleInfo("bias before a batch norm", Severity.warning),
}

Severities = dict[str, Severity]
"""Levels by code."""

DEFAULTS: Severities = {code: info.default for code, info in RULES.items()}


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
