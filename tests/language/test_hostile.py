"""What hostile input has found, each as one small case."""

from __future__ import annotations

import json
import sys

import pytest
from hostile.words import ESCAPE
from running import in_terminal, run_gconv, run_in_terminal
from specs import layers, problems

from groupconv_cli import compare, compare_variants
from groupconv_cli.divisors import divisors
from groupconv_cli.errors import Source, SpecError, UsageError
from groupconv_cli.language import growing
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.language.yaml_reader import decode
from groupconv_cli.words import without_confusables

# What looks like something else


@pytest.mark.parametrize(
    ("text", "meant", "named"),
    [
        (
            "- conv: {fіlters: 8, kernel: 1}",
            "'filters'",
            "U+0456 CYRILLIC SMALL LETTER BYELORUSSIAN",
        ),
        ("- сonv: {filters: 8, kernel: 1}", "'conv'", "U+0441 CYRILLIC SMALL LETTER ES"),
        ("- re\u200blu", "'relu'", "U+200B ZERO WIDTH SPACE"),
        ("- relu\u00a0", "'relu'", "U+00A0 NO-BREAK SPACE"),
        ("- conv: {filters: ６４, kernel: 1}", "'64'", "U+FF16 FULLWIDTH DIGIT SIX"),
        (
            "- conv: {filters: 8, kernel: 1, norm: bаtch}",
            "'batch'",
            "U+0430 CYRILLIC SMALL LETTER A",
        ),
        ("- dropout: {rate: 0.5}\n  namе: a", "'name'", "U+0435 CYRILLIC SMALL LETTER IE"),
    ],
)
def test_letters_that_only_look_right_are_named(text: str, meant: str, named: str) -> None:
    spec = "input: [8, 8, 4]\nlayers:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    (problem,) = problems(spec)
    assert problem.hint.startswith(f"did you mean {meant}? the text has {named}")
    assert problem.place.line == 2 + len(text.splitlines())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("input: [8, 4]\nlayers:\n\u00a0\u00a0- relu\n", "U+00A0 NO-BREAK SPACE"),
        ("input：[8, 4]\nlayers: [relu]\n", "U+FF1A FULLWIDTH COLON"),
        ("{input: [8, 4]，layers: [relu]}\n", "U+FF0C FULLWIDTH COMMA"),
    ],
)
def test_signs_that_only_look_like_yaml_are_named(text: str, named: str) -> None:
    (problem,) = problems(text)
    assert problem.hint == f"the text here or on the line before has {named}"


def test_letters_that_are_what_they_look_like_are_left_alone() -> None:
    assert [without_confusables(word) for word in ("conv 2", "größe", "duck 🦆")] == [
        "conv 2",
        "größe",
        "duck 🦆",
    ]
    (problem,) = problems("input: [8, 4]\nlayers: [größe]")
    assert "the text" not in problem.hint
    (problem,) = problems("input: [8, 4]\nlayers: [relu: {é: 1}, a: b: c]")
    assert "the text" not in (problem.hint or "")


# What steers a terminal


STEERING = [
    (["summary"], f"# {ESCAPE}\ninput: [8, 3]\nlayers: [rleu] # \u202e"),
    (["summary"], 'input: [8, 3]\nlayers: ["\\e[31mrelu"]'),
    (["summary"], 'input: [8, 3]\nlayers: ["relu": {"\\e[31m": {"\\e]0;x\\a": 1}}]'),
    (
        ["compare", "--variants"],
        'input: [8, 3]\nvars: {a: 1}\nvariants: {"\\e[31m": {a: 2}}\nlayers: [relu]',
    ),
    (["compare", "--only", ESCAPE], "input: [8, 3]\nlayers: [relu]"),
    (["summary", "--variant", "\u202e"], "input: [8, 3]\nlayers: [relu]"),
    (["summary", f"--{ESCAPE}"], ""),
    (["summary", "--depth", ESCAPE], ""),
    ([f"--{ESCAPE}"], ""),
]


@pytest.mark.parametrize(("args", "spec"), STEERING)
def test_nothing_in_a_spec_steers_a_terminal(tmp_path, args: list[str], spec: str) -> None:
    (tmp_path / "net.yaml").write_text(spec, encoding="utf-8")
    shown = run_gconv(*args, "net.yaml", cwd=tmp_path)
    assert shown.status == 2
    assert all(char.isprintable() or char == "\n" for char in shown.out + shown.err)


