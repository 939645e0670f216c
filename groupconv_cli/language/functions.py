"""Functions on exact numbers that expressions in specs may call."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import Any, NamedTuple


class Function(NamedTuple):
    """One function."""

    compute: Callable[..., Any]
    signature: str
    doc: str
    least: int = 1
    """The fewest arguments that it takes."""
    most: int | None = 1
    """The most; None means any number."""


def round_to(x: Any, divisor: Any) -> Any:
    """The multiple of the divisor nearest to x, but at least one divisor and 90 % of x.

    The MobileNets scale their channels by this rule: `_make_divisible` in TensorFlow's
    slim/nets/mobilenet/conv_blocks.py (Sandler et al. 2018). Between two equally near multiples it
    takes the larger.
    """
    near = max(divisor, floor(x + divisor / _exactly(2)) // divisor * divisor)
    return near + divisor if 10 * near < 9 * x else near


def _exactly(number: int) -> Any:
    from fractions import Fraction

    return Fraction(number)


FUNCTIONS = {
    "round_to": Function(
        round_to,
        "round_to(x, 8)",
        "the multiple of 8 nearest to x, never under 90 % of x (the MobileNets' rule)",
        2,
        2,
    ),
    "round": Function(round, "round(x)", "the nearest whole number; the even one of two"),
    "floor": Function(floor, "floor(x)", "the largest whole number that is not above x"),
    "ceil": Function(ceil, "ceil(x)", "the smallest whole number that is not below x"),
    "min": Function(min, "min(x, y)", "the smallest of two or more", 2, None),
    "max": Function(max, "max(x, y)", "the largest of two or more", 2, None),
}
