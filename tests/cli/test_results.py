"""The catalogue, beginnings, help and endings of the program."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from published import COUNTS
from running import ROOT, clean_environment, run_gconv, run_in_terminal, run_process, run_python
from specs import nightly_but
from terminal import ANSI, run_on_screen

from groupconv_cli.sources.catalogue import catalogue

COMMANDS = (
    ("summary", "resnext50_32x4d"),
    ("compare", "resnext50_32x4d", "--groups", "1,2,3,32"),
)


# The catalogue


def test_list_shows_every_network() -> None:
    result = run_gconv("list")
    assert result.status == 0
    for entry in catalogue():
        assert re.search(rf"^(  )?{re.escape(entry.name)} ", result.out, re.MULTILINE)
    assert "Xie et al. 2017" in result.out


@pytest.mark.parametrize("columns", [60, 80])
def test_numbers_and_descriptions_have_lines_of_their_own(columns: int) -> None:
    shown = run_gconv("list", env={"COLUMNS": str(columns)}).out.splitlines()
    table = shown[2 : shown.index("", 3)]
    assert max(map(len, table)) <= columns
    counted = r"  \S+( +[\d,.]+( [kMG])?){2}( +\d\d\.\d %)? *"
    numbers = [line for line in table[2:] if re.fullmatch(counted, line)]
    assert [line.split()[0] for line in numbers] == [entry.name for entry in catalogue()]
    described = [line for line in table[2:] if line not in numbers]
    families = dict.fromkeys(entry.family for entry in catalogue())
    assert [line.split()[0] for line in described if line[0] != " "] == list(families)


def test_list_shows_published_accuracies_with_their_sources() -> None:
    """Of torchvision's wheel: "acc@1": 69.758 and 56.522; of the paper: 40.7 % of errors."""
    shown = run_gconv("list", "alexnet").out
    assert re.search(r"^  alexnet_2group .* 59\.3 %$", shown, re.MULTILINE)
    assert re.search(r"^  alexnet_1group .* 56\.5 %$", shown, re.MULTILINE)
    assert "Top-1: Krizhevsky et al. 2012, table 2; torchvision 0.29.2, IMAGENET1K_V1" in shown
    assert re.search(r" 69\.758 %$", run_gconv("list", "resnet18", "--exact").out, re.MULTILINE)
    assert "Top-1" not in run_gconv("list", "u-net").out
    listed = {e["spec"]: e for e in json.loads(run_gconv("list", "--format", "json").out)}
    assert listed["resnet18"]["published_top1"] == {
        "accuracy": 69.758,
        "source": "torchvision 0.29.2, IMAGENET1K_V1",
    }
    assert listed["unet"]["published_top1"] is None


def test_list_shows_the_networks_with_a_word() -> None:
    def names(word: str) -> list[str]:
        return [each["spec"] for each in json.loads(run_gconv("list", word, "-f", "json").out)]

    assert names("resnet18") == ["resnet18"]
    assert {"resnet50", "resnext50_32x4d"} <= set(names("ResNet")) < {e.name for e in catalogue()}
    assert names("chollet") == ["xception"]
    wrong = run_gconv("list", "xcepton")
    assert (wrong.status, wrong.out) == (2, "")
    assert "did you mean 'xception'?" in wrong.err


def test_list_as_json_is_a_list_of_names_that_go_wherever_a_spec_does() -> None:
    listed = json.loads(run_gconv("list", "--format", "json").out)
    assert len(listed) == len(list(catalogue()))
    for entry in listed:
        published, *_ = COUNTS[entry["spec"]]
        assert entry["trainable_params"] == published.trainable_params
        assert entry["macs"] == published.macs
        assert published.params in (None, entry["params"])
    origins = {entry["name"]: entry["published"] for entry in listed}
    assert origins["resnet"].endswith('"Wide Residual Networks"')
    assert origins["alexnet"].endswith("Krizhevsky 2014")
    assert origins["block"] == ""
    chosen = [entry for entry in listed if entry["name"] in ("regnet_x", "squeezenet")]
    for entry in chosen:
        variant = ["--variant", entry["variant"]] if entry["variant"] else []
        for args in ([entry["spec"]], [entry["name"], *variant], [entry["spec"], *variant]):
            data = json.loads(run_gconv("summary", *args, "-f", "json").out)
            assert data["macs"] == entry["macs"]


