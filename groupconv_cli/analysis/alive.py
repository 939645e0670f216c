"""What is in memory when: how long the output of each layer is kept, for one sample.

The nodes run in the listed order. A tensor is alive from the node that writes it to the last node
that reads it. The network's outputs are alive to the end. The output of a layer that moves no data
is its input's memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import NamedTuple

from groupconv_cli.dtypes import DEFAULT, bytes_per_value, size_of
from groupconv_cli.network import Network


class Lifetime(NamedTuple):
    """A tensor that takes memory, and from when to when."""

    first: int
    """The index of the node that writes it."""
    last: int
    """The index of the last node during which it is alive."""
    size: int
    """Its bytes."""


def output_bytes(network: Network, dtype: str | None = None) -> list[int]:
    """The bytes of the output of each node, in one dtype or each in its own.

    Raises UsageError for an unknown dtype.
    """
    if dtype is not None:
        size = bytes_per_value(dtype)
        return [prod(node.shape) * size for node in network.nodes]
    return [
        prod(node.shape) * size_of(node.storage.output if node.storage else DEFAULT)
        for node in network.nodes
    ]


def lifetimes(network: Network, sizes: Sequence[int]) -> list[Lifetime]:
    """All tensors that take memory, in the order in which they are written.

    `sizes` are the bytes of the output of each node.
    """
    end = len(network.nodes) - 1
    memory: list[int] = []
    """For each node, the node whose memory its output uses."""
    last: dict[int, int] = {}
    for index, node in enumerate(network.nodes):
        memory.append(memory[node.inputs[0]] if node.op.is_view and node.inputs else index)
        last.setdefault(memory[index], index)
        for source in node.inputs:
            last[memory[source]] = index
    for index in network.outputs:
        last[memory[index]] = end
    return [Lifetime(owner, until, sizes[owner]) for owner, until in sorted(last.items())]


def alive_at(tensors: Sequence[Lifetime], steps: int) -> list[int]:
    """The bytes that are alive while each of so many nodes runs."""
    changes = [0] * (steps + 1)
    for tensor in tensors:
        changes[tensor.first] += tensor.size
        changes[tensor.last + 1] -= tensor.size
    return list(accumulate(changes[:steps]))


def most_alive(network: Network, sizes: Sequence[int]) -> int:
    """The most bytes that are alive at once. `sizes` are the bytes of the output of each node."""
    return max(alive_at(lifetimes(network, sizes), len(network.nodes)), default=0)
