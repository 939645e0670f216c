"""The program as a process: arguments, streams, exit statuses, widths and terminals."""

from __future__ import annotations

import json
import os

import pytest
from published import COUNTS
from running import run_gconv

from groupconv_cli import __version__
from groupconv_cli.sources.catalogue import names

COMMANDS = (
    ("summary", "resnext50_32x4d"),
    ("compare", "resnext50_32x4d", "--groups", "1,2,3,32"),
)


# Which spec


def test_with_no_spec_basic_is_taken_and_said_so(tmp_path) -> None:
    result = run_gconv("compare", "--groups", "1,4,8", cwd=tmp_path)
    assert result.status == 0
    assert "using the bundled 'basic'" in result.err
    assert "g=8" in result.out


def test_with_no_spec_the_folders_own_is_taken(tmp_path) -> None:
    (tmp_path / "gconv.yaml").write_text("name: mine\ninput: [8, 3]\nlayers: [relu]")
    result = run_gconv("summary", cwd=tmp_path)
    assert result.out.startswith("mine · input 8×3")
    assert "using gconv.yaml of this folder" in result.err


def test_a_file_wins_over_a_config_of_its_name(tmp_path) -> None:
    (tmp_path / "block").write_text("name: mine\ninput: [8, 3]\nlayers: [relu]")
    result = run_gconv("summary", "block", cwd=tmp_path)
    assert result.out.startswith("mine ·")
    assert "using the file block; a bundled config has this name too" in result.err
    (tmp_path / "basic").mkdir()
    assert run_gconv("summary", "basic", cwd=tmp_path).out.startswith("basic ·")


def test_a_spec_on_standard_input() -> None:
    result = run_gconv("summary", "-", stdin=b"input: [8, 3]\nlayers: [relu]")
    assert result.out.startswith("network · input 8×3 · 1 layer ·")
    result = run_gconv("summary", "-", stdin=b"input: [8, 3]\nlayers: [rleu]")
    assert result.err.startswith("<stdin>:2:10: error: unknown layer 'rleu'")


@pytest.mark.parametrize(
    ("arg", "message"),
    [
        ("blok", "no file 'blok' here, and no bundled config of that name; did you mean 'block'?"),
        ("missing.yaml", "no file 'missing.yaml' here"),
        ("block.yml", "did you mean 'block'?"),
        (".", ". is a folder, not a spec"),
        ("x" * 5000, "no file 'xxx"),
    ],
)
def test_a_spec_that_is_not_there(arg: str, message: str) -> None:
    result = run_gconv("summary", arg)
    assert (result.status, result.out) == (2, "")
    assert message in result.err


