"""Grouped convolutions save less than 1 % of the network's MACs and less than 1 % of its params.

The rule adds up what all convolutions that come from one place in the spec save against being
dense. Depthwise ones do not count.

**The number**: 1 % is a tenth of the least that any line of a bundled network saves (10 % of the
params, AlexNet's fifth convolution), and about what one filter more in a hundred costs.

**Why**: groups have their price. They keep channels apart, and their kernels are further from a
processor's peak than dense ones ([performance.md](performance.md)). They bring nothing for that
price where the cost of the network is elsewhere, as in a first layer of three channels, or in the
small head of a large network.

**What to do**: write `groups: 1`.
"""

from __future__ import annotations

from collections.abc import Iterator

from groupconv_cli.lint.rule import RuleContext, Violation
from groupconv_cli.network import Node
from groupconv_cli.policy.rules import Severity

SEVERITY = Severity.warning

LEAST_SAVED = 0.01
"""Share of a network's MACs and params below which groups are not worth their while."""


def violations(context: RuleContext) -> Iterator[Violation]:
    """Convolutions of one place in the spec that all together could as well be dense."""
    together: dict[object, list[tuple[Node, Node]]] = {}
    for node, dense in zip(context.nodes, context.dense.nodes, strict=True):
        if node.is_grouped and not node.is_depthwise:
            together.setdefault(node.place or node.name, []).append((node, dense))
    for pairs in together.values():
        macs = sum(dense.cost.macs - node.cost.macs for node, dense in pairs)
        params = sum(dense.cost.params - node.cost.params for node, dense in pairs)
        of_macs, of_params = macs / context.totals.macs_at_least, params / context.totals.params
        if max(of_macs, of_params) < LEAST_SAVED:
            node = pairs[0][0]
            yield Violation(
                node=node,
                message=f"{node.groups} groups of {node.name!r} save {_percent(of_macs)} of the "
                f"network's MACs and {_percent(of_params)} of its params",
                hint="one group costs no more than that, and mixes all channels",
                layers=tuple(node.name for node, _ in pairs),
            )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
