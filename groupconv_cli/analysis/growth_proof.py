"""The proof that a cost never falls while a variable rises, from two networks far apart.

`language/growth.py` has its first half: every size in the text of the spec never falls while the
variable rises, and nothing else depends on the variable. So each size in a network lies between
those of a network for a smaller value and of one for a larger value. Here is the other half: in
those two networks the same layers stand in the same order, each layer is of a kind whose costs
never fall while channels are added, and windows, spatial sizes and groups are equal.
"""

from __future__ import annotations

from typing import NamedTuple

from groupconv_cli.network import Network, Node
from groupconv_cli.ops import OPS
from groupconv_cli.ops.activation import Activation
from groupconv_cli.ops.base import Op

KINDS = frozenset(
    {
        *("input", "conv", "depthwise_conv", "conv_transpose", "dense"),
        *("batch_norm", "layer_norm", "group_norm", "layer_scale", "dropout"),
        *("add", "multiply", "average", "maximum", "concat"),
        *("max_pool", "avg_pool", "global_avg_pool", "global_max_pool"),
        *("flatten", "channel_shuffle", "zero_pad", "crop", "upsample"),
        *(name for name, op in OPS.items() if issubclass(op, Activation)),
    }
)
"""Layers of which outputs and costs never fall while their channels rise."""

SUMS = ("add", "average", "maximum", "multiply")


class Growth(NamedTuple):
    """What the text of a spec says about one variable."""

    is_sure: bool
    """Whether the sizes of layers never fall if the variable rises, and nothing else depends on
    it: no repeat, no condition, no window."""
    projects: bool
    """Whether a residual has a shortcut that is there only where two shapes differ."""


def grows(low: Network, high: Network, *, projects: bool) -> bool:
    """Whether costs never fall between the two values of a variable that the networks have.

    `projects` says whether the spec has shortcuts that are there only where shapes differ. Then the
    shapes at sums and shortcuts must not depend on the variable at all.
    """
    if len(low.nodes) != len(high.nodes):
        return False
    return all(
        _grows(a, b) and not (projects and _may_project(a) and a.input_shapes != b.input_shapes)
        for a, b in zip(low.nodes, high.nodes, strict=True)
    )


def _grows(a: Node, b: Node) -> bool:
    if a.op.op not in KINDS or (a.name, a.inputs) != (b.name, b.inputs):
        return False
    alike = _without_sizes(a.op) == _without_sizes(b.op)
    same_groups = a.groups == b.groups or (_is_depthwise(a) and _is_depthwise(b))
    sizes_grow = a.shape[:-1] == b.shape[:-1] and a.shape[-1] <= b.shape[-1]
    return alike and (same_groups or not a.op.is_convolution) and sizes_grow


def _is_depthwise(node: Node) -> bool:
    return node.groups == node.input_shapes[0][-1]


def _without_sizes(op: Op) -> tuple[object, ...]:
    values = {name: getattr(op, name) for name in op.args if name not in ("filters", "units")}
    values.pop("groups", None)
    return (op.op, *sorted((name, repr(value)) for name, value in values.items()))


def _may_project(node: Node) -> bool:
    return node.op.op in SUMS or any(step.name == "shortcut" for step in node.path)