ONE_BY_ONE = """
import json, os, sys
from groupconv_cli.cli.app import main
statuses = []
for args, spec in json.loads(sys.argv[1]):
    with open("net.yaml", "w", encoding="utf-8") as file:
        file.write(spec)
    sys.argv = ["gconv", *args, "net.yaml"]
    try:
        main()
    except SystemExit as end:
        statuses.append(end.code)
print(statuses)
"""


def test_nor_where_it_is_shown_in_one(tmp_path) -> None:
    """All in one terminal: a process each takes as long as all of them."""
    command = [sys.executable, "-c", ONE_BY_ONE, json.dumps(STEERING)]
    status, shown = in_terminal(command, cwd=tmp_path, env={"NO_COLOR": "1"})
    assert status == 0
    assert shown.endswith(f"{[2] * len(STEERING)}\r\n")
    assert shown.count("error: ") >= len(STEERING)
    assert all(char.isprintable() or char == "\n" for char in shown.replace("\r\n", "\n"))


@pytest.mark.parametrize("output_format", ["table", "markdown", "csv"])
def test_nor_does_the_name_of_a_file(tmp_path, output_format: str) -> None:
    name = f"a{ESCAPE}\u202e.yaml"
    (tmp_path / name).write_text("input: [8, 3]\nlayers: [relu]")
    shown = run_gconv("summary", name, "-f", output_format, cwd=tmp_path)
    assert shown.status == 0
    assert all(char.isprintable() or char == "\n" for char in shown.out + shown.err)
    if output_format == "table":
        coloured = run_in_terminal("summary", name, cwd=tmp_path)
        assert coloured.status == 0
        assert "\x1b]" not in coloured.out
        assert "\x07" not in coloured.out
    data = json.loads(run_gconv("summary", name, "-f", "json", cwd=tmp_path).out)
    assert data["name"] == name.removesuffix(".yaml")


# Places


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_a_byte_that_is_not_utf_8_is_found_after_any_line_break(line_break: str) -> None:
    data = f"input: [8, 3]{line_break}é: ".encode() + b"\xff\n"
    with pytest.raises(SpecError) as caught:
        decode(data, "net.yaml")
    (problem,) = caught.value.diagnostics
    assert (problem.place.line, problem.place.column) == (2, 4)


def test_a_setting_that_is_not_utf_8() -> None:
    result = run_gconv("summary", "alexnet", "--set", "size=3\udcff")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("--set size:1:2: error: a character that is not UTF-8")


# What takes too long


def test_variants_share_the_bounds_of_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "MAX_STEPS", growing.MAX_STEPS // 10)
    text = """
        input: [8, 8, 840]
        vars: {{g: 1}}
        variants: {{{}}}
        layers: [{{conv: {{filters: 840, kernel: 3, groups: $g}}, repeat: 450}}]
    """
    variants = ", ".join(f"v{number}: {{g: {number}}}" for number in range(1, 9))
    family = SpecFile(Source("net.yaml", text.format(variants)))
    rows = compare_variants(family).rows
    assert [row.valid for row in rows] == [True] * 5 + [False] * 3
    assert "the variants together grow beyond 5,000 items here" in rows[5].reason
    assert len(family.network(variant="v8").layers) == 450
    many = ", ".join(f"v{number}: {{g: 1}}" for number in range(201))
    (problem,) = problems(text.format(many))
    assert problem.message == "201 variants; a spec has at most 200"


def test_a_comparison_of_many_layers_has_fewer_rows() -> None:
    net = layers("- conv: {filters: 840, kernel: 3}\n  repeat: 2000", input_shape="[8, 8, 840]")
    assert len(compare(net, range(1, 50)).rows) == 50
    with pytest.raises(UsageError, match="a comparison of so many layers has at most 49"):
        compare(net, range(1, 51))


def test_a_mistake_that_is_repeated_is_found_once() -> None:
    """Ten million rounds would end at the bounds, with a second complaint that follows from it."""
    text = (
        "input: [8, 8, 12]\nlayers: [{conv: {filters: 8, kernel: 1, groups: 3}, repeat: 10000000}]"
    )
    (problem,) = problems(text)
    assert problem.message.startswith("groups=3 does not divide")


@pytest.mark.parametrize("number", [*range(1, 50), 5040, 65536, 9973, 120_120])
def test_divisors(number: int) -> None:
    assert divisors(number) == [each for each in range(1, number + 1) if number % each == 0]
