"""Groups that do not bring what they are for: fewer operations, in less time."""

from __future__ import annotations

from collections.abc import Iterator

from groupconv_cli.lint.rule import RuleContext, Violation, rule
from groupconv_cli.network import Node

LEAST_SAVED = 0.01
"""Share of a network's MACs and params below which groups are not worth their while."""

LEAST_CHANNELS = 8
"""Channels of a group that fill a vector register: 8 float32 in AVX2; 8 float16 are the step of a
tensor core."""

LEAST_INTENSITY = 5.0
"""FLOPs per byte that a processor of 100 GFLOP/s and 20 GB/s needs to be busy."""

FLOAT32 = 4


@rule("GC102")
def groups_that_save_nothing(subject: RuleContext) -> Iterator[Violation]:
    """Convolutions of one place in the spec that all together could as well be dense."""
    together: dict[object, list[tuple[Node, Node]]] = {}
    for node, dense in zip(subject.nodes, subject.dense.nodes, strict=True):
        if node.is_grouped and not node.is_depthwise:
            together.setdefault(node.place or node.name, []).append((node, dense))
    for pairs in together.values():
        macs = sum(dense.cost.macs - node.cost.macs for node, dense in pairs)
        params = sum(dense.cost.params - node.cost.params for node, dense in pairs)
        of_macs, of_params = macs / subject.totals.macs, params / subject.totals.params
        if max(of_macs, of_params) < LEAST_SAVED:
            node = pairs[0][0]
            yield Violation(
                node=node,
                message=f"{node.groups} groups of {node.name!r} save {_percent(of_macs)} of the "
                f"network's MACs and {_percent(of_params)} of its params",
                hint="one group costs no more than that, and mixes all channels",
                layers=tuple(node.name for node, _ in pairs),
            )


@rule("GC103")
def few_channels_per_group(subject: RuleContext) -> Iterator[Violation]:
    """Groups narrower than what a processor works on at once."""
    for node in subject.in_groups():
        groups = node.groups or 1
        entering, leaving = node.input_shapes[0][-1] // groups, node.shape[-1] // groups
        if min(entering, leaving) < LEAST_CHANNELS:
            yield Violation(
                node=node,
                message=f"a group of {node.name!r} reads {entering:,} and makes {leaving:,} "
                f"channels; below {LEAST_CHANNELS} it does not fill a vector register or a tensor "
                "core",
                hint="fewer groups, or more channels at the same cost",
            )


@rule("GC104")
def bound_by_memory(subject: RuleContext) -> Iterator[Violation]:
    """Grouped convolutions, depthwise ones too, that wait for memory."""
    for node in subject.nodes:
        if node.is_grouped:
            values = node.weights_read
            for shape in (*node.input_shapes, node.shape):
                size = 1
                for length in shape:
                    size *= length
                values += size
            intensity = 2 * node.cost.macs / (FLOAT32 * values)
            if intensity < LEAST_INTENSITY:
                yield Violation(
                    node=node,
                    message=f"{node.name!r} does {intensity:.3g} FLOPs per byte that it moves; "
                    f"below {LEAST_INTENSITY:g} memory sets the time",
                    hint="fewer groups take hardly longer there; measure before counting on FLOPs",
                )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
