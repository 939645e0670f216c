"""Single counts for all convolutions that a search may change, to compare its choice with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from groupconv_cli.analysis.search.knapsack import Budget, Choice
from groupconv_cli.analysis.search.report import SingleCount
from groupconv_cli.analysis.search.units import Unit


def single_choices(units: Sequence[Unit]) -> dict[int, Choice]:
    """The choices with one count for all, by that count."""
    shared = set(units[0].counts).intersection(*(unit.counts for unit in units[1:]))
    return {count: tuple(unit.counts.index(count) for unit in units) for count in sorted(shared)}


def single_counts(
    units: Sequence[Unit],
    budgets: Sequence[Budget],
    value: Callable[[Choice], float],
    is_allowed: Callable[[Choice], bool],
) -> tuple[SingleCount, ...]:
    """Each of these choices: its value, what it uses of the budgets, whether GC101 allows it."""
    return tuple(
        SingleCount(
            count,
            value(choice),
            tuple(budget.used(choice) for budget in budgets),
            is_allowed(choice),
        )
        for count, choice in single_choices(units).items()
    )
