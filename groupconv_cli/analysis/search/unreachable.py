"""The error for budgets that no choice of groups keeps: it says the least that is possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from groupconv_cli.analysis.search.knapsack import Budget, Choice, Outcome
from groupconv_cli.errors import UnreachableBudget
from groupconv_cli.policy.choosing import TIME_LIMIT
from groupconv_cli.policy.times import TIMES
from groupconv_cli.policy.totals import METRICS
from groupconv_cli.units import bytes_text, count_text
from groupconv_cli.words import joined, plural

Least = Callable[[Budget, tuple[Budget, ...]], Outcome]
"""Finds the choice that costs least in a budget's metric and is within other budgets."""

ALLOW_UNMIXED = "choices that break rule GC101 are excluded; --allow-unmixed takes them in"

MAX_NAMES = 3
"""The most convolutions that are named for one count."""


class Excluding(NamedTuple):
    """Budgets that no choice keeps together, though each can be kept."""

    first: Budget
    others: tuple[Budget, ...]
    lowest: Choice
    """The choice within the others that costs least in the first."""


def unreachable(
    budgets: Sequence[Budget],
    least: Least,
    counts: Callable[[Choice], Mapping[str, int]],
    unmixed: Least | None,
    *,
    is_proven: bool = False,
    seconds: float = TIME_LIMIT,
) -> UnreachableBudget:
    """The error for budgets that cannot be kept, each alone or all together.

    `unmixed` is `least` without regard to rule GC101; None if that has none already. `is_proven`
    tells whether it is known that no choice keeps the budgets, or only that none was found in
    these `seconds`.
    """
    reasons: list[str] = []
    choice: Choice | None = None
    missed: Budget | None = None
    for budget in budgets:
        outcome = least(budget, ())
        lowest = outcome.choice
        if not outcome.is_proven:
            continue
        if lowest is None:
            return UnreachableBudget("every choice of groups breaks rule GC101", ALLOW_UNMIXED)
        if not budget.is_kept(lowest):
            choice, missed = choice or lowest, missed or budget
            reasons.append(_amount(budget, budget.used(lowest)))
    if reasons:
        message = (
            f"no choice of groups is within {_limits(budgets)}: the least possible is "
            f"{joined(reasons)}"
        )
        hint = _unmixed_hint(budgets, unmixed)
        if hint is None and missed is not None and choice is not None:
            hint = _less_unmixed(missed, missed.used(choice), unmixed)
        return UnreachableBudget(message, hint, _with_counts(choice, counts))
    excluding = _excluding(tuple(budgets), least)
    if excluding is not None:
        first, others, lowest = excluding
        rest = "the rest" if len(others) + 1 == len(budgets) else _limits(others)
        message = (
            f"no choice of groups is within all of {_limits(budgets)}: within {rest}, the least "
            f"possible is {_amount(first, first.used(lowest))}"
        )
        return UnreachableBudget(
            message, _unmixed_hint(budgets, unmixed), _with_counts(lowest, counts)
        )
    if is_proven:
        message = f"no choice of groups is within {_limits(budgets)}"
        return UnreachableBudget(message, _unmixed_hint(budgets, unmixed))
    return UnreachableBudget(
        f"no choice of groups within {_limits(budgets)} was found in time",
        more_time(seconds),
    )


def more_time(seconds: float) -> str:
    """The remedy for a search that these seconds were not enough for."""
    return f"give it more time: --time-limit {10 * seconds:g}"


def _excluding(budgets: tuple[Budget, ...], least: Least) -> Excluding | None:
    """Some of the budgets that exclude each other; None if that cannot be proven in time."""
    for number, first in enumerate(budgets):
        others = (*budgets[:number], *budgets[number + 1 :])
        outcome = least(first, others)
        lowest = outcome.choice
        if not others or not outcome.is_proven:
            continue
        if lowest is None:
            return _excluding(others, least)
        if not first.is_kept(lowest):
            return Excluding(first, others, lowest)
    return None


def _unmixed_hint(budgets: Sequence[Budget], unmixed: Least | None) -> str | None:
    """What helps if a choice that breaks rule GC101 is within the budgets."""
    first, *others = budgets
    lowest = unmixed and unmixed(first, tuple(others)).choice
    return ALLOW_UNMIXED if lowest and first.is_kept(lowest) else None


def _less_unmixed(budget: Budget, least: int, unmixed: Least | None) -> str | None:
    """What choices that break rule GC101 cost, if that is less but not within the budget either."""
    outcome = unmixed and unmixed(budget, ())
    if not outcome or outcome.choice is None or budget.used(outcome.choice) >= least:
        return None
    found = "the least possible is" if outcome.is_proven else "there is a choice with"
    amount = _amount(budget, budget.used(outcome.choice))
    return f"choices that break rule GC101 are excluded; with --allow-unmixed {found} {amount}"


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
