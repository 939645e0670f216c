"""How much larger a network may become: limits such as `5%`, `params=100k` and `memory=1MB`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from groupconv_cli.analysis.diff import Diff
from groupconv_cli.errors import UsageError
from groupconv_cli.policy import amounts
from groupconv_cli.policy.amounts import METRICS
from groupconv_cli.words import did_you_mean, joined

WITHOUT_NAME = ("params", "macs", "memory")
"""What a per cent without a name limits, each of it that has no limit of its own."""

_PER_CENT = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)[ ]?%")


class Limit(NamedTuple):
    """By how much one quantity may become larger."""

    quantity: str
    """One of METRICS."""
    amount: Fraction
    """A share of what it was before (5% is 1/20), or a number of its units."""
    is_share: bool
    text: str
    """The amount as it was written."""

    def allowed(self, before: int) -> int:
        """The most that the quantity may be now."""
        return int(before + self.amount * (before if self.is_share else 1))


class Verdict(NamedTuple):
    """One limit, and whether it is kept."""

    limit: Limit
    before: int
    after: int
    allowed: int

    @property
    def is_broken(self) -> bool:
        """Whether the quantity is larger than allowed."""
        return self.after > self.allowed


def parse_limits(texts: Iterable[str]) -> tuple[Limit, ...]:
    """Limits as the command line has them: `5%`, `macs=5%`, `params=100k`, `memory=1MB`.

    A per cent without a name is for params, MACs and peak memory, less those that are named.

    Raises UsageError for anything else.
    """
    named: list[Limit] = []
    general: list[Limit] = []
    for text in texts:
        name, equals, amount = text.rpartition("=")
        if equals:
            named.append(_limit(name.strip(), amount.strip(), text))
        elif text.strip().endswith("%"):
            general += [_limit(name, text.strip(), text) for name in WITHOUT_NAME]
        else:
            raise UsageError(
                "a limit is a per cent, such as 5%, or has a name, such as params=100k; "
                f"got {text!r}"
            )
    own = {limit.quantity for limit in named}
    return (*(limit for limit in general if limit.quantity not in own), *named)


def verdicts(limits: Iterable[Limit], diff: Diff) -> tuple[Verdict, ...]:
    """Which limits are kept. A network that is new has nothing to be larger than: none.

    Raises UsageError for a limit of MACs where they are not known.
    """
    if diff.is_new:
        return ()
    found = []
    for limit in limits:
        unknown = diff.before.unknown or diff.after.unknown
        if unknown and limit.quantity in ("macs", "flops"):
            raise UsageError(
                f"{limit.quantity} cannot be held to {limit.text}: gconv does not know those of "
                f"{joined(unknown)}\n  limit what is known: --fail-if-larger params={limit.text} "
                f"--fail-if-larger memory={limit.text}"
            )
        before, after = (METRICS[limit.quantity].of(side) for side in (diff.before, diff.after))
        found.append(Verdict(limit, before, after, limit.allowed(before)))
    return tuple(found)


def _limit(name: str, amount: str, text: str) -> Limit:
    if name not in METRICS:
        listed = f"there are {joined(list(METRICS))}"
        raise UsageError(
            f"cannot limit {name!r} in {text!r}; {did_you_mean(name, METRICS) or listed}"
        )
    share = _PER_CENT.fullmatch(amount)
    if share:
        return Limit(name, Fraction(share[1]) / 100, True, amount)
    try:
        return Limit(name, Fraction(amounts.amount(name, amount)), False, amount)
    except amounts.AmountError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        raise UsageError(
            f"the limit of {name} must be a per cent, such as 5%, or {error}; got {text!r}{hint}"
        ) from None
