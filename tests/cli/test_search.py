"""`gconv search`: the best group counts within budgets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import run_gconv

from groupconv_cli import UsageError, analyze, load, search

SPEC = """\
# mine
input: [16, 16, 32]   # small
layers:
  - conv: {filters: 64, kernel: 3, norm: batch}
  - conv: {filters: 64, kernel: 3, norm: batch, activation: relu}
  - conv: {filters: 64, kernel: 1}
  - conv: {filters: 64, kernel: 3}
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


def test_json_has_the_choice_and_the_totals(net: Path) -> None:
    result = run_gconv(
        "search", "net.yaml", "--max-macs", "50%", "--max-params", "60k", "-f", "json",
        "--frontier", "3", cwd=net.parent,
    )  # fmt: skip
    assert result.status == 0
    data = json.loads(result.out)
    assert (data["format"], data["keep"], data["per"]) == ("gconv.search", "connections", "item")
    assert data["optimal"] is True
    before = analyze(load(net))
    assert data["before"]["macs"] == before.macs
    assert [each["metric"] for each in data["budgets"]] == ["params", "macs"]
    assert [each["limit"] for each in data["budgets"]] == [60_000, before.macs // 2]
    assert set(data["choice"]) == {"conv_2", "conv_3", "conv_4"}
    chosen = analyze(load(net, regroup=data["choice"]))
    assert [each["used"] for each in data["budgets"]] == [chosen.params, chosen.macs]
    assert data["after"]["macs"] == chosen.macs <= before.macs // 2
    points = data["frontier"]["points"]
    assert data["frontier"]["metric"] == "params"
    assert [each["limit"] for each in points] == sorted(each["limit"] for each in points)
    assert [each["value"] for each in points] == sorted(each["value"] for each in points)


def test_a_spec_is_written_with_its_groups(net: Path) -> None:
    options = ("--max-macs", "50%", "--per", "layer")
    result = run_gconv("search", "net.yaml", *options, "-o", "out.yaml", cwd=net.parent)
    assert result.out.splitlines()[-1] == "Next: gconv build out.yaml"
    written = net.with_name("out.yaml").read_text(encoding="utf-8")
    assert written.startswith(SPEC + "\ngroups:\n")
    report = search(load(net), {"macs": "50%"}, per="layer")
    assert [n.op for n in load(net.with_name("out.yaml")).nodes] == [
        n.op for n in report.network.nodes
    ]
    again = run_gconv("search", "net.yaml", *options, "-o", "out.yaml", cwd=net.parent)
    assert again.status == 2
    assert "--force replaces it" in again.err


def test_a_variant_is_named_where_the_written_spec_needs_it(tmp_path: Path) -> None:
    result = run_gconv(
        "search", "resnext50_32x4d", "--max-macs", "80%", "--per", "layer", "--regroup", "*=1",
        "-o", "out.yaml", cwd=tmp_path,
    )  # fmt: skip
    assert result.out.splitlines()[-1] == "Next: gconv build out.yaml --variant 50_32x4d"
    # Ten of the 3×3 convolutions at half of their MACs, which are 231 M each.
    dense = analyze(load("resnext50_32x4d", regroup={"*": 1}))
    made = analyze(load(tmp_path / "out.yaml", variant="50_32x4d"))
    assert dense.macs - made.macs == 10 * 231_211_008
    assert "larger value than -10," in result.out


def test_unreachable_budgets_say_the_least_possible(net: Path) -> None:
    result = run_gconv("search", "net.yaml", "--max-macs", "1k", cwd=net.parent)
    assert result.status == 1
    assert result.out == ""
    # All depthwise: of rows of 16 × 16 positions, 64 × 9 twice, 64 once, and the first as it is.
    least = 256 * (64 * 9 * 2 + 64 + 64 * 9 * 32)
    assert f"the least possible is {least:,} MACs" in result.err
    assert "that is with g=64 in conv_2, conv_3 and conv_4" in result.err


def test_what_rule_gc101_excludes_is_told() -> None:
    # g=2 in all convolutions that may change is within 80 % of the MACs, as plots show too, but
    # keeps two halves of the channels apart.
    args = ("search", "resnet18", "--per", "layer", "--max-macs")
    apart = run_gconv(*args, "80%", "-g", "1,2").out
    assert (
        "Of the single counts, only g=2 is within the limits, and it breaks rule GC101; "
        "--allow-unmixed takes it in."
    ) in apart
    allowed = run_gconv(*args, "80%", "-g", "1,2", "--allow-unmixed").out
    assert "The best single count within the limits is g=2" in allowed
    # Neither is within 1 %: the least with the rule and without, which is half of all that may
    # change.
    dense = analyze(load("resnet18"))
    halves = analyze(load("resnet18", regroup={"s*": 2}))
    assert halves.macs < dense.macs
    none = " ".join(run_gconv(*args, "1%", "-g", "1,2").err.split())
    least = f"with --allow-unmixed the least possible is {halves.macs:,} MACs"
    assert f"choices that break rule GC101 are excluded; {least}" in none


def test_choices_that_keep_channels_apart_are_excluded(net: Path) -> None:
    # Without the second of three convolutions, which has one group then, 42.6 % are the least.
    args = ("search", "net.yaml", "--max-macs", "41%", "-g", "1,2,4", "--per", "layer")
    result = run_gconv(*args, cwd=net.parent)
    assert result.status == 1
    assert "--allow-unmixed" in result.err
    unmixed = search(load(net), {"macs": "41%"}, groups=[1, 2, 4], per="layer", allow_unmixed=True)
    assert unmixed.value == -5
    found = run_gconv(
        "check", "-", stdin=f"{SPEC}groups: {json.dumps(dict(unmixed.choice))}\n".encode()
    )
    assert "GC101" in found.out
    mixed = search(load(net), {"macs": "43%"}, groups=[1, 2, 4], per="layer")
    assert dict(mixed.choice) == {"conv_2": 4, "conv_3": 1, "conv_4": 4}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "--max-macs 50%"),
        (("--max-macs", "many"), "a percentage, such as 5%"),
        (("--max-macs", "50%", "--groups", "3"), "these divide the channels of"),
        (("--max-macs", "50%", "--only", "nothing"), "no convolution matches"),
        (("--max-macs", "50%", "-o", "-"), "-o net.yaml"),
        (("--max-macs", "50%", "--time-limit", "0"), "a number of seconds above 0; got 0.0"),
        (("--max-macs", "50%", "--time-limit", "-1"), "a number of seconds above 0; got -1.0"),
    ],
)
def test_mistakes_are_refused(net: Path, args: tuple[str, ...], said: str) -> None:
    result = run_gconv("search", "net.yaml", *args, cwd=net.parent)
    assert result.status == 2
    assert said in " ".join(result.err.split())


def test_options_of_python_are_checked() -> None:
    for wrong in ({"keep": "accuracy"}, {"per": "block"}, {"groups": [0]}, {"frontier": 1}):
        with pytest.raises(UsageError):
            search("basic", {"macs": "50%"}, **wrong)
    with pytest.raises(UsageError, match="no budget is called"):
        search("basic", {"mac": "50%"})
