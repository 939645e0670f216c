"""The JSON Schema, with a validator that we did not write, both ways."""

from __future__ import annotations

import json

import jsonschema
import pytest
from mistakes import STRUCTURE
from running import ROOT, run_gconv
from specs import problems

from groupconv_cli.api import schema_file
from groupconv_cli.errors import Problems, Source
from groupconv_cli.language.item_hints import example
from groupconv_cli.language.schema import schema
from groupconv_cli.language.values import plain
from groupconv_cli.language.yaml_reader import read
from groupconv_cli.ops import LAYERS
from groupconv_cli.sources.catalogue import families, source_of, starter

VALIDATOR = jsonschema.Draft7Validator(schema())


def as_json(text: str):
    """The spec as a validator sees it."""
    return json.loads(json.dumps(plain(read(Source("spec.yaml", text), Problems()))))


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(schema())


def test_the_published_schema_is_current() -> None:
    """Made anew with: gconv schema --force -o docs/gconv.schema.json"""
    published = (ROOT / "docs" / "gconv.schema.json").read_text(encoding="utf-8")
    assert published == schema_file()[1]


@pytest.mark.parametrize("family", families())
def test_every_config_passes(family: str) -> None:
    VALIDATOR.validate(as_json(source_of(family).text))


def test_the_starter_passes() -> None:
    VALIDATOR.validate(as_json(starter()))


@pytest.mark.parametrize("layer", LAYERS)
def test_the_example_of_every_layer_passes(layer: str) -> None:
    text = example(layer)
    assert text
    item = text.removeprefix("for example: ") if LAYERS[layer].preset == {} else layer
    VALIDATOR.validate(as_json(f"input: [8, 8, 4]\nlayers:\n  - {item}\n"))


BEYOND_A_SCHEMA = ("an unknown variable", "an expression that is none", "a bad name")
SEEN_ONLY_WITH_SHAPES = ("a variable without its sign",)


@pytest.mark.parametrize("with_blocks", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in STRUCTURE if kind not in BEYOND_A_SCHEMA])
def test_every_kind_of_structural_mistake_fails(kind: str, with_blocks: bool) -> None:
    text = "input: [8, 8, 12]\nlayers:\n" + STRUCTURE[kind][0]
    if with_blocks:
        text = "blocks: {mine: {layers: [relu]}}\n" + text
        if STRUCTURE[kind][1].startswith("unknown layer"):
            pytest.skip("a schema cannot tell a block from a layer that is not known")
    assert not VALIDATOR.is_valid(as_json(text))


SMALL = "input: [8, 3]\nlayers: [relu]"

WRONG_FILES = {
    "no input": "layers: [relu]",
    "no layers": "input: [8, 3]",
    "an unknown key": "input: [8, 3]\nlayers: [relu]\nlayer: []",
    "a flat input": "input: [8]\nlayers: [relu]",
    "an input of words": "input: [a, 3]\nlayers: [relu]",
    "layers that are no list": "input: [8, 3]\nlayers: {relu: }",
    "a list": "- relu",
    "a list for vars": "vars: [a]\ninput: [8, 3]\nlayers: [relu]",
    "a mapping for a variable": "vars: {a: {b: 1}}\ninput: [8, 3]\nlayers: [relu]",
    "a variable that is no name": "vars: {a-b: 1}\ninput: [8, 3]\nlayers: [relu]",
    "a block without layers": "blocks: {a: {params: {x: 1}}}\ninput: [8, 3]\nlayers: [relu]",
    "a block with another key": "blocks: {a: {layers: [relu], x: 1}}\ninput: [8, 3]\nlayers: [a]",
    "a list for a variant": "variants: {a: [1]}\ninput: [8, 3]\nlayers: [relu]",
    "a variant without a name": "variants: {'': {}}\ninput: [8, 3]\nlayers: [relu]",
    "a name that is empty": "name: ''\ninput: [8, 3]\nlayers: [relu]",
    "a word for an input": "input: large\nlayers: [relu]",
    "empty layers": "input: [8, 3]\nlayers: []",
    "layers left out": "input: [8, 3]\nlayers:",
    "a block called like a layer": "blocks: {conv: {layers: [relu]}}\n" + SMALL,
    "a block called like a merge": "blocks: {concat: {layers: [relu]}}\n" + SMALL,
    "a block called like a key": "blocks: {repeat: {layers: [relu]}}\n" + SMALL,
    "a variable called in": "vars: {in: 3}\n" + SMALL,
    "a parameter called in": "blocks: {a: {params: {in}, layers: [relu]}}\n" + SMALL,
    "a mapping for a parameter": "blocks: {a: {params: {x}, layers: [relu]}}\n"
    "input: [8, 3]\nlayers: [a: {x: {y: 1}}]",
    "groups of a transposed convolution": "input: [8, 3]\n"
    "layers: [conv_transpose: {filters: 2, kernel: 2, groups: 3}]",
    "a budget of another name": "budget: {parms: 3}\n" + SMALL,
    "a budget of bytes for a count": "budget: {params: 3MB}\n" + SMALL,
    "a budget of a count for bytes": "budget: {memory: 3M}\n" + SMALL,
    "a budget below zero": "budget: {params: -3}\n" + SMALL,
    "a number for a budget": "budget: 3\n" + SMALL,
    "a rule of another name": "rules: {GC1: off}\n" + SMALL,
    "a level of another name": "rules: {GC101: of}\n" + SMALL,
    "a list for rules": "rules: [GC101]\n" + SMALL,
    "three pixels for two sides": "input: [8, 8, 4]\n"
    "layers: [max_pool: {padding: [[0, 1, 2], [0, 1]]}]",
    "pixels in pairs of pairs": "input: [8, 8, 4]\nlayers: [zero_pad: {padding: [[[0, 1]]]}]",
    "a causal pool": "input: [8, 4]\nlayers: [max_pool: {padding: causal}]",
    "an even number of channels around": "input: [8, 8, 4]\n"
    "layers: [local_response_norm: {size: 4}]",
    "a word for a scale": "input: [8, 8, 4]\nlayers: [rescaling: {scale: [a, 1, 1, 1]}]",
    "a word for a flag": "input: [8, 4]\nlayers: [parallel: {branches: [[], []], split: yes}]",
}


