"""Hostile input: no traceback, always a place, an end in time, nothing that steers a terminal.

A longer run: GCONV_EXAMPLES=2000 python -m pytest tests/language/test_fuzz.py, or fuzz_specs.py.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import fuzz_specs
import pytest
import yaml
from fuzz_specs import Outcome, faults, reduced, run_as_process, run_inside
from hostile import KINDS, Case, case
from hostile.words import KEYS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running import ROOT, clean_environment
from specs import examples

from groupconv_cli.errors import Source, SpecError
from groupconv_cli.language import expressions as expr
from groupconv_cli.language.spec_file import SpecFile

EXAMPLES = examples(100)
AS_PROCESSES = max(3, EXAMPLES // 25)
SEED = 20_000


WEIGHTS = {kind: weight for kind, (_, weight) in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_cases_end_as_they_should(kind: str) -> None:
    for number in range(max(1, EXAMPLES * WEIGHTS[kind] // sum(WEIGHTS.values()))):
        made = case(SEED, number, kind)
        wrong = faults(made, run_inside(made), timed=False)
        if wrong:
            smaller = reduced(made, wrong[0], timed=False)
            pytest.fail(f"{wrong}: {fuzz_specs.described(smaller, run_inside(smaller))}")


def test_hostile_cases_as_processes_keep_within_their_memory() -> None:
    for number in range(AS_PROCESSES):
        made = case(SEED + 1, number)
        outcome = run_as_process(made)
        assert not faults(made, outcome, timed=False), fuzz_specs.described(made, outcome)


def test_the_long_run_says_what_it_found() -> None:
    done = subprocess.run(
        [sys.executable, "tests/fuzz_specs.py", "--cases", "6", "--as-process", "6"],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("6 cases, seed 0: ")
    assert done.stdout.endswith("no faults\n")
    assert done.returncode == 0


REFUSED = Outcome(2, "", "spec.yaml:1:2: error: x\n", 0.1)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"err": "Traceback (most recent call last)"}, "a traceback"),
        ({"status": 3}, "exit status 3"),
        ({"status": 1}, "exit status 1"),
        ({"status": -9}, "exit status -9"),
        ({"err": "gconv: error: unexpected X\ngconv: this is a bug"}, "an unexpected error"),
        ({"err": "spec.yaml:1:2: error: \x1b[31m"}, "the character '\\x1b' gets out"),
        ({"err": "gconv: error: no\n"}, "a refusal without a place"),
        ({"err": ""}, "a refusal without a word"),
        ({"out": "x"}, "a refusal with a result"),
        ({"err": "spec.yaml:9:1: error: x"}, "a line that is not there"),
        ({"err": "spec.yaml:1:9: error: x"}, "a column that is not there"),
        ({"status": 0, "err": ""}, "no result"),
        ({"seconds": 9.0}, "more than 2 seconds"),
        ({"megabytes": 900.0}, "more than 500 MB"),
    ],
)
def test_a_fault_is_noticed(change: dict, fault: str) -> None:
    made = Case("", b"abc\n")
    assert faults(made, REFUSED) == []
    assert fault in faults(made, REFUSED._replace(**change))


def test_a_case_is_reduced_to_what_matters() -> None:
    def run(made: Case) -> Outcome:
        return REFUSED._replace(status=3 if b"x" in made.data and b"y" in made.data else 2)

    small = reduced(Case("", b"abcxdefghyijk" * 9), "exit status 3", run)
    assert sorted(small.data) == sorted(b"xy")


# The same from below, by Hypothesis


try_many = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
words = st.sampled_from(
    [*KEYS, "conv", "filters", "kernel", "relu", "residual", "$g", "$in", "batch"]
)
values = st.recursive(
    st.one_of(words, st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=25,
)


@settings(try_many, max_examples=EXAMPLES // 3)
@given(st.dictionaries(words, values, max_size=3), values)
def test_any_structure_makes_a_network_or_is_refused(spec: dict, layers: object) -> None:
    text = yaml.safe_dump({"input": [8, 8, 4], "layers": layers, **spec})
    with suppress(SpecError):
        SpecFile(Source("spec.yaml", text)).network()


@try_many
@given(st.text(alphabet="0123456789.+-*/<>=!()$gw \t²٣x", max_size=40))
def test_any_expression_has_a_value_or_is_refused(text: str) -> None:
    with suppress(expr.ExpressionError, KeyError):
        expr.evaluate(text, {"g": 4, "w": 0.1}.__getitem__)
