"""What `docs/rules.md` says of each rule; the page lies inside the package, or beside it."""

from __future__ import annotations

from pathlib import Path

from groupconv_cli.policy.rules import known_code

PAGE = Path("docs", "rules.md")


def page() -> Path:
    """Where the page is: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / PAGE
    return installed if installed.is_file() else package.parent / PAGE


def explanation(code: str) -> str:
    """The section on a rule, as Markdown. Raises RuleError for a code that is none."""
    known = known_code(code)
    sections = page().read_text(encoding="utf-8").split("\n## ")
    (section,) = (each for each in sections if each.startswith(f"{known}: "))
    return f"## {section.strip()}\n"
