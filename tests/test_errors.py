"""Each kind of mistake in a spec: what is said, and where it points."""

from __future__ import annotations

from textwrap import dedent

import pytest
from specs import problems

from groupconv_cli.render.problems import problem_lines
from groupconv_cli.render.text import plain

HEAD = "input: [8, 8, 12]\nlayers:\n"


def one(text: str) -> tuple[str, tuple[int, int], str | None]:
    """Message, place and hint of the only problem."""
    (problem,) = problems(text)
    return problem.message, problem.place[1:], problem.hint


STRUCTURE = {
    "unknown layer": ("  - conv2d: {}", "unknown layer 'conv2d'", (3, 5), "'conv'"),
    "unknown key": (
        "  - conv: {filters: 8, kernel: 3, strides: 2}",
        "conv has no argument 'strides'",
        (3, 35),
        "'stride'",
    ),
    "missing": ("  - conv: {kernel: 3}", "conv needs filters", (3, 5), "for example: conv"),
    "missing two": ("  - conv", "conv needs filters and kernel", (3, 5), "for example"),
    "empty": (
        "  - conv: {filters: , kernel: 3}",
        "filters of conv is empty",
        (3, 12),
        None,
    ),
    "a word for a number": (
        "  - conv: {filters: many, kernel: 3}",
        "filters must be a whole number, 1 or more; got 'many'",
        (3, 21),
        None,
    ),
    "a fraction for a whole number": (
        "  - conv: {filters: 1.5, kernel: 3}",
        "filters must be a whole number, 1 or more; got 1.5",
        (3, 21),
        None,
    ),
    "zero": (
        "  - conv: {filters: 8, kernel: 0}",
        "kernel must be a whole number, 1 or more, or a list",
        (3, 32),
        None,
    ),
    "a number for a flag": (
        "  - conv: {filters: 8, kernel: 3, bias: 1}",
        "bias must be true or false; got 1",
        (3, 41),
        None,
    ),
    "yes for a flag": (
        "  - conv: {filters: 8, kernel: 3, bias: yes}",
        "bias must be true or false; got 'yes'",
        (3, 41),
        None,
    ),
    "another word": (
        "  - conv: {filters: 8, kernel: 3, padding: full}",
        "padding must be same, valid, or a number of pixels",
        (3, 44),
        None,
    ),
    "a list for a number": (
        "  - dense: {units: [1, 2]}",
        "units must be a whole number, 1 or more; got [1, 2]",
        (3, 20),
        None,
    ),
    "a long list for a number": (
        "  - dense: {units: [1, 2, 3, 4, 5, 6, 7]}",
        "units must be a whole number, 1 or more; got a list of 7",
        (3, 20),
        None,
    ),
    "a mapping for a number": (
        "  - dense: {units: {a: 1}}",
        "units must be a value, got a mapping with a",
        (3, 20),
        None,
    ),
    "a share above one": (
        "  - dropout: {rate: 1.5}",
        "rate must be a number, 0 or more, at most 1; got 1.5",
        (3, 21),
        None,
    ),
    "a number for arguments": (
        "  - conv: 64",
        "conv takes a mapping of arguments, got 64",
        (3, 11),
        "for example",
    ),
    "a number for a layer": ("  - 64", "expected a layer, got 64", (3, 5), "an item is"),
    "no layer in an item": (
        "  - {name: a, repeat: 2}",
        "no layer stands beside name and repeat",
        (3, 5),
        None,
    ),
    "a key beside a layer": (
        "  - relu:\n    filters: 64",
        "'filters' stands beside 'relu' in one item",
        (4, 5),
        "indent it below relu",
    ),
    "arguments not indented": (
        "  - conv:\n    filters: 64\n    kernel: 3",
        "filters and kernel stand beside 'conv' in one item, not below it",
        (4, 5),
        "indent them further than conv:",
    ),
    "a required key misspelt is one mistake": (
        "  - conv: {filters: 64, kernal: 3}",
        "conv has no argument 'kernal'",
        (3, 25),
        "'kernel'",
    ),
    "a word misspelt": (
        "  - conv: {filters: 64, kernel: 3, activation: rleu}",
        "activation must be celu, elu,",
        (3, 48),
        "did you mean 'relu'?",
    ),
    "a word in capitals": (
        "  - conv: {filters: 64, kernel: 3, padding: SAME}",
        "padding must be same, valid, or a number of pixels",
        (3, 45),
        "did you mean 'same'?",
    ),
    "a word for groups": (
        "  - conv: {filters: 64, kernel: 3, groups: depthwse}",
        "groups must be a whole number, 1 or more, or the word depthwise",
        (3, 44),
        "did you mean 'depthwise'?",
    ),
    "a variable without its sign": (
        "  - conv: {filters: in, kernel: 3}",
        "filters must be a whole number, 1 or more; got 'in'",
        (3, 21),
        "did you mean '$in'?",
    ),
    "two layers in an item": (
        "  - relu:\n    tanh:",
        "'tanh' stands beside 'relu' in one item",
        (4, 5),
        "a dash of its own",
    ),
    "a bad name": ("  - relu:\n    name: a b", "'a b' cannot name a layer", (4, 11), "letters"),
    "a merge as a layer": ("  - add", "unknown layer 'add'", (3, 5), "parallel"),
    "branches that are no list": (
        "  - parallel: {branches: relu}",
        "branches must be a list of branches",
        (3, 26),
        None,
    ),
    "a branch that is no list": (
        "  - parallel: {branches: [relu]}",
        "a branch must be a list of layers, got 'relu'",
        (3, 27),
        "- - conv",
    ),
    "a branch that is a layer": (
        "  - parallel:\n      branches:\n        - relu: {}\n        - - relu",
        "a branch must be a list of layers, got a mapping with relu",
        (5, 11),
        "- [conv: {…}]",
    ),
    "a name among the arguments": (
        "  - conv: {filters: 8, kernel: 3, name: stem}",
        "conv has no argument 'name'",
        (3, 35),
        "name: stands beside conv:",
    ),
    "an argument as Keras spells it": (
        "  - max_pool: {pool_size: 2}",
        "max_pool has no argument 'pool_size'",
        (3, 16),
        "did you mean 'size'?",
    ),
    "a flag as Keras spells it": (
        "  - conv: {filters: 8, kernel: 3, use_bias: true}",
        "conv has no argument 'use_bias'",
        (3, 35),
        "did you mean 'bias'?",
    ),
    "a layer as Keras calls it": (
        "  - BatchNormalization",
        "unknown layer 'BatchNormalization'",
        (3, 5),
        "did you mean 'batch_norm'?",
    ),
    "a transposed layer as Keras calls it": (
        "  - Conv2DTranspose: {}",
        "unknown layer 'Conv2DTranspose'",
        (3, 5),
        "did you mean 'conv_transpose'?",
    ),
    "a merge as Keras calls it": (
        "  - Concatenate",
        "unknown layer 'Concatenate'",
        (3, 5),
        "merge: concat}",
    ),
    "a layer in short": ("  - bn", "unknown layer 'bn'", (3, 5), "did you mean 'batch_norm'?"),
    "a word for no activation": (
        "  - conv: {filters: 8, kernel: 3, activation: none}",
        "activation must be celu,",
        (3, 47),
        "for none leave activation out",
    ),
    "a word for no norm": (
        "  - conv: {filters: 8, kernel: 3, norm: false}",
        "norm must be batch, layer or group; got false",
        (3, 41),
        "for none leave norm out",
    ),
    "a merge key": (
        "  - conv: {<<: {filters: 3}, kernel: 3}",
        "merge keys (<<) are not part of the language",
        (3, 12),
        "`blocks:`",
    ),
    "an unknown variable": (
        "  - conv: {filters: 2 * $n, kernel: 3}",
        "unknown variable '$n'",
        (3, 25),
        "declare it",
    ),
    "an expression that is none": (
        "  - conv: {filters: $in +, kernel: 3}",
        "the expression '$in +' ends too early",
        (3, 26),
        None,
    ),
}


