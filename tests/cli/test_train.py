"""`gconv compare --train` as a command, with stand-ins for the runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from running import run_gconv
from training_runs import DATA, SPEC, outcome, stand_in, trained, write_data

from groupconv_cli import runtime
from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.network import Network
from groupconv_cli.training.job import Job, Outcome
from groupconv_cli.training.pool import Here

TRAIN = ("compare", "small.yaml", "--groups", "1,2,4,8", "--train", DATA)

ACCURACY = {1: 0.80, 2: 0.79, 4: 0.70, 8: 0.90}
"""The mean accuracy of each number of groups."""


def made_up(job: Job) -> Outcome:
    """Runs with a standard deviation of 1 % around the accuracies above."""
    groups = int(job.spec.partition("groups: ")[2].partition("}")[0].partition(",")[0] or 1)
    return outcome(ACCURACY[groups] + (0.01, -0.01, 0.0)[job.seed % 3], job.seed)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec, in which training is as `made_up` says."""
    stand_in(monkeypatch.setattr, made_up)
    (tmp_path / "small.yaml").write_text(SPEC, encoding="utf-8")
    write_data(tmp_path / DATA)
    return tmp_path


def data_of(*args: str | Path, cwd: Path) -> dict[str, Any]:
    result = run_gconv(*args, "-f", "json", cwd=cwd)
    assert (result.status, result.err) == (0, "")
    found: dict[str, Any] = json.loads(result.out)["trained"]
    return found


def test_json_has_every_run_and_what_is_shown(folder: Path) -> None:
    found = data_of(*TRAIN, "--steps", "7", cwd=folder)
    assert found["complete"]
    assert found["data"]["name"] == DATA
    assert (found["data"]["samples"], found["data"]["classes"]) == (80, 10)
    assert (found["recipe"]["steps"], found["recipe"]["epochs"]) == (7, None)
    rows = {row["groups"]: row for row in found["rows"]}
    assert [*rows] == ["as written", 1, 2, 4, 8]
    for groups, mean in ACCURACY.items():
        reached = [run["accuracy"] for run in rows[groups]["runs"]]
        assert reached == pytest.approx([mean + 0.01, mean - 0.01, mean])
        assert [run["seed"] for run in rows[groups]["runs"]] == [0, 1, 2]
        assert rows[groups]["accuracy"] == pytest.approx(fmean(reached))
        assert rows[groups]["std"] == pytest.approx(stdev(reached)) == pytest.approx(0.01)
        assert rows[groups]["step_s"] == 0.2
    assert {key: row["verdict"] for key, row in rows.items()} == {
        "as written": "lower",
        1: "reference",
        2: "not_shown",
        4: "lower",
        8: "higher",
    }
    assert rows[1]["difference"] is rows[1]["p"] is None
    assert rows[4]["difference"] == pytest.approx(-0.1)
    # The standard error is 1 % × √(2/3), and the 97.5 % quantile of t with 4 degrees 2.776445.
    reach = 0.01 * (2 / 3) ** 0.5 * 2.776445
    assert rows[4]["interval"] == pytest.approx([-0.1 - reach, -0.1 + reach], rel=1e-6)
    # Three tests: the network as written is the same as g=4.
    assert rows[2]["p_adjusted"] == rows[2]["p"]
    smaller = sorted(rows[groups]["p"] for groups in (4, 8))
    assert rows[4]["p_adjusted"] == pytest.approx(3 * smaller[0])


WIDE = """\
Trained on data.npz · 80 samples, 10 classes · 200 steps of 64 · sgd, lr 0.1 · tested on
20
Groups            Accuracy       ±  vs g=1  95 % interval             Loss  Train step
──────────────────────────────────────────────────────────────────────────────────────
g=1                 80.0 %  ±1.0 %                                    1.50      200 ms
g=2                 79.0 %  ±1.0 %    -1.0  -3.3 to +1.3   not shown  1.50      200 ms
g=4 ◂ as written    70.0 %  ±1.0 %   -10.0  -12.3 to -7.7  lower      1.50      200 ms
g=8                 90.0 %  ±1.0 %   +10.0  +7.7 to +12.3  higher     1.50      200 ms
"""

