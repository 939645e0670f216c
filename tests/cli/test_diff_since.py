"""`gconv diff --against`: renamed files, new files, and several at once."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest
from running import ROOT, run_gconv
from terminal import run_on_screen

SPEC = """\
name: {name}
input: [8, 8, 16]
layers:
  - conv: {{filters: {filters}, kernel: 3, bias: false}}
  - batch_norm
  - relu
# git finds by their likeness what files were renamed, and this one is short. So it ends with a
# comment that stays as it is.
"""
WEIGHTS = 9 * 16
"""Of one filter."""


def git(folder: Path, *args: str) -> None:
    own = ("-c", "user.email=a@example.com", "-c", "user.name=a")
    subprocess.run(["git", *own, *args], cwd=folder, capture_output=True, check=True)


def spec(folder: Path, name: str, filters: int) -> None:
    path = folder / f"{name}.yaml"
    path.write_text(SPEC.format(name=path.stem[:1], filters=filters), encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "nets").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    spec(folder, "nets/a", 16)
    spec(folder, "b", 16)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "specs")
    return folder


def commit(folder: Path) -> None:
    git(folder, "commit", "-q", "-a", "-m", "next")


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("to", ["nets/c.yaml", "c.yaml"])
def test_a_renamed_file_is_compared_with_what_it_was(
    repository: Path, to: str, committed: bool
) -> None:
    git(repository, "mv", "nets/a.yaml", to)
    spec(repository, to.removesuffix(".yaml"), 32)
    revision = "main"
    if committed:
        commit(repository)
        revision = "main~1"
    args = ("diff", to, "--against", revision, "--fail-if-larger", "5%")
    done = run_gconv(*args, cwd=repository)
    assert done.status == 1  # moving a file does not get around a limit
    assert f"From {revision}:nets/a.yaml to {to}." in done.out
    assert "filters 16 → 32" in done.out
    old, new = (filters * (WEIGHTS + 4) for filters in (16, 32))  # a batch norm has 4 per channel
    assert f"Params went from {old:,} to {new:,} (+100 %)" in done.err


def test_a_file_of_the_same_name_then_is_the_one(repository: Path) -> None:
    git(repository, "mv", "-f", "nets/a.yaml", "b.yaml")
    done = run_gconv("diff", "b.yaml", "--against", "main", cwd=repository)
    assert "From main:b.yaml to b.yaml." in done.out or "no difference" in done.out
    assert "nets/a.yaml" not in done.out


def test_a_copy_is_no_rename(repository: Path) -> None:
    spec(repository, "copy", 16)
    git(repository, "add", "copy.yaml")
    done = run_gconv("diff", "copy.yaml", "--against", "main", cwd=repository)
    assert "main:copy.yaml does not exist" in done.out


def test_a_limit_on_a_new_file_is_broken_unless_that_is_allowed(repository: Path) -> None:
    spec(repository, "new", 16)
    args = ("diff", "new.yaml", "--against", "main")
    limited = run_gconv(*args, "--fail-if-larger", "5%", cwd=repository)
    assert limited.status == 1
    assert limited.err == (
        "gconv: error: there is no main:new.yaml, so new.yaml has nothing to compare with\n"
        "  --allow-new accepts a new file\n"
    )
    allowed = run_gconv(*args, "--fail-if-larger", "5%", "--allow-new", cwd=repository)
    assert (allowed.status, allowed.err) == (0, "")
    assert allowed.out == limited.out == run_gconv(*args, cwd=repository).out


SEVERAL = ("diff", "nets/a.yaml", "b.yaml", "new.yaml", "--against", "main")


@pytest.fixture
def changed(repository: Path) -> Path:
    spec(repository, "nets/a", 32)
    spec(repository, "new", 8)
    return repository


def test_several_specs_have_a_table_each_and_one_of_totals(changed: Path) -> None:
    done = run_gconv(*SEVERAL, cwd=changed)
    assert (done.status, done.err) == (0, "")
    first, *_, totals = done.out.split("\n\n")[:4]
    assert first == "3 specs · since main"
    assert "nets/a.yaml: a · input 8×8×16 · 1 layer changed · float32" in done.out
    assert "new.yaml: n · input 8×8×16 · 3 layers added · float32" in done.out
    lines = {line.split()[0]: line for line in totals.splitlines()[3:]}
    assert list(lines) == ["nets/a.yaml", "b.yaml", "new.yaml"]
    assert f"{32 * (WEIGHTS + 4):,}" in lines["nets/a.yaml"]
    assert "+100 %" in lines["nets/a.yaml"]
    assert lines["new.yaml"].endswith("new")
    assert "main:b.yaml" not in done.out  # nothing to say of what is the same


def test_a_limit_holds_for_each_of_several(changed: Path) -> None:
    done = run_gconv(*SEVERAL, "--fail-if-larger", "params=5%", cwd=changed)
    assert done.status == 1
    assert "gconv: error: nets/a.yaml: Params went from " in done.err
    assert "new.yaml has nothing to compare with" in done.err
    assert "b.yaml: " not in done.err
    kept = run_gconv(*SEVERAL, "--fail-if-larger", "params=100%", "--allow-new", cwd=changed)
    assert kept.status == 0


@pytest.mark.parametrize("columns", [60, 80])
def test_the_tables_fit_a_terminal(changed: Path, columns: int) -> None:
    args = (*SEVERAL, "--fail-if-larger", "5%")
    shown = run_on_screen(*args, columns=columns, cwd=changed, env={"NO_COLOR": "1"}).out
    assert max(map(len, shown.splitlines())) <= columns
    assert "nothing to compare" in shown


def test_several_as_json_and_csv(changed: Path) -> None:
    data = json.loads(run_gconv(*SEVERAL, "-f", "json", cwd=changed).out)
    assert (data["format"], data["version"], data["against"]) == ("gconv.diffs", 1, "main")
    for number, name in enumerate(SEVERAL[1:4]):
        args = ("diff", name, "--against", "main", "-f", "json")
        alone = json.loads(run_gconv(*args, cwd=changed).out)
        del alone["format"], alone["version"]
        assert data["diffs"][number] == alone
    rows = list(csv.DictReader(io.StringIO(run_gconv(*SEVERAL, "-f", "csv", cwd=changed).out)))
    found = [(row["spec"], row["status"], row["name"]) for row in rows]
    assert ("nets/a.yaml", "changed", "conv") in found
    assert ("new.yaml", "added", "relu") in found
    assert "`diffs`" in (ROOT / "docs" / "json.md").read_text(encoding="utf-8")


def test_mistakes_of_all_are_told(changed: Path) -> None:
    for name in ("b", "new"):
        (changed / f"{name}.yaml").write_text("input: [8, 8, 4]\nlayers: [what]\n")
    done = run_gconv(*SEVERAL, cwd=changed)
    assert (done.status, done.out) == (2, "")
    assert "b.yaml:2:10" in done.err
    assert "new.yaml:2:10" in done.err


def test_several_are_one_figure(changed: Path) -> None:
    done = run_gconv(*SEVERAL, "--plot", "all.svg", cwd=changed)
    assert done.status == 0
    assert (changed / "all.svg").read_text("utf-8").count("Share of the larger of the two") == 3


def annotations(text: str) -> list[tuple[str, str, str]]:
    """The level, the file and the message of each command."""
    found = []
    for line in text.splitlines():
        head, message = line.removeprefix("::").split("::", 1)
        level, properties = head.split(" ", 1)
        file = dict(each.split("=", 1) for each in properties.split(",")).get("file", "")
        found.append((level, file, message.replace("%0A", "\n").replace("%25", "%")))
    return found


def test_annotations_of_a_diff(changed: Path) -> None:
    args = (*SEVERAL, "--fail-if-larger", "params=5%", "--format", "github")
    found = annotations(run_gconv(*args, cwd=changed).out)
    assert [(level, file) for level, file, _ in found] == [
        ("error", "nets/a.yaml"),
        ("error", "new.yaml"),
        *(("notice", file) for file in SEVERAL[1:4]),
    ]
    assert found[0][2].startswith("Params went from 2,368 to 4,736 (+100 %)")
    notice = found[2][2].splitlines()
    assert notice[0] == "a · input 8×8×16 · 1 layer changed · float32"
    assert notice[1] == "Params: 2,368 → 4,736 (+100 %)"


def test_annotations_of_a_comparison(changed: Path) -> None:
    args = ("compare", "b.yaml", "--groups", "1,3,4", "--only", "conv", "--format", "github")
    done = run_gconv(*args, cwd=changed)
    assert done.status == 1
    error, notice = annotations(done.out)
    assert error[:2] == ("error", "b.yaml")
    assert error[2].startswith("g=3: 3 does not divide the 16 input")
    rows = notice[2].splitlines()
    macs = 64 * 16 * WEIGHTS
    assert rows[0] == "b; in brackets, shares of g=1"
    assert rows[1].startswith("g=1 (as written): "), "the network as written is one row"
    assert f"{macs / 1e3:.0f} k MACs (1×)" in rows[1]
    assert rows[2].startswith("g=4: ")
    assert "MACs (0.250×)" in rows[2]


def test_mistakes_are_annotations_in_every_command_that_has_them(changed: Path) -> None:
    (changed / "typo.yaml").write_text("input: [8, 8, 3]\nlayers:\n  - conv: {filers: 16}\n")
    for args in (("compare", "typo.yaml"), ("diff", "b.yaml", "typo.yaml")):
        done = run_gconv(*args, "-f", "github", cwd=changed)
        assert done.status == 2
        needs, typo = done.out.splitlines()
        assert needs.startswith("::error file=typo.yaml,line=3,col=5,title=gconv::conv needs ")
        assert typo == (
            "::error file=typo.yaml,line=3,col=12,title=gconv::conv has no argument 'filers'%0A"
            "did you mean 'filters'?"
        )
        assert "typo.yaml:3:12: error: conv has no argument 'filers'" in done.err
        assert run_gconv(*args, cwd=changed).out == "", "only that format is read from stdout"


@pytest.mark.parametrize("command", ["compare", "report"])
def test_a_file_with_invalid_rows_is_told_on_stderr(command: str, changed: Path) -> None:
    output = "rows.md" if command == "compare" else "rows.html"
    args = (command, "b.yaml", "--groups", "1,3", "--only", "conv")
    done = run_gconv(*args, "-o", output, cwd=changed)
    assert (done.status, done.out) == (1, f"Wrote {output}.\n")
    assert done.err.startswith("gconv: error: g=3: 3 does not divide the 16 input")
    assert done.err.count("\n") == 1


def test_annotations_of_variants_and_bundled_networks(tmp_path: Path) -> None:
    done = run_gconv("compare", "mobilenet_v1", "--variants", "-f", "github", cwd=tmp_path)
    (notice,) = done.out.splitlines()
    assert notice.startswith("::notice title=gconv compare::mobilenet_v1; in brackets, shares of ")
    assert "%0A0.25: 476 k params" in notice
