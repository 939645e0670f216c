"""Random weights that are the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from random import Random

from groupconv_cli.errors import UsageError


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Weights that are made inside depend only on the seed; None makes them random.

    Keras draws the seed of every weight from Python's generator, which belongs to the program: any
    thread may draw from it. So Keras gets a generator of its own meanwhile. The generators of NumPy
    and TensorFlow play no part.

    Raises UsageError if the seed is not a whole number of 32 bits.
    """
    if seed is None:
        yield
        return
    # A generator takes other numbers too, but gives the same for a number and its negative.
    given: object = seed
    if isinstance(given, bool) or not isinstance(given, Integral) or not 0 <= int(given) < 2**32:
        raise UsageError(f"a seed must be a whole number of 0 to {2**32 - 1:,}; got {seed!r}")
    from groupconv_cli.keras_internals import seeds_from

    with seeds_from(Random(int(seed))):  # noqa: S311 - not for cryptography
        yield
