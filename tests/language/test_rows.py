"""Lists, rows of them and the count of repetitions: `each` and `$i`."""

from __future__ import annotations

import pytest
from specs import network, problems

HEAD = "input: [8, 8, 12]\nlayers:\n"


def filters(text: str) -> list[int]:
    return [node.shape[-1] for node in network(text).layers]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  - conv: {filters: $w, kernel: $k}\n    each: {w: [8, 16], k: [1, 3]}", [8, 16]),
        ("  - conv: {filters: 4 * $i + 4, kernel: 1}\n    repeat: 3", [4, 8, 12]),
        ("  - conv: {filters: $w + $i, kernel: 1}\n    each: {w: [8, 8, 8]}", [8, 9, 10]),
        ("  - conv: {filters: $w, kernel: 1}\n    each: {w: [8, 16]}\n    when: $w > 8", [16]),
        ("  - conv: {filters: $w, kernel: 1}\n    each: {w: [8, 16]}\n    when: $i == 0", [8]),
        ("  - relu:\n    each: {w: []}\n  - relu", [12]),
    ],
)
def test_an_item_is_repeated_for_every_row(text: str, expected: list[int]) -> None:
    assert filters(HEAD + text) == expected


def test_lists_come_from_variables_and_hold_expressions() -> None:
    text = (
        "input: [8, 8, 12]\nvars: {widths: [4, 8], n: 2}\nlayers:\n"
        "  - conv: {filters: $w * $m, kernel: 1}\n    each: {w: $widths, m: [$n, 3 * $n]}\n"
    )
    assert filters(text) == [8, 48]


def test_rows_reach_into_branches_but_not_into_blocks() -> None:
    text = HEAD + (
        "  - residual: {body: [conv: {filters: $w, kernel: 1}], shortcut: project}\n"
        "    each: {w: [8, 16]}\n"
    )
    assert filters(text)[0] == 8
    (problem,) = problems(
        "input: [8, 8, 12]\nblocks:\n  b: {layers: [conv: {filters: $w, kernel: 1}]}\n"
        "layers:\n  - b:\n    each: {w: [8, 16]}\n"
    )
    assert problem.message == "unknown variable '$w'"


def test_a_variable_called_i_stays_what_it_is() -> None:
    text = "input: [8, 8, 12]\nvars: {i: 7}\nlayers:\n  - conv: {filters: $i, kernel: 1}\n"
    assert filters(text + "    repeat: 2\n") == [7, 7]


def test_in_is_that_of_the_layer_and_in_a_block_that_of_the_block() -> None:
    layer = "  - conv: {filters: $in + $w, kernel: 1}\n    each: {w: [1, 2]}\n"
    assert filters(HEAD + layer) == [13, 15]
    block = f"input: [8, 8, 12]\nblocks:\n  b:\n    layers:\n    {layer}layers: [b]\n"
    assert filters(block.replace("\n    each", "\n        each")) == [13, 14]


@pytest.mark.parametrize(
    ("item", "message", "place"),
    [
        (
            "relu:\n    each: [1, 2]",
            "each must be a mapping of names to lists, got [1, 2]",
            (4, 11),
        ),
        ("relu:\n    each: {}", "each must be a mapping of names to lists", (4, 11)),
        ("relu:\n    each: {w: 3}", "w of each must be a list, got 3", (4, 15)),
        ("relu:\n    each: {w: }", "w of each must be a list, got nothing", (4, 15)),
        ("relu:\n    each: {in: [1]}", "'in' cannot name a value of each", (4, 12)),
        ("relu:\n    each: {i: [1]}", "'i' cannot name a value of each", (4, 12)),
        ("relu:\n    each: {w: [1]}\n    repeat: 2", "each or repeat, not both", (5, 5)),
        ("relu:\n    each: {w: [1, 2], k: [3]}", "k of each has 1 value, and w has 2", (4, 26)),
        ("relu:\n    each: {w: 2 * $in}", "w of each must be a list; '2 * $in' is 24", (4, 15)),
        ("relu:\n    each: {w: $v}", "unknown variable '$v'", (4, 15)),
        ("conv: {filters: $i, kernel: 1}", "unknown variable '$i'", (3, 21)),
        ("conv: {filters: 8, kernel: 1}\n    repeat: $i", "unknown variable '$i'", (4, 13)),
    ],
)
def test_mistakes_in_rows(item: str, message: str, place: tuple[int, int]) -> None:
    (problem,) = problems(f"{HEAD}  - {item}\n")
    assert message in problem.message
    assert problem.place[1:] == place


def test_rows_are_bounded_as_repeats_are() -> None:
    text = HEAD + f"  - relu:\n    each: {{w: [{', '.join('1' * 10_001)}]}}\n"
    (problem,) = problems(text)
    assert problem.message == "the network grows beyond 5,000 layers here"


def test_rows_of_one_use_of_a_block_have_one_problem_at_a_place() -> None:
    """Another use has its own; the next rows mostly fail because of the first."""
    text = """
        input: [8, 8, 8]
        blocks:
          b: {params: {f, g}, layers: [conv: {filters: $f, kernel: 3, groups: $g}]}
        layers:
          - b: {f: $f, g: 3}
            each: {f: [8, 10, 11]}
          - b: {f: 8, g: 5}
    """
    found = problems(text)
    assert [each.message.partition(" ")[0] for each in found] == ["groups=3", "groups=5"]
    assert [(each.hint or "").rpartition("(")[2] for each in found] == [
        "the block is used on line 6)",
        "the block is used on line 8)",
    ]
