"""Trainings that are refused, interrupted, or fail, with stand-ins for the runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import run_gconv
from training_runs import (
    ACCURACY,
    DATA,
    TRAIN,
    filled,
    made_up,
    stand_in,
)

from groupconv_cli import runtime
from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.network import Network
from groupconv_cli.training.job import Job, Outcome
from groupconv_cli.training.pool import Here


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec, in which training is as `made_up` says."""
    stand_in(monkeypatch.setattr, made_up)
    return filled(tmp_path)


def test_an_error_after_whole_seeds_shows_what_is_whole_and_says_what_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0

    def full(job: Job) -> Outcome:
        nonlocal count
        count += 1
        if count == stopping:
            raise EnvironmentProblem("there was not enough memory")
        return made_up(job)

    stand_in(monkeypatch.setattr, full)
    stopping = 11  # of twelve: two seeds of four rows are whole
    result = run_gconv(*TRAIN, "--results", "runs.jsonl", cwd=folder)
    assert result.status == 3
    shown = " ".join(result.out.split())
    assert "Ended by an error: only seeds with which every row was trained are counted." in shown
    assert "Means and standard deviations of 2 seeds." in shown
    said = " ".join(result.err.split())
    assert "error: there was not enough memory 10 finished runs are kept in runs.jsonl, and" in said
    assert run_gconv(*TRAIN, "--results", "runs.jsonl", cwd=folder).status == 0
    assert count == 11 + 2, "the rest was trained"
    count, stopping = 0, 3
    early = run_gconv(*TRAIN, cwd=folder)
    assert (early.status, early.out) == (3, ""), "no seed is whole"


