"""Group counts by the names of convolutions: `groups:` in a spec, and `--regroup`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from running import run_gconv
from specs import network, problems

import groupconv_cli
from groupconv_cli import UsageError, analyze, build, load, python_code

SPEC = """
input: [16, 16, 8]
vars: {{g: 4}}
{groups}
blocks:
  unit:
    layers:
      - conv: {{filters: 32, kernel: 3{inner}, norm: batch}}
      - channel_shuffle: {{groups: 2}}
layers:
  - conv: {{filters: 16, kernel: 3{first}}}
  - unit
  - unit
  - depthwise_conv: {{kernel: 3}}
  - conv: {{filters: 64, kernel: 1{last}}}
"""


def spec(groups: str = "", first: str = "", inner: str = "", last: str = "") -> str:
    return SPEC.format(groups=groups, first=first, inner=inner, last=last)


def counts(net: groupconv_cli.Network) -> dict[str, int | None]:
    return {node.name: node.groups for node in net.nodes if node.op.is_convolution}


@pytest.mark.parametrize(
    ("groups", "written"),
    [
        ("groups: {conv: 4}", {"first": ", groups: 4"}),
        ('groups: {"unit*": $g}', {"inner": ", groups: 4"}),
        ('groups: {"*": 8, "unit*": 2, "conv_2": 2 * $g, "conv": 1, depthwise_conv: 32}', None),
    ],
)
def test_it_is_as_if_the_layers_had_said_so(groups: str, written: dict[str, str] | None) -> None:
    if written is None:
        written = {"inner": ", groups: 2", "last": ", groups: 8"}
    by_name, by_layer = network(spec(groups)), network(spec(**written))
    assert counts(by_name) == counts(by_layer)
    assert analyze(by_name).totals == analyze(by_layer).totals


def test_of_several_patterns_the_last_counts() -> None:
    net = network(spec('groups: {"*.conv": 4, "unit_2.*": 8}'))
    assert (counts(net)["unit.conv"], counts(net)["unit_2.conv"]) == (4, 8)
    net = network(spec('groups: {"unit_2.*": 8, "*.conv": 4}'))
    assert counts(net)["unit_2.conv"] == 4


def test_depthwise_is_one_group_per_channel() -> None:
    net = network(spec('groups: {"unit_2.conv": depthwise, conv: depthwise}'))
    assert (counts(net)["unit_2.conv"], counts(net)["conv"]) == (32, 8)


def test_a_shuffle_that_takes_the_groups_follows() -> None:
    text = spec('groups: {"unit*.conv": 8}', inner=", groups: 2").replace(": {groups: 2}", "")
    net = network(text)
    assert [n.groups for n in net.nodes if n.op.op == "channel_shuffle"] == [8, 8]


def test_the_model_and_the_code_have_them() -> None:
    """Building holds every layer against the analysis; the kernel has the channels of a group."""
    net = network(spec('groups: {"unit.*": 8, conv_2: 4}'))
    model = build(net)
    assert model.get_layer("unit.conv").kernel.shape[2] == 16 // 8
    assert model.get_layer("unit_2.conv").kernel.shape[2] == 32
    assert model.get_layer("conv_2").groups == 4
    assert "groups=4" in python_code(net)


def test_python_and_the_command_line_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(spec(), encoding="utf-8")
    net = load(tmp_path / "net.yaml", regroup={"unit*": 4, "conv_2": "depthwise"})
    options = ("--regroup", "unit*=4", "--regroup", "conv_2=depthwise")
    result = run_gconv("summary", "net.yaml", *options, "-f", "json", cwd=tmp_path)
    assert json.loads(result.out)["params"] == analyze(net).params
    compared = run_gconv("diff", "net.yaml", "net.yaml", *options, "-f", "json", cwd=tmp_path)
    assert json.loads(compared.out)["after"]["params"] == analyze(net).params
    checked = run_gconv("check", "net.yaml", *options, "--max-params", "1", cwd=tmp_path)
    assert f"{analyze(net).params:,}" in checked.out


def test_a_keras_model_can_be_regrouped_and_built(tmp_path: Path) -> None:
    model = build(network(spec()))
    assert analyze(load(model, regroup={"unit*": 8})).params < analyze(model).params
    model.save(tmp_path / "net.keras")
    result = run_gconv("build", "net.keras", "--regroup", "conv=2", "-o", "a.keras", cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    wanted = load(model, regroup={"conv": 2})
    assert analyze(load(tmp_path / "a.keras")).params == analyze(wanted).params


@pytest.mark.parametrize(
    ("groups", "message", "place", "hint"),
    [
        ('{"cnv": 2}', "no convolution of spec matches 'cnv'", (4, 10), "did you mean 'conv'?"),
        ('{"x.*": 2}', "no convolution of spec matches 'x.*'", (4, 10), "the convolutions are"),
        ("{conv: 3}", "groups=3 does not divide the 8 input and 16", (4, 10), "1, 2, 4, 8"),
        ("{conv: 0}", "must be a whole number, 1 or more, or the word depth", (4, 16), None),
        ("{conv: $v}", "unknown variable '$v'", (4, 16), "declare it"),
        ("{conv: }", "the groups of 'conv' are empty", (4, 10), None),
        ("{conv: 2 * $g / 3}", "'2 * $g / 3' is 8/3", (4, 16), None),
        ("[conv, 2]", "groups must be a mapping of patterns of layer names", (4, 9), None),
    ],
)
def test_mistakes(groups: str, message: str, place: tuple[int, int], hint: str | None) -> None:
    (problem,) = problems(spec(f"groups: {groups}"))
    assert message in problem.message
    assert problem.place[1:] == place
    assert hint is None or hint in (problem.hint or "")


@pytest.mark.parametrize("given", ["conv", "conv=", "=2", "conv=0", "conv=-2", "conv=two"])
def test_what_regroup_is_no_option_for(given: str) -> None:
    result = run_gconv("summary", "basic", "--regroup", given)
    assert (result.status, result.out) == (2, "")
    assert "--regroup needs PATTERN=N" in result.err


def test_a_pattern_that_could_take_long_does_not() -> None:
    began = time.process_time()
    with pytest.raises(UsageError, match="no convolution"):
        load("resnext50_32x4d", regroup={"*a" * 20: 2})
    with pytest.raises(UsageError, match="at most 20 asterisks"):
        load("resnext50_32x4d", regroup={"*a" * 21: 2})
    assert time.process_time() - began < 20
