"""Times as budgets of a search: the network as measured, and what each other count changes.

The time of a choice is predicted from the measured time of the whole network as written. For each
convolution that changes, the difference of its times by itself is added. So what is fused, or done
side by side, counts as it does in the network as written.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from groupconv_cli.analysis.search.knapsack import Budget
from groupconv_cli.analysis.search.times import Times
from groupconv_cli.analysis.search.units import Units
from groupconv_cli.network import Network, Node
from groupconv_cli.ops.base import Op, Shape
from groupconv_cli.policy.limits import Ceiling
from groupconv_cli.policy.times import TIMES


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
