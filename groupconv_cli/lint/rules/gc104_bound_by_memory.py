"""A grouped convolution does fewer than 5 FLOPs per byte of float32 that it moves.

Depthwise convolutions count. The bytes are those of the input, the weights and the output, each
once, and for every use of a shared layer again. The rule is off because every depthwise convolution
of every MobileNet is below 5.

**The number**: a modest processor, with 100 GFLOP/s and 20 GB/s, needs 5 FLOPs per byte to be busy:
100 / 20 in the roofline model (Williams et al. 2009). Machines with more cores per memory channel,
and GPUs, need more, so what is below 5 is bound by memory on those too. A 3×3 depthwise convolution
at stride 1 does 18 FLOPs per output value and moves 8 bytes for it: 2.25, whatever its width.

**What to do**: do not count on fewer FLOPs being less time there. Fewer groups may cost next to
nothing: measure it.
"""

from __future__ import annotations

from collections.abc import Iterator

from groupconv_cli.lint.rule import RuleContext, Violation
from groupconv_cli.policy.rules import Severity

SEVERITY = Severity.off

LEAST_INTENSITY = 5.0
"""FLOPs per byte that a processor of 100 GFLOP/s and 20 GB/s needs to be busy."""

FLOAT32 = 4


def violations(context: RuleContext) -> Iterator[Violation]:
    """Grouped convolutions, depthwise ones too, that wait for memory."""
    for node in context.nodes:
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
