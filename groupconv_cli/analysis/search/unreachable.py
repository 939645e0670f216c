"""The error for budgets that no choice of groups keeps: it says the least that is possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from groupconv_cli.analysis.search.knapsack import Budget, Choice, Outcome
from groupconv_cli.errors import UnreachableBudget
from groupconv_cli.policy.times import TIMES
from groupconv_cli.policy.totals import METRICS
from groupconv_cli.units import bytes_text, count_text
from groupconv_cli.words import joined, plural

Least = Callable[[Budget, tuple[Budget, ...]], Outcome]
"""Finds the choice that costs least in a budget's metric and is within other budgets."""

MAX_NAMES = 3
"""The most convolutions that are named for one count."""


def unreachable(
    budgets: Sequence[Budget],
    least: Least,
    counts: Callable[[Choice], Mapping[str, int]],
    unmixed: Least | None,
) -> UnreachableBudget:
    """The error for budgets that cannot be kept, each alone or all together.

    `unmixed` is `least` without regard to rule GC101; None if that has none already.
    """
    reasons: list[str] = []
    choice: Choice | None = None
    hint: str | None = None
    for budget in budgets:
        outcome = least(budget, ())
        lowest = outcome.choice
        if lowest is not None and outcome.is_proven and not budget.is_kept(lowest):
            choice = choice or lowest
            reasons.append(f"{_amount(budget, budget.used(lowest))}")
            hint = hint or _unmixed_hint(budget, unmixed)
    if reasons:
        message = (
            f"no choice of groups is within {_limits(budgets)}: the least possible is "
            f"{joined(reasons)}"
        )
        return UnreachableBudget(message, hint, _with_counts(choice, counts))
    first, *others = budgets
    together = least(first, tuple(others)) if others else None
    lowest = together.choice if together is not None and together.is_proven else None
    if lowest is None:
        return UnreachableBudget(
            f"no choice of groups within {_limits(budgets)} was found in time",
            "give it more time: --time-limit 600",
        )
    message = (
        f"no choice of groups is within all of {_limits(budgets)}: within the rest, the least "
        f"possible is {_amount(first, first.used(lowest))}"
    )
    return UnreachableBudget(message, None, _with_counts(lowest, counts))


def _unmixed_hint(budget: Budget, unmixed: Least | None) -> str | None:
    lowest = unmixed and unmixed(budget, ()).choice
    if not lowest or not budget.is_kept(lowest):
        return None
    return "choices that break rule GC101 are excluded; --allow-unmixed takes them in"


def _limits(budgets: Sequence[Budget]) -> str:
    return joined([_amount(budget, budget.limit) for budget in budgets])


def _amount(budget: Budget, number: int) -> str:
    if budget.metric in TIMES:
        return f"{number / 1e6:,.3f} ms of {TIMES[budget.metric].title}"
    metric = METRICS[budget.metric]
    if metric.is_bytes:
        return f"{bytes_text(number, exact=True)} of {metric.title}"
    return f"{count_text(number, exact=True)} {metric.title}"


def _with_counts(
    choice: Choice | None, counts: Callable[[Choice], Mapping[str, int]]
) -> Iterator[str]:
    """A line for each count: the convolutions that have it."""
    if choice is None:
        return
    by_count: dict[int, list[str]] = {}
    for name, count in counts(choice).items():
        by_count.setdefault(count, []).append(name)
    for count, names in sorted(by_count.items()):
        more = len(names) - MAX_NAMES
        listed = names if more <= 0 else [*names[:MAX_NAMES], f"{plural(more, 'other')}"]
        yield f"that is with g={count} in {joined(listed)}"
