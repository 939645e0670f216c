"""Named tensors: `from`, merges as layers, several inputs and outputs, blocks with inputs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from specs import names, network, problems

from groupconv_cli import Network, build
from groupconv_cli.network import Node


def reads(net: Network) -> dict[str, list[str]]:
    """The names of the layers that each layer reads."""
    return {node.name: [net.nodes[index].name for index in node.inputs] for node in net.layers}


def outputs(net: Network) -> list[str]:
    return [net.nodes[index].name for index in net.outputs]


PYRAMID = """
input: [32, 32, 3]
layers:
  - conv: {filters: 8, kernel: 3, stride: 2}
    name: c2
  - conv: {filters: 16, kernel: 3, stride: 2}
    name: c3
  - conv: {filters: 4, kernel: 1}
    name: top
  - upsample: {size: 2}
  - conv: {filters: 4, kernel: 1}
    from: c2
    name: lateral
  - add:
    from: [-2, lateral]
  - conv: {filters: 4, kernel: 3}
    name: p2
outputs: [p2, top]
"""


def test_names_and_distances_say_what_a_layer_reads() -> None:
    net = network(PYRAMID)
    assert reads(net) == {
        "c2": ["input"],
        "c3": ["c2"],
        "top": ["c3"],
        "upsample": ["top"],
        "lateral": ["c2"],
        "add": ["upsample", "lateral"],
        "p2": ["add"],
    }
    assert outputs(net) == ["p2", "top"]
    assert {node.name: node.shape for node in net.nodes}["add"] == (16, 16, 4)


def test_the_model_has_the_same_graph() -> None:
    model = build(network(PYRAMID))
    assert [tuple(each.shape) for each in model.outputs] == [(None, 16, 16, 4), (None, 8, 8, 4)]
    by_hand = 9 * 3 * 8 + 8 + 9 * 8 * 16 + 16 + 16 * 4 + 4 + 8 * 4 + 4 + 9 * 4 * 4 + 4
    assert model.count_params() == by_hand


def test_every_repetition_counts_as_one() -> None:
    net = network(
        """
        input: [8, 8, 4]
        layers:
          - conv: {filters: $f, kernel: $k}
            each: {f: [2, 3, 5], k: [1, 3, 5]}
            from: input
          - concat:
            from: [-3, -1, -2]
        """
    )
    assert reads(net)["concat"] == ["conv", "conv_3", "conv_2"]
    assert net.nodes[-1].shape == (8, 8, 10)
    assert all(reads(net)[name] == ["input"] for name in ("conv", "conv_2", "conv_3"))


def test_a_distance_moves_with_the_repetitions() -> None:
    """Fibonacci: every add reads the two before it."""
    net = network(
        """
        input: [8, 8, 4]
        layers:
          - relu
          - add:
            from: [-1, -2]
            repeat: 4
        """
    )
    chain = ["input", "relu", "add", "add_2", "add_3", "add_4"]
    for (older, old), name in zip(pairwise(chain), chain[2:], strict=False):
        assert reads(net)[name] == [old, older]


def test_a_name_stands_for_the_last_repetition_and_is_known_in_lists_inside() -> None:
    net = network(
        """
        input: [8, 8, 4]
        layers:
          - conv: {filters: 4, kernel: 3}
            repeat: 2
            name: stem
          - parallel:
              merge: add
              branches:
                - [relu, {add: , from: [-1, stem]}]
                - [tanh]
        """
    )
    assert reads(net)["parallel.branch_1.add"] == ["parallel.branch_1.relu", "stem_2"]


BLOCK = """
inputs: {low: [8, 8, 6], high: [16, 16, 4]}
blocks:
  up:
    inputs: [x, skip]
    params: {f: $in}
    layers:
      - conv_transpose: {filters: $f, kernel: 2, stride: 2}
      - concat:
        from: [-1, skip]
      - conv: {filters: $f, kernel: 3}
        when: $in == 6
layers:
  - up:
    from: [low, high]
