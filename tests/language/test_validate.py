"""Each kind of mistake in a spec: what is said, and where it points."""

from __future__ import annotations

import pytest
from mistakes import HEAD, STRUCTURE, one
from specs import problems


@pytest.mark.parametrize("case", STRUCTURE.values(), ids=list(STRUCTURE))
def test_structure(case) -> None:
    text, message, place, hint = case
    found_message, found_place, found_hint = one(HEAD + text)
    assert found_message.startswith(message)
    assert found_place == place
    assert found_hint is None if hint is None else hint in found_hint


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
        "a block cannot be called 'conv'",
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
        "variant 'big' sets 'w', which is not a variable",
        (1, 18),
    ),
    "too many layers": (
        "input: [8, 3]\nlayers:\n  - relu:\n    repeat: 1000000000",
        "the network grows beyond 5,000 layers here",
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


def test_a_colon_without_a_blank_is_shown_with_one() -> None:
    (found,) = problems("input: [8, 8, 4]\nlayers:\n  - conv: {filters:8, kernel:3}\n")[:1]
    assert found.hint == "put a space after the colon: filters: 8"
