"""Whether a network grew by more than limits allow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from groupconv_cli.analysis.diff import Diff
from groupconv_cli.errors import UsageError
from groupconv_cli.policy.limits import GrowthLimit
from groupconv_cli.policy.totals import IN_EVERY_LIMIT, METRICS
from groupconv_cli.words import joined


class LimitVerdict(NamedTuple):
    """One limit, and whether it is kept."""

    limit: GrowthLimit
    before: int
    after: int
    allowed: int

    @property
    def is_broken(self) -> bool:
        """Whether the metric is larger than allowed."""
        return self.after > self.allowed


def verdicts(limits: Iterable[GrowthLimit], diff: Diff) -> tuple[LimitVerdict, ...]:
    """The verdict on each limit. A new network has no old size, so there are no verdicts.

    Raises UsageError for a limit on MACs if they are not known.
    """
    if diff.is_new:
        return ()
    found = []
    for limit in limits:
        metric = METRICS[limit.metric]
        unknown = diff.before.unknown or diff.after.unknown
        if unknown and metric.is_of_macs:
            known = [name for name in IN_EVERY_LIMIT if not METRICS[name].is_of_macs]
            remedy = " ".join(f"--fail-if-larger {name}={limit.text}" for name in known)
            raise UsageError(
                f"the limit {limit.metric}={limit.text} cannot be checked: gconv does not know "
                f"the MACs of {joined(unknown)}",
                f"limit what is known: {remedy}",
            )
        before, after = (side.metric(metric) for side in (diff.before, diff.after))
        found.append(LimitVerdict(limit, before, after, limit.allowed(before)))
    return tuple(found)
