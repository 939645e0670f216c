"""How far the outputs of a file are from those of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Arrays = list[Any]
"""NumPy arrays, one per input or output of a model, in its order."""

LITTLE = 1e-4
"""A spread of outputs in which a wrong file could hide: ten times the tolerance of float32."""

NOWHERE_NEAR = 0.5
"""A difference, over the largest output, of values that have little to do with each other."""


class ExportAgreement(NamedTuple):
    """The differences between a file that was loaded again and the model."""

    runtime: str
    difference: float
    """The largest difference between outputs of the file and of the model."""
    largest: float
    """The largest output of the model, without its sign."""
    relative: float
    """The difference divided by the largest value, for the output where that is worst."""
    spread: float
    """The difference between the model's outputs for different samples, divided by the largest
    output; infinite if there is only one sample."""
    is_finite: bool = True
    """Whether every output of the model has a finite number. Otherwise there is nothing to
    compare."""

    @property
    def says_little(self) -> bool:
        """Whether the outputs are nearly the same for any input, as in many untrained networks."""
        return self.is_finite and not self.says_nothing and self.spread < LITTLE

    @property
    def says_nothing(self) -> bool:
        """Whether the model's outputs are all 0, or the file's are no nearer to them than 0 is.

        The latter is possible only for formats that allow any difference.
        """
        return self.is_finite and (not self.largest or self.relative > NOWHERE_NEAR)


def worst(agreements: Sequence[ExportAgreement]) -> ExportAgreement:
    """That of several comparisons of one file which differs most.

    It is finite only if all are, and its spread is the smallest.
    """
    most = max(agreements, key=lambda each: each.relative)
    return most._replace(
        is_finite=all(each.is_finite for each in agreements),
        spread=min(each.spread for each in agreements),
    )


def measured(runtime: str, found: Arrays, expected: Arrays) -> ExportAgreement:
    """The differences between the arrays found and those expected.

    Values that are not finite have no difference. They must be the same in the same places.
    """
    if [array.shape for array in found] != [array.shape for array in expected]:
        return ExportAgreement(runtime, float("inf"), 0.0, float("inf"), float("inf"))
    differences, sizes, relative, spreads = [0.0], [0.0], [0.0], [0.0]
    for one, other in zip(found, expected, strict=True):
        a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
        with np.errstate(invalid="ignore"):
            apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        difference = float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0.0))
        size = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
        differences.append(difference)
        sizes.append(size)
        relative.append(difference / size if size else float("inf") if difference else 0.0)
        spreads.append(_spread(b, size))
    is_finite = all(bool(np.isfinite(array).any()) for array in expected)
    return ExportAgreement(
        runtime, max(differences), max(sizes), max(relative), max(spreads), is_finite
    )


def _spread(output: Any, size: float) -> float:
    if len(output) < 2 or not size:
        return float("inf")
    with np.errstate(invalid="ignore"):
        apart = np.abs(output - output[:1])
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0)) / size
