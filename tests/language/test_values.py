"""Mistakes in the values of a spec and in its shapes: what is said, and where it points."""

from __future__ import annotations

import pytest
from mistakes import HEAD, one

SHAPES = {
    "groups and input channels": (
        "  - conv: {filters: 64, kernel: 3, groups: 8}",
        "groups=8 does not divide the 12 input channels of layer 'conv'",
        (3, 44),
        "12 input and 64 output channels share these divisors: 1, 2, 4",
    ),
    "groups and filters": (
        "  - conv: {filters: 64, kernel: 3, groups: 3}",
        "groups=3 does not divide the 64 filters of layer 'conv'",
        (3, 44),
        "12 input and 64 output channels share these divisors: 1, 2, 4",
    ),
    "groups and both": (
        "  - conv: {filters: 64, kernel: 3, groups: 5}",
        "groups=5 does not divide the 12 input channels or the 64 filters of layer 'conv'",
        (3, 44),
        "1, 2, 4",
    ),
    "a kernel larger than the input": (
        "  - conv: {filters: 4, kernel: [3, 9], padding: valid}",
        "layer 'conv': a kernel of 9 is larger than the input, whose size is 8",
        (3, 32),
        "same",
    ),
    "a dilated kernel larger than the padded input": (
        "  - conv: {filters: 4, kernel: 3, dilation: 5, padding: 1}",
        "layer 'conv': a kernel of 3 (dilated, it covers 11) is larger than the input, "
        "whose size is 8 (padded to 10)",
        (3, 32),
        "same",
    ),
    "a pool larger than the input": (
        "  - max_pool: {size: 9, padding: valid}",
        "layer 'max_pool': a size of 9 is larger than the input, whose size is 8",
        (3, 22),
        "same",
    ),
    "a norm of groups that do not divide": (
        "  - conv: {filters: 48, kernel: 3, groups: 4, norm: group}",
        "groups=32 does not divide the 48 channels of layer 'group_norm'",
        (3, 53),
        "for example: norm: {group: {groups: 24}}",
    ),
    "stride and dilation": (
        "  - conv: {filters: 4, kernel: 3, stride: 2, dilation: 2}",
        "layer 'conv': stride 2 and dilation 2 are both above 1",
        (3, 56),
        "in another, which costs more",
    ),
    "stride and dilation on different axes": (
        "  - conv: {filters: 4, kernel: 3, stride: [1, 2], dilation: [2, 1]}",
        "layer 'conv': stride [1, 2] and dilation [2, 1] are both above 1",
        (3, 61),
        "another",
    ),
    "a size of another rank": (
        "  - conv: {filters: 4, kernel: [3, 3, 3]}",
        "layer 'conv': kernel has 3 values, but the input has 2 spatial axes",
        (3, 32),
        "a list of 2",
    ),
    "padding of another rank": (
        "  - max_pool: {size: 2, padding: [1, 1, 1]}",
        "layer 'max_pool': padding has 3 values",
        (3, 34),
        "a list of 2",
    ),
    "a pool's window in padding alone": (
        "  - max_pool: {size: [5, 2], padding: 2}",
        "layer 'max_pool': with a padding of 2, some windows of size 2 hold only padding",
        (3, 39),
        "smaller than its size",
    ),
    "the same for means": (
        "  - avg_pool: {size: 3, padding: [2, 3]}",
        "layer 'avg_pool': with a padding of 3, some windows of size 3 hold only padding",
        (3, 34),
        "smaller than its size",
    ),
    "a convolution of a vector": (
        "  - flatten\n  - conv: {filters: 4, kernel: 3}",
        "layer 'conv': conv needs a feature map with 1 to 3 spatial axes, got 768",
        (4, 5),
        "flat vector",
    ),
    "a shuffle of channels that do not divide": (
        "  - channel_shuffle: {groups: 5}",
        "groups=5 does not divide the 12 channels of layer 'channel_shuffle'",
        (3, 31),
        "1, 2, 3, 4, 6, 12",
    ),
    "a shuffle with nothing before it": (
        "  - channel_shuffle",
        "channel_shuffle has no groups, and no convolution with groups comes before it",
        (3, 5),
        "groups: 4",
    ),
    "an identity that does not fit": (
        "  - residual: {body: [conv: {filters: 4, kernel: 3}]}",
        "the body of layer 'residual' turns 8×8×12 into 8×8×4",
        (3, 5),
        "project",
    ),
    "a shortcut that does not fit": (
        "  - residual: {body: [relu], shortcut: [conv: {filters: 4, kernel: 3}]}",
        "the body of layer 'residual' makes 8×8×12 and its shortcut 8×8×4",
        (3, 40),
        None,
    ),
    "a projection that cannot be": (
        "  - residual: {body: [conv: {filters: 4, kernel: 3, padding: valid}], shortcut: project}",
        "the body of layer 'residual' turns 8×8×12 into 6×6×4, which a 1×1 convolution",
        (3, 81),
        "pad with same",
    ),
    "branches of other sizes": (
        "  - parallel: {branches: [[max_pool], []]}",
        "layer 'parallel.concat': cannot concatenate 4×4×12 and 8×8×12",
        (3, 5),
        "strides",
    ),
    "branches of other channels": (
        "  - parallel: {branches: [[conv: {filters: 4, kernel: 3}], []], merge: add}",
        "layer 'parallel.add': cannot add 8×8×4 and 8×8×12: the shapes differ",
        (3, 5),
        "filters",
    ),
    "an expression with a bad result": (
        "  - conv: {filters: $in - 12, kernel: 3}",
        "filters must be a whole number, 1 or more; '$in - 12' is 0",
        (3, 21),
        None,
    ),
    "an expression that is no whole number": (
        "  - conv: {filters: $in / 5, kernel: 3}",
        "filters must be a whole number, 1 or more; '$in / 5' is 12/5",
        (3, 21),
        None,
    ),
    "division by zero": (
        "  - conv: {filters: 4 / ($in - 12), kernel: 3}",
        "division by zero",
        (3, 23),
        None,
    ),
    "a negative repeat": (
        "  - relu:\n    repeat: -1",
        "repeat must be a whole number, 0 or more; got -1",
        (4, 13),
        None,
    ),
    "a product that is no number": (
        "  - conv: {filters: 2 * 64 - 200, kernel: 3}",
        "filters must be a whole number, 1 or more; '2 * 64 - 200' is -72",
        (3, 21),
        None,
    ),
    "a global pool that loses its axes": (
        "  - parallel: {branches: [[global_avg_pool], []], merge: multiply}",
        "layer 'parallel.multiply': cannot multiply 12 and 8×8×12: one has spatial axes",
        (3, 5),
        "keepdims: true",
    ),
    "a grouped transposed convolution": (
        "  - conv_transpose: {filters: 4, kernel: 3, groups: 2}",
        "groups must be 1 (Keras has no grouped transposed convolution); got 2",
        (3, 53),
        "upsample followed by a grouped conv",
    ),
    "a depthwise transposed convolution": (
        "  - conv_transpose: {filters: 4, kernel: 3, groups: depthwise}",
        "groups must be 1 (Keras has no grouped transposed convolution); got 'depthwise'",
        (3, 53),
        "upsample followed by a grouped conv",
    ),
    "computed groups of a transposed convolution": (
        "  - conv_transpose: {filters: 4, kernel: 3, groups: $in // 6}",
        "groups must be 1 (Keras has no grouped transposed convolution); '$in // 6' is 2",
        (3, 53),
        "upsample followed by a grouped conv",
    ),
    "a computed value in a list": (
        "  - conv: {filters: 4, kernel: [3, $in - 12]}",
        "kernel must be a whole number, 1 or more, or a list of one per spatial axis; "
        "[3, $in - 12] is [3, 0]",
        (3, 32),
        None,
    ),
    "groups of a norm": (
        "  - group_norm",
        "groups=32 does not divide the 12 channels of layer 'group_norm'",
        (3, 5),
        "1, 2, 3, 4, 6, 12",
    ),
    "a split that does not come out even": (
        "  - parallel: {branches: [[], [], [], [], []], split: true}",
        "the 12 channels of layer 'parallel' cannot be split between 5 branches",
        (3, 55),
        "must divide",
    ),
    "a shape of other values": (
        "  - reshape: {shape: [-1, 5]}",
        "layer 'reshape': 8×8×12 has 768 values, which do not fit [-1, 5]",
        (3, 22),
        None,
    ),
    "two open axes": (
        "  - reshape: {shape: [-1, -1]}",
        "shape must be a list of one to four whole numbers, 1 or more; one may be -1; got [-1, -1]",
        (3, 22),
        None,
    ),
    "nothing left of an axis": (
        "  - crop: {cropping: 4}",
        "layer 'crop': nothing is left of a size of 8",
        (3, 22),
        None,
    ),
    "an odd glu": (
        "  - conv: {filters: 3, kernel: 1}\n  - glu",
        "glu halves the channels of layer 'glu', which are 3",
        (4, 5),
        None,
    ),
    "an interpolation in one dimension": (
        "  - reshape: {shape: [64, 12]}\n  - upsample: {interpolation: bilinear}",
        "layer 'upsample': Keras supports bilinear interpolation only in two spatial dimensions",
        (4, 31),
        None,
    ),
    "a dilated transposed convolution": (
        "  - conv_transpose: {filters: 4, kernel: 3, dilation: 2}",
        "conv_transpose has no argument 'dilation'",
        (3, 45),
        "conv_transpose takes",
    ),
    "a threshold as an activation": (
        "  - conv: {filters: 4, kernel: 3, activation: threshold}",
        "activation must be celu,",
        (3, 47),
        None,
    ),
    "a pair of three": (
        "  - conv: {filters: 4, kernel: 3, padding: [[0, 1], [0, 1, 2]]}",
        "padding must be same, valid, causal, or a number of pixels on each side (one, or per axis "
        "one or [before, after]); got [0, 1, 2]",
        (3, 53),
        None,
    ),
    "a pair with a number below 0, from a variable": (
        "  - conv: {filters: 4, kernel: 3, padding: [[0, 3 - 4], [0, 1]]}",
        "padding must be same, valid, causal, or a number of pixels on each side (one, or per axis "
        "one or [before, after]); [0, 3 - 4] is [0, -1]",
        (3, 45),
        None,
    ),
    "pairs for too many axes": (
        "  - conv: {filters: 4, kernel: 3, padding: [[0, 1], [0, 1], [0, 1]]}",
        "layer 'conv': padding has 3 pairs, but the input has 2 spatial axes",
        (3, 44),
        "give one pair for all axes, or a list of 2",
    ),
    "a condition that is a number": (
        "  - relu:\n    when: $in",
        "when must be true or false; '$in' is 12",
        (4, 11),
        "!= 0",
    ),
    "a condition on a word": (
        "  - relu:\n    when: $in == relu",
        "'relu' has no meaning in the expression '$in == relu'",
        (4, 18),
        "only as variables",
    ),
    "a condition that is no truth": (
        "  - relu:\n    when: 3 - 2",
        "when must be true or false; '3 - 2' is 1",
        (4, 11),
        "!= 0",
    ),
    "a name used twice": (
        "  - relu:\n    name: a\n  - tanh:\n    name: a",
        "the name 'a' is already used by an earlier layer",
        (6, 11),
        "of its own",
    ),
    "nothing left": (
        "  - relu:\n    when: $in > 99",
        "the network has no layers left",
        (1, 1),
        None,
    ),
}


@pytest.mark.parametrize("case", SHAPES.values(), ids=list(SHAPES))
def test_shapes_and_values(case) -> None:
    text, message, place, hint = case
    found_message, found_place, found_hint = one(HEAD + text)
    assert found_message.startswith(message)
    assert found_place == place
    assert found_hint is None if hint is None else hint in found_hint
