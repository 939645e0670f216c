"""Amounts of costs, as people write them: 30M, 4.5G, 200MB, 20ms."""

from __future__ import annotations

import re
from fractions import Fraction
from math import isfinite
from numbers import Rational, Real

from groupconv_cli.errors import HintedError
from groupconv_cli.policy.totals import METRICS
from groupconv_cli.words import joined

COUNTS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
DURATIONS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9}
UNITS = {"count": COUNTS, "bytes": BYTES}
"""The units of limits, by their kind."""

OTHER_SPELLINGS = {"K": "k", "KB": "kB", "kiB": "KiB", "g": "G", "m": "M", "t": "T", "b": "B"}

AMOUNT = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+]?[0-9]{1,2})?)[ ]?([A-Za-zµμ]{0,3})")
"""The form of an amount: a number as in Python, and a unit."""


class AmountError(HintedError):
    """The error for a text that is not an amount. It completes '<metric> must be …'."""


def amount(metric: str, value: object) -> int:
    """The whole number that a value such as 30M, 4.5G or 200MB means, exactly.

    Raises AmountError for anything else.
    """
    units, example = UNITS[METRICS[metric].kind], METRICS[metric].example
    listed = joined(list(filter(None, units)), "or")
    words = f"a number{' of bytes' * METRICS[metric].is_bytes}, or one with {listed}: {example}"
    if isinstance(value, bool) or not isinstance(value, str | Real):
        raise AmountError(words)
    if not isinstance(value, str):
        if not isfinite(value):
            raise AmountError(words)
        # NumPy's numbers are not of Python's types, but have the same values.
        return _whole(Fraction(value if isinstance(value, Rational) else float(value)), example)
    match = AMOUNT.fullmatch(value.strip())
    if match is None:
        raise AmountError(words)
    number, unit = match.groups()
    unit = unit if unit in units else OTHER_SPELLINGS.get(unit, unit)
    if unit not in units and not (METRICS[metric].is_bytes and not unit):
        meant = f"{unit}B" if f"{unit}B" in units else unit.removesuffix("B")
        hint = f"did you mean {number}{meant}?" if meant in units and unit else None
        raise AmountError(words, hint)
    return _whole(Fraction(number) * units.get(unit, 1), example)


def nanoseconds(value: object) -> int:
    """The whole nanoseconds that 20ms, 1.5s or a number of seconds means; the rest is cut off.

    Raises AmountError for anything else.
    """
    words = "a time with a unit: 20ms, 1.5s or 800us"
    if isinstance(value, bool):
        raise AmountError(words)
    if isinstance(value, Real):
        if not isfinite(value) or float(value) < 0:
            raise AmountError(words)
        exact = Fraction(value if isinstance(value, Rational) else float(value))
        return int(exact * DURATIONS["s"])
    match = AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise AmountError(words)
    number, unit = match.groups()
    size = DURATIONS.get(unit.lower().replace("μ", "µ"))  # the Greek letter, and the sign
    if size is None:
        raise AmountError(words, None if unit else f"did you mean {number}ms?")
    return int(Fraction(number) * size)


def _whole(number: Fraction, example: str) -> int:
    if number < 0:
        raise AmountError("a whole number, 0 or more")
    if number.denominator != 1:
        raise AmountError("a whole number", f"such as {example}, with a unit where it is large")
    return int(number)