def test_a_name_that_means_another_variant_is_refused() -> None:
    result = run_gconv("summary", "resnet18", "--variant", "50")
    assert result.status == 2
    assert "the name already picks the variant '18', not '50'" in result.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("resnext50", "resnext50_32x4d"),
        ("mobile", "mobilenet_v1"),
        ("resnt50", "resnet50"),
        ("vgg", "vgg16"),
    ],
)
def test_a_name_of_which_the_beginning_is_typed_is_suggested(typed: str, meant: str) -> None:
    result = run_gconv("summary", typed)
    assert result.status == 2
    assert f"did you mean {meant!r}?" in result.err
    assert run_gconv("summary", meant, "--depth", "0").status == 0


def test_all_may_stand_among_numbers_of_groups() -> None:
    def rows(groups: str) -> list[object]:
        result = run_gconv("compare", "basic", "--groups", groups, "-f", "json")
        return [row["groups"] for row in json.loads(result.out)["rows"]]

    assert rows("1,all") == rows("all") == ["as written", 1, 2, 4, 8, 16, 32]
    assert rows("5,all") == ["as written", 1, 5, 2, 4, 8, 16, 32]


@pytest.mark.parametrize("groups", ["1,4", "1,5"])
def test_csv_has_the_same_columns_whether_a_row_is_invalid(groups: str) -> None:
    header, *rows = run_gconv("compare", "basic", "-g", groups, "-f", "csv").out.splitlines()
    assert header.split(",")[-2:] == ["intensity", "note"]
    notes = [row.split(",", header.count(","))[-1] for row in rows]
    assert [bool(note) for note in notes] == [False, False, groups == "1,5"]


@pytest.mark.parametrize(
    "args",
    [
        ["summary", "basic"],
        ["summary", "basic", "-f", "json"],
        ["compare", "basic", "-f", "csv"],
        ["diff", "basic", "block", "-f", "markdown"],
        ["check", "basic"],
        ["list"],
        ["schema"],
    ],
    ids=" ".join,
)
def test_a_hyphen_for_a_file_is_stdout(args: list[str], tmp_path: Path) -> None:
    result = run_gconv(*args, "-o", "-", cwd=tmp_path)
    assert result == run_gconv(*args, cwd=tmp_path)
    assert result.out
    assert list(tmp_path.iterdir()) == []


def test_compare_variants() -> None:
    result = run_gconv("compare", "shufflenet_v1", "--variants")
    assert [line.split()[0] for line in result.out.splitlines()[4:9]] == [
        "g1",
        "g2",
        "g3",
        "g4",
        "g8",
    ]
    data = json.loads(run_gconv("compare", "shufflenet_v1", "--variants", "-f", "json").out)
    assert data["format"] == "gconv.variants"
    for row in data["rows"]:
        published, *_ = COUNTS[row["name"]]
        assert row["macs"] == published.macs
        assert row["baseline"]["macs"] == published.dense_macs
    named = run_gconv("compare", "shufflenet_v1_g3", "--variants")
    assert (named.status, named.out) == (0, result.out)
    assert result.out.startswith("shufflenet_v1 · 5 variants · input 224×224×3 · float32\n")
    assert run_gconv("compare", "block", "--variants").status == 2
    assert run_gconv("compare", "resnet", "--variants", "--groups", "2").status == 2


ONE_BAD_VARIANT = """
input: [8, 8, 4]
vars: {groups: 1}
variants: {x: {groups: 3}, y: {groups: 2}}
layers: [conv: {filters: 4, kernel: 1, groups: $groups}]
"""


