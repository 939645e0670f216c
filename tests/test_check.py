"""`gconv check`: which specs, budgets, levels of rules, formats and exit statuses."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT, run_gconv, run_in_terminal
from specs import problems

from groupconv_cli import SpecError, UsageError, analyze, check
from groupconv_cli.analysis.amounts import AmountError, amount
from groupconv_cli.lint.codes import RULES
from groupconv_cli.lint.pages import PAGE, explanation
from groupconv_cli.spec.catalogue import families

SPEC = "input: [8, 8, 16]\nlayers:\n  - conv: {filters: 16, kernel: 3, groups: 4}\n"
APART = SPEC + "  - conv: {filters: 16, kernel: 3, groups: 4}\n"
WRONG = "input: [8, 8, 16]\nlayers:\n  - rleu\n  - conv: {filters: 3}\n"


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


# Amounts


@pytest.mark.parametrize(
    ("metric", "text", "number"),
    [
        ("params", "30M", 30_000_000),
        ("params", 25, 25),
        ("params", "0.5k", 500),
        ("macs", "4.5G", 4_500_000_000),
        ("macs", "0.1 G", 100_000_000),
        ("flops", "1T", 10**12),
        ("flops", 1e9, 10**9),
        ("memory", "200MB", 200_000_000),
        ("memory", "1.5 MiB", 1_572_864),
        ("memory", "3KB", 3000),
        ("memory", 4096, 4096),
        ("memory", "8GiB", 8 * 2**30),
    ],
)
def test_amounts_are_exact(metric: str, text, number: int) -> None:
    assert amount(metric, text) == number


@pytest.mark.parametrize(
    ("metric", "text", "hint"),
    [
        ("params", "30MB", "did you mean 30M?"),
        ("memory", "200M", "did you mean 200MB?"),
        ("memory", "200m", "did you mean 200MB?"),
        ("params", "-3", None),
        ("params", -3, None),
        ("params", "1.5", "such as 30M, with a unit where it is large"),
        ("memory", 1.5, "such as 200MB, with a unit where it is large"),
        ("params", "1.0001k", "such as 30M, with a unit where it is large"),
        ("params", "many", None),
        ("params", True, None),
        ("params", None, None),
        ("params", "", None),
        ("params", "9" * 40, None),
        ("memory", "3XB", None),
        ("params", "٣M", None),
    ],
)
def test_what_is_no_amount(metric: str, text, hint: str | None) -> None:
    with pytest.raises(AmountError) as caught:
        amount(metric, text)
    assert caught.value.hint == hint


# What is said of rules


@pytest.mark.parametrize("code", RULES)
def test_every_rule_is_explained(code: str, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    text = explanation(code)
    assert text.startswith(f"## {code}: {RULES[code].title}\n")
    assert text.count("\n## ") == 0
    for part in ("**The number**", "**What to do**"):
        assert part in text


def test_a_finding_says_where_its_rule_is_explained() -> None:
    found = run_gconv("check", "block", "--rule", "GC105=off")
    (command,) = re.findall(r"^gconv (check --explain GC\d+) says", found.out, re.MULTILINE)
    explained = run_gconv(*command.split())
    assert (explained.status, explained.out) == (0, explanation(command.split()[-1]))
    wrong = run_gconv("check", "--explain", "gc101")
    assert (wrong.status, wrong.out) == (2, "")
    assert "did you mean 'GC101'?" in wrong.err


def test_the_page_is_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"][PAGE.as_posix()] == f"groupconv_cli/{PAGE.as_posix()}"


# Budgets


def test_a_budget_is_kept_up_to_the_last_digit() -> None:
    summary = analyze("block")
    used = {
        "params": summary.params,
        "macs": summary.macs,
        "flops": summary.flops,
        "memory": summary.totals.peak_bytes,
    }
    assert [line.is_kept for line in check("block", budget=used).specs[0].budgets] == [True] * 4
    for metric, number in used.items():
        (spec,) = check("block", budget={**used, metric: number - 1}).specs
        assert [line.limit.metric for line in spec.broken] == [metric]
        assert spec.exit_status == 1


def test_the_command_line_wins_over_the_budget_of_the_spec(tmp_path) -> None:
    write(tmp_path, net=SPEC + "budget: {params: 591, macs: 1M}\n")
    (spec,) = check(tmp_path / "net.yaml").specs
    assert (spec.budgets[0].used, spec.budgets[0].limit.amount) == (592, 591)
    assert [line.limit.metric for line in spec.broken] == ["params"]
    assert spec.broken[0].limit.place[1:] == (4, 10)
    assert check(tmp_path / "net.yaml", budget={"params": 592}).exit_status == 0


def test_memory_goes_by_the_dtype() -> None:
    peak = analyze("block").totals.peak_bytes
    assert check("block", budget={"memory": peak // 2}, dtype="float16").exit_status == 0
    assert check("block", budget={"memory": peak // 2}).exit_status == 1


def test_each_variant_is_held_to_the_budget_and_may_have_its_own(tmp_path) -> None:
    text = "vars: {w: 4, most: 100}\nvariants: {small: {}, large: {w: 8, most: 1k}, over: {w: 8}}\n"
    text += "budget: {params: $most}\ninput: [8, 4]\nlayers: [dense: {units: 2 * $w}]\n"
    write(tmp_path, net=text)
    (spec,) = check(tmp_path / "net.yaml").specs
    lines = {line.variant: (line.used, line.limit.amount, line.is_kept) for line in spec.budgets}
    assert lines == {"small": (40, 100, True), "large": (80, 1000, True), "over": (80, 100, True)}
    (spec,) = check(tmp_path / "net.yaml", budget={"params": 50}).specs
    assert [line.variant for line in spec.broken] == ["large", "over"]
    (spec,) = check(tmp_path / "net.yaml", variant="small").specs
    assert [line.variant for line in spec.budgets] == ["small"]


MISTAKES = {
    "budget: {parms: 3}": ("no budget is called 'parms'", (1, 10), "did you mean 'params'?"),
    "budget: {params: 3MB}": ("the budget of params must be a number", (1, 18), "mean 3M?"),
    "budget: {memory: [1]}": ("the budget of memory must be a number", (1, 18), None),
    "budget: {macs: $no}": ("unknown variable '$no'", (1, 16), None),
    "budget: 3": ("budget must be a mapping of names to limits", (1, 9), None),
    "rules: {GC1O1: off}": ("there is no rule 'GC1O1'", (1, 9), "did you mean 'GC101'?"),
    "rules: {GC101: of}": ("must be off, warning or error; got 'of'", (1, 16), "mean 'off'?"),
    "rules: {GC101: }": ("the level of a rule must be off", (1, 16), None),
    "rules: {GC101: {a: 1}}": ("the level of a rule must be off", (1, 16), None),
    "rules: [GC101]": ("rules must be a mapping of codes to levels", (1, 8), None),
    "rulse: {GC101: off}": ("unknown key 'rulse'", (1, 1), "did you mean 'rules'?"),
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_in_budgets_and_rules_have_a_place(line: str) -> None:
    message, place, hint = MISTAKES[line]
    (problem,) = problems(f"{line}\n{SPEC}")
    assert message in problem.message
    assert problem.place[1:] == place
    assert hint is None or hint in problem.hint


def test_a_limit_whose_value_turns_out_to_be_none(tmp_path) -> None:
    write(tmp_path, net="vars: {most: many}\nbudget: {params: $most}\n" + SPEC)
    (spec,) = check(tmp_path / "net.yaml").specs
    assert "$most' is 'many'" in spec.problems[0].message
    assert spec.exit_status == 2


# Levels


PYPROJECT = '[project]\nname = "x"\n[tool.gconv.rules]\nGC101 = "error"\nGC103 = "warning"\n'


def codes(report) -> dict[str, str]:
    return {each.code: str(each.level) for each in report.specs[0].findings}


def test_the_command_line_wins_over_the_spec_and_that_over_pyproject(tmp_path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "pyproject.toml").write_text('[project]\nname = "without gconv"\n')
    write(deep, net=APART)
    assert codes(check(deep / "net.yaml")) == {"GC101": "error", "GC103": "warning"}
    write(deep, net=APART + "rules: {GC101: off, GC103: error}\n")
    assert codes(check(deep / "net.yaml")) == {"GC103": "error"}
    report = check(deep / "net.yaml", rules={"GC101": "warning", "GC103": "off"})
    assert (codes(report), report.exit_status) == ({"GC101": "warning"}, 0)
    report = check(deep / "net.yaml", rules={"GC101": "warning"}, strict=True)
    assert (codes(report), report.exit_status) == ({"GC101": "error", "GC103": "error"}, 1)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("[tool.gconv]\nruls = {}", "has no key 'ruls'", (2, 1)),
        ("[tool.x]\nGC1 = 1\n[tool.gconv.rules]\nGC1 = 'off'", "no rule 'GC1'", (4, 1)),
        ("[tool.gconv]\nrules = {GC101 = 'loud'}", "got 'loud'", (2, 10)),
        ("[tool.gconv]\nrules = {GC101 = false}", "got 'False'", (2, 10)),
        ("[tool.gconv]\nrules = ['GC101']", "rules must be a table", (2, 1)),
        ("tool.gconv = 3", "tool.gconv must be a table", (1, 6)),
        ("[tool.gconv\n", "not valid TOML", (1, 12)),
    ],
)
def test_mistakes_in_pyproject_have_a_place(tmp_path, text: str, message: str, place) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    write(tmp_path, net=SPEC)
    with pytest.raises(SpecError) as caught:
        check(tmp_path / "net.yaml")
    (problem,) = caught.value.diagnostics
    assert message in problem.message
    assert problem.place[1:] == place


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": {"GC999": "off"}}, "there is no rule 'GC999'"),
        ({"rules": {"GC101": "no"}}, "must be off, warning or error; got 'no'"),
        ({"budget": {"params": "3x"}}, "the limit of params must be a number"),
        ({"budget": {"time": 3}}, "no budget is called 'time'"),
        ({"dtype": "int8"}, "unknown dtype"),
    ],
)
def test_wrong_arguments(options, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check("block", **options)


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
    assert sum(len(each.variants) or 1 for each in report.specs) == 32


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
    shown = run_in_terminal("check", "--max-params", "1k", "--max-memory", "1kB", cwd=tmp_path).out
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
    assert "1,184 of 1,000" in budget[2]
    assert finding[1] == {"file": "apart.yaml", "line": "4", "col": "5", "title": "gconv GC101"}
    assert finding[2].count("\n") == 1
    assert finding[2].startswith("apart.yaml:4:5: nothing mixes")  # a log shows nothing else
    assert last == "2 specs: 1 wrong, 1 warning, 1 budget broken"


def test_annotations_name_files_from_the_top_of_the_repository(tmp_path) -> None:
    (tmp_path / "nets").mkdir()
    write(tmp_path / "nets", apart=APART)
    inside = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
    done = run_gconv("check", cwd=tmp_path / "nets", env=inside)
    finding = parsed(done.out.splitlines()[0])
    assert finding[1]["file"] == "nets/apart.yaml"
    assert finding[2].startswith("apart.yaml:4:5: ")


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