@pytest.mark.parametrize("text", WRONG_FILES.values(), ids=list(WRONG_FILES))
def test_files_of_the_wrong_structure_fail_here_and_in_gconv(text: str) -> None:
    assert not VALIDATOR.is_valid(as_json(text))
    assert problems(text)


@pytest.mark.parametrize(
    "text",
    [
        "name: true\ninput: [8, 3]\nlayers: [relu]",
        "budget: {params: 30M, macs: 4.5G, flops: 3, memory: 1.5 MiB}\n" + SMALL,
        "vars: {x: 3k}\nbudget: {params: $x, macs: 2 * 30, memory: }\n" + SMALL,
        "rules: {GC101: off, GC102: warning, GC103: error}\nbudget:\n" + SMALL,
        "name: 50\ninput: [8, 3]\nlayers: [relu]",
        "vars: {s: [8, 8, 4]}\ninput: $s\nlayers: [relu]",
        "input: [8, 3]\nlayers: [conv_transpose: {filters: 2, kernel: 2, groups: 1}]",
        "vars: {g: 1}\ninput: [8, 3]\n"
        "layers: [conv_transpose: {filters: 2, kernel: 2, groups: $g}]",
        "vars: {k: 3}\ninput: [9, 8, 4]\n"
        "layers: [conv: {filters: 8, kernel: $k, padding: [[$k - 1, 0], $k // 2]}]",
        "input: [8, 4]\nlayers: [conv: {filters: 8, kernel: 3, padding: causal}]",
        "input: [8, 8, 3]\nlayers: [rescaling: {scale: 1/255, offset: [-1, $in / 2, 0]}]",
        "blocks: {a: {params: {x, y: }, layers: [dense: {units: $x}]}}\ninput: [8, 3]\n"
        "layers: [a: {x: 2, y: [1, 2]}]",
    ],
)
def test_files_that_gconv_takes_pass(text: str) -> None:
    VALIDATOR.validate(as_json(text))
    assert not problems(text)


@pytest.mark.parametrize(
    "text",
    [
        "layers: [mine]",
        "layers: [mine: {a: 1, b: $x}]",
        "layers: [{mine: , repeat: 3, name: x}]",
        "layers: [residual: {body: [mine, conv: {filters: $in * 2, kernel: [3, 1]}]}]",
        "layers: [parallel: {branches: [[mine], []], split: true}]",
        "layers: [conv: {filters: 2 * 8, kernel: 3, padding: [1, 0], norm: , groups: depthwise}]",
        "layers: [{relu: {}, when: $in > 3}]",
    ],
)
def test_what_the_language_allows_passes(text: str) -> None:
    VALIDATOR.validate(as_json("blocks: {mine: {layers: }}\ninput: [8, 8, 4]\n" + text))


def test_the_command_prints_it_and_writes_it(tmp_path) -> None:
    assert run_gconv("schema").out == schema_file()[1]
    result = run_gconv("schema", "-o", "s.json", cwd=tmp_path)
    assert (result.status, result.out) == (0, "Wrote s.json.\n")
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == schema_file()[1]
    assert run_gconv("schema", "-o", "s.json", cwd=tmp_path).status == 2
