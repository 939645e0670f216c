"""Mistakes in a spec as they are reported: together, in order, marked, and up to a limit."""

from __future__ import annotations

from textwrap import dedent

import pytest
from specs import problems

from groupconv_cli.render.flow import plain
from groupconv_cli.render.problems import problem_lines


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


def test_of_a_from_among_the_arguments_only_that_is_said() -> None:
    text = """
        input: [8, 8, 4]
        layers:
          - relu:
            name: x
          - add: {from: [x, input]ANOTHER}
    """
    (found,) = problems(text.replace("ANOTHER", ""))
    assert (found.message, found.place.line) == ("add has no argument 'from'", 6)
    assert "write from: beside add:" in found.hint
    found, other = problems(text.replace("ANOTHER", ", scale: 2"))
    assert other.message == "add has no argument 'scale'"


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
        "nested too deeply",
    ),
    "deep lists": (chained("[" * 50 + "{}" + "]" * 50, 38), "nested too deeply"),
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
