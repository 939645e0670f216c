"""The code follows its spec: what is a function, a loop, a constant and a condition in it."""

from __future__ import annotations

import re

import pytest
from awkward_specs import AWKWARD
from specs import network

from groupconv_cli import load, python_code
from groupconv_cli.codegen import structured_code
from groupconv_cli.codegen.verify import reproduces
from groupconv_cli.network import Network


def functions(code: str) -> list[str]:
    """The names of the functions, in order."""
    return re.findall(r"^def (\w+)", code, flags=re.MULTILINE)


def code_of(name: str) -> str:
    return python_code(network(AWKWARD[name]))


def test_a_block_whose_parameters_depend_on_each_other_is_a_function() -> None:
    code = code_of("a parameter of parameters")
    assert functions(code) == ["unit", "build"]
    assert "def unit(x, base, name):\n    v = base * W\n    c = int(v)\n" in code
    assert code.count("unit(x, base=") == 2


def test_a_scaled_family_is_as_short_as_one_of_its_networks() -> None:
    """The flattened code of such a family had 596 lines."""
    code = code_of("a family by rounding and rows")
    assert functions(code) == ["round_to", "mbconv", "row", "build"]
    assert len(code.splitlines()) < 120
    assert "    for t, k, s, c, n in rows:\n" in code
    assert "    for i in range(ceil(n * DEPTH) - 1):\n" in code


@pytest.mark.parametrize(
    ("spec", "old", "new", "settings"),
    [
        ("resnext50_32x4d", "WIDTH = 4\n", "WIDTH = 8\n", {"width": 8}),
        ("resnext50_32x4d", "DEPTH3 = 6\n", "DEPTH3 = 3\n", {"depth3": 3}),
        ("mobilenet_v1_0.75", "ALPHA = 0.75\n", "ALPHA = 0.25\n", {"alpha": 0.25}),
        ("shufflenet_v1_g3", "WIDTH = 240\n", "WIDTH = 360\n", {"width": 360}),
    ],
)
def test_another_constant_makes_the_network_of_that_variable(
    spec: str, old: str, new: str, settings: dict[str, float]
) -> None:
    code = python_code(spec)
    assert old in code
    assert reproduces(code.replace(old, new), load(spec, settings=settings))


def test_a_name_that_is_sometimes_off_follows_what_it_would_have_read() -> None:
    code = code_of("a name that is sometimes off and reads another tensor")
    assert functions(code) == ["u", "build"]
    assert "    side = a\n" in code
    assert "    if aux:\n" in code
    assert "        side = x\n" in code


def test_variables_of_a_rotation_say_what_they_are() -> None:
    code = code_of("rotations")
    assert "    second_last, last = inputs, x\n" in code
    assert "        new = cell(last, second_last, k=k, name=" in code
    assert "        second_last, last = last, new\n" in code
    assert "        third_last, second_last, last = second_last, last, new\n" in code


def test_pairs_are_constants_parameters_and_rows() -> None:
    code = code_of("pairs in variables")
    assert functions(code) == ["b", "build"]
    assert "P = [[1, 2], [0, 1]]\n" in code
    assert 'x = b(x, k=[3, 1], p=[[2, 0], [1, 1]], name="b_2")' in code
    assert "    rows = [([1, 3], [[0, 2], [1, 1]]), ([3, 1], [[1, 0], [0, 1]])]\n" in code
    assert "    for i, (kk, pp) in enumerate(rows):\n" in code


def test_named_tensors_are_variables() -> None:
    code = code_of("named tensors")
    assert "    level_2 = double(x, filters=2 * BASE" in code
    assert "    x = up(x, level_2, filters=2 * BASE" in code
    assert "def up(x, skip, filters, name):\n" in code


def test_a_repeated_item_that_reads_two_outputs_keeps_both() -> None:
    code = code_of("blocks of two inputs that are repeated")
    call = 'new = normal(last, second_last, filters=8, name=names("normal"))'
    body = f"        {call}\n        second_last, last = last, new\n"
    assert f"    for _ in range(N):\n{body}" in code


