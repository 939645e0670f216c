"""`gconv check`: mistakes, rules and budgets of specs, for CI."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.budget import given_limits, with_budget
from groupconv_cli.cli.options import (
    DEFAULT_FILE,
    DEFAULT_READING,
    AnyFormat,
    DTypeOption,
    FileOptions,
    SpecOptions,
    complete_spec,
    parse_regroup,
    parse_settings,
)
from groupconv_cli.cli.run import command
from groupconv_cli.errors import UsageError
from groupconv_cli.render import formats
from groupconv_cli.words import joined


@command
@with_budget(more="Overrides the spec's budget.")
def check(
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPEC]...",
            help="Paths, folders, globs, names of bundled configs, or - for standard input. "
            "Default: every spec in this folder and below.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="CODE=LEVEL",
            help="Set a rule to off, warning or error. Overrides the spec and pyproject.toml. May "
            "be repeated.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Treat every warning as an error.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="CODE",
            help="Explain a rule: what it finds, why, and what to do. Nothing is checked.",
            show_default=False,
        ),
    ] = None,
    reading: SpecOptions = DEFAULT_READING,
    dtype: DTypeOption = None,
    output_format: Annotated[
        AnyFormat | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help=f"{joined(formats.ALL_NAMES, 'or')}. Default: by the ending of --output, else "
            f"github inside GitHub Actions, else {formats.DEFAULT.name}.",
            show_default=False,
        ),
    ] = None,
    file: FileOptions = DEFAULT_FILE,
    **limits: str | None,
) -> int:
    """Check specs for mistakes, check their budgets, and apply the rules.

    All problems of all specs are reported. A spec with variants is checked with each of them. In a
    folder, the .yaml and .yml files with a line `layers:` are checked.

    Exit status: 0 if all is well or there are only warnings; 1 if a budget is broken or a rule
    whose level is error found something; 2 if a spec has a mistake.

    \b
    Examples:
      gconv check
      gconv check configs/ --max-params 30M --max-memory 200MB
      gconv check net.yaml --rule GC101=error --rule GC105=off
      gconv check --explain GC101
      gconv check 'nets/**/*.yaml' --format markdown >> "$GITHUB_STEP_SUMMARY"
    """
    if explain is not None:
        if specs or rules or file.output is not None:
            raise UsageError("--explain only explains a rule: leave out SPEC, --rule and -o")
        return _explain(explain)
    from groupconv_cli.cli.output import note
    from groupconv_cli.cli.present import Destination, Result, is_stdout, present
    from groupconv_cli.render.check import check_view, conclusion, findings_view
    from groupconv_cli.render.csv import csv_text
    from groupconv_cli.render.github import github
    from groupconv_cli.render.json import check_json

    chosen: str | None = output_format
    output = None if is_stdout(file.output) else file.output
    if chosen is None and output is None and os.environ.get("GITHUB_ACTIONS") == "true":
        chosen = "github"
    to = Destination(chosen, output, file.force, file.exact).checked()
    api.import_modules(reading.modules or (), note)
    report = api.check(
        *(specs or ()),
        rules=parse_rules(rules),
        budget=given_limits(limits),
        variant=reading.variant,
        settings=parse_settings(reading.settings),
        regroup=parse_regroup(reading.regroup),
        dtype=dtype,
        strict=strict,
        trust=reading.trust,
    )
    for path in report.passed_over:
        note(f"skipped {path}")
    result = Result(
        view=lambda nested: check_view(report),
        documents={
            "json": lambda: check_json(report),
            "csv": lambda: csv_text(findings_view(report)),
            "github": lambda: github(report, os.environ.get("GITHUB_WORKSPACE")),
        },
    )
    present(result, to)
    if output is not None:
        note(conclusion(report))
    return report.exit_status


def _explain(code: str) -> int:
    """Prints the page of a rule. Raises UsageError for an unknown code."""
    from groupconv_cli.cli.output import emit, width_of
    from groupconv_cli.render.prose import prose_lines

    emit(prose_lines(api.explain(code), width_of(sys.stdout)))
    return 0


def parse_rules(rules: list[str] | None) -> dict[str, str]:
    """The CODE=LEVEL of every --rule. Raises UsageError if the = is missing."""
    levels = {}
    for rule in rules or ():
        code, equals, level = rule.partition("=")
        if not equals:
            raise UsageError(f"--rule needs CODE=LEVEL, such as GC101=off; got {rule!r}")
        levels[code.strip()] = level.strip()
    return levels
