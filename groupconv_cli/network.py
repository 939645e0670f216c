"""The flat network: what everything after the spec reads, and nothing else.

Blocks, repeats and variables are gone. Nodes stand in topological order, each with its op, the
nodes it reads, its output shape and its cost, and the path of blocks it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from groupconv_cli.errors import Place, UsageError
from groupconv_cli.ops.base import Cost, Op, Shape
from groupconv_cli.origin import Provenance


class Step(NamedTuple):
    """One level of the path to a node: a block, a branch, or a composite with a name of its own."""

    name: str
    """Unique among its siblings, as in the node's full name."""
    kind: str
    """What it is an instance of: the block's name, `residual`, `branch_1`, `shortcut` …"""
    item: int
    """Number of the item of the spec it came from; repeats of one item share it."""


class Node(NamedTuple):
    """One primitive layer."""

    name: str
    """Unique in the network: the names of its path and its own, joined by dots."""
    op: Op
    inputs: tuple[int, ...]
    """Indices of the nodes whose outputs it reads."""
    input_shapes: tuple[Shape, ...]
    shape: Shape
    cost: Cost
    path: tuple[Step, ...] = ()
    item: int = 0
    """Number of the item of the spec it came from; a conv's norm shares the conv's."""
    place: Place | None = None
    groups_from: int | None = None
    """Index of the convolution whose groups a channel_shuffle takes."""
    shares: int | None = None
    """Index of the node whose weights it uses too; they are counted there."""
    is_frozen: bool = False
    """Whether training changes none of its weights, whatever the op says."""

    @property
    def groups(self) -> int | None:
        """The number of groups where it has a meaning, else None."""
        return self.op.groups_of(*self.input_shapes)

    @property
    def is_grouped(self) -> bool:
        """Whether it is a convolution of more than one group, depthwise ones included."""
        return self.op.is_convolution and (self.groups or 1) > 1

    @property
    def is_depthwise(self) -> bool:
        """Whether it is a convolution with groups = input channels > 1, whatever it is called."""
        return self.is_grouped and self.groups == self.input_shapes[0][-1]

    def with_op(self, op: Op, cost: Cost | None = None) -> Node:
        """The same node with another op on the same inputs, of the same output shape.

        `cost` is that of the op where it is known already.
        """
        cost = op.cost(*self.input_shapes) if cost is None else cost
        if self.shares is not None:
            cost = cost._replace(params=0, non_trainable=0)
        elif self.is_frozen:
            cost = cost._replace(non_trainable=cost.params)
        return self._replace(op=op, cost=cost)

    @property
    def weights_read(self) -> int:
        """How many weights running it reads, be they counted here or at another node."""
        return self.cost.params if self.shares is None else self.op.cost(*self.input_shapes).params


class Network:
    """A directed acyclic graph of nodes in topological order."""

    def __init__(
        self,
        name: str,
        nodes: tuple[Node, ...],
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        origin: Provenance | None = None,
        *,
        of_model: bool = False,
    ) -> None:
        self.name = name
        self.nodes = nodes
        self.inputs = inputs
        """Indices of the input nodes."""
        self.outputs = outputs
        """Indices of the nodes whose outputs are the network's."""
        self.origin = origin
        """How the spec writes it, if it comes of one as it is."""
        self.of_model = of_model
        """Whether it was read from a Keras model: it has what that costs, and not all that it
        computes, so no model can be built of it."""

    @property
    def layers(self) -> tuple[Node, ...]:
        """The nodes that are layers: all but the inputs."""
        entries = set(self.inputs)
        return tuple(node for index, node in enumerate(self.nodes) if index not in entries)

    @cached_property
    def input_shape(self) -> Shape:
        """Shape of the first input."""
        return self.input_shapes[0]

    @cached_property
    def input_shapes(self) -> tuple[Shape, ...]:
        """Shapes of all inputs; a spec has one."""
        return tuple(self.nodes[index].shape for index in self.inputs)

    def regrouped(self, groups: Mapping[int, int]) -> Network:
        """The same graph with other numbers of groups for the convolutions at some indices.

        A channel_shuffle that takes its groups from one of them follows, and so does a node that
        uses its weights. Shapes stay as they are.
        """
        nodes = list(self.nodes)
        made: dict[tuple[Op, tuple[Shape, ...], int], tuple[Op, Cost]] = {}
        for index, node in enumerate(nodes):
            source = self.owner(index) if node.groups_from is None else node.groups_from
            if source in groups:
                key = (node.op, node.input_shapes, groups[source])
                if key not in made:  # repeats are worked out once
                    op = node.op.with_groups(groups[source], *node.input_shapes)
                    made[key] = op, op.cost(*node.input_shapes)
                nodes[index] = node.with_op(*made[key])
        return Network(self.name, tuple(nodes), self.inputs, self.outputs, of_model=self.of_model)

    def owner(self, index: int) -> int:
        """Index of the node that the weights of the one at `index` are counted at."""
        shares = self.nodes[index].shares
        return index if shares is None else shares

    def dense(self) -> Network:
        """The g=1 baseline: every grouped convolution, depthwise ones included, made dense."""
        return self.regrouped({i: 1 for i, node in enumerate(self.nodes) if node.is_grouped})

    def __repr__(self) -> str:
        return f"<Network {self.name!r}: {len(self.layers)} layers>"


def refuse_model(network: Network) -> None:
    """Raises UsageError for a network that was read from a Keras model: see `of_model`."""
    if network.of_model:
        raise UsageError(
            f"gconv can count this Keras model but not rebuild it: {network.name}",
            "rebuilding needs a spec",
        )
