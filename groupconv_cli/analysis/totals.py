"""The costs of a whole network, for one sample: sums over its nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from groupconv_cli.analysis.alive import most_alive, output_bytes
from groupconv_cli.dtypes import DEFAULT, bytes_per_value, size_of
from groupconv_cli.network import Network, Node
from groupconv_cli.policy.totals import TotalInfo


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Costs of a network for one sample."""

    params: int
    """Weights, biases included, trainable or not."""
    trainable_params: int
    macs_at_least: int
    """Multiply-accumulates of convolutions and dense layers, those of `unknown` layers left out."""
    weight_bytes: int
    activation_bytes: int
    """Bytes of all layers' outputs; layers that move no data (flatten, dropout) count 0."""
    peak_bytes: int
    """Bytes of the weights and of the most activations alive at once, in the listed order."""
    moved_bytes: int
    """Bytes each layer reads (inputs and weights) and writes, summed."""
    unknown: tuple[str, ...] = ()
    """The types of layers with unknown MACs, each once. The network of a spec has none."""

    assumed: tuple[str, ...] = ()
    """Custom classes of a Keras model whose MACs are assumed to be those of the convolutions of
    Keras that they derive from."""

    @property
    def macs_complete(self) -> bool:
        """Whether the MACs of every layer are known, and so `macs`, `flops` and `intensity`."""
        return not self.unknown

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates; None if those of a layer are unknown. See `macs_at_least`."""
        return self.macs_at_least if self.macs_complete else None

    @property
    def flops(self) -> int | None:
        """Floating-point operations, 2 per multiply-accumulate; None if they are unknown."""
        return self.flops_at_least if self.macs_complete else None

    @property
    def flops_at_least(self) -> int:
        """Floating-point operations of the layers whose multiply-accumulates are known."""
        return 2 * self.macs_at_least

    @property
    def non_trainable_params(self) -> int:
        """Weights that training does not change, such as a batch norm's statistics."""
        return self.params - self.trainable_params

    def metric(self, metric: TotalInfo) -> int:
        """A total that can be limited; a lower bound where it is unknown."""
        value: int = getattr(self, field_of(metric))
        return value

    def value(self, total: TotalInfo) -> float:
        """A total of the table; a lower bound where it is unknown."""
        value: float = getattr(self, field_of(total))
        return value

    @property
    def intensity(self) -> float | None:
        """Arithmetic intensity in FLOPs per byte moved (Williams et al. 2009, the roofline).

        None if the FLOPs are unknown.
        """
        return self.intensity_at_least if self.macs_complete else None

    @property
    def intensity_at_least(self) -> float:
        """The known FLOPs per byte moved."""
        return self.flops_at_least / self.moved_bytes if self.moved_bytes else 0.0


def field_of(total: TotalInfo) -> str:
    """The name of the field that has it, or of its lower bound where it can be unknown."""
    return f"{total.field}_at_least" if total.is_of_macs else total.field


class Activations(NamedTuple):
    """The bytes of activations that a network writes, holds and moves; groups do not matter."""

    written: int
    most_alive: int
    moved: int


def activations(network: Network, dtype: str | None = None) -> Activations:
    """The activations of the network; they are the same for every number of groups.

    They have one dtype, or without it each its own.

    Raises UsageError for an unknown dtype.
    """
    sizes = output_bytes(network, dtype)
    written = zip(network.nodes, sizes, strict=True)
    layers = set(range(len(network.nodes))) - set(network.inputs)
    return Activations(
        written=sum(sizes[index] for index in layers if not network.nodes[index].op.is_view),
        most_alive=most_alive(network, sizes),
        moved=sum(_moved(node, size, sizes) for node, size in written),
    )


def weight_bytes(node: Node, dtype: str | None = None) -> int:
    """The bytes of the weights that running a node reads, of one dtype or each of its own.

    Raises UsageError for an unknown dtype.
    """
    if dtype is not None:
        return node.weights_read * bytes_per_value(dtype)
    if node.storage is None:
        return node.weights_read * size_of(DEFAULT)
    return node.weights_read * size_of(node.storage.weights) + node.storage.besides


class LayerBytes(NamedTuple):
    """The bytes of one layer, for one sample."""

    activations: int
    """Its output; 0 if it moves no data."""
    weights: int
    """The weights that running it reads, shared ones included."""
    moved: int
    """What it reads (inputs and weights) and writes."""


def bytes_of_layers(network: Network, dtype: str | None = None) -> list[LayerBytes]:
    """The bytes of every layer, in the order of `network.layers`; see `total` for the dtype.

    Those of activations add up to the totals' activations, and what is moved to theirs.

    Raises UsageError for an unknown dtype.
    """
    sizes = output_bytes(network, dtype)
    inputs = set(network.inputs)
    made = []
    for index, (node, size) in enumerate(zip(network.nodes, sizes, strict=True)):
        if index not in inputs:
            weights = weight_bytes(node, dtype)
            written = 0 if node.op.is_view else size
            made.append(LayerBytes(written, weights, weights + _moved(node, size, sizes)))
    return made


def total(network: Network, dtype: str | None = None, values: Activations | None = None) -> Totals:
    """The costs of the network with weights and activations of one dtype.

    Without a dtype, each weight and activation has its own. `values` are the activations in that
    dtype; they may come from a network that differs only in its groups.

    Raises UsageError for an unknown dtype.
    """
    nodes = network.nodes
    values = values or activations(network, dtype)
    params = sum(node.cost.params for node in nodes)
    read = [weight_bytes(node, dtype) for node in nodes]
    weights = sum(size for node, size in zip(nodes, read, strict=True) if node.shares is None)
    return Totals(
        params=params,
        trainable_params=params - sum(node.cost.non_trainable for node in nodes),
        macs_at_least=sum(node.cost.macs for node in nodes),
        weight_bytes=weights,
        activation_bytes=values.written,
        peak_bytes=weights + values.most_alive,
        moved_bytes=sum(read) + values.moved,
        assumed=tuple(dict.fromkeys(node.op.assumed for node in nodes if node.op.assumed)),
        unknown=tuple(dict.fromkeys(node.op.op for node in nodes if not node.cost.macs_known)),
    )


def shifted(totals: Totals, *, params: int, macs: int, stored: int, read: int) -> Totals:
    """The totals with so many more params and MACs, and bytes of weights stored and read.

    The weights that are read include those that layers share.
    """
    return replace(
        totals,
        params=totals.params + params,
        trainable_params=totals.trainable_params + params,
        macs_at_least=totals.macs_at_least + macs,
        weight_bytes=totals.weight_bytes + stored,
        peak_bytes=totals.peak_bytes + stored,
        moved_bytes=totals.moved_bytes + read,
    )


def _moved(node: Node, written: int, sizes: list[int]) -> int:
    """Bytes that the node reads and writes, without its weights; `sizes` are those of all nodes."""
    if node.op.is_view or not node.inputs:
        return 0
    return sum(sizes[source] for source in node.inputs) + written
