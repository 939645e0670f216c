"""The convolutions whose groups a search may change, in units that share a count."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import gcd
from typing import NamedTuple

from groupconv_cli.analysis.regroup import DEPTHWISE, Count
from groupconv_cli.analysis.selection import matching, unmixed, with_sharing
from groupconv_cli.analysis.totals import weight_bytes
from groupconv_cli.divisors import MAX_FACTORED, divisors, divisors_text
from groupconv_cli.errors import OpError, UsageError
from groupconv_cli.network import Network, Node
from groupconv_cli.ops.base import Cost, Op, Shape

ALL = "all"
"""Every count that divides the channels."""


class Unit(NamedTuple):
    """Convolutions that share a count, and what they cost with each count that is possible."""

    convolutions: tuple[int, ...]
    """Their indices in the network, those that share weights included."""
    counts: tuple[int, ...]
    """The candidates, in rising order."""
    params: tuple[int, ...]
    """The params of the unit's layers with each of them."""
    macs: tuple[int, ...]
    """The same of the MACs."""
    stored: tuple[int, ...]
    """The same of the bytes of weights."""
    read: tuple[int, ...]
    """The same of the bytes of weights that are read, those that layers share included."""


class Units(NamedTuple):
    """The units of a search."""

    units: tuple[Unit, ...]
    unchanged: tuple[int, ...]
    """Convolutions that would be in a unit, but that none of the counts asked for divides."""

    @property
    def convolutions(self) -> tuple[int, ...]:
        """Every convolution that may change, in the order of the network."""
        return tuple(sorted(i for unit in self.units for i in unit.convolutions))

    def counts(self, choice: Sequence[int]) -> dict[int, int]:
        """The count of each convolution, for a candidate's number of each unit."""
        chosen = {
            i: unit.counts[candidate]
            for unit, candidate in zip(self.units, choice, strict=True)
            for i in unit.convolutions
        }
        return {i: chosen[i] for i in self.convolutions}


def units_of(
    network: Network,
    per: str,
    *,
    only: str | None = None,
    except_: str | None = None,
    groups: Collection[Count] | None = None,
    dtype: str | None = None,
) -> Units:
    """The units, in the order of the network.

    `per` is one of `policy.choosing.PER`. `only` and `except_` are globs on full layer names;
    without `only` every convolution may change, except those that read the network's input.
    `groups` has the counts that may be chosen: numbers, ranges such as '2-8', or 'depthwise'.
    Without it they are all that divide the channels. Weights have one dtype, or without it each its
    own.

    Raises UsageError if no convolution may change, or a glob matches none.
    """
    chosen = _chosen(network, only, except_)
    costs = _Costs(network, dtype)
    units: list[Unit] = []
    unchanged: list[int] = []
    for convolutions in _together(network, chosen, per):
        counts = [
            count
            for count in _counts(network, convolutions, groups)
            if costs.can(convolutions, count)
        ]
        if not counts:
            unchanged += convolutions
            continue
        each = [costs.of(convolutions, count) for count in counts]
        units.append(
            Unit(
                tuple(convolutions),
                tuple(counts),
                *(tuple(amounts) for amounts in zip(*each, strict=True)),
            )
        )
    if not units:
        raise UsageError(
            f"--groups {','.join(str(count) for count in groups or ())}: none of these divides the "
            "channels of a convolution that may change",
            f"these divide the channels of {network.nodes[chosen[0]].name!r}: "
            + divisors_text(_shared(network, chosen[:1])),
        )
    return Units(tuple(units), tuple(sorted(unchanged)))


def with_counts(network: Network, counts: Mapping[int, int]) -> Network:
    """The network with these counts. A convolution that has its count already stays as it is."""
    nodes = network.nodes
    changes = {index: count for index, count in counts.items() if nodes[index].groups != count}
    return network.regrouped(changes) if changes else network


def _chosen(network: Network, only: str | None, except_: str | None) -> list[int]:
    convolutions = {i: node for i, node in enumerate(network.nodes) if node.op.is_convolution}
    if only is not None:
        chosen = set(with_sharing(network, matching(convolutions, only, "--only")))
    else:
        raw = unmixed(network)
        reading = [i for i, node in convolutions.items() if node.inputs[0] in raw]
        chosen = set(convolutions) - set(with_sharing(network, reading))
    if not chosen:
        name = next((node.name for node in convolutions.values()), None)
        raise UsageError(
            "there is no convolution to change: "
            + (f"all read the input; to change one: --only {name}" if name else "there are none")
        )
    if except_ is not None:
        chosen -= set(with_sharing(network, matching(convolutions, except_, "--except")))
        if not chosen:
            raise UsageError(f"--except {except_!r} leaves no convolution to change")
    return sorted(chosen)


