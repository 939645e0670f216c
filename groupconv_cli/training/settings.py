"""How the rows of a comparison are trained: how often, where, and by which recipe."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.training.recipe import Recipe

SEEDS = 3
"""Runs of each row, if nobody says how many."""

MAX_SEEDS = 1000
MAX_WORKERS = 256


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """What to train, and where. Raises UsageError for an invalid value."""

    seeds: int = SEEDS
    """Runs of each row; the seeds are 0, 1, 2 and so on."""
    recipe: Recipe = field(default_factory=Recipe)
    test_share: float | None = None
    """The share of the samples to test on, for data that is in one piece."""
    workers: int | None = None
    """Processes that train at once; None means that this process trains."""
    cluster: str | None = None
    """The address of a Dask scheduler whose workers train."""
    results: str | os.PathLike[str] | None = None
    """The file that keeps finished runs, and has those that need not be trained again."""
    diversity: bool = False
    """Whether to measure the diversity of the features too."""
    ignore_memory: bool = False
    """Whether to train even if the estimate says that memory is too small."""

    def __post_init__(self) -> None:
        for name, most in (("seeds", MAX_SEEDS), ("workers", MAX_WORKERS)):
            value: object = getattr(self, name)
            if value is None and name == "workers":
                continue
            is_whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not is_whole or not 1 <= int(value) <= most:  # type: ignore[call-overload]
                raise UsageError(f"{name} must be a whole number of 1 to {most:,}; got {value!r}")
            object.__setattr__(self, name, int(value))  # type: ignore[call-overload]
        share: Any = self.test_share
        if share is not None:
            is_number = isinstance(share, Real) and not isinstance(share, bool)
            if not is_number or not 0 < share < 1:
                raise UsageError(f"test_share must be between 0 and 1; got {share!r}")
            object.__setattr__(self, "test_share", float(share))
        recipe: object = self.recipe
        if not isinstance(recipe, Recipe):
            raise UsageError(f"recipe must be a Recipe, such as Recipe(steps=100); got {recipe!r}")
        object.__setattr__(self, "recipe", recipe.checked())
        if self.cluster is not None and self.workers is not None:
            raise UsageError("workers are processes here, and cluster is elsewhere: leave one out")
        for name, kind, what in (
            ("cluster", str, "the address of a scheduler, such as 'tcp://127.0.0.1:8786'"),
            ("results", (str, os.PathLike), "the path of a file"),
        ):
            given: object = getattr(self, name)
            if given is None:
                continue
            if not isinstance(given, kind):
                raise UsageError(f"{name} must be {what}; got {given!r}")
            if not os.fspath(given):
                raise UsageError(f"{name} is empty; leave it out, or name one")
