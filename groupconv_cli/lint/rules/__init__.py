"""The rules of `gconv check`, a file each.

`gc101_channels_kept_apart.py` is the rule GC101, "channels kept apart". Its docstring is its page,
`SEVERITY` its level unless one is given, and `violations` finds what breaks it in a network. A file
that is added is a rule: nothing else in the package names it.
"""

from __future__ import annotations

from importlib import import_module

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.lint.rule import Rule
from groupconv_cli.policy.rules import RuleName, Severities, known_code, rule_names


def _loaded(name: RuleName) -> Rule:
    module = import_module(f"{__name__}.{name.module}")
    page = (module.__doc__ or "").strip()
    return Rule(name.code, name.title, module.SEVERITY, page, module.violations)


RULES = {code: _loaded(name) for code, name in rule_names().items()}

DEFAULTS: Severities = {code: rule.severity for code, rule in RULES.items()}


def explanation(code: str) -> str:
    """What the page of a rule says, as Markdown.

    Raises RuleError for a code that is none, EnvironmentProblem where Python has left the page out.
    """
    rule = RULES[known_code(code)]
    if not rule.page:
        raise EnvironmentProblem(
            f"the page of {rule.code} is a docstring, and Python runs without docstrings",
            "run it without -OO and PYTHONOPTIMIZE=2",
        )
    return rule.section
