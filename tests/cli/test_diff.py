"""`gconv diff` as a program, and a spec against itself at a git revision."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from running import ROOT, run_gconv
from terminal import run_on_screen

from groupconv_cli import diff
from groupconv_cli.render.diff import MAX_ROWS
from groupconv_cli.render.diff_words import pattern

# The command


def test_the_table_can_be_searched() -> None:
    lines = run_gconv("diff", "basic", "block", "--fail-if-larger", "macs=1%").out.splitlines()
    assert lines[0] == "basic → block · input 32×32×32 → 64×64×64 · 4 layers added · float32"
    assert [line[0] for line in lines[4:9]] == ["+", "+", "+", "+", "~"]
    (macs,) = [line for line in lines if line.startswith("MACs")]
    assert macs.split()[-2:] == ["over", "1%"]
    assert run_gconv("diff", "block", "basic").out.count("\n- ") == 4


def test_equal_changes_are_one_row() -> None:
    result = run_gconv("diff", "resnet50", "resnet101")
    assert "\n+  stage_3.unit*.bottleneck.conv_2 ×17  " in result.out
    assert len(result.out.splitlines()) < 30


def test_similar_changes_are_one_row_where_they_are_many() -> None:
    """A squeeze-and-excitation in each of seventeen blocks of nine widths."""
    text = (ROOT / "configs" / "mobilenet_v2.yaml").read_text(encoding="utf-8")
    place = "            - conv: {filters: $c, kernel: 1, norm: batch}\n"
    assert text.count(place) == 1
    wider = text.replace(place, "            - squeeze_excite: {filters: 8}\n" + place).encode()
    short = run_gconv("diff", "mobilenet_v2", "-", stdin=wider).out
    full = run_gconv("diff", "mobilenet_v2", "-", "--exact", stdin=wider).out
    few, many = (sum(line.startswith("+ ") for line in out.splitlines()) for out in (short, full))
    assert few == 5 < MAX_ROWS < many
    assert f"--exact shows all {many} rows." in short
    assert "×17" in next(line for line in short.splitlines() if "multiply" in line)


def test_one_line_for_no_difference() -> None:
    same = run_gconv("diff", "resnet50", "resnet50", "--fail-if-larger", "0%")
    assert (same.status, same.out, same.err) == (0, "resnet50 · no difference\n", "")


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("other", ["resnext50_32x4d", "resnet101", "shufflenet_v1"])
def test_it_fits_a_terminal(other: str, columns: int) -> None:
    shown = run_on_screen("diff", "resnet50", other, columns=columns, env={"NO_COLOR": "1"}).out
    assert max(map(len, shown.splitlines())) <= columns
    wide = run_gconv("diff", "resnet50", other).out
    changes = [line.split()[1] for line in wide.splitlines() if line.startswith(("+ ", "- ", "~ "))]
    assert all(name in shown for name in changes)


def test_json_has_the_numbers_of_both_summaries() -> None:
    result = run_gconv("diff", "resnet50", "resnext50_32x4d", "-f", "json", "--fail-if-larger=3%")
    data = json.loads(result.out)
    assert (result.status, data["format"], data["version"]) == (1, "gconv.diff", 1)
    for side, name in (("before", "resnet50"), ("after", "resnext50_32x4d")):
        summary = json.loads(run_gconv("summary", name, "-f", "json").out)
        assert data[side] == {key: summary[key] for key in data[side]}
    for key in ("params", "macs"):
        assert sum(layer[f"{key}_change"] for layer in data["layers"]) == data["change"][key]
        assert data["change"][key] == data["after"][key] - data["before"][key]
    assert [limit["name"] for limit in data["limits"] if limit["broken"]] == ["macs"]
    layer = next(layer for layer in data["layers"] if layer["name"] == "stage.bottleneck.conv_2")
    assert layer["old"]["arguments"]["groups"] == layer["old"]["groups"] == 1
    assert {"field": "groups", "old": 1, "new": 32} in layer["fields"]


def test_every_name_in_the_json_is_documented() -> None:
    args = ("-f", "json", "--fail-if-larger", "1%")
    data = json.loads(run_gconv("diff", "block", "resnet18", *args).out)
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")

    def names(value) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(names, value))
        if not isinstance(value, dict):
            return set()
        own = {name for name in value if name != "arguments"}
        return own.union(*(names(value[name]) for name in own))

    assert [name for name in sorted(names(data)) if f"`{name}`" not in page] == []


def test_csv_has_every_layer_that_changed() -> None:
    text = run_gconv("diff", "resnet50", "resnext50_32x4d", "-f", "csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    result = diff("resnet50", "resnext50_32x4d")
    assert [row["name"] for row in rows] == [layer.layer.name for layer in result.layers]
    for key, total in (("params", result.after.params - result.before.params),
                       ("macs", result.after.macs - result.before.macs)):  # fmt: skip
        assert sum(int(row[key]) - int(row[f"old_{key}"]) for row in rows) == total


def test_markdown_is_tables_and_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "diff.md"
    args = ("diff", "basic", "block", "--fail-if-larger", "1%", "-o", path)
    result = run_gconv(*args)
    assert (result.status, result.out) == (1, f"Wrote {path}.\n")
    assert "the limit of 1% allows" in result.err
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("### basic → block")
    assert not [line for line in lines if line.startswith(("+ ", "- ", "* "))]
    assert all(line.count("|") in (0, 6, 7) for line in lines)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["basic"], "diff needs two specs, or one or more and --against REV"),
        ([], "diff needs two specs"),
        (["-", "-"], "only one of the two specs can be standard input"),
        (["basic", "blok"], "did you mean 'block'?"),
        (["basic", "block", "--against", "HEAD"], "--against needs a file of a git repository"),
        (["a", "b", "c"], "diff compares two specs, got 3; --against REV takes several"),
        (["basic", "block", "--allow-new"], "--allow-new needs --fail-if-larger"),
        (["basic", "block", "--set", "a=1"], "has no variable 'a'"),
        (["basic", "block", "--old-set", "a=1"], "basic.yaml (bundled) has no variable 'a'"),
        (["basic", "block", "--fail-if-larger", "x"], "a limit is a percentage"),
        (["basic", "block", "--dtype", "int4"], "int4"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_status_2(args: list[str], message: str) -> None:
    result = run_gconv("diff", *args)
    assert (result.status, result.out) == (2, "")
    assert message in result.err


def test_settings_are_for_both_sides_or_for_the_old_one() -> None:
    twice = ("diff", "resnext50_32x4d", "resnext50_32x4d", "-f", "json")
    both = json.loads(run_gconv(*twice, "--set", "groups=1").out)
    assert both["same"]
    one = json.loads(run_gconv(*twice, "--set", "groups=1", "--old-set", "groups=4").out)
    assert one["after"] == both["after"]
    assert one["before"] != both["before"]
    variants = run_gconv("diff", "resnet", "resnet", "--old-variant", "18", "--variant", "50")
    assert variants.out.startswith("resnet18 → resnet50 ·")


def test_mistakes_of_both_specs_are_told(tmp_path: Path) -> None:
    for name in ("old", "new"):
        text = f"input: [8, 8]\nlayers: [{name}_layer]\n"
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    result = run_gconv("diff", "old.yaml", "new.yaml", cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert "old.yaml:2:10: error: unknown layer 'old_layer'" in result.err
    assert "new.yaml:2:10: error: unknown layer 'new_layer'" in result.err


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["conv"], "conv"),
        (["conv", "conv_2"], "conv*"),
        (["stage.unit.conv", "stage_2.unit.conv"], "stage*.unit.conv"),
        (["a.unit.conv", "b.c.unit.conv"], "*.unit.conv"),
        (["relu", "swish"], ""),
    ],
)
def test_what_names_have_in_common(names: list[str], shown: str) -> None:
    assert pattern(names) == shown


# A spec and itself at a git revision


SPEC = "name: mine\ninput: [8, 8, 8]\nlayers:\n  - conv: {{filters: {filters}, kernel: 3}}\n"


def git(folder: Path, *args: str) -> None:
    who = ("-c", "user.name=N", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *who, *args], check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which specs/net.yaml got wider, and a file came that it does not have."""
    if shutil.which("git") is None:
        pytest.skip("no git here")
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q", "-b", "main")
    (folder / "specs").mkdir()
    path = folder / "specs" / "net.yaml"
    for text in ("name: broken\ninput: [8, 8]\nlayers: [rleu]\n", SPEC.format(filters=8)):
        path.write_text(text, encoding="utf-8")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "a spec")
    path.write_text(SPEC.format(filters=16), encoding="utf-8")
    (folder / "specs" / "new one.yaml").write_text(SPEC.format(filters=16), encoding="utf-8")
    (folder / "link.yaml").symlink_to(Path("specs") / "net.yaml")
    (folder / "gconv.yaml").write_text(SPEC.format(filters=8), encoding="utf-8")
    return folder