@pytest.mark.surroundings
def test_a_spec_that_is_not_readable(tmp_path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text("input: [8, 3]\nlayers: [relu]")
    path.chmod(0)
    # Root reads every file, but not the start of a process' memory.
    unreadable = path if os.geteuid() else "/proc/self/mem"
    result = run_gconv("summary", unreadable)
    assert (result.status, result.out) == (2, "")
    assert f"cannot read {unreadable}: " in result.err


# Results and statuses


FIRST = ("basic", "block", "depthwise", "resnext50_32x4d", "mobilenet_v1_1.0", "shufflenet_v1_g3")


@pytest.mark.parametrize("name", FIRST)
def test_summary_json(name: str) -> None:
    result = run_gconv("summary", name, "--format", "json")
    data, (published, *_) = json.loads(result.out), COUNTS[name]
    assert (data["format"], data["version"], data["name"]) == ("gconv.summary", 1, name)
    assert data["params"] == published.params
    assert data["trainable_params"] == published.trainable_params
    assert data["macs"] == published.macs
    assert data["flops"] == 2 * published.macs
    baseline = data["baseline"]
    assert baseline["trainable_params"] == published.dense_trainable_params
    assert (baseline["macs"], baseline["flops"]) == (
        published.dense_macs,
        2 * published.dense_macs,
    )
    assert baseline["params"] >= data["params"]
    assert isinstance(data["input"], list)
    for key in ("params", "macs", "flops"):
        values = [layer[key] for layer in data["layers"]]
        assert all(isinstance(value, int) for value in values)
        assert sum(values) == data[key]
    for layer in data["layers"]:
        assert {"name", "op", "groups", "output_shape"} <= set(layer)
    assert result.err == ""


def test_json_groups_are_null_where_they_have_no_meaning() -> None:
    data = json.loads(run_gconv("summary", "shufflenet_v1", "-f", "json").out)
    groups = {layer["op"]: layer["groups"] for layer in data["layers"]}
    assert groups["relu"] is groups["dense"] is groups["batch_norm"] is None
    assert groups["channel_shuffle"] == 3
    assert groups["depthwise_conv"] == 240


def test_compare_json() -> None:
    result = run_gconv("compare", "block", "--groups", "3,4", "--format", "json")
    data = json.loads(result.out)
    assert result.status == 1
    written, one, invalid, four = data["rows"]
    assert [row["groups"] for row in data["rows"]] == ["as written", 1, 3, 4]
    assert [row["valid"] for row in data["rows"]] == [True, True, False, True]
    assert written["params"] == COUNTS["block"][0].params
    assert one["macs"] == COUNTS["block"][0].dense_macs
    assert "does not divide" in invalid["reason"]
    totals = ("params", "trainable_params", "macs", "flops", "peak_bytes")
    assert all(invalid[key] is None for key in totals)
    assert set(invalid) == set(four)
    assert data["swept"] == ["conv", "conv_2"]
    assert data["held"] == []


def test_invalid_rows_are_status_1_and_the_rest_is_printed() -> None:
    result = run_gconv("compare", "block", "--groups", "3,4")
    assert result.status == 1
    assert "invalid: 3 does not divide" in result.out
    assert "g=4" in result.out
    assert "Groups varied in:" in result.out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["compare", "--groups", "1,x"], "--groups takes whole numbers"),
        (["compare", "--groups", "0"], "got '0'"),
        (["compare", "--groups", ""], "got ''"),
        (["compare", "--only", "nope"], "no convolution matches --only 'nope'"),
        (["summary", "--set", "a"], "--set needs NAME=VALUE"),
        (
            ["summary", "basic", "--set", "a=1"],
            "has no variable 'a'; it has no variables; --set input=… sets its input",
        ),
        (["init", "mynet.yaml"], "no bundled network is called 'mynet.yaml'"),
        (["summary", "basic", "--variant", "a"], "has no variant 'a'"),
        (["summary", "resnet", "--variant", ""], "has no variant ''"),
        (["summary", "--format", "xml"], "xml"),
        (["summary", "--depth", "-1"], "-1"),
        (["summary", "a", "b"], "unexpected argument"),
        (["sumary"], "sumary"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_status_2(args: list[str], message: str) -> None:
    result = run_gconv(*args)
    assert (result.status, result.out) == (2, "")
    assert message in result.err


def test_a_wrong_spec_is_status_2_and_nothing_on_stdout(tmp_path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("input: [8, 8, 12]\nlayers:\n  - conv: {filters: 8, kernel: 3, groups: 5}\n")
    for command in ("summary", "compare", "build"):
        result = run_gconv(command, path)
        assert (result.status, result.out) == (2, "")
        assert result.err.startswith(f"{path}:3:43: error: groups=5 does not divide")


def test_set_changes_a_variable() -> None:
    settings = ["--set", "groups=1", "--set", "width=64"]
    data = json.loads(run_gconv("summary", "resnext50_32x4d", *settings, "-f", "json").out)
    assert data["trainable_params"] == 25_557_032  # ResNet-50, in torchvision's metadata
    result = run_gconv("summary", "resnext50_32x4d", "--set", "groups=[")
    assert result.status == 2
    assert result.err.startswith("--set groups:1:2: error: not valid YAML")


def test_version_and_help() -> None:
    assert run_gconv("--version").out == f"gconv {__version__}\n"
    top = run_gconv("--help")
    assert top.status == 0
    assert "Examples" in top.out
    for command in ("summary", "compare", "build", "list", "init", "schema"):
        assert command in top.out
        shown = run_gconv(command, "--help")
        assert shown.status == 0
        assert "Examples" in shown.out
        assert f"gconv {command} " in shown.out


def test_alone_it_says_what_there_is() -> None:
    alone = run_gconv()
    assert (alone.status, alone.out) == (2, "")
    assert alone.err == run_gconv("--help").out


def test_completion_of_specs() -> None:
    words = {"COMP_WORDS": "gconv summary res", "COMP_CWORD": "2"}
    result = run_gconv(env={"_GCONV_COMPLETE": "complete_bash", **words})
    assert result.out.split() == [name for name in names() if name.startswith("res")]
    assert "resnet50" in result.out.split()
