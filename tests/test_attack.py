"""The attack of `python -m tests.attack`, some of it: all of it goes by a seed and takes an hour.

A longer run: GCONV_EXAMPLES=5000 python -m pytest tests/test_attack.py
"""

from __future__ import annotations

import json
import subprocess
import sys
from random import Random

import pytest
from attack import __main__ as attack_main
from attack import models, situations, specs
from attack.changed import changed
from running import ROOT, clean_environment, run_gconv
from specs import examples

from groupconv_cli.language import growing

EXAMPLES = examples(150)
SEED = 30_000


def test_specs_that_know_the_language() -> None:
    refused = 0
    for number in range(EXAMPLES):
        _, outcome, faults = specs.run(SEED, number)
        refused += outcome.status == 2
        assert not [x for x in faults if not x.startswith("more than")], (number, outcome.err)
    assert refused < 0.5 * EXAMPLES


def test_files_as_far_as_they_are_read_without_keras() -> None:
    for number in range(EXAMPLES):
        made, outcome, faults = models.read(SEED, number)
        assert not faults, (number, made.kind, outcome.err[-1500:])


def test_descriptions_are_changed_alike_whatever_was_changed_before() -> None:
    text = json.dumps({"class_name": "Dense", "config": {"units": 4, "rate": [1, 2]}})
    made = [changed(Random(number), text) for number in range(3000)]
    assert made == [changed(Random(number), text) for number in range(3000)]


@pytest.mark.parametrize("kind", models.KINDS)
def test_hostile_files(kind: str) -> None:
    weight = models.KINDS[kind][1]
    for number in range(max(2, EXAMPLES * weight // 1000)):
        made, outcome, faults = models.run(SEED, number, kind)
        assert not faults, (number, kind, made.args, outcome.err[-1500:])


@pytest.mark.parametrize(
    "signals",
    [
        False,
        # These arrive after some time by the clock, in another place of the program each time.
        pytest.param(True, marks=pytest.mark.nightly),
    ],
)
def test_situations(signals: bool) -> None:
    for number in range(EXAMPLES // 18):
        made, outcome, faults = situations.run(SEED, number, signals=signals)
        assert not faults, (number, made, outcome)


def test_variants_share_the_bounds_of_one_network_in_check_too(tmp_path, monkeypatch) -> None:
    """Each by itself is within them: six together are not."""
    monkeypatch.setattr(growing, "MAX_STEPS", growing.MAX_STEPS // 8)
    doubling = "".join(f"  b{n + 1}: {{layers: [b{n}, b{n}]}}\n" for n in range(9))
    variants = ", ".join(f"v{n}: {{g: {n}}}" for n in range(1, 7))
    (tmp_path / "net.yaml").write_text(
        f"input: [8, 8, 4]\nvars: {{g: 1}}\nvariants: {{{variants}}}\n"
        f"blocks:\n  b0: {{layers: [relu]}}\n{doubling}layers: [b9]\n"
    )
    result = run_gconv("check", "net.yaml", cwd=tmp_path)
    assert result.status == 2
    assert "together grow beyond" in result.out + result.err


def test_a_worker_that_crashes_behind_its_last_case_is_a_fault(
    tmp_path, monkeypatch, capsys
) -> None:
    case = {"number": 0, "status": 0, "kind": "k", "args": "", "err": ""}
    case |= {"seconds": 0.0, "megabytes": 0.0, "faults": []}
    worker = tmp_path / "worker"
    worker.write_text(f"#!/bin/sh\necho '{json.dumps(case)}'\nexit 5\n")
    worker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(worker))
    assert attack_main._attack("specs", 1, 2, 2) == 2
    told = capsys.readouterr().out
    assert told.count("a crash (5) of the worker, behind its last case") == 2
    assert told.endswith("2 faults\n")


def test_the_attack_says_what_it_found() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.attack",
            "--specs",
            "6",
            "--models",
            "0",
            "--situations",
            "0",
            "--seed",
            "1",
        ],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "6 specs, seed 1, " in done.stdout
    assert done.stdout.endswith("no faults\n")
    assert done.returncode == 0