NARROW = """\
Groups            Accuracy       ±  vs g=1
─────────────────────────────────────────────────────
g=1                 80.0 %  ±1.0 %
g=2                 79.0 %  ±1.0 %    -1.0  not shown
g=4 ◂ as written    70.0 %  ±1.0 %   -10.0  lower
g=8                 90.0 %  ±1.0 %   +10.0  higher
"""


@pytest.mark.parametrize(("columns", "table"), [("88", WIDE), ("60", NARROW)])
def test_the_table(columns: str, table: str, folder: Path) -> None:
    result = run_gconv(*TRAIN, cwd=folder, env={"COLUMNS": columns})
    assert (result.status, result.err) == (0, "")
    assert table in result.out
    assert all(len(line) <= int(columns) for line in result.out.splitlines())
    flowing = " ".join(result.out.split())
    assert "Means and standard deviations of 3 seeds." in flowing
    assert "by Welch's test at 5 %, with Holm's adjustment for 3 rows." in flowing
    assert "which does not mean that there is none" in flowing
    assert "The accuracy of g=8 is higher than that of g=1, by 10.0 percentage points." in flowing
    assert "No difference to g=1 is shown with 3 seeds for g=2 (-3.3 to +1.3)." in flowing


def test_one_seed_shows_nothing(folder: Path) -> None:
    found = data_of(*TRAIN, "--seeds", "1", cwd=folder)
    assert {row["verdict"] for row in found["rows"]} == {"reference", "not_shown"}
    assert all(row["std"] is row["interval"] is row["p"] is None for row in found["rows"])
    told = run_gconv(*TRAIN, "--seeds", "1", cwd=folder).out
    assert "none is shown. With --seeds 3 or more there is a test." in told
    assert "Welch" not in told


def test_variables_are_compared_with_the_network_as_written(folder: Path) -> None:
    args = ("compare", "small.yaml", "--vary", "groups=1,4", "--train", DATA)
    found = data_of(*args, cwd=folder)
    rows = [(row["settings"], row["verdict"]) for row in found["rows"]]
    assert rows == [
        ({"groups": 4}, "reference"),
        ({"groups": 1}, "higher"),
        ({"groups": 4}, "reference"),
    ]
    assert "vs written" in run_gconv(*args, cwd=folder).out


def test_variants_are_compared_with_the_first(folder: Path) -> None:
    variants = "variants: {one: {groups: 8}, none: {groups: 3}, two: {groups: 2}}\n"
    (folder / "many.yaml").write_text(SPEC + variants, encoding="utf-8")
    args = ("compare", "many.yaml", "--variants", "--train", DATA)
    result = run_gconv(*args, "-f", "json", cwd=folder)
    assert result.status == 1, "the variant of 3 groups is none"
    rows = json.loads(result.out)["trained"]["rows"]
    assert [(row["variant"], row["verdict"]) for row in rows] == [
        ("one", "reference"),
        ("two", "lower"),
    ]
    shown = run_gconv(*args, cwd=folder).out
    assert "The accuracy of two is lower than that of one, by 11.0 percentage points." in shown