@pytest.mark.parametrize("case", STRUCTURE.values(), ids=list(STRUCTURE))
def test_structure(case) -> None:
    text, message, place, hint = case
    found_message, found_place, found_hint = one(HEAD + text)
    assert found_message.startswith(message)
    assert found_place == place
    assert found_hint is None if hint is None else hint in found_hint


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
    "stride and dilation": (
        "  - conv: {filters: 4, kernel: 3, stride: 2, dilation: 2}",
        "layer 'conv': stride 2 and dilation 2 are both above 1",
        (3, 56),
        "another",
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
        "layer 'max_pool': a padding of 2 leaves windows of size 2 that hold nothing else",
        (3, 39),
        "smaller than its size",
    ),
    "the same for means": (
        "  - avg_pool: {size: 3, padding: [2, 3]}",
        "layer 'avg_pool': a padding of 3 leaves windows of size 3",
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
        "the body of layer 'residual' turns 8×8×12 into 6×6×4, which no 1×1 convolution",
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
        "layer 'upsample': Keras interpolates by bilinear in two spatial dimensions only",
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
    "a condition that is a number": (
        "  - relu:\n    when: $in",
        "when must be true or false; '$in' is 12",
        (4, 11),
        None,
    ),
    "a condition on a word": (
        "  - relu:\n    when: $in == relu",
        "'relu' has no meaning in the expression '$in == relu'",
        (4, 18),
        "only in a variable",
    ),
    "a condition that is no truth": (
        "  - relu:\n    when: 3 - 2",
        "when must be true or false; '3 - 2' is 1",
        (4, 11),
        None,
    ),
    "a name used twice": (
        "  - relu:\n    name: a\n  - tanh:\n    name: a",
        "the name 'a' is taken by a layer before",
        (6, 11),
        "of its own",
    ),
    "nothing left": ("  - relu:\n    when: $in > 99", "no layer is left", (1, 8), None),
}


