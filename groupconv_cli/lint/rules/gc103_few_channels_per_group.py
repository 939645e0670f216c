"""The groups of a convolution read or make fewer than 8 channels.

Depthwise convolutions do not count. The rule is off because ResNeXt-50 32x4d has 4 channels per
group, and is the most accurate of its family at equal cost (Xie et al. 2017, table 3).

**The number**: 8 float32 are one AVX2 register, and 8 is the step in which tensor cores take
float16 channels: "choose the number of input and output channels to be divisible by 8 (for FP16)"
(NVIDIA, Deep Learning Performance: Convolutional Layers User's Guide, section 1). With 4 channels,
half of what a unit could do is idle. [performance.md](performance.md) has what was measured on a
CPU: groups of fewer than 4 channels are computed fastest merged until they have about 8, with zeros
between.

**What to do**: choose fewer groups of more channels. `gconv compare resnext --variants` shows
trades at equal cost.
"""

from __future__ import annotations

from collections.abc import Iterator

from groupconv_cli.lint.rule import RuleContext, Violation
from groupconv_cli.policy.rules import Severity

SEVERITY = Severity.off

LEAST_CHANNELS = 8
"""Channels of a group that fill a vector register: 8 float32 in AVX2; 8 float16 are the step of a
tensor core."""


def violations(context: RuleContext) -> Iterator[Violation]:
    """Groups narrower than what a processor works on at once."""
    for node in context.in_groups():
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