def test_variants_with_the_same_network_are_trained_once_and_are_no_test(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def counted(job: Job) -> Outcome:
        seen.append(job.key)
        return made_up(job)

    stand_in(monkeypatch.setattr, counted)
    variants = "variants: {a: {groups: 8}, b: {groups: 8}, c: {groups: 2}}\n"
    (folder / "many.yaml").write_text(SPEC + variants, encoding="utf-8")
    rows = data_of("compare", "many.yaml", "--variants", "--train", DATA, cwd=folder)["rows"]
    assert len(seen) == 2 * 3
    assert [row["verdict"] for row in rows] == ["reference", "reference", "lower"]
    assert rows[2]["p"] == rows[2]["p_adjusted"]


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


def test_mnist1d_is_no_path_even_if_there_is_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = set()

    def noted(job: Job) -> Outcome:
        sources.add(job.data.source)
        return made_up(job)

    stand_in(monkeypatch.setattr, noted)
    (folder / "mnist1d").mkdir()
    data_of("compare", "small.yaml", "--groups", "1", "--train", "mnist1d", cwd=folder)
    assert sources == {"mnist1d"}


def test_equal_networks_are_trained_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []

    def counted(job: Job) -> Outcome:
        keys.append((job.seed, job.key))
        return made_up(job)

    stand_in(monkeypatch.setattr, counted)
    data_of(*TRAIN, cwd=folder)
    assert len(keys) == len(set(keys)) == 3 * len(ACCURACY)
    assert [seed for seed, _ in keys] == sorted(seed for seed, _ in keys), "seed by seed"


def test_finished_runs_are_not_run_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping = (*TRAIN, "--results", "runs.jsonl")
    undisturbed = data_of(*TRAIN, cwd=folder)
    count = 0

    def interrupted(job: Job) -> Outcome:
        nonlocal count
        count += 1
        if count == 6:
            raise KeyboardInterrupt
        return made_up(job)

    stand_in(monkeypatch.setattr, interrupted)
    result = run_gconv(*keeping, "-f", "json", cwd=folder)
    assert result.status == 130
    found = json.loads(result.out)["trained"]
    assert not found["complete"]
    assert result.err.endswith("gconv: interrupted; the same command goes on\n")
    assert {tuple(run["seed"] for run in row["runs"]) for row in found["rows"]} == {(0,)}
    assert data_of(*keeping, cwd=folder) == undisturbed
    assert count == 6 + 7, "five of twelve runs were there"
    assert data_of(*keeping, cwd=folder) == undisturbed
    assert count == 13


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


def test_every_test_is_counted_also_of_rows_with_the_same_difference(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tied(job: Job) -> Outcome:
        made = made_up(job)
        loss = float(len(job.spec))
        if "groups: 8" in job.spec:  # another network, with the accuracies of g=4
            loss += 1
            made = outcome(ACCURACY[4] + (0.01, -0.01, 0.0)[job.seed % 3], job.seed)
        return made._replace(run=made.run._replace(loss=loss))

    stand_in(monkeypatch.setattr, tied)
    args = ("compare", "small.yaml", "--groups", "1,4,8", "--train", DATA)
    assert "Holm's adjustment for 2 rows" in " ".join(run_gconv(*args, cwd=folder).out.split())
    rows = {row["groups"]: row for row in data_of(*args, cwd=folder)["rows"]}
    assert rows[8]["p_adjusted"] == pytest.approx(2 * rows[8]["p"])


def test_accuracies_that_never_vary_show_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def still(job: Job) -> Outcome:
        return outcome(0.51 if "groups" in job.spec else 0.5, job.seed)

    stand_in(monkeypatch.setattr, still)
    args = ("compare", "small.yaml", "--groups", "1,4", "--train", DATA, "--seeds", "2")
    row = data_of(*args, cwd=folder)["rows"][-1]
    assert row["difference"] == pytest.approx(0.01)
    assert (row["interval"], row["p"], row["p_adjusted"]) == (None, None, None)
    assert row["verdict"] == "not_shown"
    shown = " ".join(run_gconv(*args, cwd=folder).out.split())
    assert "its accuracy does not vary with the seed, and that of g=1 does not either" in shown


def test_times_of_several_machines_are_not_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch.setattr, lambda job: trained(job)._replace(machine=f"m{job.seed}"))
    shown = run_gconv(*TRAIN, cwd=folder).out
    assert "Train step" not in shown
    assert "Several machines trained, so their times are not compared." in shown
    header, _, reference, *_ = run_gconv(*TRAIN, "-f", "csv", cwd=folder).out.splitlines()
    assert reference.split(",")[5] == "reference"
    assert header == "groups,accuracy,std,difference,interval,verdict,loss,note"


def test_diversity_is_shown_and_said_to_be_no_quality(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch.setattr, trained)
    result = run_gconv(*TRAIN, "--diversity", cwd=folder, env={"COLUMNS": "100"})
    assert "Diversity is no measure of quality" in result.out
    assert (
        "g=1                            4      50 %       38 %         0.400      0.500"
        in result.out
    )
    found = data_of(*TRAIN, "--diversity", cwd=folder)
    assert found["rows"][0]["runs"][0]["untrained"]["rank_share"] == 0.375


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


def test_intervals_end_where_differences_of_shares_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seeds a row: with one degree of freedom Student's t reaches beyond 100 points."""

    def wide(job: Job) -> Outcome:
        high = job.seed == 0
        return outcome((0.9 if high else 0.2) if "groups" in job.spec else 0.5, job.seed)

    stand_in(monkeypatch.setattr, wide)
    args = ("compare", "small.yaml", "--groups", "1,4", "--train", DATA, "--seeds", "2")
    assert data_of(*args, cwd=folder)["rows"][-1]["interval"] == [-1.0, 1.0]


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
