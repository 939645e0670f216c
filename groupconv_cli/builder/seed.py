"""Random weights that are the same ones each time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral

from groupconv_cli.errors import UsageError


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Weights made inside are those of the seed; None leaves them to chance.

    Keras draws the seed of every weight from Python's generator, and NumPy's and TensorFlow's play
    no part. That generator is the program's: it goes on afterwards from where it was.

    Raises UsageError if the seed is no whole number of 32 bits.
    """
    if seed is None:
        yield
        return
    # Python's generator takes others, but makes the same of a number and its negative.
    given: object = seed
    if isinstance(given, bool) or not isinstance(given, Integral) or not 0 <= int(given) < 2**32:
        raise UsageError(f"a seed must be a whole number of 0 to {2**32 - 1:,}; got {seed!r}")
    state = random.getstate()
    random.seed(int(seed))
    try:
        yield
    finally:
        random.setstate(state)
