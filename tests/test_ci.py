"""What docs/ci.md promises: a light install, a workflow, hooks, logs that are complete."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from running import IN_TURN, ROOT, Result, clean_environment, run_gconv
from terminal import ANSI

from groupconv_cli import analyze
from groupconv_cli.analysis.report import Summary
from groupconv_cli.render.csv import csv_text
from groupconv_cli.render.summary import summary_view

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
HEAVY = {"tensorflow", "keras", "psutil", "highspy", "jinja2", "scipy"}


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


# The light install


def test_the_light_install_is_the_project_without_what_is_heavy() -> None:
    package, needs = fenced("sh")[0].splitlines()
    assert package == "pip install --no-deps ."  # in a clone: there is no package on an index
    light = {need for need in PROJECT["dependencies"] if re.match(r"\w+", need)[0] not in HEAVY}
    assert set(re.findall(r"'(.+?)'", needs)) == light
    assert "\n".join([package, needs]) in (ROOT / "README.md").read_text(encoding="utf-8")
    steps = [step.get("run", "") for step in workflow_steps()]
    from_its_address = package.removesuffix(".") + '"$GCONV"'
    assert f"{from_its_address}\n{needs}\n" in steps
    address = next(line for line in PAGE.splitlines() if "GCONV: git+https://" in line)
    assert f"/OWNER/{PROJECT['name']} " in address


def closure(names: set[str]) -> set[str]:
    """Distributions and all that they need here."""
    found: set[str] = set()
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        needs = importlib.metadata.requires(name) or ()
        waiting += [re.match(r"[\w.-]+", need)[0] for need in needs if ";" not in need]
    return found


@pytest.fixture(scope="module")
def light(tmp_path_factory) -> dict[str, str]:
    """An environment in which Python finds what the light install has, and nothing else."""
    folder = tmp_path_factory.mktemp("light")
    for name in closure({"typer", "rich", "pyyaml"}):
        distribution = importlib.metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        for top in tops:
            (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    for name in ("groupconv_cli", "configs"):
        (folder / name).symlink_to(ROOT / name)
    return clean_environment({"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"})


def run_light(light: dict[str, str], *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs Python in that environment."""
    return subprocess.run(
        [sys.executable, "-S", *args],
        cwd=cwd,
        env=light,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_light_install_has_no_tensorflow(light, tmp_path) -> None:
    probe = "import importlib.util as i; print(*[i.find_spec(m) for m in %r])"
    modules = (*sorted(HEAVY), "numpy")
    done = run_light(light, "-c", probe % (modules,), cwd=tmp_path)
    assert done.stdout.split() == ["None"] * len(modules)


ENOUGH = (
    "summary resnext50_32x4d",
    "summary basic -f json",
    "compare -g 1,4,8 -f markdown",
    "compare shufflenet_v1 --variants -f csv",
    "list",
    "init -o -",
    "schema",
    "--help",
)
TOO_LITTLE = "build basic", "build basic --fast", "build basic --ignore-memory"


@pytest.fixture(scope="module")
def ran(light, tmp_path_factory) -> dict[str, Result]:
    """What these lines do in a light install, all in one process."""
    folder = tmp_path_factory.mktemp("ran")
    lines = *ENOUGH, *TOO_LITTLE
    given = str(ROOT / "tests"), json.dumps([line.split() for line in lines]), "{}"
    done = run_light(light, "-c", IN_TURN, *given, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(folder.iterdir()) == []
    results = (Result(*each) for each in json.loads(done.stdout))
    return dict(zip(lines, results, strict=True))


@pytest.mark.parametrize("line", ENOUGH)
def test_the_light_install_is_enough(ran, tmp_path, line: str) -> None:
    assert ran[line].status == 0
    assert ran[line] == run_gconv(*line.split(), cwd=tmp_path)


def test_colour_takes_no_more(light, tmp_path) -> None:
    coloured = {**light, "FORCE_COLOR": "1"}
    done = run_light(coloured, "-m", "groupconv_cli", "summary", "basic", cwd=tmp_path)
    assert done.returncode == 0
    assert "\x1b[1m" in done.stdout


@pytest.mark.parametrize("line", TOO_LITTLE)
def test_building_says_what_to_install(ran, line: str) -> None:
    assert ran[line] == (
        3,
        "",
        "gconv: error: this needs tensorflow, keras and psutil, which are not "
        "installed\n  pip install tensorflow keras psutil\n",
    )


# The workflow


def workflow_steps() -> list[dict]:
    workflow = yaml.safe_load(next(text for text in fenced("yml") if "runs-on:" in text))
    (job,) = workflow["jobs"].values()
    return job["steps"]


RUNS = [step["run"] for step in workflow_steps() if step.get("run", "").startswith("gconv ")]
SPEC = """\
input: [8, 8, 16]
layers:
  - conv: {filters: 16, kernel: 3, groups: 4, norm: batch}
  - channel_shuffle
  - conv: {filters: 32, kernel: 1, norm: batch}
"""


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository with a spec on main, and on another branch a dropout at its end."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "gconv"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m groupconv_cli "$@"\n')
    program.chmod(0o755)
    nets = tmp_path / "repository" / "nets"
    nets.mkdir(parents=True)

    def git(*args: str) -> None:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        subprocess.run(["git", *who, *args], cwd=nets.parent, check=True, capture_output=True)

    (nets / "net.yaml").write_text(SPEC)
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "a network")
    git("checkout", "-b", "change")
    (nets / "net.yaml").write_text(SPEC + "  - dropout: {rate: 0.2}\n")
    git("commit", "-am", "a dropout")
    return nets.parent


@pytest.mark.parametrize("command", RUNS)
def test_a_step_of_the_workflow_runs(repository, command: str) -> None:
    page = repository.parent / "summary.md"
    page.touch()
    changes = {
        "PATH": f"{repository.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(page),
        "GITHUB_ACTIONS": "true",
        "BASE": "main",
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],  # as GitHub runs it
        cwd=repository,
        env=clean_environment(changes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    if "GITHUB_STEP_SUMMARY" in command:
        assert done.stdout == ""
        assert re.search(
            r"^#+ .+\n\n(.+\n\n)*\| .+ \|\n\| -", page.read_text("utf-8"), re.MULTILINE
        )


def test_what_changed_is_said_though_the_check_fails() -> None:
    (step,) = (step for step in workflow_steps() if step.get("run", "").startswith("gconv diff"))
    assert step["if"] == "${{ !cancelled() }}"


def test_the_workflow_checks_compares_and_tells_what_changed() -> None:
    assert [run.split()[1] for run in RUNS] == ["check", "diff", "compare", "summary"]


# Hooks


def test_the_hooks_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"id: ([\w-]+)", PAGE))
    assert named == {hook["id"] for hook in HOOKS}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_a_command_that_is_there_on_specs(hook: dict, repository) -> None:
    program, command = hook["entry"].split()
    assert program in PROJECT["scripts"]
    for path in ("gconv.yaml", "nets/gconv.yml", "nets/small.gconv.yaml"):
        assert re.search(hook["files"], path)
    for path in ("mygconv.yaml", "gconv.yaml.j2", "ci.yaml", "gconv/ci.yaml"):
        assert not re.search(hook["files"], path)
    result = run_gconv(command, "nets/net.yaml", cwd=repository)  # as pre-commit calls it
    assert result.status == 0