def test_a_variant_that_makes_no_network_is_a_row_that_says_why() -> None:
    reason = "groups=3 does not divide the 4 input channels or the 4 filters of layer 'conv'"
    spec = ONE_BAD_VARIANT.encode()
    result = run_gconv("compare", "-", "--variants", stdin=spec)
    assert (result.status, result.err) == (1, "")
    bad, good = result.out.splitlines()[4:6]
    assert bad.split(maxsplit=1) == ["x", f"invalid: {reason}"]
    assert good.split()[:2] == ["y", "12"]
    shown = run_gconv("compare", "-", "--variants", "-f", "json", stdin=spec)
    data = json.loads(shown.out)
    assert (shown.status, data["name"]) == (1, "network")
    invalid, valid = data["rows"]
    assert [invalid.pop(key) for key in ("variant", "valid", "reason")] == ["x", False, reason]
    assert set(invalid.values()) == {None}
    assert [valid[key] for key in ("name", "valid", "reason")] == ["network_y", True, None]
    assert set(invalid) < set(valid)


def test_a_mistake_of_all_variants_is_one_of_the_spec() -> None:
    spec = ONE_BAD_VARIANT.encode()
    result = run_gconv("compare", "-", "--variants", "--set", "groups=5", stdin=spec)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("<stdin>:5:48: error: groups=5 does not divide")
    assert result.err.count("error") == 1


# Beginning


def test_init_writes_a_spec_that_gconv_then_takes(tmp_path) -> None:
    result = run_gconv("init", cwd=tmp_path)
    assert result.status == 0
    assert result.out.endswith("Next: gconv summary gconv.yaml\n")
    text = (tmp_path / "gconv.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=gconv.schema.json\n# ")
    json.loads((tmp_path / "gconv.schema.json").read_text(encoding="utf-8"))
    assert run_gconv("summary", cwd=tmp_path).out.startswith("starter · ")
    again = run_gconv("init", cwd=tmp_path)
    assert again.status == 2
    assert "exists already" in again.err
    assert (tmp_path / "gconv.yaml").read_text(encoding="utf-8") == text


def test_a_written_spec_calls_itself_by_its_name(tmp_path) -> None:
    result = run_gconv("init", "-o", "my net.yaml", cwd=tmp_path)
    assert result.out.endswith("\nNext: gconv summary 'my net.yaml'\n")
    text = (tmp_path / "my net.yaml").read_text(encoding="utf-8")
    assert "gconv compare 'my net.yaml' -g 1,4,8" in text
    assert "gconv.yaml" not in text
    assert "gconv build gconv.yaml" in run_gconv("init", "-o", "-", cwd=tmp_path).out


def test_init_copies_a_bundled_network(tmp_path) -> None:
    (tmp_path / "gconv.schema.json").write_text("{}")
    result = run_gconv("init", "resnet18", "-o", "mine.yaml", cwd=tmp_path)
    assert result.out == "Wrote mine.yaml.\nNext: gconv summary mine.yaml --variant 18\n"
    assert (tmp_path / "gconv.schema.json").read_text() == "{}"
    data = json.loads(
        run_gconv("summary", "mine.yaml", "--variant", "18", "-f", "json", cwd=tmp_path).out
    )
    assert data["macs"] == COUNTS["resnet18"][0].macs
    assert "did you mean" in run_gconv("init", "resnet19", cwd=tmp_path).err
    shown = run_gconv("init", "-o", "-", cwd=tmp_path)
    assert "layers:" in shown.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gconv.schema.json", "mine.yaml"]


