"""Chooses how to compute a grouped convolution, by the facts that are known when it is traced.

The numbers of the rule were measured; `docs/performance.md` has the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import prod
from typing import Literal

from groupconv_cli.divisors import divisors

Kernel = Literal["grouped", "split", "depthwise", "scale"]

DENSE_CHANNELS = 32
"""The input channels at which a dense kernel runs well: fewer waste its blocks, more add zeros."""

GROUPED_CHANNELS = 8
"""The input channels of merged groups in oneDNN's grouped kernel, if groups have fewer than 4."""


@dataclass(frozen=True)
class Problem:
    """A grouped convolution over two spatial dimensions, channels last."""

    groups: int
    channels: int
    """Input channels of one group."""
    filters: int
    """Filters of one group."""
    kernel: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class Method:
    """A kernel, and how many groups to merge into one dense block with zeros before it runs."""

    kernel: Kernel
    merge: int = 1


_whole: ContextVar[tuple[int, ...]] = ContextVar("whole", default=())


@contextmanager
def traced_as_single_op(*ranks: int) -> Iterator[None]:
    """While this is open, a grouped convolution is traced as a single operation.

    A converter to another runtime must see the convolution, not the fastest computation on this
    machine. Whether TensorFlow can run the operation here does not matter. `ranks` are the numbers
    of spatial dimensions for which the other runtime has grouped convolutions.
    """
    token = _whole.set(ranks)
    try:
        yield
    finally:
        _whole.reset(token)


def is_single_op(rank: int) -> bool:
    """Whether convolutions of `rank` spatial dimensions are now traced as a single operation."""
    return rank in _whole.get()


def choose(problem: Problem, *, native: bool) -> Method:
    """The fastest method that works; `native` tells whether TensorFlow's own kernel works.

    `native` is true if TensorFlow can compute grouped convolutions and their gradients: on a GPU,
    and on a CPU through oneDNN. Inside `traced_as_single_op` it is the method with a single
    operation.
    """
    if is_single_op(2):
        depthwise = problem.channels == 1 and len(set(problem.stride)) == 1
        return Method("depthwise" if depthwise else "grouped")
    if problem.channels == 1:
        if prod(problem.kernel) == 1 and not native:
            return Method("scale")
        if len(set(problem.stride)) == 1:  # TensorFlow's depthwise kernel accepts nothing else
            return Method("depthwise")
    if not native:
        return Method("split", _merge(problem, DENSE_CHANNELS))
    if problem.channels >= 4:
        return Method("grouped")
    return Method("grouped", _merge(problem, GROUPED_CHANNELS))


def _merge(problem: Problem, wanted: int) -> int:
    """The number of groups that together have about the wanted number of input channels."""
    most = max(1, wanted * 3 // 2 // problem.channels)
    return max(count for count in divisors(problem.groups) if count <= most)
