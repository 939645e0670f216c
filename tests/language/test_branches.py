"""Branches that are there or not, unequal shares of the channels, and slices of them."""

from __future__ import annotations

import pytest
from specs import network, problems

from groupconv_cli import build, python_code

HEAD = "input: [8, 8, 12]\nvars: {aux: true, a: 4}\nlayers:\n"
OPTIONAL = HEAD + (
    "  - parallel:\n      merge: concat\n      branches:\n"
    "        - [conv: {filters: 8, kernel: 3}]\n"
    "        - {when: $aux, layers: [conv: {filters: 5, kernel: 1}]}\n"
    "        - {when: not $aux, layers: []}\n"
)


def test_a_branch_is_there_or_not_and_never_an_identity() -> None:
    there = network(OPTIONAL)
    assert there.nodes[-1].shape == (8, 8, 8 + 5)
    gone = network(OPTIONAL, settings={"aux": False})
    assert gone.nodes[-1].shape == (8, 8, 8 + 12)
    only = network(OPTIONAL.replace("not $aux", "false"), settings={"aux": False})
    assert only.nodes[-1].shape == (8, 8, 8)


def test_branches_keep_their_numbers() -> None:
    names = [node.name for node in network(OPTIONAL.replace("when: $aux", "when: 1 > 2")).nodes]
    assert "parallel.branch_1.conv" in names
    text = OPTIONAL.replace("layers: []", "layers: [relu]")
    names = [node.name for node in network(text, settings={"aux": False}).nodes]
    assert "parallel.branch_3.relu" in names


SPLIT = HEAD + (
    "  - parallel: {split: [$a, 8], branches: [[conv: {filters: 6, kernel: 3}], []]}\n"
    "  - slice: {start: 2, count: 7}\n"
)


def test_shares_and_slices_are_those_channels() -> None:
    """Against the built model, whose outputs tell which channels went where."""
    import numpy as np

    net = network(SPLIT)
    assert [node.shape[-1] for node in net.layers] == [4, 6, 8, 14, 7]
    model = build(net)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 12)).astype("float32")
    conv = model.get_layer("parallel.branch_1.conv")
    first = np.asarray(conv(x[..., :4]))
    expected = np.concatenate([first, x[..., 4:]], axis=-1)[..., 2:9]
    np.testing.assert_allclose(np.asarray(model(x)), expected, atol=1e-6)
    assert "[..., 2:9]" in python_code(net)


@pytest.mark.parametrize(
    ("layer", "message", "hint"),
    [
        ("slice: {start: 8, count: 5}", "takes channels 8 to 12, and its input has 12", "from 0"),
        ("slice: {count: 0}", "count must be a whole number, 1 or more", None),
        ("parallel: {split: [4, 4], branches: [[], []]}", "splits 8 channels, and its", "add up"),
        ("parallel: {split: [12], branches: [[], []]}", "split between 1 branches, and", "every"),
        (
            "parallel: {split: [0, 12], branches: [[], []]}",
            "split must be true or false, or a list",
            None,
        ),
        ("parallel: {branches: [{when: false, layers: []}]}", "has no branch left", "beside"),
        (
            "parallel: {branches: [{when: 3, layers: []}, []]}",
            "when must be true or false",
            "3 != 0",
        ),
        ("parallel: {branches: [{when: $x, layers: []}]}", "unknown variable '$x'", None),
        ("parallel: {branches: [{wen: true, layers: []}]}", "a branch has no key 'wen'", "when"),
        ("parallel: {branches: [{conv: {filters: 3}}]}", "a branch must be a list of", "its own"),
    ],
)
def test_mistakes(layer: str, message: str, hint: str | None) -> None:
    (problem,) = problems(f"{HEAD}  - {layer}\n")
    assert message in problem.message
    assert hint is None or hint in (problem.hint or "")


def test_a_branch_whose_layers_are_all_off_is_told_where_it_does_not_fit() -> None:
    text = HEAD + (
        "  - parallel:\n      merge: add\n      branches:\n"
        "        - [conv: {filters: 8, kernel: 3}]\n"
        "        - [{conv: {filters: 8, kernel: 1}, when: not $aux}]\n"
    )
    (problem,) = problems(text)
    assert "cannot add 8×8×8 and 8×8×12" in problem.message
    assert "every layer of branch 2 is left out, so it passes on its input" in (problem.hint or "")
    assert not problems(text, settings={"aux": False})
    fixed = text.replace(
        "[{conv: {filters: 8, kernel: 1}, when: not $aux}]",
        "{when: not $aux, layers: [conv: {filters: 8, kernel: 1}]}",
    )
    assert not problems(fixed)
