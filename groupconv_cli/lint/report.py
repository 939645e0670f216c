"""The result of a check of specs: raw data, from which every format is made."""

from __future__ import annotations

from dataclasses import dataclass

from groupconv_cli.analysis.budget import BudgetLine
from groupconv_cli.dtypes import DEFAULT
from groupconv_cli.errors import Diagnostic
from groupconv_cli.lint.rule import Finding
from groupconv_cli.ops.base import Shape
from groupconv_cli.policy.rules import Severity
from groupconv_cli.shown import Shown
from groupconv_cli.words import joined

WELL, FAILED, WRONG = 0, 1, 2
"""Exit statuses of a check."""


@dataclass(frozen=True, kw_only=True)
class SpecCheck:
    """One spec, checked."""

    spec: str
    """The spec as given: a path, or the name of a bundled config."""
    variants: tuple[str, ...] = ()
    """The variants that were checked; empty if the spec has no variants."""
    dtype: str | None = None
    """The type of weights and activations; None if the spec has no network without mistakes."""
    open_at: tuple[Shape, ...] = ()
    """The shapes of the inputs that were taken where the spec leaves sizes open; else empty."""
    problems: tuple[Diagnostic, ...] = ()
    """Mistakes in the spec. Variants without mistakes are still checked."""
    findings: tuple[Finding, ...] = ()
    budgets: tuple[BudgetLine, ...] = ()

    @property
    def broken(self) -> tuple[BudgetLine, ...]:
        """Budgets that are not kept."""
        return tuple(line for line in self.budgets if not line.is_kept)

    def of_level(self, level: Severity) -> tuple[Finding, ...]:
        """The findings of that level."""
        return tuple(finding for finding in self.findings if finding.level is level)

    @property
    def exit_status(self) -> int:
        """2 for a wrong spec; 1 for a broken budget or a finding of level error; else 0."""
        if self.problems:
            return WRONG
        return FAILED if self.broken or self.of_level(Severity.error) else WELL


@dataclass(frozen=True, kw_only=True, repr=False)
class CheckReport(Shown):
    """Several specs, checked."""

    specs: tuple[SpecCheck, ...]
    passed_over: tuple[str, ...] = ()
    """Files and folders inside folders that were not read, each with the reason."""

    @property
    def dtype(self) -> str:
        """The types of weights and activations: those of Keras models may differ."""
        return joined(list(dict.fromkeys(x.dtype for x in self.specs if x.dtype))) or DEFAULT

    @property
    def exit_status(self) -> int:
        """The exit status of the worst spec."""
        return max((each.exit_status for each in self.specs), default=WELL)
