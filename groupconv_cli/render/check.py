"""A CheckReport as a View: problems and findings at their places, budgets, and a conclusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from groupconv_cli.analysis.budget import BudgetLine
from groupconv_cli.errors import Diagnostic
from groupconv_cli.lint.report import CheckReport, SpecCheck
from groupconv_cli.lint.rule import Finding
from groupconv_cli.policy.rules import Severity
from groupconv_cli.policy.totals import METRICS
from groupconv_cli.render.view import Cell, Column, Row, Table, Typed, View, inputs_text
from groupconv_cli.words import joined, plural

BUDGET_COLUMNS = (
    Column("Budget", key="spec"),
    Column("", key="metric"),
    Column("Used", "count", "used"),
    Column("Limit", "count", "limit"),
    Column("Used/limit", "ratio", "share", drop=1),
    Column("", key="verdict"),
)

MAX_NAMES = 4


def check_view(report: CheckReport) -> View:
    """The view of a check for people: everything that is wrong, and how to continue."""
    problems = tuple(named(problem, spec) for spec in report.specs for problem in _said(spec))
    budgets = budgets_table(*report.specs)
    tables = (budgets,) if budgets.rows else ()
    notes = []
    if any(METRICS[line.limit.metric].is_bytes for spec in report.specs for line in spec.budgets):
        notes.append(f"Memory is in {report.dtype}.")
    notes += [
        f"{spec.spec} leaves sizes open: checked with {inputs_text(spec.open_at)}; --set input=… "
        "takes others."
        for spec in report.specs
        if spec.open_at
    ]
    codes = sorted({finding.code for spec in report.specs for finding in spec.findings})
    if codes:
        one = len(codes) == 1
        which, rest = (codes[0], "") if one else ("CODE", f", of {joined(codes)}")
        in_specs = any(finding.place for spec in report.specs for finding in spec.findings)
        off = (
            f", in the spec: rules: {{{codes[0]}: off}}" if in_specs else f": --rule {codes[0]}=off"
        )
        notes += [
            f"gconv check --explain {which} says why, and what to do{rest}.",
            f"To turn {'it' if one else 'one'} off{off}",
        ]
    return View(_title(report), tables, tuple(notes), (conclusion(report),), problems=problems)


def budgets_table(*specs: SpecCheck) -> Table:
    """How much of their budgets the specs use."""
    rows = tuple(_budget_row(spec, line) for spec in specs for line in spec.budgets)
    return Table(BUDGET_COLUMNS, rows)


def _title(report: CheckReport) -> str:
    names = [_label(spec) for spec in report.specs]
    if len(names) > MAX_NAMES:
        return f"Checked {plural(len(names), 'spec')}"
    return f"Checked {joined(names)}"


def _label(spec: SpecCheck) -> str:
    if len(spec.variants) > 1:
        return f"{spec.spec} ({plural(len(spec.variants), 'variant')})"
    return spec.spec or "''"


def conclusion(report: CheckReport) -> str:
    """One line with the outcome: '3 specs: 1 wrong, 2 warnings, 1 budget broken'."""
    count: Counter[str] = Counter()
    for spec in report.specs:
        count["wrong"] += bool(spec.problems)
        count["errors"] += len(spec.of_level(Severity.error))
        count["warnings"] += len(spec.of_level(Severity.warning))
        count["broken"] += len(spec.broken)
    parts = [
        f"{count['wrong']:,} wrong" if count["wrong"] else "",
        plural(count["errors"], "error") if count["errors"] else "",
        plural(count["warnings"], "warning") if count["warnings"] else "",
        f"{plural(count['broken'], 'budget')} broken" if count["broken"] else "",
    ]
    found = ", ".join(filter(None, parts))
    kept = sum(len(spec.budgets) for spec in report.specs)
    well = f"all well, {plural(kept, 'budget')} kept" if kept else "all well"
    return f"{plural(len(report.specs), 'spec')}: {found or well}"


def _said(spec: SpecCheck) -> Iterator[Diagnostic]:
    yield from spec.problems
    for finding in spec.findings:
        yield as_diagnostic(finding, spec)


def as_diagnostic(finding: Finding, spec: SpecCheck) -> Diagnostic:
    """The finding as a problem, with the variants that have it if not all do."""
    hint = finding.hint
    if 0 < len(finding.variants) < len(spec.variants):
        some = "variant" if len(finding.variants) == 1 else "variants"
        hint += f" (with the {some} {joined(finding.variants)})"
    return Diagnostic(finding.message, finding.place, hint, finding.level, finding.code)


def named(problem: Diagnostic, spec: SpecCheck) -> Diagnostic:
    """The problem with the name of its spec, if it has no place: a Keras model has no lines."""
    if problem.place is not None or spec.spec in problem.message:
        return problem
    return problem._replace(message=f"{spec.spec}: {problem.message}")


def _budget_row(spec: SpecCheck, line: BudgetLine) -> Row:
    metric = METRICS[line.limit.metric]
    name = spec.spec if line.variant is None else f"{spec.spec} {line.variant}"
    cells = (
        name,
        metric.title,
        Typed(metric.kind, line.used),
        Typed(metric.kind, line.limit.amount),
        line.share,
        "kept" if line.is_kept else "broken",
    )
    return Row(cells, "" if line.is_kept else "bad")


FINDINGS_COLUMNS = tuple(
    Column(key, key=key)
    for key in (
        *("spec", "file", "line", "column", "kind", "code", "message", "hint"),
        *("variant", "metric", "used", "limit"),
    )
)


def findings_view(report: CheckReport) -> View:
    """A table of everything for programs: a row for each mistake, finding and budget."""
    rows: list[tuple[Cell, ...]] = []
    for spec in report.specs:
        for problem in _said(spec):
            file, at, column = problem.place or (None, None, None)
            place = (file.name if file else None, at, column)
            kind = problem.level if problem.code else "mistake"
            said = (problem.message, problem.hint)
            rows.append((spec.spec, *place, kind, problem.code, *said, *(None,) * 4))
        for line in spec.budgets:
            file, at, column = line.limit.place or (None, None, None)
            place = (file.name if file else None, at, column)
            kind = "budget kept" if line.is_kept else "budget broken"
            used = (line.variant, line.limit.metric, line.used, line.limit.amount)
            rows.append((spec.spec, *place, kind, None, None, None, *used))
    table = Table(FINDINGS_COLUMNS, tuple(Row(cells) for cells in rows))
    return View(conclusion(report), (table,))
