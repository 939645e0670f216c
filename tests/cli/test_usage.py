"""What is wrong with a command line is said as every other error is."""

from __future__ import annotations

import pytest
from running import run_gconv

CASES = [
    ("accelerate", "gconv accelerate needs MODEL", "accelerate"),
    ("accelerate m.keras", "gconv accelerate needs --output FILE.keras", "accelerate"),
    ("compare --grups 1", "gconv compare has no option '--grups'; did you mean '--groups'?", None),
    ("summary -z", "gconv summary has no option '-z'", None),
    ("summary basic block", "unexpected argument 'block'", None),
    ("compare --groups", "--groups needs a value: --groups N,N,…|all", None),
    ("compare -g", "-g needs a value: --groups N,N,…|all", None),
    ("list --force=1", "--force takes no value", None),
    ("summary --depth x", "--depth must be a whole number from 0 up; got 'x'", None),
    ("summary --depth -1", "--depth must be a whole number from 0 up; got -1", None),
    (
        "compare --measure --batch 0",
        "--batch must be a whole number from 1 to 1,000,000; got 0",
        None,
    ),
    ("list -f xml", "--format must be table, markdown, json or csv; got 'xml'", None),
    (
        "check --dtype int8",
        "--dtype must be float32, float16, bfloat16 or float64; got 'int8'",
        None,
    ),
    ("--nonsense", "gconv has no option '--nonsense'", ""),
    ("--version=3", "--version takes no value", ""),
]


@pytest.mark.parametrize(("line", "message", "helps"), CASES, ids=[case[0] for case in CASES])
def test_usage_is_complained_of_in_one_style(line: str, message: str, helps: str | None) -> None:
    """And with the command that helps, whose help is there."""
    command = line.split(maxsplit=1)[0] if helps is None else helps
    result = run_gconv(*line.split())
    helped = " ".join(filter(None, ["gconv", command, "--help"]))
    assert result.status == 2
    assert result.out == ""
    assert result.err == f"gconv: error: {message}\n  {helped} says more\n"
    assert run_gconv(*helped.split()[1:]).status == 0


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("compare --groups 1 4 8", "separated by commas: --groups 1,4,8"),
        ("summary basic -f markdwn", "did you mean 'markdown'?"),
        ("check --explain GC101 basic", "--explain only explains a rule"),
        ("check --explain GC101 -o e.md", "--explain only explains a rule"),
        ("help", "`gconv --help` lists them"),
        ("summary .", "`gconv check .` checks the specs in it"),
    ],
)
def test_what_was_meant_is_said(line: str, remedy: str) -> None:
    result = run_gconv(*line.split())
    assert (result.status, result.out) == (2, "")
    assert remedy in result.err


def test_an_empty_name_is_said_to_be_one() -> None:
    result = run_gconv("summary", "basic", "-o", "")
    assert (result.status, result.out) == (2, "")
    assert "--output is empty" in result.err


def test_what_was_typed_cannot_steer_the_terminal() -> None:
    result = run_gconv("summary", "--\x1b[31mred")
    assert result.status == 2
    assert "\x1b" not in result.err


def test_a_long_argument_is_shortened() -> None:
    result = run_gconv("summary", "basic", "x" * 5000)
    assert result.status == 2
    assert len(result.err) < 200
