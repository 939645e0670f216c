"""Times as budgets of a search: the network as measured, and what each other count changes.

The time of a choice is predicted from the measured time of the whole network as written. For each
convolution that changes, the difference of its times by itself is added. So what is fused, or done
side by side, counts as it does in the network as written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

from groupconv_cli.analysis.measurement import Machine, MeasureSettings, Timing
from groupconv_cli.analysis.search.knapsack import Budget
from groupconv_cli.analysis.search.units import Units
from groupconv_cli.network import Network, Node
from groupconv_cli.ops.base import Op, Shape
from groupconv_cli.policy.limits import Ceiling
from groupconv_cli.policy.times import NANOSECONDS, TIMES


class Times(NamedTuple):
    """Measured nanoseconds of one phase."""

    whole: int
    """The network as written."""
    call: int
    """A call that computes nothing. The time of every layer includes it."""
    layers: Mapping[str, int]
    """Each layer by itself, by its `layer_key`."""


class Taken(NamedTuple):
    """Measured times, and where they come from."""

    times: Mapping[str, Times]
    """By phase."""
    machine: Machine
    settings: MeasureSettings
    layers: int
    """The number of different layers."""
    cached: int
    """The number of those that were measured by an earlier run."""
    since: str
    """The date of the oldest of these; '' if there are none."""


Timer = Callable[[Network, Mapping[str, Node], Collection[str]], Taken]
"""Measures a network and layers of it, by their keys, in some phases."""


class TimeUse(NamedTuple):
    """A time budget, the time that is predicted for the choice, and the one that was measured."""

    metric: str
    """One of `policy.times.TIMES`."""
    limit: int
    """This and the other times are in nanoseconds."""
    before: int
    """The network as written, as measured together with its layers."""
    predicted: int
    layers: Mapping[str, tuple[int, int]]
    """By the full name of each convolution that changes, its time as written and as chosen."""
    uniform: int | None
    """The predicted time of the best single count; None if there is none."""
    is_share: bool = False
    """Whether the limit was given as a share of the network as written."""
    measured: Timing | None = None
    """The chosen network; None if the measuring was interrupted."""
    measured_before: Timing | None = None
    """The network as written, in turn with the chosen one."""

    @property
    def difference(self) -> float | None:
        """The predicted time as a share of the measured one, less 1; None if it is unknown."""
        if self.measured is None:
            return None
        return self.predicted / NANOSECONDS / self.measured.median - 1

    @property
    def is_broken(self) -> bool:
        """Whether the measured time is above the limit.

        For a share that is a share of what was measured beside it: the machine's load may differ.
        """
        if self.measured is None:
            return False
        limit = self.limit / NANOSECONDS
        if self.is_share and self.measured_before is not None:
            limit = self.limit / self.before * self.measured_before.median
        return self.measured.median > limit


def layer_key(node: Node) -> str:
    """The same for layers that compute the same on inputs of the same shapes."""
    return f"{node.op!r} {node.input_shapes}"


def layers_to_time(network: Network, units: Units) -> dict[str, Node]:
    """Every layer that a choice can change, as written and with every candidate, each once."""
    return {
        layer_key(node): node
        for unit, layers in zip(units.units, _layers(network, units), strict=True)
        for number, index in layers
        for node in (
            network.nodes[index],
            *(_with_count(network, number, index, count) for count in unit.counts),
        )
    }


class TimeModel:
    """Predicts the time of choices in one phase."""

    def __init__(self, network: Network, units: Units, metric: str, times: Times) -> None:
        self.network = network
        self.units = units.units
        self.layers = _layers(network, units)
        self.metric = metric
        self.times = times
        self.known: dict[tuple[Op, tuple[Shape, ...], int], str] = {}
        every = sum(
            self._alone(layer_key(network.nodes[index]))
            for layers in self.layers
            for _, index in layers
        )
        # Layers that take longer by themselves than the whole gain less in it than by themselves.
        self.scale = min(Fraction(1), Fraction(times.whole, every)) if every else Fraction(1)

    def budget(self, ceiling: Ceiling) -> Budget:
        """The linear budget. What the network as written uses is exactly its measured time."""
        nodes = self.network.nodes
        written = sum(
            self._scaled(layer_key(nodes[index])) for layers in self.layers for _, index in layers
        )
        costs = tuple(
            tuple(sum(self._with(*each, count) for each in layers) for count in unit.counts)
            for unit, layers in zip(self.units, self.layers, strict=True)
        )
        limit = ceiling.allowed(self.times.whole)
        return Budget(self.metric, limit, self.times.whole - written, costs)

    def change(self, index: int, count: int) -> tuple[int, int]:
        """The time of a convolution as written, and with another count."""
        before = self._scaled(layer_key(self.network.nodes[index]))
        return before, self._with(index, index, count)

    def _with(self, convolution: int, index: int, count: int) -> int:
        """The time of a layer if the convolution has this count."""
        node = self.network.nodes[index]
        if self.network.nodes[convolution].groups == count:
            return self._scaled(layer_key(node))
        same = (node.op, node.input_shapes, count)
        if same not in self.known:
            self.known[same] = layer_key(_with_count(self.network, convolution, index, count))
        return self._scaled(self.known[same])

    def _scaled(self, key: str) -> int:
        return round(self._alone(key) * self.scale)

    def _alone(self, key: str) -> int:
        return max(0, self.times.layers[key] - self.times.call)


def _layers(network: Network, units: Units) -> list[list[tuple[int, int]]]:
    """By unit, its convolutions and the layers that take their groups from them.

    Each comes after the convolution from which it has its groups.
    """
    followers: dict[int, list[int]] = {}
    for index, node in enumerate(network.nodes):
        if node.groups_from is not None:
            followers.setdefault(node.groups_from, []).append(index)
    return [
        [(number, i) for number in unit.convolutions for i in (number, *followers.get(number, ()))]
        for unit in units.units
    ]


def _with_count(network: Network, convolution: int, index: int, count: int) -> Node:
    """A layer as `Network.regrouped` makes it if a convolution gets a count."""
    node = network.nodes[index]
    if network.nodes[convolution].groups == count:
        return node
    return node.with_op(node.op.with_groups(count, *node.input_shapes))


def phases_of(metrics: Collection[str]) -> list[str]:
    """What has to be timed for these metrics, in the order of TIMES."""
    return [each.phase for name, each in TIMES.items() if name in metrics]
