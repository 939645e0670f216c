"""How much of its budget a network uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from groupconv_cli.analysis.totals import Totals
from groupconv_cli.errors import UsageError
from groupconv_cli.policy.limits import BudgetLimit
from groupconv_cli.policy.totals import BUDGETED, METRICS
from groupconv_cli.words import joined


class BudgetLine(NamedTuple):
    """A limit, and the amount that a network uses. Both are whole numbers."""

    limit: BudgetLimit
    used: int
    variant: str | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the network uses at most the limit."""
        return self.used <= self.limit.amount

    @property
    def share(self) -> float | None:
        """The part of the limit that is used; None if the limit is 0."""
        return self.used / self.limit.amount if self.limit.amount else None


def hold(
    totals: Totals, limits: Mapping[str, BudgetLimit], variant: str | None = None
) -> list[BudgetLine]:
    """The amounts of each limit that a network with these costs uses, in the order of BUDGETED.

    Raises UsageError for a limit on MACs or FLOPs if the MACs are not known.
    """
    if totals.unknown and any(METRICS[key].is_of_macs for key in limits):
        of_macs = [METRICS[key].title for key in BUDGETED if METRICS[key].is_of_macs]
        raise UsageError(
            f"a budget of {joined(of_macs, 'or')} cannot be checked: gconv does not know the MACs "
            f"of {joined(totals.unknown)}"
        )
    return [
        BudgetLine(limits[key], totals.metric(METRICS[key]), variant)
        for key in BUDGETED
        if key in limits
    ]