def test_several_inputs_and_outputs() -> None:
    code = code_of("several inputs and outputs")
    assert 'keras.Model([image, sound], [p3b, p4], name="spec")' in code


def regrouped(count: int) -> Network:
    return load("resnext50_32x4d", regroup={"stage_3.*.conv_2": count})


def test_other_groups_are_a_table_of_the_file_if_there_are_any() -> None:
    assert "REGROUPED" not in python_code("resnext50_32x4d")
    net = regrouped(8)
    code = python_code(net)
    assert '    "stage_3.bottleneck.conv_2": 8,\n' in code
    assert 'groups=REGROUPED.get(f"{name}.conv_2", GROUPS)' in code
    assert functions(code) == functions(python_code("resnext50_32x4d"))
    assert reproduces(code, net)
    assert not reproduces(code, regrouped(16))


def test_a_network_of_other_groups_is_still_written_from_its_spec() -> None:
    net = load("mobilenet_v2")
    code = python_code(net.dense())
    assert functions(code) == functions(python_code(net))
    assert reproduces(code, net.dense())


def test_numbers_that_floats_would_round_are_fractions() -> None:
    code = code_of("numbers that need fractions")
    assert 'W = Fraction("0.1")\n' in code
    assert "from fractions import Fraction\nfrom math import ceil\n" in code
    assert "Fraction" not in code_of("a parameter of parameters")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (
            "input: [4, 4, 4]\nvars: {wide: false}\nlayers:\n  - relu\n  - relu:\n    when: $wide",
            "if",
        ),
        ("input: [4, 4, 4]\nlayers:\n  - relu:\n    repeat: 1", "for"),
    ],
)
def test_what_no_use_needs_is_not_written(text: str, missing: str) -> None:
    code = python_code(network(text)).split("def build()")[1].split("return")[0]
    assert not re.search(rf"\b{missing}\b", code)


def test_a_network_without_a_spec_is_written_layer_by_layer() -> None:
    net = load("basic")
    copy = Network(net.name, net.nodes, net.inputs, net.outputs)
    assert functions(python_code(copy)) == ["build"]
    assert reproduces(python_code(copy), net)


def test_open_sizes_stay_open() -> None:
    spec = {
        "input": [None, None, 3],
        "vars": {"g": 2},
        "blocks": {
            "unit": {
                "params": {"s": 1},
                "layers": [
                    {"conv": {"filters": 8, "kernel": 3, "stride": "$s", "groups": "$g"}},
                    "channel_shuffle",
                ],
            }
        },
        "layers": [{"conv": {"filters": 8, "kernel": 3}}, "unit", {"unit": {"s": 2}}],
    }
    code = python_code(spec)
    assert "keras.Input((None, None, 3)" in code
    assert "shuffle_channels(x, groups=G, name=" in code
    assert "parameters." in code
    assert "multiply-accumulates" not in code


@pytest.mark.parametrize("size", ["2", "[2, 3]", "[1, 2]"])
def test_a_layer_of_many_calls_is_a_function_whatever_its_sizes(size: str) -> None:
    layer = f"pixel_shuffle: {{size: {size}}}"
    conv = "conv: {filters: 24, kernel: 1}"
    code = structured_code(network(f"input: [2, 4, 12]\nlayers: [{layer}, {conv}, {layer}]"))
    assert code is not None
    assert functions(code).count("pixel_shuffle") == (size != "[1, 2]")


def test_an_output_and_a_name_that_are_off_are_followed() -> None:
    text = """
        input: [8, 8, 4]
        vars: {on: false}
        layers:
          - conv: {filters: 4, kernel: 3}
            name: body
          - conv: {filters: 2, kernel: 1}
            name: head
            when: $on
          - conv: {filters: 4, kernel: 1}
            name: side
            from: body
            when: $on
          - add:
            from: [side, body]
            name: end
        outputs: [end, head]
        """
    code = structured_code(network(text))
    assert code is not None
    assert "    side = body\n" in code
    assert "head" not in code
