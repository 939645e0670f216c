"""A network layer by layer, with its g=1 baseline."""

from __future__ import annotations

from groupconv_cli.analysis.channel_mixing import of_layers
from groupconv_cli.analysis.report import LayerRow, Summary
from groupconv_cli.analysis.totals import activations, bytes_of_layers, total
from groupconv_cli.network import Network, Node
from groupconv_cli.ops.base import Window, per_axis


def summarize(network: Network, dtype: str | None = None) -> Summary:
    """The costs of every layer and of the whole, as written and with g=1.

    Without a dtype, those of the network itself are counted.

    Raises UsageError for an unknown dtype.
    """
    baseline, values = network.dense(), activations(network, dtype)
    rows = tuple(
        LayerRow(
            name=node.name,
            op=node.op.op,
            groups=node.groups,
            is_depthwise=node.is_depthwise,
            window=window_of(node),
            output_shape=node.shape,
            cost=node.cost,
            dense_cost=dense.cost,
            path=node.path,
            item=node.item,
            reach=reached,
            memory=sizes,
            assumed=node.op.assumed,
        )
        for node, dense, reached, sizes in zip(
            network.layers,
            baseline.layers,
            of_layers(network),
            bytes_of_layers(network, dtype),
            strict=True,
        )
    )
    return Summary(
        name=network.name,
        inputs=network.input_shapes,
        dtype=dtype or network.dtype,
        totals=total(network, dtype, values),
        baseline=total(baseline, dtype, values),
        layers=rows,
    )


def window_of(node: Node) -> Window | None:
    """The node's sliding window, with a value for every axis; None if it has no window."""
    if node.op.window is None:
        return None
    rank = len(node.input_shapes[0]) - 1 - len(node.op.steps)
    return Window(*(per_axis(size, rank) for size in node.op.window))
