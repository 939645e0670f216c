"""What may become fully mixed although convolutions have groups, whatever their counts are.

Channels are followed in slots, which are shares of a tensor's channels: for each slot, the slots
of the last fully mixed tensor on which it depends at most, with any counts above 1. A count is
replaced by a prime that divides it, because fewer groups mix more, and several primes are taken
together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from groupconv_cli.network import Network, Node
from groupconv_cli.ops.base import Op

MAX_SLOTS = 60
"""The most slots that are followed. If there were more, everything may be fully mixed."""

Masks = list[int]
"""For each slot, the slots on which it depends, as the bits of an integer."""


class Slots:
    """The slots of every tensor of a network."""

    def __init__(self, network: Network, counts: Mapping[int, Sequence[int]]) -> None:
        """`counts` has the counts that each convolution may have."""
        self.nodes = network.nodes
        self.counts = counts
        self.primes = {index: _primes(each) for index, each in counts.items()}
        distinct = {prime for each in self.primes.values() for prime in each}
        self.number = prod(distinct)
        self.is_nested = len(distinct) < 2 and all(
            _is_power(count, prime)
            for each in counts.values()
            for count in each
            for prime in distinct
        )
        """Whether all counts are powers of one prime."""
        self.everything: Masks = [(1 << self.number) - 1] * min(self.number, MAX_SLOTS)
        self.itself: Masks = [1 << slot for slot in range(min(self.number, MAX_SLOTS))]
        self.masks: list[Masks] = []
        self.covers: list[bool] = []
        """Whether each tensor surely has all channels of the last fully mixed one."""
        if self.number <= MAX_SLOTS:
            for index, node in enumerate(self.nodes):
                covers = not node.inputs or any(self.covers[source] for source in node.inputs)
                self.masks.append(self._of(index, node, covers=covers))
                self.covers.append(covers and not node.op.is_part)

    def may_be_full(self, index: int, *, grouped: bool = False) -> bool:
        """Whether a tensor may be fully mixed, and not because a convolution is dense.

        `grouped` asks for the output of a convolution if it has several groups itself.
        """
        if self.number > MAX_SLOTS:
            return True
        masks = self.masks[index]
        if grouped:
            masks = self._convolved(index, self.masks[self.nodes[index].inputs[0]])
        return masks == self.everything

    def _of(self, index: int, node: Node, *, covers: bool) -> Masks:
        op = node.op
        if not node.inputs:
            return self.itself
        read = [self.masks[source] for source in node.inputs]
        if_dense = self.itself if covers else self.everything
        if op.is_convolution:
            made = self._convolved(index, read[0])
            return _united(made, if_dense) if 1 in self.counts[index] else made
        if op.mixes_all(*node.input_shapes):
            return if_dense
        if keeps_channels(node):
            return read[0]
        if op.is_elementwise and len({shape[-1] for shape in node.input_shapes}) == 1:
            return _united(self.itself, *read)
        return self.everything

    def _convolved(self, index: int, read: Masks) -> Masks:
        """What a convolution of several groups makes, with all its counts at once."""
        made = [0] * self.number
        for count in self.primes[index]:
            size = self.number // count
            for start in range(0, self.number, size):
                union = 0
                for mask in read[start : start + size]:
                    union |= mask
                for slot in range(start, start + size):
                    made[slot] |= union
        return made


def keeps_channels(node: Node) -> bool:
    """Whether the layer leaves every channel where it is: a norm, an activation, a pool."""
    return (
        len(node.inputs) == 1
        and type(node.op).mix is Op.mix
        and not node.op.mixes_all(*node.input_shapes)
        and not node.op.is_convolution
    )


def _united(*each: Masks) -> Masks:
    made = []
    for masks in zip(*each, strict=True):
        union = 0
        for mask in masks:
            union |= mask
        made.append(union)
    return made


def _primes(counts: Sequence[int]) -> list[int]:
    """Primes, of which one divides each count above 1."""
    primes: list[int] = []
    for count in sorted(counts):
        if count > 1 and all(count % prime for prime in primes):
            primes.append(next(prime for prime in range(2, count + 1) if count % prime == 0))
    return primes


def _is_power(count: int, prime: int) -> bool:
    while count % prime == 0:
        count //= prime
    return count == 1
