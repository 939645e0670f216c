"""Networks whose spec leaves spatial sizes of inputs open, so that the model leaves them too."""

from __future__ import annotations

from groupconv_cli.errors import UsageError
from groupconv_cli.network import Network, Node

OpenShape = tuple[int | None, ...]

STAND_INS = ({1: 4096, 2: 256, 3: 64}, {1: 6144, 2: 384, 3: 96})
"""Two sizes for an open axis, by the number of spatial axes.

Both can be halved seven times or more, so that what is reduced can be enlarged to the same size.
"""


def opened(network: Network, other: Network, shapes: tuple[OpenShape, ...]) -> Network:
    """The network with open inputs, from two networks whose open sizes are the two stand-ins.

    Raises UsageError if a layer depends on the sizes, so that no model can leave them open.
    """
    pairs = zip(network.nodes, other.nodes, strict=False)
    for index, (node, twin) in enumerate(pairs):
        if index not in network.inputs and _differ(node, twin):
            raise _depends(node.name, network, shapes)
    if len(network.nodes) != len(other.nodes):
        raise _depends(network.nodes[-1].name, network, shapes)
    return network.replace(open_inputs=shapes)


def _differ(node: Node, twin: Node) -> bool:
    """Whether the two are not the same layers of Keras on the same tensors."""
    same_layer = (node.name, node.inputs, node.cost.params) == (
        twin.name,
        twin.inputs,
        twin.cost.params,
    )
    return not same_layer or node.op.open_calls(node.name, *node.input_shapes) != (
        twin.op.open_calls(twin.name, *twin.input_shapes)
    )


def _depends(layer: str, network: Network, shapes: tuple[OpenShape, ...]) -> UsageError:
    names = [network.nodes[index].name for index in network.inputs]
    name, shape = next(
        (name, shape) for name, shape in zip(names, shapes, strict=True) if None in shape
    )
    example = ",".join(str(224 if size is None else size) for size in shape)
    return UsageError(
        f"layer {layer!r} depends on the sizes of the input, which the spec leaves open",
        f"give them: --set {name}={example}; or use layers that take any size, such as "
        "global_avg_pool in place of flatten",
    )