# Logs


@pytest.mark.parametrize("env", [{}, {"CI": "true", "GITHUB_ACTIONS": "true"}, {"TERM": "dumb"}])
def test_a_log_has_every_layer_in_one_aligned_line_without_colour(env: dict[str, str]) -> None:
    shown = run_gconv("summary", "resnext50_32x4d", env=env).out
    layers = json.loads(run_gconv("summary", "resnext50_32x4d", "-f", "json").out)["layers"]
    assert not ANSI.search(shown)
    lines = shown.splitlines()
    head, rule, *rows = lines[2 : lines.index("", 3)]
    assert head.split() == [
        "Layer",
        "Op",
        "Output",
        "Groups",
        "Params",
        "MACs",
        "FLOPs",
        "vs",
        "dense",
        "Reach",
        "Share",
        "of",
        "MACs",
    ]
    full = head.index("Reach") + len("Reach")  # bars end where they end
    assert len(head) <= len(rule)
    for layer in layers:
        (row,) = [row for row in rows if row.startswith(f"{layer['name']} ")]
        assert layer["op"] in row
        assert len(row[:full].rstrip()) == full
        assert bool(row[full:]) == bool(layer["macs"])
        if layer["macs"]:
            at = head.index("MACs") + len("MACs")
            assert re.search(r"\d( [kMG])?$", row[:at])


