"""What measured times show: a verdict on each row against one group, and the fastest rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from random import Random
from statistics import median
from typing import NamedTuple

from groupconv_cli.analysis.measurement import Timing

WORTH = 0.05
"""A smaller share of time does not count as a gain: shared machines drift by as much."""

RESAMPLES = 1000
LEAST_ROUNDS = 5
"""With fewer samples no interval around the median has a confidence of 95 %, or nearly."""


class Outcome(StrEnum):
    """What is shown about a row's speed against one group, with a confidence of 95 %."""

    WIN = "WIN"
    """It is faster by more than `WORTH`."""
    TIE = "TIE"
    """It is neither faster nor slower by more than `WORTH`."""
    LOSS = "LOSS"
    """It is slower by more than `WORTH`."""
    UNCERTAIN = "UNCERTAIN"
    """The interval crosses a threshold, or there are too few rounds for one."""


class SpeedUp(NamedTuple):
    """How many times as fast as one group a row is."""

    times: float
    """The median over the rounds of the ratio within a round."""
    interval: tuple[float, float] | None
    """The 95 % interval of `times`; None with fewer than `LEAST_ROUNDS` rounds."""

    @property
    def outcome(self) -> Outcome:
        """The verdict that the interval allows."""
        if self.interval is None:
            return Outcome.UNCERTAIN
        low, high = self.interval
        faster, slower = 1 + WORTH, 1 / (1 + WORTH)
        if low > faster:
            return Outcome.WIN
        if high < slower:
            return Outcome.LOSS
        return Outcome.TIE if slower <= low and high <= faster else Outcome.UNCERTAIN


@lru_cache(maxsize=256)
def speed_up(timing: Timing, dense: Timing) -> SpeedUp:
    """The speed-up of `timing` over `dense`, which were measured in the same rounds.

    The interval has the 2.5th and the 97.5th percentile of the medians of `RESAMPLES` samples of
    the rounds, drawn with replacement (the percentile bootstrap; Efron 1979). With few rounds it is
    a little narrow: of 600 simulated cases of 15 rounds it holds the truth in 91 %. The same times
    give the same interval.
    """
    pairs = zip(dense.samples, timing.samples, strict=False)
    ratios = [theirs / ours for theirs, ours in pairs]
    if len(ratios) < LEAST_ROUNDS:
        return SpeedUp(median(ratios), None)
    return SpeedUp(median(ratios), _interval(ratios))


@lru_cache(maxsize=256)
def median_interval(timing: Timing) -> tuple[float, float] | None:
    """The 95 % interval of the median, as `speed_up` makes it; None with few rounds."""
    return _interval(timing.samples) if len(timing.samples) >= LEAST_ROUNDS else None


def _interval(values: Sequence[float]) -> tuple[float, float]:
    random = Random(0)  # noqa: S311  (not for cryptography)
    drawn = sorted(median(random.choices(values, k=len(values))) for _ in range(RESAMPLES))
    edge = round(0.025 * RESAMPLES)
    return drawn[edge], drawn[-1 - edge]


class CountTimes(NamedTuple):
    """A row of a comparison: its number of groups, its MACs, and a time."""

    groups: int
    macs: int
    timing: Timing


class Conclusion(NamedTuple):
    """The conclusion from the times of several numbers of groups."""

    fastest: tuple[int, ...]
    """The winning numbers that are fastest or not told apart from it; empty if there is no WIN."""
    times: tuple[float, ...]
    """How many times as fast as one group each of `fastest` is."""
    by_macs: tuple[float, ...]
    """The speed-up that the MACs of each of `fastest` predict."""
    enough: int | None
    """The smallest number whose speed-up is within `WORTH` of the largest."""
    beyond: tuple[int, ...]
    """The larger numbers, which gain less than `WORTH`."""
    uncertain: tuple[int, ...]
    """Numbers whose verdict is UNCERTAIN."""


def conclusion(rows: Iterable[CountTimes]) -> Conclusion | None:
    """The conclusion from rows of which one has one group.

    It says nothing that the speed-ups or the medians of the rows contradict. None if there is no
    row to compare with one group.
    """
    by_groups = {row.groups: row for row in rows}
    dense = by_groups.pop(1, None)
    if dense is None or not by_groups:
        return None
    found = {g: speed_up(row.timing, dense.timing) for g, row in sorted(by_groups.items())}
    uncertain = tuple(g for g, each in found.items() if each.outcome is Outcome.UNCERTAIN)
    winners = [g for g, each in found.items() if each.outcome is Outcome.WIN]
    if not winners:
        return Conclusion((), (), (), None, (), uncertain)
    best = max(winners, key=lambda g: found[g].times)
    quickest = min(by_groups, key=lambda g: by_groups[g].timing.median)
    near = tuple(g for g in winners if g in (best, quickest) or overlap(found[g], found[best]))
    within = [g for g, each in found.items() if each.times >= found[best].times * (1 - WORTH)]
    return Conclusion(
        fastest=near,
        times=tuple(found[g].times for g in near),
        by_macs=tuple(dense.macs / by_groups[g].macs if by_groups[g].macs else 1.0 for g in near),
        enough=within[0],
        beyond=tuple(g for g in found if g > within[0]),
        uncertain=uncertain,
    )


def overlap(one: SpeedUp, other: SpeedUp) -> bool:
    """Whether the intervals do, so that the two are not told apart."""
    if one.interval is None or other.interval is None:
        return True
    return one.interval[0] <= other.interval[1] and other.interval[0] <= one.interval[1]