def test_init_writes_nothing_beside_a_target_that_it_refuses(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for options in ([], ["--force"]):
        result = run_gconv("init", "-o", "pipe", *options, cwd=tmp_path)
        assert (result.status, result.out) == (2, "")
        assert result.err == "gconv: error: pipe is not a regular file\n"
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


# Reading it


@pytest.mark.parametrize("args", COMMANDS, ids=lambda a: a[0])
@pytest.mark.parametrize("columns", nightly_but([40, 80], [40, 60, 80, 120, 200]))
def test_in_a_terminal_nothing_is_cut_and_lines_fit(args, columns: int) -> None:
    result = run_on_screen(*args, columns=columns, env={"NO_COLOR": "1"})
    assert "…" not in result.out
    assert "\x1b" not in result.out
    assert max(map(len, result.out.splitlines())) <= columns
    assert "4.23 G" in result.out
    assert "25.1 M" in result.out


def test_in_a_very_narrow_terminal_digits_still_stand() -> None:
    out = run_on_screen("summary", "resnext50_32x4d", columns=20, env={"NO_COLOR": "1"}).out
    assert "14.5 M" in out
    assert "…" not in out


@pytest.mark.surroundings
@pytest.mark.parametrize("args", COMMANDS, ids=lambda a: a[0])
def test_colours_change_nothing_but_colours(args) -> None:
    coloured = run_on_screen(*args, columns=100).out
    plain = run_on_screen(*args, columns=100, env={"NO_COLOR": "1"}).out
    dumb = run_on_screen(*args, columns=100, env={"TERM": "dumb"}).out
    assert "\x1b[1m" in coloured
    stripped = [line.rstrip() for line in ANSI.sub("", coloured).splitlines()]
    assert stripped == plain.splitlines() == dumb.splitlines()


@pytest.mark.parametrize("args", COMMANDS, ids=lambda a: a[0])
def test_piped_it_is_wide_and_complete(args) -> None:
    result = run_gconv(*args)
    assert "\x1b" not in result.out
    assert "…" not in result.out
    assert "Left out" not in result.out
    assert "FLOPs" in result.out
    if args[0] == "summary":
        assert "stage_4.bottleneck_3.conv_2 " in result.out


def test_columns_is_honoured_in_a_pipe() -> None:
    out = run_gconv("summary", "resnext50_32x4d", env={"COLUMNS": "80"}).out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out


def test_exact_numbers() -> None:
    out = run_gconv("summary", "resnext50_32x4d", "--exact", "--depth", "0").out
    assert "25,097,128" in out
    assert "11,398,021,120" in out


def test_the_flops_convention_is_said() -> None:
    for args in COMMANDS:
        assert "FLOPs = 2 × MACs" in run_gconv(*args).out


def test_an_output_that_cannot_encode_the_glyphs_gets_others() -> None:
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = run_process("summary", "basic", env=env)
    assert result.status == 0
    assert "32x32x64" in result.out
    assert "0.250x" in result.out
    styled = run_in_terminal("summary", "basic", env=env)
    assert styled.status == 0
    assert "0.250x" in styled.out


# Endings


@pytest.mark.surroundings
@pytest.mark.nightly  # tests/cli/test_endings.py always has a reader that is gone
def test_a_closed_pipe_ends_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "groupconv_cli", "summary", "resnext50_32x4d"],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.surroundings
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110
def test_a_full_disk_is_status_3() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "groupconv_cli", "summary", "basic"],
            cwd=ROOT,
            env=clean_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr.startswith("gconv: error: cannot write to standard output: No space")
    assert done.stderr.count("\n") == 1


CLOSED = {
    "stdout": (">&-", 3, "gconv: error: standard output is closed\n"),
    "stdin": ("<&-", 2, "gconv: error: standard input is closed\n"),
    "stderr": (">/dev/null 2>&-", 2, ""),
}


@pytest.mark.surroundings
@pytest.mark.parametrize(
    ("closing", "status", "message"),
    nightly_but(
        [CLOSED["stdout"], CLOSED["stdin"]],  # tests/cli/test_streams.py always closes stderr
        CLOSED.values(),
    ),
)
def test_closed_streams(closing: str, status: int, message: str) -> None:
    spec = "nope" if "2>" in closing else "-"
    command = f"{sys.executable} -m groupconv_cli summary {spec} {closing}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (status, message)


@pytest.mark.surroundings
def test_an_interrupt_is_status_130() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "groupconv_cli", "summary", "-"],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(b"# more than a pipe holds, so that it reads by now\n" * 4000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == b""
    assert err == b"gconv: interrupted\n"


def test_a_bug_is_reported_without_a_traceback() -> None:
    probe = (
        "import groupconv_cli.api as api\n"
        "def broken(*args, **kwargs): raise ZeroDivisionError('oh')\n"
        "api.analyze = broken\n"
        "import sys; sys.argv = ['gconv', 'summary', 'basic']\n"
        "from groupconv_cli.cli.app import main; main()\n"
    )
    done = run_python(probe, check=False)
    assert done.returncode == 3
    assert "unexpected ZeroDivisionError: oh" in done.stderr
    assert "Traceback" not in done.stderr
