"""Long lines are broken where ruff breaks them."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest

from groupconv_cli.codegen.breaking import WIDTH, broken, broken_statement

LONG = "A_RATHER_LONG_VARIABLE"
OTHER = "ANOTHER_RATHER_LONG_VARIABLE"


def formatted(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "-"],
        input=code,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def expression(random: Random, depth: int = 0) -> str:
    """A random expression as the code of a spec has them: no parentheses that are not needed."""
    kind = random.random()
    if depth > 2 or kind < 0.25:
        return random.choice([LONG, OTHER, "k", "8", 'f"{name}.a, b) + c"'])
    parts = [expression(random, depth + 1) for _ in range(random.randint(2, 3))]
    if kind < 0.45:
        return f"{random.choice(['max', 'layers.Conv2D', 'int'])}({', '.join(parts)})"
    if kind < 0.55:
        return f"({', '.join(parts)})"
    if kind < 0.6:
        return f"[{', '.join(parts)}]"
    terms = [LONG, OTHER, *(part for part in parts if part[0] not in "(f" and " " not in part)]
    if kind < 0.7:
        return f"{terms[-1]} if {LONG} == {OTHER} else {terms[0]}"
    if kind < 0.85:
        return " + ".join([*terms, f"{LONG} * {OTHER}"])
    return " * ".join([*terms, f"({LONG} + {OTHER} // 2)"])


def test_arguments_and_statements_as_ruff_breaks_them() -> None:
    pytest.importorskip("ruff")
    random = Random(5)
    lines: list[str] = []
    for _ in range(150):
        arguments = [expression(random), f"units={expression(random)}", "padding=7777"]
        inside = [line for each in arguments for line in broken(each, 1, ",")]
        lines += ["f(", *inside, ")"]
        lines += broken_statement(f"x = {expression(random)}", 0)
        condition = f"{LONG} * 2 == {OTHER} and {expression(random, 3)} > {LONG} // {OTHER}"
        lines += [*broken_statement(f"if {condition}:", 0), "    pass"]
    code = "\n".join(lines) + "\n"
    assert code == formatted(code)
    assert max(map(len, lines)) <= WIDTH