def _together(network: Network, chosen: Sequence[int], per: str) -> list[list[int]]:
    """The convolutions that share a count: by weights that they share, and by `per`."""
    units: list[list[int]] = []
    unit_of: dict[tuple[str, int], list[int]] = {}
    for index in chosen:
        keys = [("owner", network.owner(index))]
        if per == "item":
            keys.append(("item", network.nodes[index].item))
        elif per == "network":
            keys.append(("network", 0))
        joined_by = [unit_of[key] for key in keys if key in unit_of]
        unit = joined_by[0] if joined_by else []
        if not joined_by:
            units.append(unit)
        for other in joined_by[1:]:
            if other is not unit:
                unit += other
                units = [each for each in units if each is not other]
                unit_of.update({key: unit for key, value in unit_of.items() if value is other})
        unit.append(index)
        unit_of.update(dict.fromkeys(keys, unit))
    return [sorted(unit) for unit in units]


def _counts(
    network: Network, convolutions: Sequence[int], groups: Collection[Count] | None
) -> list[int]:
    """The common divisors of the channels of all these convolutions, of those asked for."""
    nodes = [network.nodes[index] for index in convolutions]
    shared = _shared(network, convolutions)
    numbers = {count for count in groups or () if isinstance(count, int)}
    texts = {count for count in groups or () if isinstance(count, str)}
    depthwise = {n.input_shapes[0][-1] for n in nodes}
    if DEPTHWISE in texts and len(depthwise) == 1:
        numbers |= depthwise
    ranges = [each.partition("-") for each in texts - {DEPTHWISE, ALL}]
    found = {count for count in numbers if shared % count == 0}
    if ranges or ALL in texts or groups is None:
        if shared > MAX_FACTORED:
            raise UsageError(
                f"the {shared} channels of {nodes[0].name!r} have too many divisors to try",
                "name the counts: --groups 1,2,4",
            )
        every = groups is None or ALL in texts
        found.update(
            count
            for count in divisors(shared)
            if every or any(int(low) <= count <= int(high) for low, _, high in ranges)
        )
    return sorted(found)


def _shared(network: Network, convolutions: Sequence[int]) -> int:
    """The greatest number that divides the channels of all these convolutions."""
    nodes = [network.nodes[index] for index in convolutions]
    return gcd(*(size for n in nodes for size in (n.input_shapes[0][-1], n.shape[-1])))


class _Costs:
    """What layers cost with other counts. Layers that are alike are computed once."""

    def __init__(self, network: Network, dtype: str | None) -> None:
        self.network = network
        self.dtype = dtype
        self.followers: dict[int, list[int]] = {}
        """By convolution, the layers that take their groups from it."""
        for index, node in enumerate(network.nodes):
            if node.groups_from is not None:
                self.followers.setdefault(node.groups_from, []).append(index)
        self.known: dict[tuple[Op, tuple[Shape, ...], int], tuple[Op, Cost]] = {}

    def can(self, convolutions: Sequence[int], count: int) -> bool:
        """Whether the layers that take their groups from these can take this count."""
        for index in (i for each in convolutions for i in self.followers.get(each, ())):
            node = self.network.nodes[index]
            try:
                node.op.with_groups(count, *node.input_shapes).check(*node.input_shapes)
            except OpError:
                return False
        return True

    def of(self, convolutions: Sequence[int], count: int) -> tuple[int, int, int, int]:
        """The costs of these convolutions and of the layers that take their groups from them.

        They are the params, the MACs, and the bytes of weights that are stored and that are read.
        """
        followers = [i for each in convolutions for i in self.followers.get(each, ())]
        nodes = [self._one(index, count) for index in (*convolutions, *followers)]
        read = [weight_bytes(node, self.dtype) for node in nodes]
        stored = [size for node, size in zip(nodes, read, strict=True) if node.shares is None]
        params, macs = sum(n.cost.params for n in nodes), sum(n.cost.macs for n in nodes)
        return params, macs, sum(stored), sum(read)

    def _one(self, index: int, count: int) -> Node:
        node = self.network.nodes[index]
        if node.groups == count:
            return node
        key = (node.op, node.input_shapes, count)
        if key not in self.known:
            op = node.op.with_groups(count, *node.input_shapes)
            self.known[key] = op, op.cost(*node.input_shapes)
        return node.with_op(*self.known[key])