@pytest.mark.parametrize("columns", ["1", "40", "80", "1000"])
def test_no_width_brings_colour_or_cuts_a_number(columns: str) -> None:
    shown = run_gconv("summary", "resnext50_32x4d", env={"COLUMNS": columns}).out
    assert not ANSI.search(shown)
    assert "…" not in shown
    assert "4.23 G" in shown


def rows_of(summary: Summary, **folding: int | None) -> list[dict[str, str]]:
    text = csv_text(summary_view(summary, nested=False, **folding))
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("name", ["resnext50_32x4d", "shufflenet_v1", "mobilenet_v2", "basic"])
@pytest.mark.parametrize("depth", [None, 1, 2, 3])
@pytest.mark.parametrize("top", [1, 7, 10_000])
def test_the_top_rows_add_up_and_are_the_costliest(name: str, depth: int | None, top: int) -> None:
    summary = analyze(name)
    rows = rows_of(summary, depth=depth, top=top)
    all_rows = rows_of(summary, depth=depth, top=1_000_000)
    for key in ("params", "macs", "flops"):
        for each in (rows, all_rows):
            assert sum(int(row[key]) for row in each) == getattr(summary, key)
    if top >= len(all_rows):
        assert rows == all_rows
        return
    *kept, rest = rows
    assert rest["name"] == f"… {len(all_rows) - top} more"
    names = [row["name"] for row in all_rows]
    places = [names.index(row["name"]) for row in kept]
    assert places == sorted(places)
    left_out = [row for row in all_rows if row not in kept]

    def cost(row: dict) -> tuple[int, int]:
        return int(row["macs"]), int(row["params"])

    assert min(map(cost, kept)) >= max(map(cost, left_out))
    assert len(kept) == top


def test_the_table_says_what_top_shows() -> None:
    shown = run_gconv("summary", "resnet50", "--top", "2").out
    assert (
        "Shown: the 2 rows with the most MACs, in the network's order. The last row is the rest."
        in shown
    )
    assert re.search(r"^… 172 more  ", shown, re.MULTILINE)
    assert "Shown:" not in run_gconv("summary", "basic", "--top", "2").out


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (["summary", "basic", "--depth", "1"], "--depth changes"),
        (["summary", "basic", "--top", "1", "--exact"], "--top and --exact change"),
        (["compare", "basic", "--exact"], "--exact changes"),
    ],
)
def test_options_that_json_does_not_heed_are_named(args: list[str], options: str) -> None:
    plain = run_gconv(args[0], "basic", "-f", "json")
    noted = run_gconv(*args, "-f", "json")
    assert plain.err == ""
    assert noted == (0, plain.out, f"gconv: json is complete and exact: {options} nothing\n")
    assert run_gconv(*args, "-f", "markdown").err == ""


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("net.yaml", "to look at that spec: gconv summary net.yaml"),
        ("my net.yml", "to look at that spec: gconv summary 'my net.yml'"),
        ("resnet50", "to look at that spec: gconv summary resnet50"),
        ("sumary", "did you mean 'summary'?"),
        ("frobnicate", "there are summary, compare, "),
        ("\x1b[31m", "there are summary, compare, "),
    ],
)
def test_a_word_where_a_command_belongs(word: str, answer: str, tmp_path) -> None:
    result = run_gconv(word, cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"gconv: error: there is no command {word!r}; {answer}")
    assert result.err.count("\n") == 1