"""


def test_a_block_reads_several_tensors_and_in_counts_the_first() -> None:
    net = network(BLOCK)
    assert [node.name for node in net.nodes[:2]] == ["low", "high"]
    assert net.input_shapes == ((8, 8, 6), (16, 16, 4))
    assert reads(net)["up.concat"] == ["up.conv_transpose", "high"]
    assert net.nodes[-1].shape == (16, 16, 6)
    model = build(net)
    assert [tuple(each.shape[1:]) for each in model.inputs] == [(8, 8, 6), (16, 16, 4)]
    assert model.count_params() == 6 * 6 * 4 + 6 + (6 + 4) * 6 * 9 + 6


OFF = """
input: [8, 8, 4]
vars: {aux: true, wide: true}
layers:
  - conv: {filters: 4, kernel: 3}
    name: body
  - conv: {filters: 2, kernel: 1}
    name: head
    when: $aux
  - conv: {filters: 4, kernel: 1}
    name: side
    from: body
    when: $wide
  - add:
    from: [side, body]
    name: end
outputs: [end, head]
"""


def test_an_item_that_is_off_adds_nothing_and_its_name_is_what_it_would_have_read() -> None:
    assert outputs(network(OFF)) == ["end", "head"]
    net = network(OFF, settings={"aux": False, "wide": False})
    assert outputs(net) == ["end"]
    assert reads(net) == {"body": ["input"], "end": ["body", "body"]}


def test_a_project_shortcut_knows_the_stride_of_a_body_with_names() -> None:
    net = network(
        """
        input: [8, 8, 4]
        layers:
          - residual:
              shortcut: project
              body:
                - conv: {filters: 6, kernel: 3, stride: 2}
                  name: a
                - conv: {filters: 6, kernel: 3}
                - add:
                  from: [-1, a]
        """
    )
    assert net.nodes[-1].shape == (4, 4, 6)
    assert "residual.shortcut.conv" in names(net)


def test_channel_shuffle_takes_the_groups_of_what_it_reads() -> None:
    net = network(
        """
        input: [8, 8, 12]
        layers:
          - conv: {filters: 12, kernel: 3, groups: 4}
            name: a
          - conv: {filters: 12, kernel: 3, groups: 3}
            from: input
            name: b
          - channel_shuffle:
            from: a
          - add:
            from: [-1, b]
        """
    )
    shuffle: Node = next(node for node in net.nodes if node.name == "channel_shuffle")
    assert shuffle.groups == 4


HEAD = "input: [8, 8, 4]\nlayers:\n"
MISTAKES = {
    "a name of nothing": (
        "  - relu:\n    name: stem\n  - relu:\n    from: stam\n",
        "from reads 'stam', and no item before it has this name",
        (6, 11),
        "did you mean 'stem'?",
    ),
    "a later item": (
        "  - relu:\n    from: b\n  - relu:\n    name: b\n",
        "from reads 'b', which comes later",
        (4, 11),
        "from reads items before it",
    ),
    "itself": (
        "  - relu:\n    name: a\n    from: a\n",
        "from reads 'a', which is this item itself",
        (5, 11),
        "from reads items before it",
    ),
    "the item around it": (
        "  - residual:\n      body: [{relu: , from: r}]\n    name: r\n",
        "from reads 'r', which is the item around it",
        (4, 29),
        "from reads items before it",
    ),
    "another list": (
        "  - residual: {body: [{relu: , name: r}]}\n  - relu:\n    from: r\n",
        "from reads 'r', which is in another list of layers",
        (5, 11),
        "in its own list",
    ),
    "too far": (
        "  - relu\n  - relu:\n    from: -3\n",
        "from reads -3, and only 1 item stands before it in its list",
        (5, 11),
        "counts the items of one list",
    ),
    "before the first": (
        "  - relu:\n    from: -2\n",
        "from reads -2, and this is the first item of its list",
        (4, 11),
        None,
    ),
    "a distance of 0": (
        "  - relu:\n    from: 0\n",
        "a distance of from is below 0, got 0",
        (4, 11),
        "-1 is the item before",
    ),
    "a variable": (
        "  - relu:\n    from: $a\n",
        "from reads '$a'",
        (4, 11),
        "as they are written",
    ),
    "nothing": ("  - relu:\n    from: []\n", "from is empty", (4, 11), "from: stem"),
    "two for one": (
        "  - relu:\n    name: a\n  - conv: {filters: 4, kernel: 1}\n    from: [a, -1]\n",
        "conv reads one tensor, not 2",
        (6, 11),
        "concat: with from: [a, b]",
    ),
    "nobody reads it": (
        "  - conv: {filters: 4, kernel: 1}\n  - relu:\n    from: input\n",
        "nothing reads layer 'conv'",
        (3, 5),
        "name it in outputs:",
    ),
    "an output of nothing": (
        "  - relu\noutputs: [rel]\n",
        "outputs has 'rel', and no item has this name",
        (4, 11),
        None,
    ),
    "an output twice": (
        "  - relu:\n    name: a\noutputs: [a, a]\n",
        "outputs has 'a' twice",
        (5, 14),
        None,
    ),
    "an input as an output": (
        "  - relu:\n    name: a\noutputs: [a, input]\n",
        "the output is the input 'input' itself",
        (5, 14),
        None,
    ),
    "outputs that differ": (
        "  - conv: {filters: 5, kernel: 1}\n    name: a\n  - add:\n    from: [a, input]\n",
        "layer 'add': cannot add 8×8×5 and 8×8×4: the shapes differ",
        (6, 11),
        "a is 8×8×5 and input is 8×8×4; give them the same filters, strides and padding",
    ),
    "a name of an input": (
        "  - conv: {filters: 5, kernel: 1}\n    name: input\n",
        "the name 'input' is already used by an input",
        (4, 11),
        "a name of its own",
    ),
}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_told_at_its_place(case) -> None:
    text, message, place, hint = case
    (problem,) = problems(HEAD + text)
    assert problem.message.startswith(message)
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == place
    assert hint is None or hint in (problem.hint or "")


def test_names_do_not_reach_into_a_block() -> None:
    text = (
        "input: [8, 8, 4]\nblocks: {b: {layers: [{add: , from: [-1, stem]}]}}\n"
        "layers: [{relu: , name: stem}, b]\n"
    )
    (problem,) = problems(text)
    assert problem.message == "from reads 'stem', and no item before it has this name"


def test_a_block_with_inputs_says_how_many_it_reads() -> None:
    (problem,) = problems(BLOCK.replace("from: [low, high]", "from: low"))
    assert problem.message == "the block 'up' reads x and skip, not 1 tensor"
    assert problem.hint == "from: gives one tensor for each, as in from: [-1, skip]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inputs: {}\nlayers: [relu]\n", "inputs names no input"),
        ("inputs: [a]\nlayers: [relu]\n", "inputs must be a mapping of names to sizes, got [a]"),
        (
            "input: [8, 3]\ninputs: {a: [8, 3]}\nlayers: [relu]\n",
            "a spec has input or inputs, not both",
        ),
        ("inputs: {a: [8, 3], b: [8, 3]}\nlayers: [relu]\n", "nothing reads the input 'b'"),
        ("inputs: {a b: [8, 3]}\nlayers: [relu]\n", "'a b' cannot name an input"),
        ("inputs: {a: [8]}\nlayers: [relu]\n", "a must be one to three spatial sizes"),
        ("input: [8, 3]\nlayers: [relu]\noutputs: {a: b}\n", "outputs must be a list of names"),
        ("input: [8, 3]\nlayers: [relu]\noutputs: []\n", "outputs names no item"),
    ],
)
def test_mistakes_of_inputs_and_outputs(text: str, message: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert found[0].message.startswith(message)


def test_a_hint_is_told_once_and_apart_from_the_message() -> None:
    (problem,) = problems(HEAD + "  - relu\n  - add:\n    from: [-1, -20]\n")
    assert problem.message == "from reads -20, and only 1 item stands before it in its list"
    assert problem.hint == "a distance counts the items of one list, and every repetition as one"


def test_the_type_of_a_layer_is_no_name() -> None:
    (problem,) = problems(HEAD + "  - tanh\n  - relu\n  - add:\n    from: [-1, tanh]\n")
    assert problem.hint == "the type of a layer is no name; give that item one: name: tanh"


def test_what_nothing_reads_can_be_read_as_the_hint_says() -> None:
    """For a repetition, which has no name of its own; and for an input of a block."""
    text = HEAD + "  - relu:\n    repeat: 2\n    from: input\n    name: r\n  - tanh\n"
    (problem,) = problems(text)
    assert problem.hint == "read every repetition, for example by from: [-1, -2]"
    assert not problems(text.replace("  - tanh\n", "  - add:\n    from: [-1, -2]\n"))
    block = "blocks: {b: {inputs: [x, y], layers: [relu]}}\n"
    (problem,) = problems(block + HEAD + "  - relu\n  - b:\n    from: [-1, input]\n")
    assert problem.message == "nothing reads the input 'y' of the block 'b'"