def test_a_batch_and_memory_are_checked_for_every_row_before_any_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch.setattr, lambda job: pytest.fail("a run began"))
    result = run_gconv(*TRAIN, "--batch", "81", "--results", "runs.jsonl", cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert "a batch of 81 is more than the 80 training samples of data.npz" in result.err
    assert not (folder / "runs.jsonl").exists()

    checked = []

    def scarce(network: Network, *_args: object, **_options: object) -> None:
        checked.append(network)
        if len(checked) == len(ACCURACY):
            raise EnvironmentProblem("training small needs more memory")

    monkeypatch.setattr("groupconv_cli.training.bench.check_training_memory", scarce)
    monkeypatch.setattr("groupconv_cli.training.bench._has_gpu", lambda: False)
    result = run_gconv(*TRAIN, cwd=folder)
    assert (result.status, result.out) == (3, "")
    assert "training small needs more memory" in result.err


def test_an_interrupt_before_all_rows_were_trained(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_job: Job) -> Outcome:
        raise KeyboardInterrupt

    stand_in(monkeypatch.setattr, interrupted)
    result = run_gconv(*TRAIN, cwd=folder)
    assert result.status == 130
    assert "Interrupted before every row was trained once." in result.out
    assert "Params" in result.out, "the costs are known"
    assert "Trained on" not in result.out, "a table without numbers"
    assert result.err.endswith(
        "gconv: interrupted; with --results FILE, the same command goes on where it ended\n"
    )
    keeping = (*TRAIN, "--results", "runs.jsonl", "-o", "out.md", "--plot", "out.svg")
    result = run_gconv(*keeping, cwd=folder)
    assert (result.status, result.out) == (130, "")
    assert result.err.endswith("gconv: interrupted; the same command goes on\n")
    assert not (folder / "out.md").exists()
    assert not (folder / "out.svg").exists()
    stand_in(monkeypatch.setattr, made_up)
    assert run_gconv(*keeping, cwd=folder).status == 0, "the same command goes on"
    assert (folder / "out.md").exists()


def test_a_run_that_is_given_up_is_a_row_that_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deadly(Here):
        died = (MemoryError,)

    def dies(job: Job) -> Outcome:
        if "groups: 2" in job.spec and job.seed == 1:
            raise MemoryError
        return made_up(job)

    monkeypatch.setattr("groupconv_cli.training.bench.Here", Deadly)
    stand_in(monkeypatch.setattr, dies)
    result = run_gconv(*TRAIN, cwd=folder, env={"COLUMNS": "60"})
    assert result.status == 1
    assert "g=2               given up: 3 workers died in the run with\n" in result.out
    # Its runs with the seeds 0 and 2 have 80 % and 79 %.
    assert "seed 1; the mean of the other 2 runs is 79.5 %" in " ".join(result.out.split())
    rows = json.loads(run_gconv(*TRAIN, "-f", "json", cwd=folder).out)["trained"]["rows"]
    lost = {row["groups"]: (row["lost"], row["verdict"]) for row in rows}
    assert lost[2] == ([{"seed": 1, "deaths": 3}], None)
    assert lost[4] == ([], "lower")


def test_a_lost_run_of_the_reference_is_said_to_be_why_nothing_is_compared(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deadly(Here):
        died = (MemoryError,)

    def dies(job: Job) -> Outcome:
        if "groups" not in job.spec and job.seed == 1:
            raise MemoryError
        return made_up(job)

    monkeypatch.setattr("groupconv_cli.training.bench.Here", Deadly)
    stand_in(monkeypatch.setattr, dies)
    shown = " ".join(run_gconv(*TRAIN, cwd=folder).out.split())
    assert "A run of g=1 was given up, so no row is compared with it." in shown
    assert "Means and standard deviations of 3 seeds." in shown
    assert "Welch" not in shown


def refusals() -> Iterator[tuple[tuple[str, ...], str]]:
    for option in ("--seeds 2", "--lr 0.1", "--diversity", "--results x", "--workers 2"):
        yield ("--groups", "1", *option.split()), f"{option.split()[0]} needs --train DATA"
    yield ("--batch", "2"), "--batch needs --measure or --train DATA"
    yield ("--runtime", "keras"), "--runtime needs --measure or --train DATA"
    yield ("--ignore-memory",), "--ignore-memory needs --measure or --train DATA"
    train = ("--train", DATA)
    yield (*train, "--measure"), "--train and --measure cannot be combined"
    yield (*train, "--runs", "5"), "--runs needs --measure"
    yield (*train, "--steps", "1", "--epochs", "1"), "steps and epochs both"
    yield (*train, "--runtime", "litert"), "training runs in gconv or keras; got 'litert'"
    yield (*train, "--workers", "2", "--cluster", "x"), "leave one out"
    yield (*train, "--lr", "nan"), "lr must be a number above 0"
    yield (*train, "--results", ""), "results is empty"
    yield (*train, "--results", "-"), "--results keeps runs in a file that is read again"
    yield ("--train", ""), "the name of the data is empty"
    yield ("--train", "mnist2d"), "did you mean 'mnist1d'?"
    yield (*train, "--test-share", "2"), "must be between 0 and 1"


@pytest.mark.parametrize(("options", "told"), [*refusals()])
def test_what_makes_no_sense_is_refused(options: tuple[str, ...], told: str, folder: Path) -> None:
    result = run_gconv("compare", "small.yaml", *options, cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert told in " ".join(result.err.split())


@pytest.mark.parametrize(
    "args",
    [
        (*TRAIN, "-o", "nowhere/x.json"),
        (*TRAIN, "--plot", "nowhere/x.svg"),
        ("report", *TRAIN[1:], "-o", "nowhere/x.html"),
    ],
    ids=lambda args: args[-2],
)
def test_an_output_that_cannot_be_written_is_refused_before_any_run(
    args: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch.setattr, lambda job: pytest.fail("a run began"))
    result = run_gconv(*args, cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("gconv: error: there is no folder nowhere to write x.")


def test_a_figure_that_fails_does_not_cost_the_table(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise EnvironmentProblem("cannot write net.svg: No space left on device")

    monkeypatch.setattr("groupconv_cli.api.write_plot", full)
    result = run_gconv(*TRAIN, "--plot", "net.svg", cwd=folder)
    assert result.status == 3
    assert "The accuracy of g=8 is higher than that of g=1" in " ".join(result.out.split())
    assert "No space left" in result.err


def test_a_network_that_cannot_be_sent_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> str:
        raise UsageError("no spec has this", "a spec has that")

    monkeypatch.setattr("groupconv_cli.training.bench.spec_text", refuse)
    result = run_gconv(*TRAIN, cwd=folder)
    assert (result.status, result.out) == (2, "")
    told = " ".join(result.err.split())
    assert "small cannot be trained here, for a run is sent as the text of a spec: " in told
    assert "no spec has this a spec has that" in told


def test_a_network_that_does_not_fit_is_refused_before_any_run(folder: Path) -> None:
    args = ("compare", "basic", "--train", "mnist1d", "--results", "runs.jsonl")
    result = run_gconv(*args, cwd=folder)
    assert result.status == 2
    assert not (folder / "runs.jsonl").exists()
    assert "training needs one number for each class" in " ".join(result.err.split())


@pytest.mark.parametrize("rows", [("--groups", "1"), ("--variants",), ("--vary", "width=8,16")])
def test_without_tensorflow_it_says_what_to_install(
    rows: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    # Importing it fails, as it does without NumPy.
    monkeypatch.setitem(sys.modules, "groupconv_cli.training.bench", None)
    spec = ["shufflenet_v1"] if rows == ("--variants",) else ["net.yaml"]
    (folder / "net.yaml").write_text(
        "input: [40, 1]\nvars: {width: 8}\nlayers:\n"
        "  - conv: {filters: $width, kernel: 3}\n  - conv: {filters: 8, kernel: 3, groups: 2}\n"
        "  - global_avg_pool\n  - dense: {units: 10}\n"
    )
    result = run_gconv("compare", *spec, *rows, "--train", "mnist1d", cwd=folder)
    assert (result.status, result.out) == (3, "")
    assert "this needs tensorflow, keras and psutil, which are not installed" in result.err


def test_a_training_that_diverged_is_said_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverges(job: Job) -> Outcome:
        made = made_up(job)
        lost = "groups: 8" in job.spec or ("groups: 2" in job.spec and job.seed == 1)
        return made._replace(run=made.run._replace(accuracy=0.0, loss=None)) if lost else made

    stand_in(monkeypatch.setattr, diverges)
    shown = run_gconv("compare", "small.yaml", "--groups", "1,2,8", "--train", DATA, cwd=folder).out
    told = " ".join(shown.split())
    assert "8 the training diverged with every seed; a smaller --lr may help" in told
    assert "A row without a loss: its training diverged with some seeds" in told
