"""Divisors: the numbers of groups that a number of channels allows."""

from __future__ import annotations

from functools import lru_cache

MAX_FACTORED = 10**12
"""The largest number that is factored: a prime takes half as many steps as its square root."""

MAX_LISTED = 10**10
"""The same for a message, of which a spec can cause hundreds."""

MAX_SHOWN = 12


def factors(number: int) -> dict[int, int]:
    """The prime factors with their exponents. Raises ValueError for a number above MAX_FACTORED."""
    if number > MAX_FACTORED:
        raise ValueError(f"{number} is too large to factor")
    found: dict[int, int] = {}
    rest, factor = number, 2
    while rest > 1:
        if factor * factor > rest:
            factor = rest
        while rest % factor == 0:
            rest //= factor
            found[factor] = found.get(factor, 0) + 1
        factor += 1 if factor == 2 else 2
    return found


def divisors(number: int) -> list[int]:
    """All divisors in rising order. Raises ValueError for a number above MAX_FACTORED."""
    found = [1]
    for prime, exponent in factors(number).items():
        found = [each * prime**power for power in range(exponent + 1) for each in found]
    return sorted(found)


@lru_cache(maxsize=1024)
def divisors_text(number: int) -> str:
    """The divisors as a list to read; of many, only the first ones and the last."""
    if number > MAX_LISTED:
        return ", ".join(str(d) for d in range(1, 100) if number % d == 0) + ", …"
    found = [str(d) for d in divisors(number)]
    if len(found) > MAX_SHOWN:
        found = [*found[: MAX_SHOWN - 1], "…", found[-1]]
    return ", ".join(found)
