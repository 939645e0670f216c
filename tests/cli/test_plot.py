"""`--plot`: the figure of a result, written beside it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from running import clean_environment, run_gconv
from specs import nightly_but

from groupconv_cli import runtime
from groupconv_cli.sources.catalogue import source_of

COMMANDS = {
    "compare": ["compare", "basic", "--groups", "1,4"],
    "variants": ["compare", "mobilenet_v1", "--variants"],
    "summary": ["summary", "block"],
    "search": ["search", "resnet18", "--max-macs", "80%", "--groups", "1,2"],
    "diff": ["diff", "basic", "block"],
    "list": ["list", "resnext"],
}


@pytest.mark.parametrize("command", nightly_but(("compare", "search"), COMMANDS))
def test_a_result_is_drawn_beside_its_table(command: str, tmp_path: Path) -> None:
    args = COMMANDS[command]
    plain = run_gconv(*args, cwd=tmp_path)
    done = run_gconv(*args, "--plot", "net.svg", cwd=tmp_path)
    assert (done.status, done.out) == (plain.status, plain.out)
    assert done.err == plain.err + "gconv: wrote net.svg\n"
    titles = re.findall("<title>([^<]+)</title>", (tmp_path / "net.svg").read_text("utf-8"))
    assert titles


def test_published_accuracies_are_drawn_for_networks_that_are_as_published(tmp_path: Path) -> None:
    text = run_gconv("list", "mobilenet_v1", "--format", "json", cwd=tmp_path).out
    rows = {each["variant"]: each for each in json.loads(text)}
    accuracy = f"accuracy {rows['0.5']['published_top1']['accuracy']:.1f} %"
    args = ["compare", "mobilenet_v1", "--variants", "--plot"]
    run_gconv(*args, "a.svg", cwd=tmp_path)
    assert accuracy in (tmp_path / "a.svg").read_text("utf-8")
    text = source_of("mobilenet_v1").text
    assert text.count("units: 1000") == 1
    (tmp_path / "mobilenet_v1.yaml").write_text(text.replace("units: 1000", "units: 10"))
    other = ["compare", "mobilenet_v1.yaml", "--variants", "--plot", "b.svg"]
    assert run_gconv(*other, cwd=tmp_path).status == 0
    assert "accuracy" not in (tmp_path / "b.svg").read_text("utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("net.jpg", "a figure is written as .svg, .png or .pdf; 'net.jpg' ends otherwise"),
        ("old.svg", "old.svg exists already; --force replaces it"),
        ("", "--plot is empty; give it the name of a file"),
        ("folder/", "folder/ names a folder; a file's name does not end in /"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_first(
    given: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "old.svg").write_text("old")
    done = run_gconv("compare", "no such spec", "--plot", given, cwd=tmp_path)
    assert done.status == 2
    assert done.err.splitlines()[0] == f"gconv: error: {said}"
    assert done.out == ""
    assert (tmp_path / "old.svg").read_text() == "old"


def test_one_file_cannot_be_both(tmp_path: Path) -> None:
    args = ["summary", "basic", "-f", "json", "-o", "net.svg", "--plot", "net.svg"]
    done = run_gconv(*args, cwd=tmp_path)
    assert done.status == 2
    assert "--plot and --output name the same file: net.svg" in done.err
    assert list(tmp_path.iterdir()) == []


def test_force_replaces_a_figure(tmp_path: Path) -> None:
    (tmp_path / "net.png").write_text("old")
    done = run_gconv("summary", "basic", "--plot", "net.png", "--force", cwd=tmp_path)
    assert done.status == 0
    assert (tmp_path / "net.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    done = run_gconv("summary", "basic", "--plot", "net.svg", cwd=tmp_path)
    assert done.status == 3
    assert done.out == ""
    assert done.err == (
        "gconv: error: this needs matplotlib, which is not installed\n  pip install '.[plot]'\n"
    )


DRAWS = """
import sys
from groupconv_cli.cli.app import main

sys.argv = ["gconv", "summary", "basic", "--plot", "net.svg"]
try:
    main()
except SystemExit as end:
    print(end.code, "matplotlib.pyplot" in sys.modules)
"""


def test_matplotlib_is_quiet_where_it_can_keep_nothing_and_is_used_without_pyplot(
    tmp_path: Path,
) -> None:
    """Pyplot would look for a screen, and keep every figure."""
    nowhere = {"MPLCONFIGDIR": "/proc/nowhere", "HOME": "/proc/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", DRAWS],
        cwd=tmp_path,
        env=clean_environment(nowhere),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "gconv: wrote net.svg\n"
    assert done.stdout.splitlines()[-1] == "0 False"
