"""Divisors: which numbers of groups a number of channels allows."""

from __future__ import annotations

from math import isqrt

MAX_FACTORED = 10**12
"""Larger numbers are not taken apart: it takes as many steps as their square root."""

MAX_SHOWN = 12


def divisors(number: int) -> list[int]:
    """All divisors in rising order. Raises ValueError for a number above MAX_FACTORED."""
    if number > MAX_FACTORED:
        raise ValueError(f"{number} is too large to list its divisors")
    low = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    return low + [number // d for d in reversed(low) if d * d != number]


def divisors_text(number: int) -> str:
    """The divisors as a list to read; of many only the first ones and the last."""
    if number > MAX_FACTORED:
        return ", ".join(str(d) for d in range(1, 100) if number % d == 0) + ", …"
    found = [str(d) for d in divisors(number)]
    if len(found) > MAX_SHOWN:
        found = [*found[: MAX_SHOWN - 1], "…", found[-1]]
    return ", ".join(found)
