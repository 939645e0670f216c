"""What follows a layer that objects is checked against a sound shape, or not at all."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from cases import CASES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_specs import conv, plain_layer
from running import run_gconv
from specs import examples, problems

from groupconv_cli import SpecError, load
from groupconv_cli.errors import OpError
from groupconv_cli.language.shapes import shape_in_spite, worked_out

EXAMPLES = examples(100)


@pytest.mark.parametrize(
    "after",
    [
        "depthwise_conv: {kernel: 1}",
        "channel_shuffle: {groups: 2}",
        "group_norm: {groups: 2}",
        "separable_conv: {filters: 4, kernel: 1}",
        "conv: {filters: 4, kernel: 1, groups: 4}",
        "conv: {filters: 4, kernel: 1, groups: depthwise}",
        "squeeze_excite: {filters: 2}",
        "reshape: {shape: [-1, 3]}",
        "residual: {body: [conv: {filters: 4, kernel: 1}], shortcut: project}",
        "parallel: {branches: [[relu], [relu]], split: true}",
        "glu",
        "dense: {units: 3}",
        "layer_norm",
    ],
)
def test_behind_a_layer_that_would_leave_no_channels_nothing_else_is_said(after: str) -> None:
    found = problems(f"input: [8, 1]\nlayers:\n- glu\n- {after}")
    assert len(found) == 1
    assert "'glu'" in found[0].message


@pytest.mark.parametrize("command", ["check", "summary", "compare", "diff"])
def test_commands_say_what_is_wrong_and_no_more(tmp_path, command: str) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("input: [8, 1]\nlayers: [glu, depthwise_conv: {kernel: 1}]\n")
    result = run_gconv(command, spec, *(["basic"] if command == "diff" else []))
    assert result.status == 2
    assert (result.out + result.err).count("glu") >= 1
    assert "bug" not in result.out + result.err


def test_a_layer_behind_an_objection_is_still_checked_where_the_shape_is_sound() -> None:
    found = problems(
        "input: [8, 8, 4]\nlayers: [conv: {filters: 6, kernel: 3, groups: 3}, "
        "conv: {filters: 8, kernel: 3, groups: 4}]"
    )
    assert ["groups=3" in found[0].message, "groups=4" in found[1].message] == [True, True]


def test_objections_side_by_side_are_not_taken_for_nesting() -> None:
    branch = [{"residual": {"body": [{"conv": {"filters": 9, "kernel": 3}}]}}]
    with pytest.raises(SpecError) as error:
        load({"input": [8, 8, 4], "layers": [{"parallel": {"branches": [branch] * 90}}]})
    assert len(error.value.diagnostics) == 90
    assert all("turns 8×8×4 into 8×8×9" in each.message for each in error.value.diagnostics)


@st.composite
def careless(draw: st.DrawFn, depth: int = 2) -> list[Any]:
    """Layers that may stand on one another or not."""
    made = []
    for _ in range(draw(st.integers(1, 5))):
        rank, channels = draw(st.integers(1, 2)), draw(st.integers(1, 6))
        kind = draw(st.sampled_from(["conv", "plain", "plain", "glu", "crop", "composite"]))
        if kind == "composite" and depth:
            body = careless(depth=depth - 1)
            shortcut = draw(st.sampled_from(["identity", "project", "if_same"]))
            branches = {"branches": draw(st.lists(body, max_size=3, min_size=1))}
            made.append(
                draw(
                    st.sampled_from(
                        [
                            {"residual": {"body": draw(body), "shortcut": shortcut}},
                            {"parallel": {**branches, "merge": "add"}},
                            {"parallel": {**branches, "split": True}},
                        ]
                    )
                )
            )
        elif kind == "conv":
            made.append(conv(draw, rank, channels))
        elif kind == "crop":
            made.append({"crop": {"cropping": draw(st.integers(0, 3))}})
        else:
            made.append("glu" if kind == "glu" else plain_layer(draw, rank, channels))
    return made


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(1, 6), min_size=2, max_size=3), careless())
def test_layers_that_may_not_stand_on_one_another_are_a_network_or_mistakes(shape, made) -> None:
    with suppress(SpecError):
        net = load({"input": shape, "layers": made})
        assert all(min(node.shape) >= 1 for node in net.nodes)


SHAPES = [
    *((channels,) for channels in (1, 2, 3, 7)),
    *product((1, 3, 5), (1, 2, 3, 8)),
    *product((1, 4), (1, 5), (1, 2, 6, 9)),
    *((1, 2, 3, channels) for channels in (1, 4, 5)),
]


def test_every_op_that_objects_hands_on_a_sound_shape_or_none() -> None:
    """Every op of the cases, on inputs of every rank, most of which it cannot take."""
    objections = 0
    for op, inputs in {case.op: len(case.inputs) for case in CASES if case.inputs}.items():
        takes = product(SHAPES[::3], repeat=2) if inputs > 1 else ((shape,) for shape in SHAPES)
        for shapes in takes:
            try:
                worked_out(op, shapes)
            except OpError:
                objections += 1
                shape = shape_in_spite(op, shapes)
                assert shape is None or min(shape) >= 1, (op, shapes)
    assert objections > 1000
