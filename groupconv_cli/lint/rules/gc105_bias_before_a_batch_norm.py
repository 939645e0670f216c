"""A convolution or dense layer has a bias that nothing but batch norms sees.

Its output is then not one of the network's, and where a layer is used several times, a batch norm
reads it each time. A batch norm that is frozen, or shared with another layer, does not take the
bias away and does not count. What comes from one line of a spec is one finding, with the params of
all its layers.

**The number**: all of the bias is lost. A batch norm subtracts the mean of each channel, and the
bias is part of that mean. The gradient of the bias is zero while training. It costs one param per
filter, and one addition per output value.

**What to do**: write `bias: false`. Or say `norm: batch` among the arguments of the layer, which
implies it, and leave `bias: true` out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from groupconv_cli.lint.rule import RuleContext, Violation
from groupconv_cli.network import Node
from groupconv_cli.ops.norm import BatchNorm
from groupconv_cli.policy.rules import Severity
from groupconv_cli.words import plural

SEVERITY = Severity.warning


def violations(context: RuleContext) -> Iterator[Violation]:
    """Biases whose readers, wherever the layer is used, take the mean of the channel away again."""
    nodes, readers, uses = context.nodes, _readers(context), _uses(context)

    def is_cancelled(index: int) -> bool:
        """Whether nothing but batch norms sees this output, each for this layer alone."""
        after = readers[index]
        return (
            bool(after)
            and index not in context.network.outputs
            and all(
                isinstance(nodes[reader].op, BatchNorm)
                and not nodes[reader].is_frozen  # it subtracts what the mean once was
                and len(uses[context.network.owner(reader)])
                == 1  # else the mean is not of one bias
                for reader in after
            )
        )

    cancelled: dict[object, list[int]] = defaultdict(list)
    useful: dict[object, int] = defaultdict(int)
    for owner, used in uses.items():
        node = nodes[owner]
        if getattr(node.op, "bias", False):
            line = node.place or node.name
            if all(is_cancelled(index) for index in used):
                cancelled[line].append(owner)
            else:
                useful[line] += 1
    for at, owners in cancelled.items():
        first, norm = nodes[owners[0]], nodes[readers[owners[0]][0]]
        params = sum(nodes[owner].shape[-1] for owner in owners)
        if len(owners) == 1:
            what = f"the bias of {first.name!r}, {params:,} params, is cancelled by the batch norm"
            does = "after it, which subtracts"
        else:
            more = plural(len(owners) - 1, "more layer")
            what = f"the biases of {first.name!r} and {more}, {params:,} params, are cancelled by "
            what, does = f"{what}the batch norms", "after them, which subtract"
        yield Violation(
            node=first,
            message=f"{what} {does} each channel's mean",
            hint=_hint(first, norm, useful[at]),
            layers=tuple(nodes[owner].name for owner in owners),
        )


def _readers(context: RuleContext) -> dict[int, list[int]]:
    """For every node those that read its output."""
    readers: dict[int, list[int]] = {index: [] for index in range(len(context.nodes))}
    for index, node in enumerate(context.nodes):
        for source in node.inputs:
            readers[source].append(index)
    return readers


def _uses(context: RuleContext) -> dict[int, list[int]]:
    """For every node that weights are counted at all nodes that use them, itself first."""
    uses: dict[int, list[int]] = defaultdict(list)
    for index in range(len(context.nodes)):
        uses[context.network.owner(index)].append(index)
    return uses


def _hint(node: Node, norm: Node, useful: int) -> str:
    if node.place is None:  # of a Keras model
        return "make the layer with use_bias=False"
    if useful:
        return (
            "write the layer a second time, with bias: false, for where a batch norm follows: "
            f"{plural(useful, 'other layer')} of this line can use the bias"
        )
    if (node.place, node.item) == (norm.place, norm.item):
        return "leave bias: true out: norm: batch implies bias: false"
    return "bias: false, or norm: batch among the layer's arguments, which implies it"
