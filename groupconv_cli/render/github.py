"""A CheckReport as workflow commands of GitHub Actions, which become annotations in the diff.

The format and its escapes: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
and `packages/core/src/command.ts` of actions/toolkit. GitHub shows only the first ten errors and
the first ten warnings of a step, so the most important come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from groupconv_cli.analysis.budget import BudgetLine
from groupconv_cli.errors import Diagnostic, Place
from groupconv_cli.lint.report import CheckReport, SpecCheck
from groupconv_cli.policy.totals import METRICS
from groupconv_cli.render.check import as_diagnostic, conclusion, named
from groupconv_cli.render.view import cell_text


def github(report: CheckReport, workspace: str | None = None) -> str:
    """A line for each mistake, broken budget and finding, and a conclusion.

    `workspace` is the folder that the repository is checked out to: GitHub knows files by their
    path in that folder. None is the current folder.
    """
    top = Path(workspace or "").absolute()
    mistakes = [
        _annotation(problem, spec.spec, top) for spec in report.specs for problem in spec.problems
    ]
    budgets = [_budget(spec, line, top) for spec in report.specs for line in spec.broken]
    findings = [
        _annotation(named(as_diagnostic(finding, spec), spec), spec.spec, top)
        for spec in report.specs
        for finding in spec.findings
    ]
    errors_first = sorted(findings, key=lambda line: not line.startswith("::error"))
    lines = [*mistakes, *budgets, *errors_first, conclusion(report)]
    return "".join(f"{line}\n" for line in lines)


def problems_github(problems: Sequence[Diagnostic], workspace: str | None = None) -> str:
    """A line for each mistake in specs that could not be read. `workspace` is as for `github`."""
    top = Path(workspace or "").absolute()
    return "".join(f"{_annotation(problem, '', top)}\n" for problem in problems)


def _annotation(problem: Diagnostic, spec: str, top: Path) -> str:
    title = f"gconv {problem.code}".rstrip()
    message = "\n".join(filter(None, [problem.message, problem.hint]))
    return command(problem.level, problem.place, spec, title, message, top)


def _budget(spec: SpecCheck, line: BudgetLine, top: Path) -> str:
    metric = METRICS[line.limit.metric]
    used, most = (
        cell_text(number, metric.kind, exact=False) for number in (line.used, line.limit.amount)
    )
    of = f"{line.variant}: " if line.variant else ""
    message = f"{of}{used} {metric.title} are more than the budget of {most}"
    exactly = f"{line.used:,} of {line.limit.amount:,}"
    if exactly != f"{used} of {most}":
        message += f" ({exactly})"
    return command("error", line.limit.place, spec.spec, "gconv budget", message, top)


def command(level: str, place: Place | None, spec: str, title: str, message: str, top: Path) -> str:
    """The line for one message. The message names the place only if it is not in a file."""
    name = spec if place is None else place.source.name
    at = {} if place is None else {"line": str(place.line), "col": str(place.column)}
    properties = {"title": title}
    if _is_file(name):
        path = Path(name)
        full = path.resolve()
        if full.is_relative_to(top.resolve()):
            path = full.relative_to(top.resolve())
        properties = {"file": path.as_posix(), **at, **properties}
    elif place is not None or (name and name not in message):
        message = f"{':'.join([name, *at.values()])}: {message}"
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {told}::{_data(message)}"


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _data(text: str) -> str:
    """The text escaped for a command's message."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """The text escaped for a command's property."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
