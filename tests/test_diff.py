"""What changed between two networks: alignment, sums, limits, git revisions, and the command."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ROOT, run_gconv, run_in_terminal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_specs import specs

from groupconv_cli import SpecError, UsageError, analyze, diff, load
from groupconv_cli.analysis import align as aligning
from groupconv_cli.analysis.align import counted, runs
from groupconv_cli.analysis.diff import diff_networks
from groupconv_cli.analysis.limits import WITHOUT_NAME, parse_limits, verdicts
from groupconv_cli.network import Network
from groupconv_cli.render.diff import MAX_ROWS, diff_view
from groupconv_cli.render.diff_words import pattern

try_many = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


# Sums, which hold whatever the alignment


def check_sums(old, new) -> None:
    """The layers' differences are the totals', and every layer of both sides is told of once."""
    result = diff(old, new)
    before, after = analyze(old), analyze(new)
    assert (result.before, result.after) == (before.totals, after.totals)
    assert sum(layer.params for layer in result.layers) == after.params - before.params
    assert sum(layer.macs for layer in result.layers) == after.macs - before.macs
    gone = [layer.old.name for layer in result.layers if layer.old]
    come = [layer.new.name for layer in result.layers if layer.new]
    assert len(gone) + result.unchanged == len(before.layers)
    assert len(come) + result.unchanged == len(after.layers)
    assert len(set(gone)) == len(gone)
    assert len(set(come)) == len(come)
    for exact in (True, False):
        tables = diff_view(result, exact=exact).tables
        rows = [
            row.cells for table in tables if table.columns[0].key == "sign" for row in table.rows
        ]
        assert sum(cells[2] for cells in rows) == after.params - before.params
        assert sum(cells[3] for cells in rows) == after.macs - before.macs


@try_many
@given(specs(), specs())
def test_the_changes_of_layers_are_the_change_of_the_totals(old, new) -> None:
    check_sums(old, new)


@try_many
@given(specs(), st.data())
def test_an_item_left_out_or_said_twice(spec, data) -> None:
    layers = spec["layers"]
    place = data.draw(st.integers(0, len(layers) - 1))
    for other in (layers[:place] + layers[place + 1 :], layers[:place] + layers[place:][:1] * 2):
        try:
            new = load({**spec, "layers": other})
        except SpecError:
            continue
        if new.layers:
            check_sums(spec, new)
            check_sums(new, spec)


@try_many
@given(specs())
def test_a_network_does_not_differ_from_itself(spec) -> None:
    result = diff(spec, spec)
    assert result.is_same
    assert (result.layers, result.renamed) == ((), ())
    assert result.unchanged == len(analyze(spec).layers)
    nested = {**spec, "layers": ["part"], "blocks": {"part": {"layers": spec["layers"]}}}
    moved_into_a_block = diff(spec, nested)
    assert moved_into_a_block.is_same
    assert len(moved_into_a_block.renamed) == result.unchanged


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("resnet50", "resnext50_32x4d"),
        ("resnet18", "mobilenet_v2"),
        ("vgg16", "basic"),
        ("shufflenet_v1_g3", "shufflenet_v1_g8"),
    ],
)
def test_sums_of_published_networks(old: str, new: str) -> None:
    check_sums(old, new)
    check_sums(new, old)


# What is told of an edit


def conv(filters: int = 16, **more) -> dict:
    return {"conv": {"filters": filters, "kernel": 3, "groups": 4, **more}}


PLAIN = [conv(), "batch_norm", "relu"] * 4 + ["global_avg_pool", {"dense": {"units": 10}}]


def net(*layers, shape=(16, 16, 16)) -> Network:
    return load({"input": list(shape), "layers": list(layers)})


def own(result) -> list:
    """Status, names and what was written differently of each change that does not just follow."""
    consequences = ("input_shapes", "output_shape", "params", "macs")
    return [
        (
            layer.status,
            layer.layer.name,
            {f.field: (f.old, f.new) for f in layer.fields if f.field not in consequences},
        )
        for layer in result.layers
        if not layer.follows
    ]


def replaced(place: int, *items) -> list:
    return [*PLAIN[:place], *items, *PLAIN[place + 1 :]]


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([conv(24), *PLAIN], [("added", "conv", {})]),
        (PLAIN[1:], [("removed", "conv", {})]),
        ([*PLAIN[:6], "channel_shuffle", *PLAIN[6:]], [("added", "channel_shuffle", {})]),
        (replaced(4, {"layer_norm": {}}), [("changed", "layer_norm", {"op": ("batch_norm",) * 0})]),
        (replaced(5, "swish"), [("changed", "swish", {"op": ("relu", "swish")})]),
        (replaced(3, conv(groups=8)), [("changed", "conv_2", {"groups": (4, 8)})]),
        (replaced(3, conv(24)), [("changed", "conv_2", {"filters": (16, 24)})]),
        (replaced(0, conv(kernel=5)), [("changed", "conv", {"kernel": ((3, 3), (5, 5))})]),
        (replaced(0, conv(stride=2)), [("changed", "conv", {"stride": ((1, 1), (2, 2))})]),
        (replaced(0, conv(dilation=2)), [("changed", "conv", {"dilation": ((1, 1), (2, 2))})]),
        (replaced(0, conv(bias=False)), [("changed", "conv", {"bias": (True, False)})]),
        (replaced(0, conv(padding=1)), [("changed", "conv", {"padding": ("same", (1, 1))})]),
        (replaced(0, conv(kernel=[3, 3], dilation=[1, 1])), []),
        (
            replaced(13, {"dense": {"units": 11, "bias": False}}),
            [("changed", "dense", {"units": (10, 11), "bias": (True, False)})],
        ),
        (
            [{**item, "conv": {**item["conv"], "groups": 2}} if "conv" in item else item
             for item in PLAIN],
            [("changed", f"conv{n}", {"groups": (4, 2)}) for n in ("", "_2", "_3", "_4")],
        ),
    ],
)  # fmt: skip
def test_an_edit_is_told_as_it_was_made(layers: list, told: list) -> None:
    found = own(diff(net(*PLAIN), net(*layers)))
    expected = [
        (status, name, {"op": ("batch_norm", "layer_norm")} if name == "layer_norm" else fields)
        for status, name, fields in told
    ]
    assert found == expected


def test_a_layer_with_a_wider_input_follows() -> None:
    result = diff(net(*PLAIN), net(*replaced(3, conv(24))))
    following = {layer.layer.name: layer for layer in result.layers if layer.follows}
    assert set(following) == {"batch_norm_2", "relu_2", "conv_3"}
    assert following["conv_3"].params == (24 - 16) // 4 * 9 * 16
    assert result.renamed == ()


def test_a_block_between_renames_what_comes_after() -> None:
    result = diff("resnet50", "resnet101")
    assert {layer.status for layer in result.layers} == {"added"}
    assert len(result.layers) == len(load("resnet101").layers) - len(load("resnet50").layers)


def test_a_layer_in_another_place_is_moved() -> None:
    pool, drop = "max_pool", {"dropout": {"rate": 0.5}}
    result = diff(net(drop, conv(), "relu", pool), net(conv(), "relu", drop, pool))
    assert own(result) == [("moved", "dropout", {})]
    twice = diff(net(drop, *PLAIN), net(*PLAIN[:3], drop, *PLAIN[3:6], drop, *PLAIN[6:]))
    assert [status for status, *_ in own(twice)] == ["removed", "added", "added"]


def test_another_connection_is_a_change() -> None:
    """The same layers in the same order, but the sum takes another tensor."""

    def unit(*body) -> dict:
        return {"residual": {"body": list(body)}}

    old = net("relu", unit("relu", "relu"))
    add = old.nodes[-1]
    assert add.op.op == "add"
    nodes = (*old.nodes[:-1], add._replace(inputs=(add.inputs[0], 2)))
    result = diff(old, Network("other", nodes, old.inputs, old.outputs))
    ((status, name, fields),) = own(result)
    assert (status, name) == ("changed", "residual.add")
    assert fields["inputs"][0][1] != fields["inputs"][1][1]
    several = Network("other", old.nodes, old.inputs, (2, *old.outputs))
    ((_, name, fields),) = own(diff(old, several))
    assert (name, fields) == (old.nodes[2].name, {"is_output": (False, True)})


def test_without_an_old_network_all_is_added() -> None:
    new = net(*PLAIN)
    result = diff_networks(None, new)
    assert result.is_new
    assert not result.is_same
    assert result.count("added") == len(new.layers)
    assert result.before.params == result.before.peak_bytes == 0
    assert verdicts(parse_limits(["0%"]), result) == ()


# Alignment


def longest(old: list, new: list) -> int:
    """Length of the longest common subsequence, by the textbook."""
    row = [0] * (len(new) + 1)
    for a in old:
        before = row
        row = [0]
        for j, b in enumerate(new):
            row.append(before[j] + 1 if a == b else max(row[j], before[j + 1]))
    return row[-1]


KEYS = st.lists(st.integers(0, 4), max_size=14)


@pytest.mark.parametrize("match", [runs, counted])
@given(old=KEYS, new=KEYS)
def test_pairs_are_equal_and_never_cross(match, old: list, new: list) -> None:
    pairs = match(old, new)
    assert all(old[a] == new[b] for a, b in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    assert bool(pairs) == bool(set(old) & set(new))
    assert len(pairs) <= longest(old, new)


@given(st.permutations(range(9)), st.permutations(range(9)))
def test_where_nothing_repeats_the_most_pairs_are_found(old: list, new: list) -> None:
    assert len(counted(old, new)) == longest(old, new)


def test_what_repeats_itself_too_often_is_counted(monkeypatch) -> None:
    monkeypatch.setattr(aligning, "MAX_REPEATS", 11)
    assert runs("aaaa", "aabba") == counted("aaaa", "aabba") == [(0, 0), (1, 1), (3, 4)]
    monkeypatch.setattr(aligning, "MAX_REPEATS", 12)
    assert runs("aaaa", "aabba") == [(0, 0), (1, 1), (2, 4)]


# Limits


@pytest.mark.parametrize(
    ("text", "before", "allowed"),
    [
        ("params=5%", 100, 105),
        ("params=5%", 19, 19),
        ("macs=0.5%", 1000, 1005),
        ("macs=0", 7, 7),
        ("flops=250%", 2, 7),
        ("params=100k", 1, 100_001),
        ("params = 1.5M", 0, 1_500_000),
        ("weights=2MB", 0, 2_000_000),
        ("memory=1KiB", 0, 1024),
        ("memory=0", 5, 5),
        ("memory=10", 5, 15),
        ("memory=1KB", 0, 1000),
        ("params=1m", 0, 1_000_000),
        ("activations=1.5GiB", 0, 3 << 29),
    ],
)
def test_what_a_limit_allows(text: str, before: int, allowed: int) -> None:
    (limit,) = parse_limits([text])
    assert limit.quantity == text.partition("=")[0].strip()
    assert limit.allowed(before) == allowed


def test_a_limit_of_its_own_stands_in_for_the_general_one() -> None:
    limits = parse_limits(["5%", "macs=10%", "macs=1G"])
    named = [(limit.quantity, limit.text) for limit in limits]
    assert named == [("params", "5%"), ("memory", "5%"), ("macs", "10%"), ("macs", "1G")]
    assert [limit.quantity for limit in parse_limits(["1%"])] == list(WITHOUT_NAME)
    assert parse_limits(["1%"])[0].amount == Fraction(1, 100)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "a limit is a per cent, such as 5%, or has a name, such as params=100k; got '5'"),
        ("", "a limit is a per cent"),
        ("100k", "a limit is a per cent"),
        ("-5%", "got '-5%'"),
        ("params=", "got 'params='"),
        ("params=-1", "got 'params=-1'"),
        ("params=1MB", "got 'params=1MB'\n  did you mean 1M?"),
        ("memory=1M", "got 'memory=1M'\n  did you mean 1MB?"),
        ("weights=1M", "must be a per cent, such as 5%, or a number of bytes, or one with B, kB"),
        ("params=1.5", "must be a per cent, such as 5%, or a whole number; got"),
        ("memory=nan%", "got 'memory=nan%'"),
        ("params=1e400", "got 'params=1e400'"),
        ("parms=5%", "cannot limit 'parms' in 'parms=5%'; did you mean 'params'?"),
        ("size=5%", "there are params, macs, flops, weights, activations and memory"),
    ],
)
def test_limits_that_are_none(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_limits([text])
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ("params=14719", 1),
        ("params=14720", 0),
        ("params=315%", 1),
        ("params=316%", 0),
        ("5%", 1),
        ("100000%", 0),
    ],
)
def test_a_broken_limit_is_status_1(limit: str, status: int) -> None:
    """block has 19,392 parameters and basic 4,672."""
    result = run_gconv("diff", "basic", "block", "--fail-if-larger", limit)
    assert result.status == status
    assert ("over" in result.out) == bool(status)
    assert ("gconv: error: Params went from 4,672 to 19,392" in result.err) == bool(status)


def test_what_becomes_smaller_breaks_no_limit() -> None:
    assert run_gconv("diff", "block", "basic", "--fail-if-larger", "0%").status == 0


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
    assert f"--exact has {many} rows." in short
    assert "×17" in next(line for line in short.splitlines() if "multiply" in line)


def test_one_line_for_no_difference() -> None:
    same = run_gconv("diff", "resnet50", "resnet50", "--fail-if-larger", "0%")
    assert (same.status, same.out, same.err) == (0, "resnet50 · no difference\n", "")


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("other", ["resnext50_32x4d", "resnet101", "shufflenet_v1"])
def test_it_fits_a_terminal(other: str, columns: int) -> None:
    shown = run_in_terminal("diff", "resnet50", other, columns=columns, env={"NO_COLOR": "1"}).out
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
        (["basic"], "diff needs two specs, or one and --against REV"),
        ([], "diff needs two specs"),
        (["-", "-"], "only one of the two specs can be standard input"),
        (["basic", "blok"], "did you mean 'block'?"),
        (["basic", "block", "--against", "HEAD"], "--against goes with one spec"),
        (["basic", "block", "--set", "a=1"], "has no variable 'a'"),
        (["basic", "block", "--old-set", "a=1"], "basic.yaml (bundled) has no variable 'a'"),
        (["basic", "block", "--fail-if-larger", "x"], "a limit is a per cent"),
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
    assert f"From main:{spec} to {spec}." in result.out


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
    args = [*([spec] if spec else []), "--against", "main", "--fail-if-larger", "0%"]
    result = run_gconv("diff", *args, cwd=repository)
    assert result.status == 0
    assert f"There is no main:{name}: every layer counts as added" in result.out
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
    assert f"--against needs a file of a git repository, and {spec!r} is none" in result.err


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
    assert "cannot read the git repository of link.yaml: detected dubious ownership" in result.err


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
    assert "was.yaml was a symbolic link at HEAD" in result.err
