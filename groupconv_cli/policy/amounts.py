"""What a network costs, by name, and amounts of it as people write them: 30M, 4.5G, 200MB."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from math import isfinite
from numbers import Rational, Real
from typing import NamedTuple

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
OTHER_SPELLINGS = {"K": "k", "KB": "kB", "kiB": "KiB", "g": "G", "m": "M", "t": "T", "b": "B"}

AMOUNT = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)[ ]?([A-Za-z]{0,3})")
"""What an amount is written like."""


class Metric(NamedTuple):
    """Something that can be limited."""

    title: str
    field: str
    """The field of `analysis.totals.Totals` that has it."""
    units: Mapping[str, int]
    example: str
    is_of_macs: bool = False
    """Whether it is counted in multiply-accumulates, which of some layers are not known."""

    @property
    def is_bytes(self) -> bool:
        """Whether it is a size in bytes; otherwise it is a count."""
        return self.units is BYTES


METRICS = {
    "params": Metric("params", "params", COUNTS, "30M"),
    "macs": Metric("MACs", "macs", COUNTS, "4.5G", is_of_macs=True),
    "flops": Metric("FLOPs", "flops", COUNTS, "9G", is_of_macs=True),
    "weights": Metric("weights", "weight_bytes", BYTES, "100MB"),
    "activations": Metric("activations", "activation_bytes", BYTES, "50MB"),
    "memory": Metric("peak memory", "peak_bytes", BYTES, "200MB"),
}
"""What can be limited, by the name that options and specs have for it."""

BUDGETED = ("params", "macs", "flops", "memory")
"""What a budget may limit: keys of METRICS, of a spec's `budget:` and of the options --max-…"""


class AmountError(Exception):
    """Text that is no amount: completes the sentence '<metric> must be …'."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def amount(metric: str, value: object) -> int:
    """The whole number that a value such as 30M, 4.5G or 200MB means, exactly.

    Raises AmountError for anything else.
    """
    units, example = METRICS[metric].units, METRICS[metric].example
    listed = joined(list(filter(None, units)), "or")
    words = f"a number{' of bytes' * METRICS[metric].is_bytes}, or one with {listed}: {example}"
    if isinstance(value, bool) or not isinstance(value, str | Real):
        raise AmountError(words)
    if not isinstance(value, str):
        if not isfinite(value):
            raise AmountError(words)
        # NumPy's numbers are none of Python's, except in what they are worth.
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


def _whole(number: Fraction, example: str) -> int:
    if number < 0:
        raise AmountError("a whole number, 0 or more")
    if number.denominator != 1:
        raise AmountError("a whole number", f"such as {example}, with a unit where it is large")
    return int(number)
