"""Limits on the costs of a network, and on their growth."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from groupconv_cli.errors import Place, UsageError
from groupconv_cli.policy import amounts
from groupconv_cli.policy.times import TIMES
from groupconv_cli.policy.totals import IN_EVERY_LIMIT, METRICS
from groupconv_cli.words import did_you_mean, joined

_PER_CENT = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)[ ]?%")


class BudgetLimit(NamedTuple):
    """The most that a network may cost in one metric, and the place of that limit."""

    metric: str
    """One of BUDGETED."""
    amount: int
    place: Place | None = None
    """None for a limit from the command line."""


class GrowthLimit(NamedTuple):
    """How much one metric may grow: `5%`, `params=100k`, `memory=1MB`."""

    metric: str
    """One of METRICS."""
    amount: Fraction
    """A share of the old value (5% is 1/20), or a number in the metric's unit."""
    is_share: bool
    text: str
    """The amount as it was written."""

    def allowed(self, before: int) -> int:
        """The largest new value that is allowed."""
        return int(before + self.amount * (before if self.is_share else 1))


class Ceiling(NamedTuple):
    """The most that a network may cost in a metric: an amount, or a share of its cost now."""

    metric: str
    """One of BUDGETED, or of TIMES: then the amount is in nanoseconds."""
    amount: Fraction
    is_share: bool

    def allowed(self, now: int) -> int:
        """The largest value that is allowed."""
        return int(self.amount * (now if self.is_share else 1))


def ceiling(metric: str, value: object) -> Ceiling:
    """The limit that a value such as 2G, 80MB, 1000000, 20ms or 50% means.

    Raises UsageError for anything else.
    """
    title = (TIMES if metric in TIMES else METRICS)[metric].title
    amount, is_share = _amount_or_share(metric, value, f"the most {title}")
    return Ceiling(metric, amount, is_share)


def parse_limits(texts: Iterable[str]) -> tuple[GrowthLimit, ...]:
    """Limits from the command line: `5%`, `macs=5%`, `params=100k`, `memory=1MB`.

    A percentage without a name limits params, MACs and peak memory, except those with a limit of
    their own.

    Raises UsageError if a text is not a valid limit.
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
    number, is_share = _amount_or_share(name, amount, f"the limit of {name}", text)
    return GrowthLimit(name, number, is_share, amount)


def _amount_or_share(
    metric: str, value: object, what: str, given: str | None = None
) -> tuple[Fraction, bool]:
    """The number, and whether it is a share. `what` was `given`. Raises UsageError for others."""
    share = _PER_CENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if share:
        return Fraction(share[1]) / 100, True
    try:
        if metric in TIMES:
            return Fraction(amounts.nanoseconds(value)), False
        return Fraction(amounts.amount(metric, value)), False
    except amounts.AmountError as error:
        words = f"a percentage, such as 5%, or {error.message}"
        received = value if given is None else given
        raise UsageError(f"{what} must be {words}; got {received!r}", error.hint) from None