@pytest.mark.parametrize("case", SHAPES.values(), ids=list(SHAPES))
def test_shapes_and_values(case) -> None:
    test_structure(case)


AN_INPUT = "one to three spatial sizes and then the channels, all whole numbers of 1 or more"

FILES = {
    "no mapping": ("- a\n- b", "expected a mapping, got [a, b]", (1, 1)),
    "no input": ("layers: [relu]", "'input' is missing", (1, 1)),
    "no layers": ("input: [8, 8, 3]", "'layers' is missing", (1, 1)),
    "empty layers": ("input: [8, 8, 3]\nlayers: []", "the network has no layers", (2, 1)),
    "layers that are no list": (
        "input: [8, 8, 3]\nlayers: {relu: }",
        "layers must be a list of layers, got a mapping with relu",
        (2, 9),
    ),
    "unknown key": ("inptu: 1\ninput: [8, 3]\nlayers: [relu]", "unknown key 'inptu'", (1, 1)),
    "a flat input": ("input: [8]\nlayers: [relu]", f"input must be {AN_INPUT}; got [8]", (1, 8)),
    "an input of words": (
        "input: [a, 3]\nlayers: [relu]",
        f"input must be {AN_INPUT}; got [a, 3]",
        (1, 8),
    ),
    "an input of zero": (
        "vars: {s: 0}\ninput: [$s, 3]\nlayers: [relu]",
        f"input must be {AN_INPUT}; [$s, 3] is [0, 3]",
        (2, 8),
    ),
    "an input that is no list": (
        "vars: {s: 8}\ninput: $s\nlayers: [relu]",
        f"input must be {AN_INPUT}; '$s' is 8",
        (2, 8),
    ),
    "a variant without a name": (
        "vars: {s: 8}\nvariants: {'': {s: 9}}\ninput: [8, 3]\nlayers: [relu]",
        "a variant needs a name",
        (2, 12),
    ),
    "a list for a name": ("name: [a]\ninput: [8, 3]\nlayers: [relu]", "name must be", (1, 7)),
    "a variable called in": (
        "vars: {in: 3}\ninput: [8, 3]\nlayers: [relu]",
        "'in' cannot name a variable",
        (1, 8),
    ),
    "variables in a circle": (
        "vars: {a: $b + 1, b: $a}\ninput: [8, $a]\nlayers: [relu]",
        "the variable 'a' has no value: a → b → a",
        (1, 22),
    ),
    "in outside a layer": (
        "vars: {a: $in}\ninput: [8, 3]\nlayers: [relu]",
        "unknown variable '$in'",
        (1, 11),
    ),
    "a block with a layer's name": (
        "blocks: {conv: {layers: [relu]}}\ninput: [8, 3]\nlayers: [relu]",
        "a block may not be called 'conv'",
        (1, 10),
    ),
    "a block without layers": (
        "blocks: {a: {params: {x: 1}}}\ninput: [8, 3]\nlayers: [relu]",
        "the block 'a' has no layers",
        (1, 10),
    ),
    "a block that uses itself": (
        "blocks: {a: {layers: [a]}}\ninput: [8, 3]\nlayers: [relu]",
        "the block 'a' uses itself: a → a",
        (1, 23),
    ),
    "blocks that use each other": (
        "blocks: {a: {layers: [b]}, b: {layers: [c]}, c: {layers: [a]}}\n"
        "input: [8, 3]\nlayers: [a]",
        "the block 'a' uses itself: a → b → c → a",
        (1, 59),
    ),
    "an unknown parameter": (
        "blocks: {a: {params: {width: 1}, layers: [relu]}}\ninput: [8, 3]\nlayers: [a: {widht: 2}]",
        "the block 'a' has no parameter 'widht'",
        (3, 14),
    ),
    "a missing parameter": (
        "blocks: {a: {params: {x}, layers: [relu]}}\ninput: [8, 3]\nlayers: [a]",
        "the block 'a' needs x",
        (3, 10),
    ),
    "a variant of no variable": (
        "variants: {big: {w: 3}}\ninput: [8, 3]\nlayers: [relu]",
        "variant 'big' sets 'w', which is no variable",
        (1, 18),
    ),
    "too many layers": (
        "input: [8, 3]\nlayers:\n  - relu:\n    repeat: 1000000000",
        "the network grows beyond 10,000 layers here",
        (3, 5),
    ),
    "too many empty items": (
        "blocks: {a: {layers: }}\ninput: [8, 3]\nlayers:\n  - a:\n    repeat: 1000000000",
        "the network grows beyond 50,000 items here",
        (4, 5),
    ),
}


