"""Variables that hold sizes for each axis, and pairs for each side."""

from __future__ import annotations

import pytest
from specs import network

from groupconv_cli import SpecError, load

SPEC = """
    input: [8, 8, 4]
    vars: {{sides: {sides}, k: [3, 1]}}
    blocks:
      b: {{params: {{p}}, layers: [conv: {{filters: 4, kernel: $k, padding: $p}}]}}
    layers:
      - b: {{p: $sides}}
"""


@pytest.mark.parametrize(
    ("sides", "shape"),
    [
        ("1", (8, 10, 4)),  # 8 + 2 - 2, 8 + 2
        ("[1, 2]", (8, 12, 4)),
        ("[[0, 1], [2, 0]]", (7, 10, 4)),
        ("[[0, $i1], [2, 0]], i1: 4", (10, 10, 4)),
        ("[$pair, $pair], pair: [1, 0]", (7, 9, 4)),
    ],
)
def test_pairs_go_through_variables_and_parameters(sides: str, shape: tuple[int, ...]) -> None:
    assert network(SPEC.format(sides=sides)).nodes[-1].shape == shape


@pytest.mark.parametrize("value", ["[[0, 1], [2, 0]]", [[0, 1], [2, 0]]])
def test_a_setting_may_be_one(value: object) -> None:
    spec = {
        "input": [8, 8, 4],
        "vars": {"sides": 0},
        "layers": [{"conv": {"filters": 4, "kernel": [3, 1], "padding": "$sides"}}],
    }
    assert load(spec, settings={"sides": value}).nodes[-1].shape == (7, 10, 4)


def test_rows_may_have_pairs() -> None:
    spec = {
        "input": [8, 8, 4],
        "layers": [
            {
                "conv": {"filters": 4, "kernel": "$k", "padding": "$p"},
                "each": {"k": [[3, 1], [1, 3]], "p": [[[0, 1], [2, 0]], 0]},
            }
        ],
    }
    assert [node.shape for node in load(spec).layers] == [(7, 10, 4), (7, 8, 4)]


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ("[[[0, 1]]]", "the variable 'sides' must be a value, got lists that are nested too"),
        ("[$x, 1], x: [[1, 2], 3]", "these lists are nested too deeply"),
        ("[[0, 1], [0, 1], [0, 1]]", "padding"),
    ],
)
def test_deeper_lists_are_refused(sides: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        network(SPEC.format(sides=sides))
