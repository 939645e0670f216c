"""The choice between those of the same value: the one that costs least.

Often several choices have the best value. The solver takes any of them, and another release of it
takes another. The cheapest is better for the user, and it is the same with every release.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from groupconv_cli.analysis.search.knapsack import Budget, Choice
from groupconv_cli.analysis.search.units import Unit
from groupconv_cli.divisors import MAX_FACTORED, factors

Rows = tuple[tuple[float, ...], ...]
"""A number for each candidate of each unit."""

SECOND = 1e-3
"""What a share of all params counts beside a share of the first budget's costs."""

LOG_STEPS = 1 << 40
"""The steps that the binary logarithm of a prime is rounded to."""


def cost_losses(units: Sequence[Unit], budget: Budget) -> Rows:
    """Losses that prefer what costs least in the budget, and of what costs the same, few params."""
    costs = sum(max(row) - min(row) for row in budget.costs) or 1
    params = sum(max(unit.params) - min(unit.params) for unit in units) or 1
    return tuple(
        tuple(
            cost / costs + SECOND * stored / params
            for cost, stored in zip(row, unit.params, strict=True)
        )
        for row, unit in zip(budget.costs, units, strict=True)
    )


def as_good_as(choice: Choice, losses: Rows) -> Budget:
    """A limit that is kept by the choices whose losses, which are whole numbers, are no larger."""
    rows = tuple(tuple(int(loss - min(row)) for loss in row) for row in losses)
    budget = Budget("value", 0, 0, rows)
    return budget._replace(limit=budget.used(choice))


def log_losses(units: Sequence[Unit]) -> Rows | None:
    """The logarithms of the counts in whole steps: equal products have exactly equal sums.

    They are None if a count is too large to be factored.
    """
    if any(count > MAX_FACTORED for unit in units for count in unit.counts):
        return None
    return tuple(
        tuple(float(len(unit.convolutions) * _log_steps(count)) for count in unit.counts)
        for unit in units
    )


def _log_steps(count: int) -> int:
    return sum(
        exponent * round(log2(prime) * LOG_STEPS) for prime, exponent in factors(count).items()
    )
