"""Choices of groups that keep channels apart, as rule GC101 finds them, in the form of conflicts.

The rule finds two grouped convolutions of which the second mixes nothing. What it finds depends on
the layers between the last tensor that is surely fully mixed and the second convolution, on nothing
before them and nothing beside them. So a conflict has the units of the convolutions between, and of
the one that made that tensor: whatever counts the others have, the rule finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import product
from math import inf
from time import monotonic
from typing import NamedTuple

from groupconv_cli.analysis.channel_mixing import follow
from groupconv_cli.analysis.search.knapsack import Choice, Conflict
from groupconv_cli.analysis.search.repair import Terms
from groupconv_cli.analysis.search.stacked import conflicts_of
from groupconv_cli.analysis.search.units import Units, with_counts
from groupconv_cli.network import Network, Node
from groupconv_cli.ops.base import Op


class Pair(NamedTuple):
    """Two grouped convolutions, by their indices."""

    before: int
    after: int


MAX_TRIED = 200
"""The most networks that are tried for the conflicts of one choice, if it has one already."""

MAX_LAYERS = 16
"""The most layers between of which all combinations of the pair's counts are tried."""


class Mixing:
    """Finds the conflicts of choices: pairs that keep apart what the network as written mixes."""

    def __init__(self, network: Network, units: Units) -> None:
        self.network = network
        self.units = units
        self.unit_of = {i: u for u, unit in enumerate(units.units) for i in unit.convolutions}
        self.as_written = set(_pairs(network))
        self.known: dict[object, frozenset[tuple[int, ...]]] = {}
        """By the layers between, the combinations of counts that keep channels apart."""
        self.tried = 0
        """How many networks were tried to find conflicts."""
        self.stacked: list[Conflict] | None = None
        """The conflicts of stacked convolutions; None as long as no choice needed them."""

    def broken(self, choice: Choice) -> list[Pair]:
        """The pairs that the choice keeps apart, and the network as written does not."""
        changed = with_counts(self.network, self.units.counts(choice))
        return [pair for pair in _pairs(changed) if pair not in self.as_written]

    def conflicts(self, choice: Choice, end: float = inf) -> list[Conflict]:
        """The conflicts of a choice; none if it keeps nothing apart anew.

        With the first ones come those of the same kind, which the solver would run into next, but
        none after the time `end`.
        """
        found = self.broken(choice)
        if not found:
            return []
        stacked = self._of_stacked(end)
        if any(conflict.excludes(choice) for conflict in stacked):
            return stacked
        made: dict[Conflict, None] = {}
        most = self.tried + MAX_TRIED
        for pair in found:  # one conflict is enough; more save the solver from running into them
            if not made or (self.tried < most and monotonic() < end):
                made.update(dict.fromkeys(self._of(choice, pair)))
        return list(made)

    def suspected(self, choice: Choice) -> Iterator[Terms]:
        """For each pair that the choice keeps apart anew, counts that probably do so anywhere.

        They are the count of the first convolution, and the multiples of that of the second. If
        neither is in a unit, they are those of the convolutions between.
        """
        for pair in self.broken(choice):
            terms: dict[int, frozenset[int]] = {}
            for place, index in enumerate(pair):
                if index in self.unit_of:
                    unit = self.unit_of[index]
                    now = self._count(unit, choice)
                    among = frozenset(
                        number
                        for number, count in enumerate(self.units.units[unit].counts)
                        if count == now or (place and now > 1 and count % now == 0)
                    )
                    terms[unit] = terms.get(unit, among) & among
            if terms:
                yield tuple(terms.items())
            else:  # neither can change: what is between them keeps channels apart
                yield from (conflict.terms for conflict in self._of(choice, pair))

    def _count(self, unit: int, choice: Choice) -> int:
        return self.units.units[unit].counts[choice[unit]]

    def allows(self, choice: Choice) -> bool:
        """Whether a choice keeps nothing apart anew."""
        excluded = any(conflict.excludes(choice) for conflict in self.stacked or ())
        return not excluded and not self.broken(choice)

    def _of_stacked(self, end: float = inf) -> list[Conflict]:
        """The conflicts of stacked convolutions; those that are not found in time are learned."""
        if self.stacked is None:
            written = {pair.after for pair in self.as_written}
            self.stacked = list(conflicts_of(self.network, self.units, written, end))
        return self.stacked

    def _of(self, choice: Choice, pair: Pair) -> list[Conflict]:
        """The conflicts that keep a pair apart, one of which the choice has."""
        changed = with_counts(self.network, self.units.counts(choice))
        stops = _Stops(changed, self.unit_of)
        part = _Part(self, changed, stops.between(pair.after), pair)
        axes = part.axes
        others = sorted((part.units | stops.conditions(part.start)) - set(axes))
        fixed = [(unit, frozenset([choice[unit]])) for unit in others]
        apart = self._kept_apart(part, choice)
        if tuple(choice[unit] for unit in axes) not in apart:
            return [self._whole(choice, pair)]
        if len(axes) < 2:
            among = frozenset(each for combination in apart for each in combination)
            return [Conflict((*((unit, among) for unit in axes), *fixed))] if apart else []
        conflicts = []
        by_first = {
            first: frozenset(b for a, b in apart if a == first) for first in {a for a, _ in apart}
        }
        for second in set(by_first.values()):
            first = frozenset(a for a, each in by_first.items() if each >= second)
            conflicts.append(Conflict(((axes[0], first), (axes[1], second), *fixed)))
        return conflicts

    def _kept_apart(self, part: _Part, choice: Choice) -> frozenset[tuple[int, ...]]:
        """The candidates of the pair's units with which the pair keeps channels apart."""
        if len(part.nodes) > MAX_LAYERS:
            self.tried += 1
            chosen = tuple(choice[unit] for unit in part.axes)
            return frozenset([chosen] if part.is_apart(chosen) else [])
        key = part.signature
        if key not in self.known:
            every = [range(len(self.units.units[unit].counts)) for unit in part.axes]
            combinations = list(product(*every))
            self.tried += len(combinations)
            self.known[key] = frozenset(each for each in combinations if part.is_apart(each))
        return self.known[key]

    def _whole(self, choice: Choice, pair: Pair) -> Conflict:
        """The counts of everything before the second convolution: these together are a conflict."""
        nodes = self.network.nodes
        before = {pair.after}
        for index in range(pair.after, -1, -1):
            if index in before:
                before.update(nodes[index].inputs)
        units = {self.unit_of[i] for i in _with_leaders(nodes, before) if i in self.unit_of}
        return Conflict(tuple((unit, frozenset([choice[unit]])) for unit in sorted(units)))


