"""Random weights that are the same ones each time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from groupconv_cli.errors import UsageError


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Weights made inside are those of the seed; None leaves them to chance.

    Keras draws the seed of every weight from Python's generator, and NumPy's and TensorFlow's play
    no part. That generator is the program's: it goes on afterwards from where it was.

    Raises UsageError if the seed is no whole number.
    """
    if seed is None:
        yield
        return
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise UsageError(f"a seed must be a whole number; got {seed!r}")
    state = random.getstate()
    random.seed(int(seed))
    try:
        yield
    finally:
        random.setstate(state)
