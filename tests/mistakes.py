"""Mistakes in specs: what is said of each, and where it points."""

from __future__ import annotations

from specs import problems

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
        "padding must be same, valid, causal, or a number of pixels",
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
        "this item has no layer beside name and repeat",
        (3, 5),
        None,
    ),
    "a key beside a layer": (
        "  - relu:\n    filters: 64",
        "'filters' is beside 'relu' in one item",
        (4, 5),
        "indent it below relu",
    ),
    "arguments not indented": (
        "  - conv:\n    filters: 64\n    kernel: 3",
        "filters and kernel are beside 'conv' in one item, not below it",
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
        "padding must be same, valid, causal, or a number of pixels",
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
        "'tanh' is beside 'relu' in one item",
        (4, 5),
        "a dash of its own",
    ),
    "a bad name": ("  - relu:\n    name: a b", "'a b' cannot name a layer", (4, 11), "letters"),
    "a merge of one": (
        "  - add",
        "add reads two tensors or more, and this is one",
        (3, 5),
        "from: [-1",
    ),
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
        "write name: beside conv:",
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
        "did you mean 'concat'?",
    ),
    "a layer in short": ("  - bn", "unknown layer 'bn'", (3, 5), "did you mean 'batch_norm'?"),
    "a word for no activation": (
        "  - conv: {filters: 8, kernel: 3, activation: none}",
        "activation must be celu,",
        (3, 47),
        "to use no activation, leave it out",
    ),
    "a word for no norm": (
        "  - conv: {filters: 8, kernel: 3, norm: false}",
        "norm must be batch, layer, group or none; got false",
        (3, 41),
        "to use no norm, write norm: none",
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