@pytest.mark.parametrize("case", FILES.values(), ids=list(FILES))
def test_files(case) -> None:
    text, message, place = case
    found_message, found_place, _ = one(text)
    assert found_message.startswith(message)
    assert found_place == place


def test_independent_mistakes_are_reported_together_in_the_order_of_the_file() -> None:
    found = problems(
        """
        inptu: 3
        input: [8, 8, 12]
        blocks:
          a: {layers: [a]}
        layers:
          - conv: {filters: 64, kernel: 3, groups: 8, groups: 4}
          - conv: {filters: 64, kernel: 3, groups: 5}
          - conv: {filters: 64, kernel: 3, strides: 2}
          - conv3d: {}
          - dense: {units: -1}
        """
    )
    assert [problem.place.line for problem in found] == [2, 5, 7, 7, 8, 9, 10, 11]


def test_a_block_used_with_several_values_is_wrong_for_each() -> None:
    found = problems(
        """
        input: [8, 8, 12]
        blocks:
          cell: {params: {n}, layers: [conv: {filters: $n, kernel: 3, groups: 4}]}
          pair: {params: {n}, layers: [cell: {n: $n}, cell: {n: $n}]}
        layers:
          - pair: {n: 9}
          - pair: {n: 10}
          - pair: {n: 9}
        """
    )
    assert [problem.message.split(" of ")[0] for problem in found] == [
        "groups=4 does not divide the 9 filters",
        "groups=4 does not divide the 9 input channels or the 9 filters",
        "groups=4 does not divide the 9 input channels or the 10 filters",
        "groups=4 does not divide the 10 input channels or the 10 filters",
        "groups=4 does not divide the 10 input channels or the 9 filters",
    ]
    assert "(the block is used on line 5, from line 7)" in found[0].hint


