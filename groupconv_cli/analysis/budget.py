"""Limits to what a network may cost, and how much of them it uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from groupconv_cli.analysis.totals import Totals
from groupconv_cli.errors import Place, UsageError
from groupconv_cli.policy import amounts
from groupconv_cli.words import joined

METRICS = {key: amounts.METRICS[key] for key in ("params", "macs", "flops", "memory")}
"""What a budget may limit, by the key of a spec and the option --max-…"""


class Limit(NamedTuple):
    """The most that a network may have of something, and where that was said."""

    metric: str
    amount: int
    place: Place | None = None
    """None for a limit of the command line."""


class BudgetLine(NamedTuple):
    """A limit, and what a network uses of it. Both are whole numbers, and compared as such."""

    limit: Limit
    used: int
    variant: str | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the network stays within the limit; exactly the limit does."""
        return self.used <= self.limit.amount

    @property
    def share(self) -> float | None:
        """The part of the limit that is used; None of a limit of 0."""
        return self.used / self.limit.amount if self.limit.amount else None


def hold(
    totals: Totals, limits: Mapping[str, Limit], variant: str | None = None
) -> list[BudgetLine]:
    """What a network of these costs uses of each limit, in the order of METRICS.

    Raises UsageError for a limit of MACs or FLOPs where those are not known.
    """
    if totals.unknown and {"macs", "flops"} & set(limits):
        raise UsageError(
            f"no budget of MACs can be held to, as those of {joined(totals.unknown)} are not known"
        )
    return [
        BudgetLine(limits[key], metric.of(totals), variant)
        for key, metric in METRICS.items()
        if key in limits
    ]
