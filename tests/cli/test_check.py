"""`gconv check` as a program: which specs it takes, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from check_specs import APART, SPEC, WRONG, write
from running import run_gconv
from terminal import run_on_screen

from groupconv_cli import check
from groupconv_cli.sources.catalogue import families

# Which specs


def test_folders_globs_and_names_each_spec_once(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("nets", "nets/deep", ".hidden", "env"):
        (tmp_path / folder).mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    write(tmp_path, one=SPEC)
    write(tmp_path / "nets", two=SPEC, other="services:\n  web: {layers: 3}\n")
    write(tmp_path / "nets" / "deep", three="layers: [rleu]")
    for left_out in (".hidden", "env"):
        write(tmp_path / left_out, four=SPEC)
    (tmp_path / "nets" / "five.yml").write_text(SPEC)
    (tmp_path / "nets" / "six.txt").write_text(SPEC)
    inside = ["nets/five.yml", "nets/two.yaml", "nets/deep/three.yaml"]
    assert [each.spec for each in check().specs] == ["one.yaml", *inside]
    assert [each.spec for each in check("nets").specs] == inside
    assert [each.spec for each in check("nets/two.yaml", "nets").specs][:2] == [
        inside[1],
        inside[0],
    ]
    assert [each.spec for each in check("**/t*.yaml", "block").specs] == [
        *("nets/deep/three.yaml", "nets/two.yaml"),
        "block",
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nothing.yaml", "no file 'nothing.yaml' here"),
        ("*.yml", "no file matches '*.yml'"),
        (".", "there are no specs in this folder"),
        ("", "SPEC is empty"),
        ("a\0b", "no file"),
    ],
)
def test_a_spec_that_is_not_there_is_one_more_that_is_wrong(
    spec: str, message: str, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = check(spec, "basic")
    assert message in report.specs[0].problems[0].message
    assert "\n" not in report.specs[0].problems[0].message
    assert [each.exit_status for each in report.specs] == [2, 0]
    assert report.exit_status == 2


@pytest.mark.parametrize("specs", [(), (".",), ("e", "none*.yaml")])
def test_where_no_spec_is_found_that_is_all_there_is_to_say(specs, tmp_path) -> None:
    (tmp_path / "e").mkdir()
    done = run_gconv("check", *specs, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    where = "the folder e" if specs[:1] == ("e",) else "this folder"
    assert done.err.startswith(f"gconv: error: there are no specs in {where}: no .yaml or .yml")
    assert ("no file matches 'none*.yaml'" in done.err) == (len(specs) == 2)


def test_what_would_be_right_stands_on_a_line_of_its_own() -> None:
    done = run_gconv("check", "resnt50")
    problem = done.out.splitlines()[2:4]
    assert problem[0].endswith("no bundled config of that name; did you mean 'resnet50'?")
    assert problem[1] == "  `gconv list` shows the bundled ones"


def test_every_variant_is_checked_and_what_they_share_said_once(tmp_path) -> None:
    text = "vars: {g: 4, f: 16}\nvariants: {a: {}, b: {g: 8}, c: {g: 1}, d: {f: 6}}\n"
    text += APART.replace("groups: 4", "groups: $g").replace("filters: 16", "filters: $f")
    write(tmp_path, net=text)
    (spec,) = check(tmp_path / "net.yaml").specs
    assert spec.variants == ("a", "b", "c", "d")
    (finding,) = spec.findings
    assert finding.variants == ("a", "b")
    (problem, _) = spec.problems
    assert problem.hint.endswith("(with the variant d)")
    (spec,) = check(tmp_path / "net.yaml", variant="b").specs
    assert spec.problems == ()
    (spec,) = check(tmp_path / "net.yaml", variant="z").specs
    assert "has no variant 'z'" in spec.problems[0].message


def test_the_catalogue_is_sound() -> None:
    report = check(*families())
    assert report.exit_status == 0
    assert sum(len(each.variants) or 1 for each in report.specs) == 54


def test_settings_reach_every_spec() -> None:
    assert check("alexnet_2group", settings={"groups": 1}).specs[0].findings == ()


# The program


@pytest.mark.parametrize(
    ("specs", "options", "status"),
    [
        (["good"], [], 0),
        (["apart"], [], 0),
        (["apart"], ["--strict"], 1),
        (["apart"], ["--rule", "GC101=error"], 1),
        (["good"], ["--max-params", "591"], 1),
        (["good"], ["--max-params", "592", "--max-memory", "1MB"], 0),
        (["wrong"], [], 2),
        (["good", "wrong", "apart"], ["--strict"], 2),
        (["good"], ["--rule", "GC101"], 2),
        (["good"], ["--max-macs", "1x"], 2),
    ],
)
def test_exit_statuses(tmp_path, specs, options, status: int) -> None:
    write(tmp_path, good=SPEC, apart=APART, wrong=WRONG)
    result = run_gconv("check", *(f"{spec}.yaml" for spec in specs), *options, cwd=tmp_path)
    assert result.status == status, result


def test_all_problems_of_all_specs_with_a_line_on_it_all_at_the_end(tmp_path) -> None:
    write(tmp_path, apart=APART, wrong=WRONG)
    result = run_gconv("check", "--max-params", "1k", cwd=tmp_path)
    assert result.err == ""
    assert "wrong.yaml:3:5: error: unknown layer 'rleu'" in result.out
    assert "wrong.yaml:4:5: error: conv needs kernel" in result.out
    assert "apart.yaml:4:5: warning GC101: nothing mixes the groups" in result.out
    last = result.out.splitlines()[-1]
    assert last == "2 specs: 1 wrong, 1 warning, 1 budget broken"
    well = run_gconv("check", "block", "--rule", "GC101=off", "--rule", "GC105=off")
    assert well.out == "Checked block\n\n1 spec: all well\n"


def test_in_a_terminal_of_80_columns_tables_fit(tmp_path) -> None:
    write(tmp_path, apart=APART)
    shown = run_on_screen("check", "--max-params", "1k", "--max-memory", "1kB", cwd=tmp_path).out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert plain != shown
    table = plain[plain.index("Budget ") :]
    assert max(map(len, table.splitlines())) <= 80


def test_json(tmp_path) -> None:
    write(tmp_path, apart=APART, wrong=WRONG)
    done = run_gconv("check", "--max-params", "1k", "--format", "json", cwd=tmp_path)
    document = json.loads(done.out)
    assert (document["format"], document["version"]) == ("gconv.check", 1)
    assert document["exit_status"] == done.status == 2
    apart, wrong = document["specs"]
    assert apart["findings"][0]["layers"] == ["conv", "conv_2"]
    keys = ("file", "line", "column", "code", "level")
    assert [apart["findings"][0][key] for key in keys] == ["apart.yaml", 4, 5, "GC101", "warning"]
    assert apart["budgets"] == [
        {
            "metric": "params",
            "variant": None,
            "used": 1184,
            "limit": 1000,
            "share": 1.184,
            "kept": False,
            "file": None,
            "line": None,
            "column": None,
        }
    ]
    assert [problem["line"] for problem in wrong["problems"]] == [3, 4]


def test_csv_has_a_row_for_everything(tmp_path) -> None:
    write(tmp_path, apart=APART, wrong=WRONG)
    done = run_gconv("check", "--max-params", "1k", "--format", "csv", cwd=tmp_path)
    rows = list(csv.DictReader(io.StringIO(done.out)))
    kinds = [row["kind"] for row in rows]
    assert kinds == ["warning", "budget broken", "mistake", "mistake"]
    assert [rows[1][key] for key in ("metric", "used", "limit")] == ["params", "1184", "1000"]
    assert rows[2]["file"] == "wrong.yaml"


def test_markdown(tmp_path) -> None:
    write(tmp_path, apart=APART)
    budget = ("--max-params", "1k", "--max-flops", "1G")
    done = run_gconv("check", *budget, "--format", "markdown", cwd=tmp_path)
    assert "- **warning GC101** apart.yaml:4:5: nothing mixes" in done.out
    broken = "| apart.yaml | params | 1,184 | 1,000 | 1.18× | broken |"
    assert re.sub(r"[^|]+", lambda cell: f" **{cell[0].strip()}** ", broken) in done.out
    assert re.search(r"^\| apart.yaml \| FLOPs \| .* \| kept \|$", done.out, re.MULTILINE)


COMMAND = re.compile(r"::(error|warning) ((?:\w+=[^,:]*,?)+)::(.*)")


def unescaped(text: str, *, is_property: bool) -> str:
    """As actions/runner does it: `%25` last, and `:` and `,` in properties only."""
    pairs = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]
    for escape, char in pairs:
        if is_property or char not in ":,":
            text = text.replace(escape, char)
    return text


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    level, given, message = COMMAND.fullmatch(line).groups()
    pairs = (pair.split("=", 1) for pair in given.split(","))
    properties = {key: unescaped(value, is_property=True) for key, value in pairs}
    return level, properties, unescaped(message, is_property=False)


def test_annotations_of_github_come_out_as_they_went_in(tmp_path) -> None:
    name = "a,b:c 100%.yaml"
    (tmp_path / name).write_text("input: [8, 4]\nlayers: [dense: {units: '50%:1,2'}]\n")
    write(tmp_path, apart=APART)
    done = run_gconv(
        *("check", "apart.yaml", name, "--max-params", "1k"),
        cwd=tmp_path,
        env={"GITHUB_ACTIONS": "true"},
    )
    *commands, last = done.out.splitlines()
    mistake, budget, finding = map(parsed, commands)
    assert mistake[:2] == ("error", {"file": name, "line": "2", "col": "25", "title": "gconv"})
    assert "got '50%:1,2'" in mistake[2]
    assert budget[0] == "error"
    assert budget[2] == "1,184 params are more than the budget of 1,000"
    assert finding[1] == {"file": "apart.yaml", "line": "4", "col": "5", "title": "gconv GC101"}
    assert finding[2].count("\n") == 1
    assert finding[2].startswith("nothing mixes")  # the place stands in the properties
    assert budget[1] == {"file": "apart.yaml", "title": "gconv budget"}
    assert budget[2].startswith("1,184 params are more than")
    assert last == "2 specs: 1 wrong, 1 warning, 1 budget broken"


def test_annotations_name_files_from_the_top_of_the_repository(tmp_path) -> None:
    (tmp_path / "nets").mkdir()
    write(tmp_path / "nets", apart=APART)
    inside = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
    done = run_gconv("check", cwd=tmp_path / "nets", env=inside)
    finding = parsed(done.out.splitlines()[0])
    assert finding[1]["file"] == "nets/apart.yaml"
    assert finding[2].startswith("nothing mixes")


def test_annotations_only_inside_github_actions_and_only_if_nothing_else_is_asked_for(
    tmp_path,
) -> None:
    write(tmp_path, apart=APART)
    inside = {"GITHUB_ACTIONS": "true"}
    assert "::warning" not in run_gconv("check", cwd=tmp_path).out
    assert "::warning" not in run_gconv("check", "-f", "table", cwd=tmp_path, env=inside).out
    done = run_gconv("check", "-o", "result.md", cwd=tmp_path, env=inside)
    assert done.err == "gconv: 1 spec: 1 warning\n"
    assert (tmp_path / "result.md").read_text().startswith("### Checked apart.yaml")
    bundled = run_gconv("check", "block", env=inside).out
    assert "::warning title=gconv GC101::block.yaml (bundled):8:5: nothing" in bundled


def test_standard_input() -> None:
    done = run_gconv("check", "-", stdin=WRONG.encode())
    assert "<stdin>:3:5: error: unknown layer 'rleu'" in done.out
    assert done.status == 2