def test_what_follows_from_a_mistake_is_not_reported() -> None:
    found = problems(
        """
        input: [8, 8, 12]
        layers:
          - conv: {filters: many, kernel: 3}
          - conv: {filters: 2 * $in, kernel: 100, padding: valid}
          - residual: {body: [flatten]}
        """
    )
    assert [problem.place.line for problem in found] == [4]


def test_a_problem_shows_the_line_and_marks_the_place() -> None:
    text = """\
        name: x
        input: [8, 8, 12]
        layers:
          - conv: {filters: 64, kernel: 3, groups: 8}
    """
    shown = plain(problem_lines(problems(text)))
    assert shown == dedent(
        """\
        spec.yaml:4:44: error: groups=8 does not divide the 12 input channels of layer 'conv'
            4 |   - conv: {filters: 64, kernel: 3, groups: 8}
              |                                            ^
          12 input and 64 output channels share these divisors: 1, 2, 4
        """
    )


def test_the_mark_stands_under_its_place_after_wide_and_invisible_characters() -> None:
    shown = plain(problem_lines(problems("input: [8, 3]\nlayers: ['漢\\u200b', relu, konv]")))
    excerpt, mark = shown.splitlines()[5:7]
    # 漢 is two columns wide
    assert excerpt.index("konv") + 1 == mark.index("^")


def test_long_lines_are_shown_around_the_place() -> None:
    text = "input: [8, 3]\nlayers: [" + "relu, " * 200 + "konv, " + "relu, " * 200 + "]"
    lines = plain(problem_lines(problems(text))).splitlines()
    assert max(map(len, lines)) < 130
    assert lines[1][lines[2].index("^") :].startswith("konv")


def test_a_mistake_in_text_that_an_alias_uses_names_the_line_of_the_alias() -> None:
    (problem,) = problems(
        """
        input: [8, 8, 12]
        layers:
          - &twice
            conv: {filters: 12, kernel: 3, groups: 4}
          - conv: {filters: 10, kernel: 3}
          - *twice
          - relu
        """
    )
    assert problem.message.startswith("groups=4 does not divide the 10 input channels")
    assert problem.place[1:] == (5, 44)
    assert problem.hint.endswith(" (an alias uses this again on line 7)")
    (problem,) = problems("input: [8, 3]\nlayers: [&a konv, *a,\n *a]")
    assert problem.hint.endswith(" (an alias uses this again on line 2 and line 3)")
    (problem,) = problems("input: [8, 3]\nlayers: [&a relu, *a, konv, *a]")
    assert "alias" not in problem.hint


def test_what_layers_there_are_is_listed_once() -> None:
    found = problems("input: [8, 3]\nlayers: [xyzzy, quux, xyzzy]")
    assert [problem.hint is None for problem in found] == [False, True, True]


def test_a_value_given_from_outside_is_not_said_to_stand_in_a_block() -> None:
    text = """
        input: [8, 3]
        vars: {n: 4}
        blocks:
          a: {layers: [dense: {units: $n}, dense: {units: $n - $n}]}
        layers: [a]
    """
    (outside,) = problems(text, settings={"n": "1/0"})
    assert (outside.place.source.name, outside.hint) == ("--set n", None)
    (inside,) = problems(text)
    assert inside.hint == "(the block is used on line 6)"


def test_only_the_first_of_many_problems_are_shown() -> None:
    text = "input: [8, 3]\nlayers: [" + "konv, " * 50 + "]"
    assert plain(problem_lines(problems(text))).endswith("and 30 more problems\n")


def nested_blocks() -> str:
    blocks = "\n".join(
        f"  b{i}: {{layers: [b{i + 1}, b{i + 1}, b{i + 1}, b{i + 1}]}}" for i in range(30)
    )
    return f"blocks:\n{blocks}\n  b30: {{layers: [relu]}}\ninput: [8, 3]\nlayers: [b0]"