def _pairs(network: Network) -> list[Pair]:
    return [Pair(each.before, each.after) for each in follow(network).kept_apart]


def _with_leaders(nodes: Sequence[Node], indices: set[int]) -> set[int]:
    """These layers, and the convolutions from which they take their groups."""
    leaders = {nodes[index].groups_from for index in indices}
    return indices | {index for index in leaders if index is not None}


class _Stops:
    """The tensors of a network that are surely fully mixed, whatever counts other units have."""

    def __init__(self, network: Network, unit_of: dict[int, int]) -> None:
        self.nodes = network.nodes
        self.unit_of = unit_of
        self.by_convolution: dict[int, int] = {}
        """For each such tensor, the layer because of which it is so: itself, or one before it."""
        self.maker: list[int | None] = []
        """For each tensor, the last such tensor through which all ways to it go."""
        self._covers: list[bool] = []
        self._ancestors: list[int] = []
        for index, node in enumerate(self.nodes):
            self._add(index, node)

    def _add(self, index: int, node: Node) -> None:
        ancestors = 1 << index
        for source in node.inputs:
            ancestors |= self._ancestors[source]
        self._ancestors.append(ancestors)
        op = node.op
        if not node.inputs:
            self._stop(index, index)
            return
        before = [self.maker[source] for source in node.inputs]
        covers = any(self._covers[source] for source in node.inputs)
        passes_on = len(before) == 1 and type(op).mix is Op.mix
        if op.mixes_all(*node.input_shapes):
            if covers and not op.is_part:
                self._stop(index, index)
                return
        elif not passes_on:
            reason = self._of_different_origins(node) if op.is_elementwise else None
            if reason is not None:
                self._stop(index, reason)
                return
            covers = covers and not op.is_part
        self.maker.append(before[0] if len(set(before)) == 1 else None)
        self._covers.append(covers)

    def _stop(self, index: int, reason: int) -> None:
        self.by_convolution[index] = reason
        self.maker.append(index)
        self._covers.append(True)

    def _of_different_origins(self, node: Node) -> int | None:
        """The layer because of which the inputs surely come from different mixed tensors.

        All ways to one input go through a mixed tensor that is not on any way to another input.
        """
        for source in node.inputs:
            maker = self.maker[source]
            if maker is not None and any(
                not self._ancestors[other] >> maker & 1 for other in node.inputs
            ):
                return self.by_convolution[maker]
        return None

    def conditions(self, start: int | None) -> set[int]:
        """The units whose counts make a tensor fully mixed."""
        if start is None:
            return set()
        unit = self.unit_of.get(self.by_convolution[start])
        return set() if unit is None else {unit}

    def between(self, after: int) -> tuple[int | None, list[int]]:
        """The last mixed tensor through which all ways to a layer go, and the layers from there.

        None if there is no such tensor: then the layers begin with the inputs.
        """
        frontier = [-source for source in dict.fromkeys(self.nodes[after].inputs)]
        seen = set(frontier)
        layers = [after]
        entries: list[int] = []
        frontier.sort()
        while frontier:
            index = -heappop(frontier)
            if not frontier and not entries and index in self.by_convolution:
                return index, layers[::-1]
            layers.append(index)
            if not self.nodes[index].inputs:
                entries.append(index)
            for source in self.nodes[index].inputs:
                if -source not in seen:
                    seen.add(-source)
                    heappush(frontier, -source)
        return None, layers[::-1]


