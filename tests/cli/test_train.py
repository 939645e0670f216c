"""`gconv compare --train` as a command, with stand-ins for the runs."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean, stdev

import pytest
from running import run_gconv
from training_runs import (
    ACCURACY,
    DATA,
    SPEC,
    TRAIN,
    data_of,
    filled,
    made_up,
    outcome,
    stand_in,
    trained,
)

from groupconv_cli.training.job import Job, Outcome


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec, in which training is as `made_up` says."""
    stand_in(monkeypatch.setattr, made_up)
    return filled(tmp_path)


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


def test_annotations_of_github_have_the_accuracies(folder: Path) -> None:
    (notice,) = run_gconv(*TRAIN, "-f", "github", cwd=folder).out.splitlines()
    told = notice.split("%0A")[1:]
    for groups, mean in ACCURACY.items():
        if isinstance(groups, int):
            (line,) = [each for each in told if each.split(":")[0].split()[0] == f"g={groups}"]
            assert line.endswith(f"{100 * mean:.1f} %25 ±1.0 %25 accuracy")
