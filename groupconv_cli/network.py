"""The flat network. All code after the spec reads it, and nothing else.

It has no blocks, repeats or variables. Nodes are in topological order, each with its op, the nodes
that it reads, its output shape, its cost, and the path of blocks around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from groupconv_cli import dtypes
from groupconv_cli.dtypes import Storage
from groupconv_cli.errors import Place, UsageError
from groupconv_cli.ops.base import Cost, Op, Shape
from groupconv_cli.words import joined

MAX_NAMED = 5
"""The most layers that a message names."""


class Step(NamedTuple):
    """One level of the path to a node: a block, a branch, or a composite with a name of its own."""

    name: str
    """Unique among its siblings, as in the node's full name."""
    kind: str
    """Its kind: the block's name, `residual`, `branch_1`, `shortcut` …"""
    item: int
    """The number of its item in the spec; repeats of one item share it."""


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
    """The number of its item in the spec; a conv's norm has the conv's number."""
    place: Place | None = None
    groups_from: int | None = None
    """The index of the convolution whose groups a channel_shuffle takes."""
    shares: int | None = None
    """The index of the node with which it shares weights; they are counted there."""
    is_frozen: bool = False
    """Whether training changes none of its weights, even if the op says otherwise."""
    storage: Storage | None = None
    """The dtypes of its weights and its output; None if it has those that the user chooses."""

    @property
    def groups(self) -> int | None:
        """The number of groups; None if the op has no groups."""
        return self.op.groups_of(*self.input_shapes)

    @property
    def is_grouped(self) -> bool:
        """Whether it is a convolution of more than one group, depthwise ones included."""
        return self.op.is_convolution and (self.groups or 1) > 1

    @property
    def is_depthwise(self) -> bool:
        """Whether it is a convolution with groups = input channels > 1, of any class."""
        return self.is_grouped and self.groups == self.input_shapes[0][-1]

    def with_op(self, op: Op, cost: Cost | None = None) -> Node:
        """The same node with another op on the same inputs, of the same output shape.

        `cost` is the cost of the op, if it is known already.
        """
        cost = op.cost(*self.input_shapes) if cost is None else cost
        if self.shares is not None:
            cost = cost._replace(params=0, non_trainable=0)
        elif self.is_frozen:
            cost = cost._replace(non_trainable=cost.params)
        return self._replace(op=op, cost=cost)

    @property
    def weights_read(self) -> int:
        """The number of weights that running it reads, including shared weights."""
        return self.cost.params if self.shares is None else self.op.cost(*self.input_shapes).params


class Foreign(NamedTuple):
    """A layer of a Keras model that the spec language cannot express."""

    name: str
    """The full name of its node."""
    what: str
    """Its class, and what is unusual if the language has the class."""


class Network:
    """A directed acyclic graph of nodes in topological order."""

    def __init__(
        self,
        name: str,
        nodes: tuple[Node, ...],
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        origin: object | None = None,
        *,
        foreign: tuple[Foreign, ...] = (),
        open_inputs: tuple[tuple[int | None, ...], ...] | None = None,
    ) -> None:
        self.name = name
        self.nodes = nodes
        self.inputs = inputs
        """Indices of the input nodes."""
        self.outputs = outputs
        """Indices of the nodes whose outputs are the network's."""
        self.origin = origin
        """The expansion of a spec that made it, up to the groups of its convolutions."""
        self.foreign = foreign
        """The layers of a Keras model that the spec language does not have. Their costs are known,
        but not what they compute, so no model can be built from the network."""
        self.open_inputs = open_inputs
        """The shapes of the inputs if some sizes are open, which are None. The nodes then have
        stand-ins for these sizes, and only what does not depend on them is of use."""

    @property
    def layers(self) -> tuple[Node, ...]:
        """The nodes that are layers: all except the inputs."""
        entries = set(self.inputs)
        return tuple(node for index, node in enumerate(self.nodes) if index not in entries)

    @cached_property
    def dtype(self) -> str:
        """Its own dtypes: that of a spec, or the dtype policies of the model's layers.

        Those of layers with weights are meant, the policy of the most weights first.
        """
        weights: dict[str, int] = {}
        for node in self.nodes:
            if node.storage is not None and node.storage.policy:
                policy = node.storage.policy
                weights[policy] = weights.get(policy, 0) + node.cost.params
        ordered = sorted(weights, key=lambda policy: -weights[policy])
        main = [policy for policy in ordered if weights[policy]] or ordered[:1]
        return " + ".join(main) or dtypes.DEFAULT

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

        A channel_shuffle that takes its groups from one of them changes too, and so does a node
        that shares its weights. Shapes stay the same.
        """
        nodes = list(self.nodes)
        made: dict[tuple[Op, tuple[Shape, ...], int], tuple[Op, Cost]] = {}
        for index, node in enumerate(nodes):
            source = self.owner(index) if node.groups_from is None else node.groups_from
            if source in groups:
                key = (node.op, node.input_shapes, groups[source])
                if key not in made:  # repeats are computed once
                    op = node.op.with_groups(groups[source], *node.input_shapes)
                    made[key] = op, op.cost(*node.input_shapes)
                nodes[index] = node.with_op(*made[key])
        return self.replace(nodes=tuple(nodes))

    def replace(self, **changes: Any) -> Network:
        """The same network with some of the constructor's arguments changed."""
        kept = {
            "name": self.name,
            "nodes": self.nodes,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "origin": self.origin,
            "foreign": self.foreign,
            "open_inputs": self.open_inputs,
        }
        return Network(**{**kept, **changes})

    def owner(self, index: int) -> int:
        """The index of the node where the weights of the node at `index` are counted."""
        shares = self.nodes[index].shares
        return index if shares is None else shares

    def dense(self) -> Network:
        """The g=1 baseline: every grouped convolution, depthwise ones included, made dense."""
        return self.regrouped({i: 1 for i, node in enumerate(self.nodes) if node.is_grouped})

    def __repr__(self) -> str:
        return f"<Network {self.name!r}: {len(self.layers)} layers>"


def refuse_foreign(network: Network) -> None:
    """Raises UsageError for a network with layers that are not in the language; it names them."""
    if not network.foreign:
        return
    listed = [f"{each.name!r} ({each.what})" for each in network.foreign[:MAX_NAMED]]
    more = len(network.foreign) - len(listed)
    if more:
        listed.append(f"{more:,} more")
    several = len(network.foreign) > 1
    raise UsageError(
        f"gconv can count this Keras model but not rebuild it: {network.name}",
        f"{'these layers are' if several else 'this layer is'} not in the spec language: "
        f"{joined(listed)}",
    )
