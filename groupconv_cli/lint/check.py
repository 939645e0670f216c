"""Checks of specs: their mistakes, the findings of rules, and their budgets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from groupconv_cli.analysis.budget import BudgetLine, hold
from groupconv_cli.analysis.regroup import Count, regrouped_by_name
from groupconv_cli.analysis.totals import total
from groupconv_cli.dtypes import bytes_per_value
from groupconv_cli.errors import Diagnostic, SpecError, UsageError
from groupconv_cli.language.growing import Work
from groupconv_cli.lint.collect import collect
from groupconv_cli.lint.engine import lint
from groupconv_cli.lint.report import CheckReport, SpecCheck
from groupconv_cli.lint.rule import Finding
from groupconv_cli.lint.rules import DEFAULTS
from groupconv_cli.lint.settings import ProjectSeverities
from groupconv_cli.models.model_file import ModelFile
from groupconv_cli.network import Network
from groupconv_cli.ops.base import Shape
from groupconv_cli.policy.amounts import AmountError, amount
from groupconv_cli.policy.limits import BudgetLimit
from groupconv_cli.policy.rules import (
    Severities,
    Severity,
    known_code,
    known_severity,
)
from groupconv_cli.policy.totals import BUDGETED
from groupconv_cli.sources.open import Opened, open_spec
from groupconv_cli.words import joined


class CheckOptions(NamedTuple):
    """The settings for all specs of a check, which override those of the specs."""

    levels: Severities
    limits: dict[str, BudgetLimit]
    variant: str | None
    settings: Mapping[str, object]
    regroup: Mapping[str, Count]
    dtype: str | None
    strict: bool
    """Whether warnings are errors."""
    trust: bool = False
    """Whether the code in a model's file may run."""

    @classmethod
    def read(
        cls,
        *,
        rules: Mapping[str, str],
        budget: Mapping[str, int | str],
        variant: str | None,
        settings: Mapping[str, object],
        regroup: Mapping[str, Count],
        dtype: str | None,
        strict: bool,
        trust: bool,
    ) -> CheckOptions:
        """The options of `groupconv_cli.check`. Raises UsageError for an invalid option."""
        if dtype is not None:
            bytes_per_value(dtype)
        levels: Severities = {}
        limits: dict[str, BudgetLimit] = {}
        for code, level in rules.items():
            levels[known_code(code)] = known_severity(level)
        for key, value in budget.items():
            if key not in BUDGETED:
                raise UsageError(f"no budget is called {key!r}; there are {', '.join(BUDGETED)}")
            try:
                limits[key] = BudgetLimit(key, amount(key, value))
            except AmountError as error:
                message = f"the limit of {key} must be {error.message}; got {value!r}"
                raise UsageError(message, error.hint) from None
        return cls(levels, limits, variant, settings, regroup, dtype, strict, trust)


def check_specs(specs: Iterable[str], options: CheckOptions) -> CheckReport:
    """Checks every spec, even if others have mistakes.

    Raises SpecError for a mistake in a pyproject.toml, UsageError if there is no spec.
    """
    checked, project = [], ProjectSeverities()
    passed_over: list[str] = []
    meant = list(collect(list(specs), passed_over))
    nowhere = [error for _, error in meant if error is not None]
    if len(nowhere) == len(meant):
        raise _nothing_meant(nowhere, passed_over)
    for spec, error in meant:
        if error is not None:
            checked.append(SpecCheck(spec=spec, problems=(Diagnostic.of(error),)))
        else:
            checked.append(_check(spec, options, project))
    return CheckReport(specs=tuple(checked), passed_over=tuple(passed_over))


def _nothing_meant(errors: list[UsageError], passed_over: list[str]) -> UsageError:
    """All that is wrong with what was given, as one error."""
    first, *said = [
        text for each in errors for text in (each.message, *each.details, each.hint) if text
    ]
    return UsageError(first, details=[*said, *(f"skipped {each}" for each in passed_over)])


