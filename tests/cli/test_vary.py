"""`gconv compare --vary` and `--equal` as commands."""

from __future__ import annotations

import json

import pytest
from running import run_gconv
from terminal import run_on_screen

from groupconv_cli.cli.vary import parse_vary

EQUAL = ("compare", "resnext", "--vary", "groups=32,16", "--equal", "macs", "--by", "width")


def test_json_has_what_varies_and_what_is_equal() -> None:
    result = run_gconv(*EQUAL, "--vary", "depth3=6", "-f", "json")
    data = json.loads(result.out)
    assert data["vary"] == {"groups": [32, 16], "depth3": [6]}
    assert data["equal"] == {
        "metric": "macs",
        "by": "width",
        "target": data["rows"][0]["macs"],
        "at_most": False,
    }
    assert [row["settings"] for row in data["rows"]] == [
        {"groups": 32, "depth3": 6, "width": 4},
        {"groups": 32, "depth3": 6, "width": 4},
        {"groups": 16, "depth3": 6, "width": data["rows"][2]["settings"]["width"]},
    ]
    assert [row["as_written"] for row in data["rows"]] == [True, True, False]
    for row in data["rows"]:
        assert row["equal_ratio"] == row["macs"] / data["equal"]["target"] == row["macs_ratio"]
    assert data["rule"] is None


def test_a_value_that_makes_no_network_is_a_row_that_says_why() -> None:
    args = ("compare", "shufflenet_v1", "--vary", "groups=3,7", "--vary", "width=240")
    result = run_gconv(*args, "-f", "json")
    assert result.status == 1
    row = json.loads(result.out)["rows"][-1]
    assert (row["valid"], row["settings"]) == (False, {"groups": 7, "width": 240})
    assert "7" in row["reason"]
    for shown in (run_gconv(*args).out, run_on_screen(*args, columns=60).out):
        assert "7               240    invalid: " in shown
    assert "- 7 240: invalid: " in run_gconv(*args, "-f", "markdown").out


def test_the_note_says_which_values_were_tried() -> None:
    # With g=1, width 9 has 8,280 MACs, and width 8 has 6,640: 9 is nearer to 7,520, but the spec
    # itself needs multiples of 4. --vary changes the spec, so it can take 9.
    spec = (
        b"input: [40, 1]\nvars: {groups: 4, width: 16}\nlayers:\n"
        b"- conv: {filters: $width, kernel: 5, stride: 2}\n"
        b"- conv: {filters: $width, kernel: 3, groups: $groups}\n"
        b"- conv: {filters: $width, kernel: 3, stride: 2, groups: $groups}\n"
        b"- global_avg_pool\n- dense: {units: 10}\n"
    )
    args = ("compare", "-", "--equal", "macs", "--by", "width")
    swept = run_gconv(*args, "--groups", "1", stdin=spec).out
    assert (
        "Of the values of width from 0 to 256 that are valid with the groups as written, no other "
        "comes nearer."
    ) in swept
    assert "6,640" in swept
    varied = run_gconv(*args, "--vary", "groups=1", stdin=spec).out
    assert "No other value of width from 0 to 16,777,216 comes nearer." in varied
    assert "8,280" in varied


def test_csv_has_a_column_for_each_variable() -> None:
    header, *rows = run_gconv(*EQUAL, "-f", "csv").out.splitlines()
    assert header.split(",")[:3] == ["settings.groups", "settings.width", "params"]
    assert [row.split(",")[:2] for row in rows[:2]] == [["32", "4"], ["32", "4"]]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--vary", "groups"], "--vary needs NAME=V,V,…, such as width=4,8; got 'groups'"),
        (["--vary", "groups=1,,2"], "--vary needs NAME=V,V,…"),
        (["--vary", "grups=1"], "has no variable 'grups'; did you mean 'groups'?"),
        (["--vary", "x=1"], "its variables are groups, width, depth3"),
        (["--vary", "groups=1", "--only", "x"], "only chooses the layers for groups"),
        (["--vary", "groups=1", "--variants"], "--variants cannot be combined with"),
        (["--equal", "macs"], "these whole-number variables change the MACs: groups, width and"),
        (["--by", "width"], "--by needs --equal params, macs or flops"),
        (["--at-most"], "--at-most needs --equal"),
        (["--equal", "bytes", "--by", "width"], "--equal"),
    ],
)
def test_what_makes_no_sense_is_refused(args: list[str], told: str) -> None:
    result = run_gconv("compare", "resnext", *args)
    assert result.status == 2
    assert told in " ".join(result.err.split())


def test_a_spec_without_variables_says_so() -> None:
    result = run_gconv("compare", "basic", "--vary", "width=1,2")
    assert (result.status, "it has no variables" in result.err) == (2, True)


def test_values_may_be_lists_and_texts_with_commas() -> None:
    given = ["size=[1,2],[3, 4]", "word='a,b',c", "word=d"]
    assert parse_vary(given) == {"size": ["[1,2]", "[3, 4]"], "word": ["'a,b'", "c", "d"]}