class _Part:
    """The layers from a mixed tensor to the second convolution of a pair, as a network."""

    def __init__(
        self, mixing: Mixing, network: Network, between: tuple[int | None, list[int]], pair: Pair
    ) -> None:
        self.start, layers = between
        self.mixing = mixing
        nodes, unit_of = network.nodes, mixing.unit_of
        self.units = {unit_of[i] for i in _with_leaders(nodes, set(layers)) if i in unit_of}
        self.axes = tuple(dict.fromkeys(unit_of[i] for i in pair if i in unit_of))
        whole = layers if self.start is None else [self.start, *layers]
        place = {index: number for number, index in enumerate(whole)}
        self.pair = Pair(place.get(pair.before, -1), place[pair.after])
        self.nodes: list[Node] = []
        self.leaders: list[int | None] = []
        """For each layer, the number of the axis that it takes its groups from."""
        for index in whole:
            node = nodes[index]
            leader = index if node.groups_from is None else node.groups_from
            unit = unit_of.get(leader) if index != self.start else None
            self.leaders.append(self.axes.index(unit) if unit in self.axes else None)
            inputs = () if index == self.start else tuple(place[i] for i in node.inputs)
            shapes = node.input_shapes if inputs else ()
            self.nodes.append(node._replace(inputs=inputs, input_shapes=shapes))

    @property
    def signature(self) -> object:
        """The same for parts in which the same candidates keep channels apart."""
        counts = tuple(self.mixing.units.units[unit].counts for unit in self.axes)
        layers = tuple(
            (
                (node.op if leader is None else type(node.op)) if node.inputs else None,
                node.inputs,
                node.input_shapes,
                node.shape,
                leader,
            )
            for node, leader in zip(self.nodes, self.leaders, strict=True)
        )
        return counts, self.pair, layers

    def is_apart(self, candidates: Sequence[int]) -> bool:
        """Whether the pair keeps channels apart with these candidates of its units."""
        nodes = list(self.nodes)
        for number, axis in enumerate(self.leaders):
            if axis is not None:
                node = nodes[number]
                count = self.mixing.units.units[self.axes[axis]].counts[candidates[axis]]
                op = node.op.with_groups(count, *node.input_shapes)
                nodes[number] = node._replace(op=op)
        entries = tuple(number for number, node in enumerate(nodes) if not node.inputs)
        return self.pair in _pairs(Network("part", tuple(nodes), entries, ()))
