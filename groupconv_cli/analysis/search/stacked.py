"""Conflicts of convolutions with nothing between them, which hold whatever comes before.

A convolution mixes nothing if each of its groups reads channels of one group of the convolution
before it, so if its count is a multiple of that one's. It mixes nothing either if it reads the sum
of such a convolution and of what the whole branch reads: that depends on nothing more. Rule GC101
finds both, unless the channels are fully mixed already, which `slots` tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import islice, product
from math import inf, lcm
from time import monotonic
from typing import NamedTuple

from groupconv_cli.analysis.search.knapsack import Conflict
from groupconv_cli.analysis.search.slots import Slots, keeps_channels
from groupconv_cli.analysis.search.units import Units
from groupconv_cli.network import Network

Terms = dict[int, frozenset[int]]
"""Units with the candidates that take part in a conflict."""

MAX_WAYS = 500
"""The most ways to make one sum, each with other depthwise convolutions, that are looked at."""


class Stacked(NamedTuple):
    """A convolution, and what it reads without anything between that moves channels."""

    after: int
    sources: tuple[int, ...]
    """The convolutions before it: one, or those of which it reads the sum."""
    depthwise: tuple[int, ...]
    """Convolutions between, which have to be depthwise."""
    grouped: tuple[int, ...]
    """Convolutions that must not be dense: else the sum is fully mixed."""


class StackedConflicts:
    """Finds these conflicts in a network."""

    def __init__(
        self, network: Network, units: Units, as_written: set[int], end: float = inf
    ) -> None:
        """`as_written` has the convolutions that mix nothing in the network as written.

        No conflicts are found after the time `end`, by the clock of `monotonic`.
        """
        self.nodes = network.nodes
        self.units = units
        self.unit_of = {i: u for u, unit in enumerate(units.units) for i in unit.convolutions}
        self.slots = Slots(
            network, {i: self._every(i) for i, n in enumerate(self.nodes) if n.op.is_convolution}
        )
        self.as_written = as_written
        self.end = end

    def __iter__(self) -> Iterator[Conflict]:
        for index, node in enumerate(self.nodes):
            if node.op.is_convolution and index not in self.as_written:
                for stacked in self._before(index):
                    if monotonic() >= self.end:
                        return
                    yield from self._conflicts(stacked)

    def _before(self, index: int) -> Iterator[Stacked]:
        """What a convolution may read: the one before it, the one before that, and so on.

        All between have to be depthwise then.
        """
        between: list[int] = []
        at = index
        while self.nodes[at].inputs:
            at = self._behind(self.nodes[at].inputs[0])
            node = self.nodes[at]
            if node.op.is_elementwise and len(node.inputs) > 1:
                yield from self._of_sum(index, at, tuple(between))
                return
            if not node.op.is_convolution:
                return
            if not self.slots.may_be_full(at, grouped=True):
                yield Stacked(index, (at,), tuple(between), ())
            if not self._may_be_depthwise(at):
                return
            between.append(at)

    def _of_sum(self, index: int, sum_: int, between: tuple[int, ...]) -> Iterator[Stacked]:
        """The convolutions that a sum adds to what all of them read."""
        if self.slots.may_be_full(sum_):
            return
        start, region = self._region(sum_)
        convolutions = [i for i in region if self.nodes[i].op.is_convolution]
        sources = {self._behind(source) for source in self.nodes[sum_].inputs}
        if start is not None:
            sources.discard(self._behind(start))
        plain = all(
            keeps_channels(self.nodes[i]) or self.nodes[i].op.is_elementwise
            for i in region
            if i not in convolutions
        )
        if start is None or not plain or not sources or not sources.issubset(convolutions):
            return
        chains = [list(self._chain(source, convolutions)) for source in sorted(sources)]
        # With powers of one prime, the coarsest of several groupings has all others inside.
        each = (
            ((way,) for chain in chains for way in chain)
            if self.slots.is_nested
            else islice(product(*chains), MAX_WAYS)
        )
        for ways in each:
            made = tuple(source for source, _ in ways)
            depthwise = tuple(index for _, behind in ways for index in behind)
            rest = tuple(i for i in convolutions if i not in made and i not in depthwise)
            yield Stacked(index, made, (*between, *depthwise), rest)

    def _chain(self, source: int, region: Sequence[int]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """A convolution, or one before it if all after that are depthwise; with those after."""
        after: list[int] = []
        while source in region:
            yield source, tuple(after)
            if not self._may_be_depthwise(source):
                return
            after.append(source)
            source = self._behind(self.nodes[source].inputs[0])

    def _region(self, sum_: int) -> tuple[int | None, list[int]]:
        """The layer through which all ways to a sum go, and the layers between the two."""
        frontier = [-source for source in set(self.nodes[sum_].inputs)]
        heapify(frontier)
        seen = set(frontier)
        region: list[int] = []
        while frontier:
            index = -heappop(frontier)
            if not frontier:
                return index, region
            region.append(index)
            for source in self.nodes[index].inputs:
                if -source not in seen:
                    seen.add(-source)
                    heappush(frontier, -source)
        return None, region

    def _behind(self, index: int) -> int:
        """The layer that made the channels: going back, the first that is no norm or the like."""
        while keeps_channels(self.nodes[index]):
            index = self.nodes[index].inputs[0]
        return index

    def _conflicts(self, stacked: Stacked) -> Iterator[Conflict]:
        rest = self._rest(stacked)
        if rest is None:
            return
        seconds = self._grouped(stacked.after)
        firsts = [self._grouped(source) for source in stacked.sources]
        seen: set[frozenset[int]] = set()
        for common in _common_multiples(firsts, seconds):
            second = frozenset(s for s in seconds if s % common == 0)
            if second in seen:
                continue
            seen.add(second)
            terms = dict(rest)
            for source, every in zip(stacked.sources, firsts, strict=True):
                dividing = [count for count in every if all(s % count == 0 for s in second)]
                self._narrow(terms, source, dividing)
            self._narrow(terms, stacked.after, second)
            if terms and all(terms.values()):
                yield Conflict(tuple(sorted(terms.items(), key=lambda term: term[0])))

    def _rest(self, stacked: Stacked) -> Terms | None:
        """The terms of the convolutions between; None if a fixed one is in the way."""
        terms: Terms = {}
        for index in stacked.depthwise:
            if not self._narrow(terms, index, [self._channels(index)]):
                return None
        for index in stacked.grouped:
            if not self._narrow(terms, index, [c for c in self._every(index) if c > 1]):
                return None
        return terms

    def _narrow(self, terms: Terms, index: int, counts: Sequence[int] | frozenset[int]) -> bool:
        """Adds that a convolution has one of these counts. Returns whether it can."""
        every = self._every(index)
        among = frozenset(number for number, count in enumerate(every) if count in counts)
        if index in self.unit_of:
            unit = self.unit_of[index]
            terms[unit] = terms.get(unit, among) & among
        return bool(among)

    def _every(self, index: int) -> tuple[int, ...]:
        """The counts that a convolution may have."""
        if index in self.unit_of:
            return self.units.units[self.unit_of[index]].counts
        return (self.nodes[index].groups or 1,)

    def _grouped(self, index: int) -> list[int]:
        """The counts with which a convolution is grouped, and not depthwise."""
        return [count for count in self._every(index) if 1 < count != self._channels(index)]

    def _may_be_depthwise(self, index: int) -> bool:
        return self._channels(index) in self._every(index)

    def _channels(self, index: int) -> int:
        """The channels that a convolution reads."""
        return self.nodes[index].input_shapes[0][-1]


def _common_multiples(firsts: Iterable[Sequence[int]], seconds: Sequence[int]) -> list[int]:
    """The least common multiples of one count of each list, if they divide one of `seconds`.

    There are no more of them than divisors of these, however many combinations there are.
    """
    found = {1}
    for counts in firsts:
        every = {lcm(multiple, count) for multiple in found for count in counts}
        found = {multiple for multiple in every if any(s % multiple == 0 for s in seconds)}
    return sorted(found)


def conflicts_of(
    network: Network, units: Units, as_written: set[int], end: float = inf
) -> Mapping[Conflict, None]:
    """The conflicts of stacked convolutions, each once: those that are found before a time."""
    return dict.fromkeys(StackedConflicts(network, units, as_written, end))