def nested_composites() -> str:
    def nest(layer: str, times: int) -> str:
        return "residual: {body: [" * times + layer + "]}" * times

    blocks = "\n".join(f"  b{i}: {{layers: [{nest(f'b{i + 1}', 12)}]}}" for i in range(38))
    return f"blocks:\n{blocks}\n  b38: {{layers: [relu]}}\ninput: [8, 3]\nlayers: [b0]"


def chained(text: str, count: int) -> str:
    values = ", ".join(f"v{i}: {text.format(f'$v{i + 1}')}" for i in range(count))
    return f"vars: {{{values}, v{count}: 1}}\ninput: [8, 3]\nlayers: [dense: {{units: $v0}}]"


def many(text: str, count: int) -> str:
    return ", ".join(text.format(i) for i in range(count))


HOSTILE = {
    "blocks that double": (nested_blocks(), "grows beyond"),
    "repeats": ("input: [8, 3]\nlayers: [{relu: , repeat: 999999999}]", "grows beyond"),
    "composites in blocks in composites": (nested_composites(), "nested more than 80 levels"),
    "chained variables": (chained("{}", 500), "has no value"),
    "chained sums": (chained("{}" + " + 1" * 40, 38), ""),
    "lists of lists by name": (
        chained("[" + ", ".join(["{0}"] * 10) + "]", 20),
        "a list within a list is no value",
    ),
    "deep lists": (chained("[" * 50 + "{}" + "]" * 50, 38), "a list within a list"),
    "many branches": (
        "input: [8, 3]\nlayers:\n  - parallel: {branches: ["
        + "[], " * 15_000
        + "]}\n    repeat: 200",
        "grows beyond",
    ),
    "many parameters": (
        f"blocks: {{a: {{layers: [relu], params: {{{many('p{}: 1', 4000)}}}}}}}\ninput: [8, 3]\n"
        f"layers:\n  - a: {{{many('p{}: 2', 4000)}}}\n    repeat: 2000",
        "grows beyond",
    ),
    "many unknown names": (
        f"vars: {{{many('v{}: 1', 15_000)}}}\ninput: [8, 3]\n"
        f"layers: [{many('dense: {{units: $w{}}}', 1000)}]",
        "unknown variable",
    ),
    "long names": (
        f"input: [8, 3]\nlayers: [{{relu: , name: {'a' * 20_000}, repeat: 9000}}]",
        "cannot name a layer",
    ),
    "long keys": (f"input: [8, 3]\n{'k' * 900}: 1\nlayers: [relu]", "a key of 900 characters"),
    "sizes beyond writing": (
        "input: [8, 3]\nlayers:\n  - depthwise_conv: {kernel: 1, multiplier: 1000000000000000}\n"
        "    repeat: 400",
        "too large",
    ),
}


@pytest.mark.parametrize("case", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_specs_end_in_an_error(case) -> None:
    """That the test ends is the test: without bounds these take hours or all memory."""
    text, message = case
    found = problems(text)
    assert any(message in problem.message for problem in found) or not message
    assert len(plain(problem_lines(found))) < 20_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blocks: {{b0: {{layers: [relu]}}{}}}\ninput: [8, 3]\nlayers: [b{}]", "more than 40 deep"),
    ],
)
def test_blocks_may_be_nested_forty_deep(text: str, message: str) -> None:
    for depth in (39, 40):
        blocks = "".join(f", b{i}: {{layers: [b{i - 1}]}}" for i in range(1, depth + 1))
        found = problems(text.format(blocks, depth))
        assert [message in problem.message for problem in found] == [True] * (depth > 39)


def test_two_hundred_problems_are_enough() -> None:
    found = problems("input: [8, 3]\nlayers: [" + "konv, " * 5000 + "]")
    assert len(found) == 200


def test_a_name_has_at_most_a_hundred_characters() -> None:
    text = "name: {}\ninput: [8, 3]\nlayers: [relu]"
    assert not problems(text.format("a" * 100))
    (problem,) = problems(text.format("a" * 101))
    assert "100 characters at most" in problem.message
