"""Limits to what a network may cost, and to how much larger it may become."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from groupconv_cli.errors import Place, UsageError
from groupconv_cli.policy import amounts
from groupconv_cli.policy.totals import IN_EVERY_LIMIT, METRICS
from groupconv_cli.words import did_you_mean, joined

_PER_CENT = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)[ ]?%")


class BudgetLimit(NamedTuple):
    """The most that a network may have of something, and where that was said."""

    metric: str
    """One of BUDGETED."""
    amount: int
    place: Place | None = None
    """None for a limit of the command line."""


class GrowthLimit(NamedTuple):
    """By how much one metric may become larger: `5%`, `params=100k`, `memory=1MB`."""

    metric: str
    """One of METRICS."""
    amount: Fraction
    """A share of what it was before (5% is 1/20), or a number of its units."""
    is_share: bool
    text: str
    """The amount as it was written."""

    def allowed(self, before: int) -> int:
        """The most that the metric may be now."""
        return int(before + self.amount * (before if self.is_share else 1))


def parse_limits(texts: Iterable[str]) -> tuple[GrowthLimit, ...]:
    """Limits as the command line has them: `5%`, `macs=5%`, `params=100k`, `memory=1MB`.

    A per cent without a name is for params, MACs and peak memory, less those that are named.

    Raises UsageError for anything else.
    """
    named: list[GrowthLimit] = []
    general: list[GrowthLimit] = []
    for text in texts:
        name, equals, amount = text.rpartition("=")
        if equals:
            named.append(_limit(name.strip(), amount.strip(), text))
        elif text.strip().endswith("%"):
            general += [_limit(name, text.strip(), text) for name in IN_EVERY_LIMIT]
        else:
            raise UsageError(
                "a limit is a percentage, such as 5%, or has a name, such as params=100k; "
                f"got {text!r}"
            )
    own = {limit.metric for limit in named}
    return (*(limit for limit in general if limit.metric not in own), *named)


def _limit(name: str, amount: str, text: str) -> GrowthLimit:
    if name not in METRICS:
        listed = f"there are {joined(list(METRICS))}"
        raise UsageError(
            f"cannot limit {name!r} in {text!r}; {did_you_mean(name, METRICS) or listed}"
        )
    share = _PER_CENT.fullmatch(amount)
    if share:
        return GrowthLimit(name, Fraction(share[1]) / 100, True, amount)
    try:
        return GrowthLimit(name, Fraction(amounts.amount(name, amount)), False, amount)
    except amounts.AmountError as error:
        words = f"a percentage, such as 5%, or {error.message}"
        raise UsageError(f"the limit of {name} must be {words}; got {text!r}", error.hint) from None