def widened(result) -> bool:
    return "~  conv     +584  +36.9 k  filters 8 → 16\n" in result.out


@pytest.mark.parametrize(
    ("where", "spec"),
    [
        (".", "specs/net.yaml"),
        ("specs", "net.yaml"),
        ("specs", "../link.yaml"),
        ("specs", "./net.yaml"),
        ("/", "{repository}/specs/net.yaml"),
        ("/", "{repository}/link.yaml"),
    ],
)
def test_a_spec_since_a_revision(repository: Path, where: str, spec: str) -> None:
    spec = spec.format(repository=repository)
    result = run_gconv("diff", spec, "--against", "main", cwd=repository / where)
    assert (result.status, result.err) == (0, "")
    assert widened(result)
    assert f"From main:specs/net.yaml to {spec}." in result.out
    git(repository, "cat-file", "-e", "main:specs/net.yaml")  # what git takes, from any folder


@pytest.mark.parametrize(
    ("where", "old"),
    [
        (".", "main:specs/net.yaml"),
        (".", "HEAD:./specs/net.yaml"),
        ("specs", "HEAD:specs/net.yaml"),
        ("specs", "HEAD:./net.yaml"),
        ("specs", "main~0:../specs/net.yaml"),
    ],
)
def test_a_spec_may_be_what_git_calls_it(repository: Path, where: str, old: str) -> None:
    git(repository / where, "cat-file", "-e", old)
    new = str(repository / "specs" / "net.yaml")
    result = run_gconv("diff", old, new, cwd=repository / where)
    assert (result.status, result.err) == (0, "")
    assert widened(result)
    assert f"From {old} to {new}." in result.out


