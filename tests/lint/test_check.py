"""`gconv check`: which specs, budgets, levels of rules, formats and exit statuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from check_specs import APART, SPEC, write
from running import ROOT, run_gconv
from specs import problems

from groupconv_cli import SpecError, UsageError, analyze, check
from groupconv_cli.lint.rules import RULES, explanation
from groupconv_cli.policy.amounts import AmountError, amount

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
        ("macs", "1e8", 10**8),
        ("params", "2.5E+3", 2500),
        ("memory", "1e3 kB", 10**6),
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
        ("params", "1e", None),
        ("params", "1e-3", None),
        ("params", "1e999", None),
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
    assert explained.status == 0
    assert explained.out.startswith("GC101: channels kept apart\n\nTwo grouped convolutions")
    assert run_gconv("check", "--explain", "gc101").out == explained.out
    wrong = run_gconv("check", "--explain", "GC1O1")
    assert (wrong.status, wrong.out) == (2, "")
    assert "there is no rule 'GC1O1'\n  did you mean 'GC101'?" in wrong.err


@pytest.mark.parametrize("code", RULES)
@pytest.mark.parametrize("columns", ["60", "80", "200", ""])
def test_an_explanation_is_text_and_no_markup(code: str, columns: str) -> None:
    shown = run_gconv("check", "--explain", code, env={"COLUMNS": columns}).out
    assert max(map(len, shown.splitlines())) <= min(int(columns or 88), 88)
    assert not re.search(r"[*`#]|\]\(|\.md#", shown)
    assert not re.search(r"^\$ ", shown, re.MULTILINE)
    # Every page that is named is there, and every word of the paragraphs.
    for page in re.findall(r"\bdocs/\w+\.md", " ".join(shown.split())):
        assert (ROOT / page).is_file()
    prose = re.sub(r"^```console\n.*?^```$", "", explanation(code), flags=re.M | re.S)
    words = re.findall(r"[A-Za-z]{3,}", re.sub(r"\]\([^)]*\)", "]", prose))
    assert set(words) <= set(re.findall(r"[A-Za-z]{3,}", shown))


BREAKS_ALL = """\
input: [32, 32, 16]
layers:
  - conv: {filters: 16, kernel: 1, groups: 4}
  - conv: {filters: 16, kernel: 1, groups: 4}
  - conv: {filters: 256, kernel: 3}
  - conv: {filters: 256, kernel: 3}
  - batch_norm
"""


@pytest.mark.parametrize("code", RULES)
def test_an_explanation_says_how_to_set_the_level(code: str, tmp_path: Path) -> None:
    """Both ways do as they are written what is not so without them."""
    shown = " ".join(run_gconv("check", "--explain", code).out.split())
    level, option, line = re.search(
        r"The level is '(\w+)' unless you set it: '--rule (\S+)', or '(rules: .+)' in the spec\.$",
        shown,
    ).groups()
    assert level == RULES[code].severity
    write(tmp_path, plain=BREAKS_ALL, spec=f"{line}\n{BREAKS_ALL}")
    found = []
    for args in (["plain.yaml"], ["spec.yaml"], ["plain.yaml", "--rule", option]):
        done = run_gconv("check", *args, cwd=tmp_path)
        assert (done.status, done.err) == (0, "")
        found.append(f"warning {code}:" in done.out)
    is_on = level == "warning"
    assert found == [is_on, not is_on, not is_on]


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


def test_a_second_check_in_a_process_reads_a_changed_pyproject(tmp_path, monkeypatch) -> None:
    write(tmp_path, net=APART)
    project = tmp_path / "pyproject.toml"
    assert codes(check(tmp_path / "net.yaml")) == {"GC101": "warning"}
    project.write_text('[tool.gconv.rules]\nGC101 = "error"\n')
    assert codes(check(tmp_path / "net.yaml")) == {"GC101": "error"}
    project.write_text('[tool.gconv.rules]\nGC101 = "loud"\n')
    with pytest.raises(SpecError, match="got 'loud'"):
        check(tmp_path / "net.yaml")
    project.unlink()
    monkeypatch.chdir(tmp_path)
    assert codes(check("net.yaml")) == {"GC101": "warning"}


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


OPEN = "input: [null, null, 3]\nlayers:\n  - conv: {filters: 8, kernel: 3}\n"


def test_open_sizes_are_checked_at_sizes_that_are_said(tmp_path) -> None:
    (tmp_path / "open.yaml").write_text(OPEN, encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(OPEN.replace("conv:", "cnv:"), encoding="utf-8")
    done = run_gconv("check", ".", "--max-params", "1k", cwd=tmp_path)
    assert done.status == 2
    said = " ".join(done.out.split())
    assert "open.yaml leaves sizes open: checked with input 256×256×3; --set input=…" in said
    assert "open.yaml params 224 1,000" in said  # 3 × 3 × 3 × 8 weights and 8 biases
    assert "1 wrong" in said
    (tmp_path / "wrong.yaml").unlink()
    found = json.loads(run_gconv("check", "-f", "json", cwd=tmp_path).out)
    assert found["specs"][0]["open_at"] == [[256, 256, 3]]
    found = json.loads(run_gconv("check", "--set", "input=8,8,3", "-f", "json", cwd=tmp_path).out)
    assert found["specs"][0]["open_at"] == []


def test_a_limit_that_depends_on_open_sizes_needs_them(tmp_path) -> None:
    (tmp_path / "open.yaml").write_text(OPEN, encoding="utf-8")
    done = run_gconv("check", "--max-macs", "20k", cwd=tmp_path)
    assert done.status == 2
    assert "give them: --set input=224,224,3" in done.out + done.err
    done = run_gconv("check", "--max-macs", "20k", "--set", "input=8,8,3", cwd=tmp_path)
    assert done.status == 0  # 64 places of 216 weights: 13,824


@pytest.mark.parametrize("output_format", ["table", "json", "markdown", "csv", "github"])
def test_where_no_spec_is_right_every_format_says_so(output_format: str, tmp_path) -> None:
    (tmp_path / "wrong.yaml").write_text(OPEN.replace("conv:", "cnv:"), encoding="utf-8")
    done = run_gconv("check", "-f", output_format, cwd=tmp_path)
    assert done.status == 2
    assert "unknown layer 'cnv'" in done.out
    assert done.err == ""