def _check(spec: str, options: CheckOptions, project: ProjectSeverities) -> SpecCheck:
    try:
        file = open_spec(spec, trust=options.trust)
    except SpecError as error:
        return SpecCheck(spec=spec, problems=error.diagnostics)
    except UsageError as error:
        return SpecCheck(spec=spec, problems=(Diagnostic.of(error),))
    picked = options.variant or file.implied_variant
    variants = (picked,) if picked else file.variants
    path = Path(file.source.name)
    folder = path.parent if path.exists() else Path()
    levels = _levels(project.of(folder), file.rules, options)
    found_in = _Findings(variants)
    problems: dict[Diagnostic, list[str | None]] = {}
    budgets: list[BudgetLine] = []
    dtype = None
    open_at: tuple[Shape, ...] = ()
    work = Work()  # so that many variants do not take many times as long as one may
    for variant in variants or (None,):
        try:
            network, limits = _made(file, variant, options, work)
        except SpecError as error:
            for problem in error.diagnostics:
                problems.setdefault(problem, []).append(variant)
            continue
        except UsageError as error:
            problems.setdefault(_of_file(error, file), []).append(variant)
            continue
        dtype = options.dtype or network.dtype
        open_at = () if network.open_inputs is None else network.input_shapes
        found_in.add(variant, lint(network, levels))
        if limits:
            budgets += hold(total(network, options.dtype), limits, variant)
    return SpecCheck(
        spec=spec,
        variants=variants,
        dtype=dtype,
        open_at=open_at,
        problems=tuple(_told(problem, some, variants) for problem, some in problems.items()),
        findings=found_in.all(),
        budgets=tuple(budgets),
    )


def check_network(
    network: Network,
    file: Opened | None,
    *,
    settings: Mapping[str, object] | None = None,
    variant: str | None = None,
    dtype: str | None = None,
) -> SpecCheck:
    """The check of one network that is made already. `file` is what it was made of, if it was.

    `settings` and `variant` are those that it was made with.

    Raises SpecError for a mistake in a pyproject.toml.
    """
    if file is None:
        found = lint(network, DEFAULTS)
        return SpecCheck(spec=network.name, dtype=dtype or network.dtype, findings=tuple(found))
    path = Path(file.source.name)
    project = ProjectSeverities().of(path.parent if path.exists() else Path())
    limits = file.limits(settings, variant)
    return SpecCheck(
        spec=file.source.name,
        dtype=dtype or network.dtype,
        findings=tuple(lint(network, {**DEFAULTS, **project, **file.rules})),
        budgets=tuple(hold(total(network, dtype), limits, None)) if limits else (),
    )


def _levels(project: Severities, own: Severities, options: CheckOptions) -> Severities:
    """The levels for a spec of that project that has levels of its own."""
    levels = {**DEFAULTS, **project, **own, **options.levels}
    if options.strict:
        loud = {code: Severity.error for code, level in levels.items() if level is Severity.warning}
        levels |= loud
    return levels


def _of_file(error: UsageError, file: Opened) -> Diagnostic:
    """The error as a problem. If it does not name the file, the file's name is added."""
    problem = Diagnostic.of(error)
    if isinstance(file, ModelFile) and file.name not in problem.message:
        return problem._replace(message=f"{file.name}: {problem.message}")
    return problem


def _made(
    file: Opened, variant: str | None, options: CheckOptions, work: Work
) -> tuple[Network, dict[str, BudgetLimit]]:
    network = file.network(options.settings, variant, work, keep_open=True)
    limits = {**file.limits(options.settings, variant), **options.limits}
    if network.open_inputs is not None and set(limits) - {"params"}:
        file.network(options.settings, variant, work)  # raises the error of counts without sizes
    return regrouped_by_name(network, options.regroup), limits


def _told(problem: Diagnostic, some: list[str | None], variants: tuple[str, ...]) -> Diagnostic:
    """The problem, with the names of the variants if not all have it."""
    if len(some) >= len(variants):
        return problem
    note = f"(with {'the variant' if len(some) == 1 else 'the variants'} "
    note += f"{joined([str(variant) for variant in some])})"
    return problem._replace(hint=f"{problem.hint} {note}" if problem.hint else note)


class _Findings:
    """The findings in the variants of a spec. A finding of several variants is kept once."""

    def __init__(self, variants: tuple[str, ...]) -> None:
        self.variants = variants
        self.found: dict[tuple[str, object], Finding] = {}

    def add(self, variant: str | None, findings: list[Finding]) -> None:
        """Adds the findings in one variant."""
        for finding in findings:
            key = (finding.code, finding.place or finding.layers)
            first = self.found.get(key, finding)
            if variant is not None:
                first = first._replace(variants=(*first.variants, variant))
            self.found[key] = first

    def all(self) -> tuple[Finding, ...]:
        """All of them, in the order of the file."""
        return tuple(self.found.values())