@pytest.mark.parametrize(
    ("old", "message"),
    [
        ("HEAD:net.yaml", "there is no file 'net.yaml' at HEAD; did you mean HEAD:./net.yaml?"),
        ("HEAD:../../net.yaml", "there is no file '../../net.yaml' at HEAD"),
        ("HEAD:/specs/net.yaml", "there is no file '/specs/net.yaml' at HEAD"),
        ("HEAD:specs", "HEAD:specs is not a file"),
        ("nope:specs/net.yaml", "no revision 'nope' in the repository of this folder"),
        ("--all:net.yaml", "gconv diff has no option '--all:net.yaml'"),
        (":net.yaml", "no file ':net.yaml' here"),
    ],
)
def test_what_git_calls_no_file(repository: Path, old: str, message: str) -> None:
    result = run_gconv("diff", old, "basic", cwd=repository / "specs")
    assert (result.status, result.out) == (2, "")
    assert message in result.err


def test_outside_a_repository_a_colon_means_nothing(tmp_path: Path) -> None:
    env = {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    result = run_gconv("diff", "HEAD:net.yaml", "basic", cwd=tmp_path, env=env)
    assert (result.status, result.out) == (2, "")
    assert "no file 'HEAD:net.yaml' here, and no bundled config of that name" in result.err


@pytest.mark.parametrize("revision", ["HEAD", "main", "main~0", "HEAD@{0}", "refs/heads/main"])
def test_ways_to_name_a_revision(repository: Path, revision: str) -> None:
    assert widened(run_gconv("diff", "link.yaml", "--against", revision, cwd=repository))


def test_a_limit_against_a_revision(repository: Path) -> None:
    args = ("diff", "specs/net.yaml", "--against", "HEAD", "--fail-if-larger")
    assert run_gconv(*args, "5%", cwd=repository).status == 1
    assert run_gconv(*args, "100%", cwd=repository).status == 0


def test_a_hooks_environment_does_not_matter(repository: Path) -> None:
    env = {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index"}
    assert widened(run_gconv("diff", "specs/net.yaml", "--against=HEAD", cwd=repository, env=env))


@pytest.mark.parametrize("spec", ["specs/new one.yaml", None])
def test_a_file_that_the_revision_does_not_have_is_new(repository: Path, spec: str | None) -> None:
    name = spec or "gconv.yaml"
    args = [*([spec] if spec else []), "--against", "main"]
    result = run_gconv("diff", *args, cwd=repository)
    assert (result.status, result.err) == (0, "")
    assert f"main:{name} does not exist: every layer counts as added" in result.out
    data = json.loads(run_gconv("diff", *args, "-f", "json", cwd=repository).out)
    assert (data["old"], data["same"], data["limits"]) == (None, False, [])
    assert [layer["status"] for layer in data["layers"]] == ["added"]


def test_a_mistake_at_the_revision_has_its_place(repository: Path) -> None:
    result = run_gconv("diff", "specs/net.yaml", "--against", "HEAD~1", cwd=repository)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("HEAD~1:specs/net.yaml:3:10: error: unknown layer 'rleu'")


@pytest.mark.parametrize(
    "revision", ["nope", "HEAD~9", "HEAD:specs", "HEAD..main", "^HEAD", "main main", "*", "@{-9}"]
)
def test_a_revision_that_is_none(repository: Path, revision: str) -> None:
    result = run_gconv("diff", "specs/net.yaml", "--against", revision, cwd=repository)
    assert (result.status, result.out) == (2, "")
    assert f"no revision {revision!r} in the repository of specs/net.yaml" in result.err


@pytest.mark.parametrize("revision", ["--all", "-h", "--output=x", "--exec-path", "-", ""])
def test_a_revision_never_becomes_an_option(repository: Path, revision: str) -> None:
    result = run_gconv("diff", "specs/net.yaml", f"--against={revision}", cwd=repository)
    assert (result.status, result.out) == (2, "")
    assert "--against needs a revision, such as origin/main" in result.err


@pytest.mark.parametrize("spec", ["basic", "-", "specs", "gone.yaml", "x" * 5000])
def test_a_spec_that_has_no_past(repository: Path, spec: str) -> None:
    result = run_gconv("diff", spec, "--against", "HEAD", cwd=repository)
    assert (result.status, result.out) == (2, "")
    assert f"--against needs a file of a git repository, and {spec!r} is not a file" in result.err


def test_no_spec_and_no_default(repository: Path) -> None:
    result = run_gconv("diff", "--against", "HEAD", cwd=repository / "specs")
    assert (result.status, result.out) == (2, "")
    assert "there is no gconv.yaml here" in result.err


def test_outside_a_repository(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC.format(filters=8), encoding="utf-8")
    env = {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    result = run_gconv("diff", "net.yaml", "--against", "HEAD", cwd=tmp_path, env=env)
    assert (result.status, result.out) == (2, "")
    assert result.err == "gconv: error: net.yaml is not in a git repository\n"


def test_without_git(repository: Path) -> None:
    result = run_gconv("diff", "link.yaml", "--against", "HEAD", cwd=repository, env={"PATH": ""})
    assert (result.status, result.out) == (3, "")
    assert result.err == "gconv: error: --against needs git, which is not installed\n"


def test_a_repository_of_somebody_else(repository: Path) -> None:
    env = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    result = run_gconv("diff", "link.yaml", "--against", "HEAD", cwd=repository, env=env)
    assert (result.status, result.out) == (2, "")
    assert "cannot read the git repository of link.yaml: " in result.err


def test_a_shallow_clone_is_told_of(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), str(clone))
    result = run_gconv("diff", "specs/net.yaml", "--against", "HEAD~1", cwd=clone)
    assert result.status == 2
    assert "this clone is shallow: fetch it first" in result.err
    same = run_gconv("diff", "specs/net.yaml", "--against", "origin/main", cwd=clone)
    assert same.out.startswith("mine · no difference\n")


def test_what_was_a_link_then_is_told_of(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    git(tmp_path, "clone", "-q", str(repository), str(folder))
    (folder / "was.yaml").symlink_to("specs/net.yaml")
    git(folder, "add", "was.yaml")
    git(folder, "commit", "-q", "-m", "a link")
    (folder / "was.yaml").unlink()
    (folder / "was.yaml").write_text(SPEC.format(filters=8), encoding="utf-8")
    result = run_gconv("diff", "was.yaml", "--against", "HEAD", cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert "HEAD:was.yaml is a symbolic link" in result.err


def test_what_means_the_same_on_more_axes_is_no_change(tmp_path: Path) -> None:
    """A stride of 1 is 1 on one axis and on two; a kernel of 3 is 3×3 on two."""
    layers = "layers:\n  - conv: {filters: 8, kernel: 3, groups: 4}\n  - max_pool: {size: 2}\n"
    (tmp_path / "one.yaml").write_text("input: [8, 8]\n" + layers, encoding="utf-8")
    (tmp_path / "two.yaml").write_text("input: [8, 8, 8]\n" + layers, encoding="utf-8")
    result = run_gconv("diff", "one.yaml", "two.yaml", cwd=tmp_path)
    assert "kernel 3 → 3×3\n" in result.out
    assert "size 2 → 2×2\n" in result.out
    data = json.loads(run_gconv("diff", "one.yaml", "two.yaml", "-f", "json", cwd=tmp_path).out)
    fields = [[change["field"] for change in layer["fields"]] for layer in data["layers"]]
    shapes = ["input_shapes", "output_shape"]
    assert fields == [["kernel", *shapes, "params", "macs"], ["size", *shapes]]
