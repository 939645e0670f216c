"""What repeated results show: whether the mean of one set differs from that of another."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import inf, sqrt
from statistics import mean, variance
from typing import NamedTuple

LEVEL = 0.05
"""The probability with which equal means may be called different."""


class Verdict(StrEnum):
    """What is shown about a row's mean against that of the reference."""

    REFERENCE = "reference"
    LOWER = "lower"
    HIGHER = "higher"
    NOT_SHOWN = "not_shown"
    """No difference is shown, which does not mean that there is none."""


class Difference(NamedTuple):
    """The difference of two means."""

    mean: float
    interval: tuple[float, float] | None
    """The 95 % interval of the difference; None if a set has fewer than two results, or if neither
    varies."""
    p: float | None
    """The probability of a difference at least as large if the means are equal; None likewise."""


def welch(values: Sequence[float], reference: Sequence[float]) -> Difference:
    """The mean of `values` minus that of `reference`, by Welch's test (Welch 1947).

    The two sets may have different variances. The degrees of freedom are Satterthwaite's. If
    neither set varies at all there is no test: a few equal results do not tell that there is no
    variance.
    """
    found = mean(values) - mean(reference)
    if len(values) < 2 or len(reference) < 2:
        return Difference(found, None, None)
    shares = [variance(each) / len(each) for each in (values, reference)]
    if not any(shares):
        return Difference(found, None, None)
    from scipy.special import stdtr, stdtrit

    error = sqrt(sum(shares))
    counts = (len(values), len(reference))
    freedom = sum(shares) ** 2 / sum(
        share**2 / (count - 1) for share, count in zip(shares, counts, strict=True)
    )
    reach = float(stdtrit(freedom, 1 - LEVEL / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(found) / error))
    return Difference(found, (found - reach, found + reach), p)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """The p values of several tests, adjusted so that all of them together keep the level.

    The smallest is multiplied by the number of tests, the next by one less, and so on; none becomes
    smaller than the one before it, or larger than 1 (Holm 1979). None is no test, and stays None.
    """
    known = sorted((p, index) for index, p in enumerate(values) if p is not None)
    adjusted: list[float | None] = [None] * len(values)
    most = -inf
    for rank, (p, index) in enumerate(known):
        most = max(most, min(1.0, p * (len(known) - rank)))
        adjusted[index] = most
    return adjusted


def verdict(difference: Difference, adjusted: float | None) -> Verdict:
    """The verdict on a row that is not the reference; `adjusted` is its p value after `holm`."""
    if adjusted is None or adjusted >= LEVEL:
        return Verdict.NOT_SHOWN
    return Verdict.LOWER if difference.mean < 0 else Verdict.HIGHER
