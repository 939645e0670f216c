"""Which way of computing a grouped convolution to take, from what is known when it is traced.

The numbers in the rule are measured; `docs/performance.md` has the tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from groupconv_cli.divisors import divisors

Kernel = Literal["grouped", "split", "depthwise", "scale"]

DENSE_CHANNELS = 32
"""Input channels at which a dense kernel runs well: fewer waste its blocks, more the zeros."""

GROUPED_CHANNELS = 8
"""Input channels a group should have in oneDNN's grouped kernel, where it has fewer than 4."""


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


def choose(problem: Problem, *, native: bool) -> Method:
    """The fastest way that works where `native` tells whether TensorFlow's own kernel does.

    `native` is true where TensorFlow can compute grouped convolutions and their gradients: on a
    GPU, and on a CPU through oneDNN.
    """
    if problem.channels == 1:
        if prod(problem.kernel) == 1 and not native:
            return Method("scale")
        if len(set(problem.stride)) == 1:  # all that TensorFlow's depthwise kernel accepts
            return Method("depthwise")
    if not native:
        return Method("split", _merge(problem, DENSE_CHANNELS))
    if problem.channels >= 4:
        return Method("grouped")
    return Method("grouped", _merge(problem, GROUPED_CHANNELS))


def _merge(problem: Problem, wanted: int) -> int:
    """How many groups together have about the wanted number of input channels."""
    most = max(1, wanted * 3 // 2 // problem.channels)
    return max(count for count in divisors(problem.groups) if count <= most)
